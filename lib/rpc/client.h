/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gRPC client: unary and server-streaming calls on a loop.
 *
 *	rpc_channel_open(&ch, loop, &(struct rpc_target){ .server = "10.0.0.1:4244", .tls = tls }, &why);
 *	rpc_ask(&ask, ch, &(struct rpc_ask_options){ .path = "/observer.Observer/GetFlows", .data = req, .size = n,
 *		.message = on_flow, .ended = on_end, .ctx = me });
 *	...
 *	rpc_channel_close(ch);		after the calls have ended
 *
 * or, for a program that has nothing else to do meanwhile:
 *
 *	code = rpc_ask_once(ch, path, req, n, 5000, &answer, &size, &why);
 *
 * A call fails at once if the server is away (unless 'wait'), and the end says why in words: refused, no such host,
 * certificate expired, unknown authority, another name, no TLS there.  gRPC hides these, so a failure to connect
 * is looked into by a connection of our own, from a thread of its own, before ended() is called.  The channel itself
 * redials as calls are made; who wants a stream to come back starts it again after rpc_backoff_next().
 *
 * On the loop's thread only.
 */
#ifndef WEIR_LIB_RPC_CLIENT_H
#define WEIR_LIB_RPC_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/complaint.h"
#include "lib/rpc/code.h"
#include "lib/rpc/loop.h"

struct rpc_channel;
struct rpc_ask;
struct rpc_client_tls;		/* lib/rpc/credentials.h */

struct rpc_target {
	const char *server;		/* "unix:PATH" ("unix:///PATH" too), "HOST:PORT", "[ADDRESS]:PORT" */
	struct rpc_client_tls *tls;	/* NULL: plaintext; stays the caller's, outlives the channel */
	const char *name;		/* the name that the server's certificate must hold; NULL: that of 'server' */
	size_t max_message;		/* bytes, 16 MiB if 0 */
	unsigned int window;		/* bytes read ahead of a stream that pauses, 262144 if 0 */
};

enum rpc_state { RPC_STATE_IDLE, RPC_STATE_CONNECTING, RPC_STATE_READY, RPC_STATE_FAILING };

/* Does not connect yet: the first call does. */
int rpc_channel_open(struct rpc_channel **out, struct rpc_loop *loop, const struct rpc_target *to, struct complaint *why);
void rpc_channel_close(struct rpc_channel *ch);		/* NULL is fine; after its calls have ended */
enum rpc_state rpc_channel_state(const struct rpc_channel *ch);
const char *rpc_channel_server(const struct rpc_channel *ch);

/* How a call ended. */
struct rpc_end {
	enum rpc_code code;
	const char *text;	/* the server's words, or ours why it was not reached; "" if OK */
	bool reached;		/* a server answered; false: there was no connection, 'text' says why */
};

struct rpc_header {
	const char *name, *value;
};

struct rpc_ask_options {
	const char *path;			/* "/package.Service/Method" */
	const void *data;			/* the request, copied */
	size_t size;
	unsigned int deadline_ms;		/* 0: none */
	bool wait;				/* until the server is there or the deadline passes */
	const struct rpc_header *headers;	/* ours, copied; names in lower case */
	unsigned int n_headers;
	bool brief;				/* do not look into failures to connect: gRPC's words will do */

	/* The server's headers have come: the connection stands.  May be NULL. */
	void (*began)(struct rpc_ask *a, void *ctx);
	/* A message, good until it returns.  false: read no more until rpc_ask_read(); the server then stalls. */
	bool (*message)(struct rpc_ask *a, const uint8_t *data, size_t size, void *ctx);
	/* Exactly once, after the last message; 'a' is freed behind it. */
	void (*ended)(struct rpc_ask *a, const struct rpc_end *end, void *ctx);
	void *ctx;
};

/* -errno if the call could not even be made; then ended() does not come. */
int rpc_ask(struct rpc_ask **out, struct rpc_channel *ch, const struct rpc_ask_options *options);
void rpc_ask_read(struct rpc_ask *a);		/* after message() said false */
void rpc_ask_cancel(struct rpc_ask *a);		/* ended() still comes, with RPC_CANCELLED if it was in time */
/* A header or trailer of the server, from began() on; NULL if there was none. */
const char *rpc_ask_header(struct rpc_ask *a, const char *name);

/* Runs the loop until the answer is there.  Not from inside a loop's callback.  *answer is freed by the caller. */
enum rpc_code rpc_ask_once(struct rpc_channel *ch, const char *path, const void *data, size_t size,
			   unsigned int deadline_ms, uint8_t **answer, size_t *answer_size, struct complaint *why);

/* When to try again: base * 2^n up to 'most', of which a random half is taken off, so that many do not come at once.
 * Zeroed after a success. */
struct rpc_backoff {
	unsigned int base_ms, most_ms;
	unsigned int tries;
};
unsigned int rpc_backoff_next(struct rpc_backoff *b);

#endif
