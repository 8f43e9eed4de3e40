// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cluster.h"

static int end_of(const struct agent *a, const struct name *name, struct end *out)
{
	int err;

	*out = (struct end){ .name = name };
	if (name->kind != NAME_POD && name->kind != NAME_NODE)
		return 0;
	err = names_object(name, &out->object);
	if (err)
		return err;
	if (name->kind == NAME_NODE) {
		out->explain.node = out->object;
		return 0;
	}
	out->explain.pod = out->object;
	out->explain.ns = policies_find(a->policies, OBJECT_NAMESPACE, "", NAME_NS(name));
	return 0;
}

int end_of_pod(const struct agent *a, const char *ns, const char *name, struct end *out)
{
	const struct name *n = names_find(a->names, NAME_POD, ns, name);

	return n ? end_of(a, n, out) : -ENOENT;
}

int end_of_address(const struct agent *a, const struct weir_addr *addr, struct end *out)
{
	const struct name *n = names_get(a->names, names_at(a->names, addr));
	int err = end_of(a, n, out);

	if (!err && n->kind == NAME_OWN_NODE && a->settings.node)
		out->explain.node = policies_find(a->policies, OBJECT_NODE, "", a->settings.node);
	out->explain.addr = *addr;
	return err;
}

void end_drop(struct end *e)
{
	free(e->object);
	e->object = NULL;
}

struct gathering {
	struct policy_list *list;
	bool failed;
};

static void add(void *ctx, struct object *o)
{
	struct gathering *g = ctx;
	struct policy_list *list = g->list;

	if (list->n == list->room) {
		unsigned int room = list->room ? 2 * list->room : 64;
		const struct object **more = realloc(list->v, room * sizeof(*more));

		if (!more) {
			g->failed = true;
			object_free(o);
			return;
		}
		list->v = more;
		list->room = room;
	}
	list->v[list->n++] = o;
}

int policies_in_force(const struct agent *a, const char *ns, struct policy_list *out)
{
	struct gathering g = { .list = out };

	*out = (struct policy_list){ 0 };
	policies_each(a->policies, OBJECT_POLICY, ns, add, &g);
	policies_each(a->policies, OBJECT_CLUSTER_POLICY, NULL, add, &g);
	if (g.failed)
		policies_drop(out);
	return g.failed ? -ENOMEM : 0;
}

void policies_drop(struct policy_list *list)
{
	for (unsigned int i = 0; i < list->n; i++)
		object_free((struct object *)list->v[i]);
	free(list->v);
	*list = (struct policy_list){ 0 };
}

bool policy_selects(const struct object *policy, const struct explain_end *end)
{
	const struct policy *p = &policy->policy;

	if (!end->pod || end->pod->pod.host_network || !selector_matches(&p->subject_pods, &end->pod->labels))
		return false;
	if (!p->subject_all_namespaces)
		return !strcmp(policy->ns, end->pod->ns);
	return end->ns ? selector_matches(&p->subject_namespaces, &end->ns->labels) : !p->subject_namespaces.n;
}

const char *tier_word(unsigned int tier)
{
	return tier == TIER_ADMIN ? "admin" : tier == TIER_BASELINE ? "baseline" : "networkpolicy";
}
