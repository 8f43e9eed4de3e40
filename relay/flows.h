/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetFlows of the relay, and GetAgentEvents, GetDebugEvents: each client's stream is a merge of streams of all nodes.
 *
 *	flows_new(&flows, peers);
 *	rpc_server_add(server, flows_methods, FLOWS_METHODS, flows);
 *
 * The request goes to every node as it came, but for number, since and what we ask beside it; what comes back goes on
 * byte by byte, put in order (relay/merge.h).  First and in between the client is told which nodes are there.  What
 * one client may hold up here is bounded (merge.h, FLOWS_WINDOW); how many there may be, too.  Loop's thread only.
 */
#ifndef WEIR_RELAY_FLOWS_H
#define WEIR_RELAY_FLOWS_H

#include <stdint.h>

#include "lib/rpc/server.h"
#include "relay/peers.h"

#define FLOWS_STREAMS	64		/* clients at once */
#define FLOWS_WINDOW	(8U << 20)	/* bytes kept to find the last N of all nodes, per client */

#define FLOWS_METHODS	3
extern const struct rpc_method flows_methods[FLOWS_METHODS];

struct flows;

int flows_new(struct flows **out, struct peers *peers);
void flows_free(struct flows *flows);		/* NULL is fine; after the server */

struct flows_counts {
	unsigned int streams, streams_most;
	uint64_t asked;			/* streams begun */
	uint64_t refused;		/* for there being too many */
	uint64_t flows, bytes;		/* sent to clients */
	uint64_t cut;			/* answers to --last that FLOWS_WINDOW cut short */
	uint64_t dropped;		/* messages, for want of memory */
	uint64_t marks;			/* asked for */
	uint64_t queued, queued_most;	/* bytes now; the most that all may queue with so many streams and nodes */
};
void flows_count(const struct flows *flows, struct flows_counts *out);

#endif
