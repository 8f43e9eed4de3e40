/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's GetFlowsRequest (or Get{Agent,Debug}EventsRequest), and what each node is asked in its place.
 *
 *	if (flows_ask_read(&ask, "/observer.Observer/GetFlows", data, size, &why)) refuse with INVALID_ARGUMENT
 *	bytes = flows_ask_pack(&ask, &(struct flows_ask_node){ .stream = "r1-7", .marks = true }, &n);
 *	flows_ask_free(&ask);
 *
 * Filters, mask, and fields that are not known here go on as they came.
 */
#ifndef WEIR_RELAY_ASK_H
#define WEIR_RELAY_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/complaint.h"

struct Observer__GetFlowsRequest;
struct Observer__GetAgentEventsRequest;
struct Weir__V1__FlowsOptions;

struct flows_ask {
	const char *path;		/* of the method; borrowed */
	uint64_t number;		/* 0: not said */
	bool first, follow;
	uint64_t since, until;		/* CLOCK_REALTIME, nanoseconds; 0: not said */
	bool ours;			/* filters that only weir's agents know */
	struct Observer__GetFlowsRequest *request;
	struct Observer__GetAgentEventsRequest *events;	/* in its place: events have no filters, options, marks */
	struct Weir__V1__FlowsOptions *options;	/* the client's; NULL: none */
};

struct flows_ask_node {
	const char *stream;		/* what the stream is called, for marks */
	bool marks;
	bool again;			/* it had broken off: go on after 'since', whatever the client had asked */
	uint64_t since;			/* 0: from now on */
};

int flows_ask_read(struct flows_ask *out, const char *path, const uint8_t *data, size_t size, struct complaint *why);
uint8_t *flows_ask_pack(const struct flows_ask *a, const struct flows_ask_node *node, size_t *size);	/* NULL: no memory; free() */
void flows_ask_free(struct flows_ask *a);

#endif
