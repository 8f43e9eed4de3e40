/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the manifests of a directory ask a lab for: nodes, and pods with addresses on them.
 *
 *	world_read(&w, "policies/shop", &why);
 *	for (i = 0; i < w->npods; i++) make(w->pod[i]);
 *	world_free(w);
 */
#ifndef WEIR_TOOLS_LAB_WORLD_H
#define WEIR_TOOLS_LAB_WORLD_H

#include "lib/complaint.h"
#include "lib/netpol/object.h"

#define LAB_NODES_MAX 64
#define LAB_PODS_MAX 4096

struct world_node {
	char name[254];
	struct weir_addr addr[8];
	unsigned int naddr;
};

struct world {
	struct object **object;			/* all, ours */
	size_t nobjects, room;
	const struct object **pod;		/* those that get a namespace */
	unsigned int npods;
	struct world_node node[LAB_NODES_MAX];	/* named by a Node, or by a pod */
	unsigned int nnodes;
	unsigned int wrong;			/* manifests that cannot be used: said on stderr, the agent refuses them too */
};

int world_read(struct world **out, const char *dir, struct complaint *why);
void world_free(struct world *w);		/* NULL is fine */

#endif
