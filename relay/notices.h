/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client is told of nodes beside their flows: equal things of several nodes in one message.
 *
 *	notices_add(&n, WIRE_NODE_ERROR, "node-a", "history lapped", now);
 *	while ((size = notices_take(&n, now, buf, sizeof(buf))))
 *		send(buf + sizeof(buf) - size, size);		a GetFlowsResponse with a NodeStatusEvent
 *
 * A notice waits NOTICES_MS for its like.  Bounded: what is beyond NOTICES_KINDS or NOTICES_NAMES is told as a number.
 * Zeroed before its first use.
 */
#ifndef WEIR_RELAY_NOTICES_H
#define WEIR_RELAY_NOTICES_H

#include <stddef.h>
#include <stdint.h>

#include "lib/wire/encode.h"

#define NOTICES_MS	200
#define NOTICES_KINDS	8
#define NOTICES_NAMES	5000

struct notice {
	enum wire_node_state state;
	char message[512];
	char **name;
	unsigned int names, room;
	unsigned int more;		/* nodes without room */
	uint64_t due;			/* mono, nanoseconds; 0: free */
};
struct notices {
	struct notice notice[NOTICES_KINDS];
};

void notices_add(struct notices *n, enum wire_node_state state, const char *node, const char *message, uint64_t now);
void notices_hurry(struct notices *n);			/* what there is is due at once */
uint64_t notices_due(const struct notices *n);		/* mono; UINT64_MAX: nothing is to be told */
/* The next one that is due, at the end of the buffer; 0: none. */
size_t notices_take(struct notices *n, uint64_t now, uint8_t *buf, size_t size);
void notices_free(struct notices *n);

#endif
