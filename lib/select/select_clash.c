// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "lib/select/select_inside.h"

static bool same_end(const struct choice *a, const struct choice *b)
{
	return a->end == END_EITHER || b->end == END_EITHER || a->end == b->end;
}

/* --pod beside --from-pod */
static bool same_kind(const struct choice *a, const struct choice *b)
{
	if (a->how != b->how || a->end == END_NEITHER || b->end == END_NEITHER)
		return false;
	return a->how != HOW_TEXT || a->source == b->source || a->destination == b->destination;
}

/* How one end is told: by its address, its DNS name, or its pod. */
enum told_by { BY_NOTHING, BY_ADDRESS, BY_DNS, BY_POD };
static enum told_by told_by(const struct choice *c)
{
	if (c->how == HOW_POD || c->how == HOW_NAMESPACE || c->how == HOW_ALL_NAMESPACES)
		return BY_POD;
	if (c->how != HOW_TEXT || c->end == END_NEITHER)
		return BY_NOTHING;
	return c->source == 1 || c->destination == 3 ? BY_ADDRESS : c->source == 7 || c->destination == 8 ? BY_DNS : BY_NOTHING;
}

static bool names_namespace(const struct choice *c)
{
	return c->how == HOW_NAMESPACE || c->how == HOW_ALL_NAMESPACES;
}

static bool may_have_namespace(const struct choice *c)
{
	return names_namespace(c) || c->how == HOW_POD || c->how == HOW_SERVICE;
}

/* Of "either end is of namespace a" and "the source is pod b" nobody can say which end the first one means. */
static bool namespace_unclear(const struct choice *a, const struct choice *b)
{
	return names_namespace(a) && a->end == END_EITHER && may_have_namespace(b) && b->end != END_EITHER;
}

static int refuse(const struct given *a, const struct given *b, const char *because, struct complaint *why)
{
	complaint_set(why, 0, 0, "'--%s' and '--%s' contradict each other: %s", a->name, b->name, because);
	return -EINVAL;
}

int select_clash(const struct given *a, const struct given *b, struct complaint *why)
{
	const struct choice *x = a->choice, *y = b->choice;

	if (same_kind(x, y) && x->end != y->end && same_end(x, y))
		return refuse(a, b, "one means either end; say from- and to- of both, or neither", why);
	if (told_by(x) && told_by(y) && told_by(x) != told_by(y) && same_end(x, y))
		return refuse(a, b, "an end is told by its address, by its DNS name, or by its pod", why);
	if (names_namespace(x) && names_namespace(y) && x->how != y->how && same_end(x, y))
		return refuse(a, b, "one namespace or all of them", why);
	if (namespace_unclear(x, y) || namespace_unclear(y, x))
		return refuse(a, b, "one means either end, the other one of them; say from- and to- of both", why);
	if ((x->how == HOW_ENCRYPTED && y->how == HOW_UNENCRYPTED) || (x->how == HOW_UNENCRYPTED && y->how == HOW_ENCRYPTED))
		return refuse(a, b, "every flow is one or the other", why);
	if ((x->how == HOW_DENIED && y->how == HOW_VERDICT) || (x->how == HOW_VERDICT && y->how == HOW_DENIED))
		return refuse(a, b, "--denied is --verdict DROPPED --verdict AUDIT", why);
	return 0;
}
