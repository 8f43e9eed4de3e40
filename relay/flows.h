/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetFlows of the relay, and GetAgentEvents, GetDebugEvents: each client's stream is a merge of streams of all nodes.
 *
 *	flows_new(&flows, loop, peers);
 *	rpc_server_add(server, flows_methods, FLOWS_METHODS, flows);		relay/flows_serve.c
 *
 * or, within the relay, without a call:
 *
 *	flows_open(&s, flows, &(struct flows_want){ .path = FLOWS_GET, .data = request, .size = n, .wake = on_wake, .ctx = me }, &why);
 *	while (flows_next(s, put, me) == RPC_MESSAGE)		when it is open, and after each wake
 *		;						put() was called with one message
 *	flows_close(s);
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

#define FLOWS_GET	"/observer.Observer/GetFlows"
#define FLOWS_AGENT_EVENTS "/observer.Observer/GetAgentEvents"
#define FLOWS_DEBUG_EVENTS "/observer.Observer/GetDebugEvents"

#define FLOWS_METHODS	3
extern const struct rpc_method flows_methods[FLOWS_METHODS];

struct flows;
struct stream;
struct notices;

int flows_new(struct flows **out, struct rpc_loop *loop, struct peers *peers);
void flows_free(struct flows *flows);		/* NULL is fine; after the server, and the loop has run out */

struct flows_want {
	const char *path;		/* one of these above */
	const uint8_t *data;		/* the request */
	size_t size;
	const char *who;		/* asks; for the log */
	void (*wake)(void *ctx);	/* ask flows_next() again, but not from in here */
	void *ctx;
};
/* -EBUSY: there are too many; -EINVAL: the request makes no sense; -ENOMEM.  With the complaint. */
int flows_open(struct stream **out, struct flows *flows, const struct flows_want *want, struct complaint *why);
void flows_close(struct stream *s);		/* nobody is woken any more */

/* RPC_MESSAGE: one response was put, its bytes good until put() returns. */
typedef void (*flows_put)(void *to, const void *data, size_t size);
enum rpc_next flows_next(struct stream *s, flows_put put, void *to);
enum rpc_code flows_end(const struct stream *s, const char **text);	/* after RPC_DONE; 'text' is the stream's */

/* A follow: what has been before it was asked is out; in put(): before that message. */
bool flows_live(const struct stream *s);
/* Which nodes are there now, as a stream is told that begins. */
void flows_nodes(const struct stream *s, struct notices *out);

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
