/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who speaks with whom in a cluster that is made up: always the same one for the same numbers, told like an agent tells it.
 *
 *	struct fake_edges e = { .workloads = 3000, .edges = 20000, .agents = 20, .agent = 3, .began = now };
 *	while (fake_edges_next(&e, now, &reply))	some hundred edges a time; reply.last with the last ones
 *		send(&reply);
 *
 * Thirty workloads to a namespace, most calls within it and downhill; some to other namespaces, some from and to the outside;
 * one edge in a hundred is denied, by either side, and some would be.  Agent 'agent' of 'agents' tells its share.  The reply's
 * parts are good until the next call.  At most ten edges to a workload.
 */
#ifndef WEIR_TESTS_RELAY_FAKE_EDGES_H
#define WEIR_TESTS_RELAY_FAKE_EDGES_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/v1/agent.pb-c.h"

struct fake_edges {
	unsigned int workloads, edges, agents, agent;
	uint64_t began;			/* seconds; half a minute has been counted by then */
	unsigned int at;		/* what has been told of this interval */
};

bool fake_edges_next(struct fake_edges *f, uint64_t now, Weir__V1__EdgesReply *reply);

#endif
