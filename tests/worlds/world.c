// SPDX-License-Identifier: Apache-2.0
#include "tests/worlds/world.h"

#include <stdlib.h>
#include <string.h>

static struct event *add(struct world *w, enum event_kind kind)
{
	if (!(w->n & (w->n - 1)))
		w->event = realloc(w->event, (w->n ? 2 * w->n : 1) * sizeof(*w->event));
	w->event[w->n] = (struct event){ .kind = kind };
	return &w->event[w->n++];
}

static void key_of(const struct value *m, char key[96])
{
	const char *ns = value_text(m, "metadata.namespace", "");

	snprintf(key, 96, "%s%s%s/%s", value_text(m, "kind", ""), *ns ? "/" : "", ns, value_text(m, "metadata.name", ""));
}

static void put(struct world *w, struct value *m)
{
	struct event *e = add(w, EVENT_PUT);

	e->put = m;
	key_of(m, e->key);
}

static void gone(struct world *w, const char *key)
{
	snprintf(add(w, EVENT_GONE)->key, 96, "%s", key);
}

#define POLICIES 6
#define CLUSTER_POLICIES 4

static void put_some_policy(struct world *w, struct chance *c, unsigned int i)
{
	char name[16];

	snprintf(name, sizeof(name), "a%u", i);
	put(w, gen_policy(c, gen_namespaces[i % GEN_NAMESPACES], name));
}

static void put_some_cluster_policy(struct world *w, struct chance *c, unsigned int i)
{
	char name[16];

	snprintf(name, sizeof(name), "c%u", i);
	put(w, gen_cluster_policy(c, name));
}

/* The latest version of some policy with one thing changed: what compares versions must see it. */
static void edit_policy(struct world *w, struct chance *c)
{
	unsigned int from = chance_below(c, w->n);
	struct value *m = NULL, *spec;

	for (unsigned int i = 0; i < w->n && !m; i++) {
		const struct event *e = &w->event[(from + i) % w->n];

		if (e->kind == EVENT_PUT && strstr(e->key, "NetworkPolicy"))
			m = value_copy(e->put);
	}
	if (!m)
		return;
	spec = value_inside(m, "spec");
	switch (chance_below(c, 4)) {
	case 0:
		if (value_get(spec, "priority"))
			value_put(spec, "priority", value_of_number(chance_below(c, 4)));
		break;
	case 1:
		value_drop(value_inside(m, "metadata"), "annotations");
		gen_audit(c, m);
		break;
	case 2:
		if (value_count(value_get(spec, "ingress")))
			value_remove((struct value *)value_get(spec, "ingress"), value_get(spec, "ingress")->first);
		break;
	default:
		if (value_get(spec, "podSelector"))
			value_put(spec, "podSelector", gen_selector(c, false));
	}
	put(w, m);
}

static void change(struct world *w, struct chance *c, unsigned int born)
{
	unsigned int i = chance_below(c, GEN_PODS);
	char key[96];

	switch (chance_below(c, 12)) {
	case 9: case 10: case 11:
		edit_policy(w, c);
		break;
	case 0: case 1:
		put_some_policy(w, c, chance_below(c, POLICIES));
		break;
	case 2:
		put_some_cluster_policy(w, c, chance_below(c, CLUSTER_POLICIES));
		break;
	case 3:
		i = chance_below(c, POLICIES);
		snprintf(key, sizeof(key), "NetworkPolicy/%s/a%u", gen_namespaces[i % GEN_NAMESPACES], i);
		gone(w, key);
		break;
	case 4:
		snprintf(key, sizeof(key), "ClusterNetworkPolicy/c%u", chance_below(c, CLUSTER_POLICIES));
		gone(w, key);
		break;
	case 5: case 6:
		put(w, gen_pod(c, i, born));
		break;
	case 7:
		snprintf(key, sizeof(key), "Pod/%s/p%u", gen_namespaces[i % GEN_NAMESPACES], i);
		gone(w, key);
		break;
	default:
		if (chance_of(c, 70))
			put(w, gen_namespace(c, gen_namespaces[chance_below(c, GEN_NAMESPACES)]));
		else
			put(w, gen_node(c, chance_below(c, GEN_NODES)));
	}
}

void world_make(struct world *w, uint64_t seed)
{
	struct chance c = { seed * 0x2545f4914f6cdd1dULL + 1 };
	unsigned int born = 1;

	*w = (struct world){ .seed = seed };
	for (unsigned int i = 0; i < GEN_NAMESPACES; i++)
		put(w, gen_namespace(&c, gen_namespaces[i]));
	for (unsigned int i = 0; i < GEN_NODES; i++)
		put(w, gen_node(&c, i));
	for (unsigned int i = 0; i < GEN_PODS; i++)
		if (chance_of(&c, 90))
			put(w, gen_pod(&c, i, born++));
	for (int i = 1 + chance_below(&c, POLICIES); i > 0; i--)
		put_some_policy(w, &c, i - 1);
	for (int i = chance_below(&c, CLUSTER_POLICIES + 1); i > 0; i--)
		put_some_cluster_policy(w, &c, i - 1);
	add(w, EVENT_COMMIT);
	for (int steps = chance_below(&c, 6); steps > 0; steps--) {
		for (int i = chance_below(&c, 3); i >= 0; i--)
			change(w, &c, born++);
		add(w, EVENT_COMMIT);
	}
}

void world_free(struct world *w)
{
	for (unsigned int i = 0; i < w->n; i++)
		value_free(w->event[i].put);
	free(w->event);
}

struct value *world_at(const struct world *w, unsigned int events)
{
	struct value *list = value_list();
	char key[96];

	for (unsigned int i = 0; i < events; i++) {
		if (w->event[i].kind == EVENT_COMMIT)
			continue;
		for (struct value *m = list->first; m; m = m->next) {
			key_of(m, key);
			if (!strcmp(key, w->event[i].key)) {
				value_remove(list, m);
				break;
			}
		}
		if (w->event[i].kind == EVENT_PUT)
			value_add(list, value_copy(w->event[i].put));
	}
	return list;
}

void world_print(const struct world *w, FILE *to)
{
	for (unsigned int i = 0; i < w->n; i++) {
		if (w->event[i].kind == EVENT_GONE)
			fprintf(to, "# gone: %s\n", w->event[i].key);
		if (w->event[i].kind == EVENT_COMMIT)
			fprintf(to, "# commit\n");
		if (w->event[i].kind == EVENT_PUT) {
			fprintf(to, "---\n");
			value_write(w->event[i].put, to);
			fprintf(to, "\n");
		}
	}
}
