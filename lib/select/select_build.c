// SPDX-License-Identifier: Apache-2.0
/*
 * Options given into the filters of one list.  A symmetric option stands for the source in one filter and for the
 * destination in another; every other option is in both.  So there are two filters if any option is symmetric, else one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/wire/json.h"
#include "lib/word.h"
#include "lib/select/select_inside.h"

#define NAME_MOST 2048

/* One filter being built. */
struct half {
	const struct select_given *given;
	bool not;
	bool right;			/* symmetric options mean the destination */
	Flow__FlowFilter *f;
	struct complaint *why;
};

static bool counts(const struct half *h, const struct given *g)
{
	return g->not == h->not && g->choice->how != HOW_POLICY && g->choice->how != HOW_RULE;
}

static bool is_at(const struct half *h, const struct given *g, enum choice_end end)
{
	enum choice_end meant = g->choice->end == END_EITHER ? (h->right ? END_DESTINATION : END_SOURCE) : g->choice->end;

	return counts(h, g) && meant == end;
}

static bool has_text(char *const *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], text))
			return true;
	return false;
}

/* A pod or service, once. */
static int put_name(struct half *h, uint32_t field, const char *ns, const char *name)
{
	const ProtobufCFieldDescriptor *d =
		protobuf_c_message_descriptor_get_field(&flow__flow_filter__descriptor, field);
	char text[NAME_MOST], *copy;
	int err;

	if (snprintf(text, sizeof(text), "%s%s%s", ns ? ns : "", ns ? "/" : "", name) >= (int)sizeof(text)) {
		complaint_set(h->why, 0, 0, "'%.40s...' is too long for a name", name);
		return -EINVAL;
	}
	if (has_text(*(char ***)((char *)h->f + d->offset), *(size_t *)((char *)h->f + d->quantifier_offset), text))
		return 0;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	err = select_append(&h->f->base, field, &copy);
	if (err)
		free(copy);
	return err;
}

/* "a/x" is of namespace a: 'ns' says nothing else.  A name that says none, or any ("/x"), agrees with all. */
static bool agrees(const char *name, const char *ns)
{
	const char *slash = strchr(name, '/');
	size_t length = slash ? (size_t)(slash - name) : 0;

	return !length || (ns && strlen(ns) == length && !memcmp(ns, name, length));
}

/* One pod or service, in each of the namespaces of its end. */
static int put_qualified(struct half *h, enum choice_end end, const struct given *g)
{
	uint32_t field = end == END_SOURCE ? g->choice->source : g->choice->destination;
	bool whole = strchr(g->value, '/'), any = false;
	int err = 0;

	for (unsigned int i = 0; i < h->given->n && !err; i++) {
		const struct given *from = &h->given->given[i];
		bool all = from->choice->how == HOW_ALL_NAMESPACES;

		if (!is_at(h, from, end) || (!all && from->choice->how != HOW_NAMESPACE))
			continue;
		if (!agrees(g->value, all ? NULL : from->value)) {
			complaint_set(h->why, 0, 0, "'--%s%s%s' and '--%s %s' contradict each other: its namespace is another", from->name,
				      all ? "" : " ", all ? "" : from->value, g->name, g->value);
			return -EINVAL;
		}
		err = put_name(h, field, whole ? NULL : all ? "" : from->value, g->value);
		any = true;
	}
	if (!err && !any && !*g->value) {
		complaint_set(h->why, 0, 0, "option '--%s' wants a name: namespace/name, namespace/ for all of it, /name in any", g->name);
		return -EINVAL;
	}
	return err || any ? err : put_name(h, field, NULL, g->value);
}

static bool has_namespaces(const struct half *h, enum choice_end end)
{
	for (unsigned int i = 0; i < h->given->n; i++) {
		const struct given *g = &h->given->given[i];

		if (is_at(h, g, end) && (g->choice->how == HOW_NAMESPACE || g->choice->how == HOW_ALL_NAMESPACES))
			return true;
	}
	return false;
}

/* A service and a pod of one end are of one namespace, or nothing is both: one of the pods must agree. */
static int check_one_namespace(struct half *h, enum choice_end end, const struct given *service)
{
	const char *slash = strchr(service->value, '/');
	const struct given *wrong = NULL;
	char ns[NAME_MOST] = "default";

	if (slash == service->value || (!slash && has_namespaces(h, end)))
		return 0;
	if (slash)
		snprintf(ns, sizeof(ns), "%.*s", (int)(slash - service->value), service->value);
	for (unsigned int i = 0; i < h->given->n; i++) {
		const struct given *g = &h->given->given[i];

		if (g->choice->how != HOW_POD || !is_at(h, g, end))
			continue;
		if (agrees(g->value, ns))
			return 0;
		wrong = g;
	}
	if (!wrong)
		return 0;
	complaint_set(h->why, 0, 0, "'--%s %s' and '--%s %s' contradict each other: one end has one namespace", service->name,
		      service->value, wrong->name, wrong->value);
	return -EINVAL;
}

/* Pods, services and namespaces of one end. */
static int place_end(struct half *h, enum choice_end end)
{
	bool named = false;
	int err = 0;

	for (unsigned int i = 0; i < h->given->n && !err; i++) {
		const struct given *g = &h->given->given[i];

		if (!is_at(h, g, end) || (g->choice->how != HOW_POD && g->choice->how != HOW_SERVICE))
			continue;
		named = true;
		if (g->choice->how == HOW_SERVICE)
			err = check_one_namespace(h, end, g);
		err = err ?: put_qualified(h, end, g);
	}
	for (unsigned int i = 0; i < h->given->n && !err && !named; i++) {
		const struct given *g = &h->given->given[i];
		uint32_t field = end == END_SOURCE ? 2 : 4;

		if (is_at(h, g, end) && g->choice->how == HOW_NAMESPACE)
			err = put_name(h, field, g->value, "");
		else if (is_at(h, g, end) && g->choice->how == HOW_ALL_NAMESPACES)
			err = put_name(h, field, "", "");
	}
	return err;
}

static int put_rest(struct half *h, const struct given *g)
{
	uint32_t field = g->choice->source ? g->choice->source : g->choice->destination;
	enum choice_how how = g->choice->how;

	if (!counts(h, g) || how == HOW_POD || how == HOW_SERVICE || how == HOW_NAMESPACE || how == HOW_ALL_NAMESPACES)
		return 0;
	if (g->choice->end == END_EITHER && h->right)
		field = g->choice->destination;
	return select_put(h->f, field, g, g->value, h->why);
}

int select_add_filter(struct select_list *list, Flow__FlowFilter *f)
{
	Flow__FlowFilter **more = realloc(list->filter, (list->n + 1) * sizeof(*more));

	if (!more) {
		flow__flow_filter__free_unpacked(f, NULL);
		return -ENOMEM;
	}
	list->filter = more;
	more[list->n++] = f;
	return 0;
}

static int build_half(const struct select_given *given, bool not, bool right, struct select_list *out,
		      struct complaint *why)
{
	struct half h = { .given = given, .not = not, .right = right, .why = why };
	int err = 0;

	h.f = malloc(sizeof(*h.f));
	if (!h.f)
		return -ENOMEM;
	flow__flow_filter__init(h.f);
	for (unsigned int i = 0; i < given->n && !err; i++)
		err = put_rest(&h, &given->given[i]);
	err = err ?: place_end(&h, END_SOURCE) ?: place_end(&h, END_DESTINATION);
	if (err) {
		flow__flow_filter__free_unpacked(h.f, NULL);
		return err;
	}
	return select_add_filter(out, h.f);
}

int select_build(const struct select_given *given, bool not, struct select_list *out, struct complaint *why)
{
	struct half any = { .given = given, .not = not };
	bool some = false, both = false;
	int err;

	for (unsigned int i = 0; i < given->n; i++) {
		some |= counts(&any, &given->given[i]);
		both |= counts(&any, &given->given[i]) && given->given[i].choice->end == END_EITHER;
	}
	if (!some)
		return 0;
	err = build_half(given, not, false, out, why);
	return err || !both ? err : build_half(given, not, true, out, why);
}

static int refuse_json(const char *option, const struct complaint *of, struct complaint *why)
{
	char text[500];

	if (!of->column)
		return select_refuse(option, of->text, why);
	snprintf(text, sizeof(text), "at character %u: %.400s", of->column, of->text);
	return select_refuse(option, text, why);
}

static void say_field(const char *name, struct complaint *why)
{
	const ProtobufCMessageDescriptor *type = &flow__flow_filter__descriptor;
	const char *word[64], *near;
	unsigned int n = 0;

	for (; n < type->n_fields && n < 64; n++)
		word[n] = type->fields[n].name;
	near = word_closest(name, word, n);
	if (near)
		complaint_set(why, 0, 0, "a filter has no field '%s' (did you mean '%s'?)", name, near);
	else
		complaint_set(why, 0, 0, "a filter has no field '%s'", name);
}

static int add_one(struct select_list *list, const char *option, const char *json, size_t size, struct complaint *why)
{
	struct wire_unknown unknown = { 0 };
	struct complaint wrong = { 0 };
	ProtobufCMessage *m;
	int err = wire_json_read(json, size, &flow__flow_filter__descriptor, &m, &unknown, &wrong);

	if (err)
		return err == -EINVAL ? refuse_json(option, &wrong, why) : err;
	if (unknown.fields) {
		say_field(unknown.first, &wrong);
		protobuf_c_message_free_unpacked(m, NULL);
		return refuse_json(option, &wrong, why);
	}
	return select_add_filter(list, (Flow__FlowFilter *)m);
}

/* One filter, or several behind each other. */
int select_add_json(struct select_list *list, const char *option, const char *json, struct complaint *why)
{
	struct json j;
	int err = 0;

	json += strspn(json, " \t\r\n");
	while (*json && !err) {
		json_read(&j, json, strlen(json));
		if (!json_skip(&j))
			return add_one(list, option, json, strlen(json), why);	/* says what is wrong with it */
		err = add_one(list, option, json, j.at - json, why);
		json = j.at + strspn(j.at, " \t\r\n");
	}
	return err;
}
