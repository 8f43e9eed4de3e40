/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cluster as explain wants it: ends of connections with their objects, and the policies in force.
 *
 *	end_of_pod(a, "shop", "web", &end);  ... end.explain ...  end_drop(&end);
 *	policies_in_force(a, NULL, &list);  ... list.v, list.n ...  policies_drop(&list);
 */
#ifndef WEIR_AGENT_CLUSTER_H
#define WEIR_AGENT_CLUSTER_H

#include "agent/agent.h"
#include "lib/policy/explain.h"

struct end {
	const struct name *name;	/* never NULL */
	struct object *object;		/* the pod or node, made from its name; NULL: neither */
	struct explain_end explain;	/* 'addr' is the caller's to choose */
};

/* By namespace and name, or by what an address means now; -ENOENT, -ENOMEM. */
int end_of_pod(const struct agent *a, const char *ns, const char *name, struct end *out);
int end_of_address(const struct agent *a, const struct weir_addr *addr, struct end *out);
void end_drop(struct end *e);

/* Those of the cluster's tiers, and of one namespace or (NULL) of all. */
struct policy_list {
	const struct object **v;	/* the list's own */
	unsigned int n, room;
};
int policies_in_force(const struct agent *a, const char *ns, struct policy_list *out);
void policies_drop(struct policy_list *list);

/* Does the policy select the pod at this end, in whatever direction? */
bool policy_selects(const struct object *policy, const struct explain_end *pod);

/* "app in tier": the words of a tier. */
const char *tier_word(unsigned int tier);	/* "admin", "networkpolicy", "baseline" */

#endif
