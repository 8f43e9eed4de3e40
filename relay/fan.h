/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question to all nodes: a client's unary call goes out to every connected node, and is answered when all have.
 *
 *	fan_out(&(struct fan_question){ .call = c, .peers = peers, .path = "/weir.v1.Agent/Policies",
 *		.request = &req.base, .answer = &weir__v1__policies__descriptor, .deadline_ms = 2000,
 *		.finish = add_up, .ctx = me });
 *
 * finish() is called once, with what came, in the order of names, and answers the call; not if the client has left.
 */
#ifndef WEIR_RELAY_FAN_H
#define WEIR_RELAY_FAN_H

#include <protobuf-c/protobuf-c.h>

#include "lib/rpc/server.h"
#include "relay/peers.h"

struct fan_answer {
	struct peer *peer;		/* held until finish() returns */
	void *message;			/* NULL: none came */
	char error[256];		/* and why */
};
struct fan {
	struct rpc_call *call;		/* NULL: the client has left */
	void (*finish)(struct fan *f);
	void *ctx;
	unsigned int answers, waiting;
	struct fan_answer answer[];
};
struct fan_question {
	struct rpc_call *call;
	struct peers *peers;
	const char *path;		/* NULL: nobody is asked; the answers are the connected nodes */
	const ProtobufCMessage *request;
	const ProtobufCMessageDescriptor *answer;
	unsigned int deadline_ms;
	bool own;			/* a method of weir's own: foreign nodes are not asked */
	void (*finish)(struct fan *f);
	void *ctx;
};

void fan_out(const struct fan_question *q);
void fan_closed(struct rpc_call *c, bool gone, void *ctx);	/* the 'closed' of methods that use it */

#endif
