/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verb's question to the agent, and its answer in one piece or part by part.
 *
 *	code = ask_each(want, &request, -1, on_part, me);	VERB_OK, or what on_part ended with, or after a complaint
 *
 * Requests are made by ASK(): the message and the request around it.
 */
#ifndef WEIR_TOOLS_ASK_H
#define WEIR_TOOLS_ASK_H

#include <limits.h>

#include "lib/control/client.h"
#include "tools/verb.h"

#define ASK_WAIT_MS 10000	/* an agent answers within milliseconds; one that does not is ill */

#define ASK(NAME, field_, message) {							\
	PROTOBUF_C_MESSAGE_INIT(&weir__v1__request__descriptor),			\
	WEIR__V1__REQUEST__ASK_##NAME, { .field_ = (message) } }

/* Nobody said which agent, none is where one usually is, and one lab is up: the agent of that pod's node.  Else
 * 'want' as it is.  'room' is where the name is kept. */
void ask_node_of(struct verb_want *want, const char *pod, char room[PATH_MAX]);

/* Whom 'want' means, where nobody said the usual one. */
const char *ask_server(const struct verb_want *want);

/* A part of the answer: VERB_GO to go on, else the exit code. */
typedef int (*ask_fn)(void *ctx, const Weir__V1__Reply *part);

int ask_each(const struct verb_want *want, const Weir__V1__Request *ask, int ms, ask_fn each, void *ctx);

/* The same over a connection that the caller keeps, for more than one question. */
int ask_open(struct control **out, const struct verb_want *want);
int ask_on(struct control *c, const Weir__V1__Request *ask, int ms, ask_fn each, void *ctx);
int ask_more(struct control *c, int ms, ask_fn each, void *ctx);	/* after a signal ended the wait: VERB_OK */

#endif
