// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "lib/filter/authors.h"
#include "lib/filter/glob.h"

struct policy {
	struct glob ns, name;		/* text NULL: any */
};

struct authors {
	const struct policy *policy;
	size_t policies;
	const uint32_t *rule;
	size_t rules;
};

static int read_policy(struct compiler *c, const char *text, struct policy *p)
{
	const char *copy = arena_text(&c->f->texts, text, strlen(text)), *slash;
	char show[COMPILER_SHOW];

	if (!copy)
		return -ENOMEM;
	if (!*text)
		return compiler_refuse(c, "a name is needed: namespace/name, or name in any namespace or none");
	if (strlen(text) > FILTERS_TEXT)
		return compiler_refuse(c, "longer than %d bytes", FILTERS_TEXT);
	slash = strchr(copy, '/');
	if (slash && strchr(slash + 1, '/'))
		return compiler_refuse(c, "'%s' has two '/': it is namespace/name", compiler_show(text, show));
	if (slash && slash != copy)
		p->ns = (struct glob){ copy, slash - copy };
	if (!slash || slash[1])
		p->name = (struct glob){ slash ? slash + 1 : copy, strlen(slash ? slash + 1 : copy) };
	return 0;
}

static bool policy_is(const struct policy *p, const char *ns, size_t ns_length, const char *name)
{
	return *name && (!p->ns.text || glob_match(&p->ns, ns, ns_length)) &&
	       (!p->name.text || glob_match(&p->name, name, strlen(name)));
}

static bool is_author(const struct authors *a, const struct flow_author *author)
{
	bool wanted = !a->rules;

	for (size_t i = 0; i < a->rules && !wanted; i++)
		wanted = a->rule[i] == author->rule;
	if (!wanted || !*author->policy)
		return false;
	for (size_t i = 0; i < a->policies; i++)
		if (policy_is(&a->policy[i], author->ns, strlen(author->ns), author->policy))
			return true;
	return !a->policies;
}

static bool isolates(const struct authors *a, const char *isolating)
{
	const char *slash = strchr(isolating, '/');

	for (size_t i = 0; i < a->policies; i++)
		if (policy_is(&a->policy[i], isolating, slash ? slash - isolating : 0, slash ? slash + 1 : isolating))
			return true;
	return false;
}

/* A pod is isolated, and nobody has said by whom (yet): it may be one of these. */
static bool is_open(const struct flow *flow)
{
	const struct flow_author *egress = &flow->egress, *ingress = &flow->ingress;

	return !flow->isolatings && ((flow->egress_denied && !*egress->policy && *egress->text) ||
				     (flow->ingress_denied && !*ingress->policy && *ingress->text));
}

static bool holds(const struct condition *c, const struct flow *flow)
{
	const struct authors *a = c->value;

	if (is_author(a, &flow->egress) || is_author(a, &flow->ingress))
		return true;
	if (flow->would_differ && (is_author(a, &flow->would_egress) || is_author(a, &flow->would_ingress)))
		return true;
	for (unsigned int i = 0; i < flow->isolatings && !a->rules; i++)
		if (isolates(a, flow->isolating[i]))
			return true;
	return !a->rules && is_open(flow);
}

int authors_new(struct compiler *c, char *const *policy, size_t policies, const uint32_t *rule, size_t rules,
		struct filter *out)
{
	struct arena *things = &c->f->things;
	struct condition *condition = arena_alloc(things, sizeof(*condition));
	struct authors *a = arena_alloc(things, sizeof(*a));
	struct policy *p = arena_alloc(things, (policies + 1) * sizeof(*p));
	uint32_t *number = arena_alloc(things, (rules + 1) * sizeof(*number));
	int err = condition && a && p && number ? compiler_spend(c, 0, policies + rules) : -ENOMEM;

	for (c->value = 0; c->value < policies && !err; c->value++)
		err = read_policy(c, policy[c->value], &p[c->value]);
	if (err || !(policies + rules))
		return err;
	if (rules)
		memcpy(number, rule, rules * sizeof(*number));
	*a = (struct authors){ p, policies, number, rules };
	*condition = (struct condition){ .holds = holds, .value = a, .n = 1 };
	*out = (struct filter){ condition, 1 };
	return 0;
}
