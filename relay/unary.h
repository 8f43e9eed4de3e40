/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question to an agent, one answer.
 *
 *	unary_ask(&ask, channel, &(struct unary){ .path = "/weir.v1.Agent/Status", .request = &req.base,
 *		.answer = &weir__v1__status__descriptor, .deadline_ms = 2000, .done = on_status, .ctx = me });
 *
 * done() comes exactly once, unless unary_ask() failed; the message is NULL unless the end is OK.  It is freed behind
 * done() unless that says that it keeps it: then unpack_free() later.  An answer without sense ends as DATA_LOSS.
 */
#ifndef WEIR_RELAY_UNARY_H
#define WEIR_RELAY_UNARY_H

#include <protobuf-c/protobuf-c.h>

#include "lib/rpc/client.h"

struct unary {
	const char *path;
	const ProtobufCMessage *request;
	const ProtobufCMessageDescriptor *answer;
	unsigned int deadline_ms;
	bool (*done)(void *ctx, const struct rpc_end *end, void *message);
	void *ctx;
};

/* -errno.  'out' may be NULL; else it is NULL or an ask to cancel until done() comes. */
int unary_ask(struct rpc_ask **out, struct rpc_channel *channel, const struct unary *u);

#endif
