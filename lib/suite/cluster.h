/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cluster of a suite: Kubernetes manifests as values, made from a suite's short words for pods and nodes,
 * changed by its verbs.  What judges get are manifests.
 *
 *	c = cluster_new(state);			namespaces, pods, nodes, services, externals, policies
 *	cluster_change(c, verb, &why);		{"setPodLabels": {...}}
 *	cluster_address(c, "x/a", 4, &addr);
 *	for value_each(m, c->manifests) ...
 *	cluster_free(c);
 */
#ifndef WEIR_LIB_SUITE_CLUSTER_H
#define WEIR_LIB_SUITE_CLUSTER_H

#include <weir/base.h>

#include "lib/suite/value.h"

struct cluster {
	struct value *manifests;	/* a list */
	struct value *externals;	/* a list of {name, ips} */
	const struct value *created;	/* addresses of pods that verbs create without: {"x/d": "10.0.0.1"}; not ours, or NULL */
};

enum cluster_end { CLUSTER_NOBODY, CLUSTER_POD, CLUSTER_HOST_POD, CLUSTER_NODE, CLUSTER_EXTERNAL };

struct cluster *cluster_new(const struct value *state);		/* NULL: an empty one */
void cluster_free(struct cluster *c);

/* One manifest more, or a new version of one. Takes 'm'. */
void cluster_put(struct cluster *c, struct value *m);

/* 0; -ENOENT: no verb of the state; -EINVAL with a complaint. */
int cluster_change(struct cluster *c, const struct value *verb, struct complaint *why);

const struct value *cluster_find(const struct cluster *c, const char *kind, const char *ns, const char *name);

/* Who a name is: "ns/pod", "node:name", an external's name, or an address.  'node': the node it is or runs on. */
enum cluster_end cluster_who(const struct cluster *c, const char *name, const char **node);
/* Its address of a family: 4, 6, or 0 for the first.  False: it has none. */
bool cluster_address(const struct cluster *c, const char *name, unsigned int family, struct weir_addr *out);
bool cluster_has_family(const struct cluster *c, const char *name, unsigned int family);

#endif
