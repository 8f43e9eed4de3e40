/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Responses of observer.Observer as protobuf, straight from what they are about: the hot path.
 *
 *	uint8_t buf[WIRE_RESPONSE_MAX];
 *	size_t n = wire_flow_response(&flow, mask, buf, sizeof(buf));
 *
 *	if (n)
 *		send(buf + sizeof(buf) - n, n);		it lies at the END of the buffer
 *
 * Each returns the size, or 0 when the buffer is too small: it takes up to 32 bytes more than the message.  Fields are
 * in the order of their numbers, as protobuf-c and Python write them.  No text that is not UTF-8 leaves.  No state, any thread.
 */
#ifndef WEIR_LIB_WIRE_ENCODE_H
#define WEIR_LIB_WIRE_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/flow/flow.h"
#include "lib/wire/mask.h"

/* What a flow of ours does not exceed: names are bounded by Kubernetes, lists by the agent. */
#define WIRE_RESPONSE_MAX 65536

/* A GetFlowsResponse {flow, node_name, time}; the mask is the flow's: node_name and time are always there. */
size_t wire_flow_response(const struct flow *f, const struct wire_mask *mask, uint8_t *buf, size_t size);

/* A flow.Flow alone. */
size_t wire_flow(const struct flow *f, const struct wire_mask *mask, uint8_t *buf, size_t size);

enum wire_loss_where { WIRE_LOSS_UNKNOWN, WIRE_LOSS_RING, WIRE_LOSS_QUEUE, WIRE_LOSS_HISTORY };	/* LostEventSource */
struct wire_loss {
	enum wire_loss_where where;
	uint64_t count;
	int cpu;			/* below 0: none in particular */
	uint64_t first, last;		/* nanoseconds of CLOCK_REALTIME; 0: not known */
};
size_t wire_lost_response(const struct wire_loss *loss, const char *node, uint64_t time, uint8_t *buf, size_t size);

enum wire_node_state { WIRE_NODE_UNKNOWN, WIRE_NODE_CONNECTED, WIRE_NODE_UNAVAILABLE, WIRE_NODE_GONE, WIRE_NODE_ERROR };
struct wire_node_status {
	enum wire_node_state state;
	const char *const *node;
	unsigned int nodes;
	const char *message;
};
size_t wire_node_status_response(const struct wire_node_status *status, const char *node, uint64_t time,
				 uint8_t *buf, size_t size);

/* Only node_name and time: all that is older has been sent. */
size_t wire_mark_response(const char *node, uint64_t time, uint8_t *buf, size_t size);

/* The bytes for flow_end.wire: a flow.Endpoint without its ID.  Made once per end, texts checked here. */
size_t wire_end(const struct flow_end *end, uint8_t *buf, size_t size);

#endif
