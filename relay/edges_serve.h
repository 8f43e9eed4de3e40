/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir.v1.Relay/Edges: the sums of the cluster in the agents' own messages.  First all, then what changed, every
 * interval; all anew after edges went to "other".
 *
 *	rpc_server_add(server, edges_methods, EDGES_METHODS, &(struct edges_served){ edges, instance, started });
 */
#ifndef WEIR_RELAY_EDGES_SERVE_H
#define WEIR_RELAY_EDGES_SERVE_H

#include "lib/rpc/server.h"
#include "relay/edges.h"

struct edges_served {			/* outlives the server */
	struct edges *edges;
	uint64_t instance, started;
};

#define EDGES_METHODS 1
extern const struct rpc_method edges_methods[EDGES_METHODS];

#endif
