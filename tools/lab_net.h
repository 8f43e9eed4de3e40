/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lab's namespaces and how packets get from one to the other:
 *
 *	pod eth0 -- host end, node namespace, eth0 -- port, bridge (net) -- port -- eth0, outside
 *
 * Nodes route to each other's pods natively, both families; everything else goes to 'outside', which stands for
 * the rest of the world and owns a few addresses of it.
 */
#ifndef WEIR_TOOLS_LAB_NET_H
#define WEIR_TOOLS_LAB_NET_H

#include "lib/netns.h"
#include "tools/lab.h"
#include "tools/lab_world.h"

#define LAB_OUTSIDE_MAX 16

struct lab_net {
	struct lab *lab;		/* not ours */
	const struct world *world;	/* not ours */
	struct netns *node[LAB_NODES_MAX], *bridge, *outside;
	struct netns **pod;		/* as world->pod */
	struct weir_addr address[LAB_OUTSIDE_MAX];	/* of outside */
	unsigned int naddress;
};

/* Bridge, nodes, outside, and the pods' namespaces without any link. */
int lab_net_make(struct lab_net *n, struct complaint *why);
void lab_net_close(struct lab_net *n);		/* the namespaces stay */

/* A pod's interface, noted; then, once the agent has answered, the way to it. */
int lab_net_pod(struct lab_net *n, unsigned int pod, struct complaint *why);
int lab_net_reach(struct lab_net *n, unsigned int pod, struct complaint *why);
unsigned int lab_net_node_of(const struct lab_net *n, unsigned int pod);

/* Services with a nodePort: translated and masqueraded in every node's namespace, by nft. */
int lab_net_node_ports(struct lab_net *n, struct complaint *why);

#endif
