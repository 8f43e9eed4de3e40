/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod's interface as weir's lab and its tests make it: a veth, one /32 or /128 per address, the gateways
 * 169.254.1.1 and fe80::1 with fixed neighbours.  In two steps, with the agent's answer between them:
 *
 *	podnet_make(node, "w12-web", pod, addr, naddr, "weir:shop/web");	named, up, nobody can reach it
 *	... endpoint-add: the policy is in force on it ...
 *	podnet_reach(node, "w12-web", pod, addr, naddr);			route and neighbour
 *
 * The pod's end is "eth0".  Deleting the host's end takes all of it away.
 */
#ifndef WEIR_LIB_PODNET_H
#define WEIR_LIB_PODNET_H

#include "lib/netns.h"

int podnet_make(struct netns *node, const char *host_end, struct netns *pod, const struct weir_addr *addr,
		unsigned int naddr, const char *alias);
int podnet_reach(struct netns *node, const char *host_end, struct netns *pod, const struct weir_addr *addr,
		 unsigned int naddr);

/* A default route for each family among 'addr', by a gateway whose MAC is told. */
int podnet_default(struct netns *ns, const char *link, const struct weir_addr *addr, unsigned int naddr,
		   const __u8 gateway_mac[6]);

#endif
