/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gRPC server: a table of methods, called on the loop's thread.
 *
 *	static const struct rpc_method methods[] = {
 *		{ .path = "/observer.Observer/ServerStatus", .request = on_status },
 *		{ .path = "/observer.Observer/GetFlows", .request = on_flows, .next = next_flow, .closed = flows_gone,
 *		  .follows = true },
 *	};
 *	rpc_server_new(&s, loop, NULL);
 *	rpc_server_add(s, methods, 2, me);
 *	rpc_server_header(s, "hubble-server-version", "1.17.0");
 *	rpc_server_listen(s, "127.0.0.1:4244", NULL, &port, &why);	and rpc_unix_listen(), lib/rpc/unix.h
 *	rpc_server_start(s);
 *	...
 *	rpc_server_stop(s, 1000, on_stopped, me);	GOAWAY; what is left after a second is cancelled
 *	rpc_server_free(s);				in on_stopped() or later
 *
 * Pull, not push: a stream has no queue.  When the transport has taken its last message, next() is asked for one
 * more; what it answers RPC_IDLE to is asked again after rpc_call_wake() or rpc_server_kick().  So a client that does
 * not read costs its cursor and what the transport holds (write_buffer below), however many flows pass.
 */
#ifndef WEIR_LIB_RPC_SERVER_H
#define WEIR_LIB_RPC_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/complaint.h"
#include "lib/rpc/code.h"
#include "lib/rpc/loop.h"

struct ProtobufCMessage;
struct rpc_server;
struct rpc_call;
struct rpc_out;			/* where next() puts its message */
struct rpc_server_tls;		/* lib/rpc/credentials.h */

enum rpc_next {
	RPC_IDLE,		/* nothing now */
	RPC_AGAIN,		/* nothing yet, but ask again soon: a scan has used up its share of the thread */
	RPC_MESSAGE,		/* 'out' has a message */
	RPC_DONE		/* the stream ends, with OK unless rpc_call_finish() said otherwise */
};

struct rpc_method {
	const char *path;	/* "/package.Service/Method" */

	/* The request has come, or each one if 'many'.  Good until it returns. */
	void (*request)(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx);

	/* Fills 'out' and says RPC_MESSAGE, or says why not.  Must be short: it runs on the only gRPC thread, so it
	 * looks at no more than some thousand records.  NULL: unary, ended by rpc_call_answer() or rpc_call_finish(),
	 * in request() or later. */
	enum rpc_next (*next)(struct rpc_call *c, struct rpc_out *out, void *ctx);

	/* The call is over; comes exactly once if request() was called and is the last that is heard of it: free
	 * *rpc_call_user() here.  'gone': the client went away, cancelled, or the deadline passed.  May be NULL. */
	void (*closed)(struct rpc_call *c, bool gone, void *ctx);

	bool many;		/* the client sends a stream of requests */
	bool follows;		/* rpc_server_kick() concerns it */
};

/* Zero stands for the default. */
struct rpc_server_options {
	size_t max_request;		/* bytes of one request, 1 MiB; more is RESOURCE_EXHAUSTED */
	unsigned int max_streams;	/* of one connection, 100 */
	unsigned int max_calls;		/* at once in all, 2048; more is RESOURCE_EXHAUSTED */
	unsigned int max_peer_calls;	/* at once by one peer (address, or uid of a unix socket), 1024 */
	unsigned int max_connections;	/* at once, 2048; with TLS a quarter of it from one address */
	unsigned int write_buffer;	/* bytes that a stream may hold in the transport, 16384 */
	unsigned int kick_ms;		/* rpc_server_kick() wakes at most this often, 25 */
	unsigned int keepalive_ms;	/* a silent connection is pinged this often and cut as much later, at most 20 s; 60,000 */
	unsigned int unused_ms;		/* a plaintext connection without a call is cut then, 30,000 */
};

/* 'options' may be NULL. */
int rpc_server_new(struct rpc_server **out, struct rpc_loop *loop, const struct rpc_server_options *options);
void rpc_server_free(struct rpc_server *s);	/* NULL is fine; once stopped, or never started */

/* Before the start.  The table is borrowed; 'ctx' is what its functions get. */
int rpc_server_add(struct rpc_server *s, const struct rpc_method *methods, unsigned int n, void *ctx);
int rpc_server_header(struct rpc_server *s, const char *name, const char *value);	/* in the headers of every answer */

/* 'address' is ADDRESS:PORT or [ADDRESS]:PORT, numeric or "localhost"; port 0 takes a free one, told in *port (may be
 * NULL).  Without 'tls' only loopback is taken: -EPERM else.  'tls' stays the caller's and outlives the server. */
int rpc_server_listen(struct rpc_server *s, const char *address, struct rpc_server_tls *tls, unsigned int *port,
		      struct complaint *why);
int rpc_server_start(struct rpc_server *s);

/* Any thread: there is news for the streams of methods that follow.  Costs an atomic look when nobody follows; else
 * next() of the idle ones is asked, at once after a quiet spell, and at most every kick_ms. */
void rpc_server_kick(struct rpc_server *s);
unsigned int rpc_server_followers(const struct rpc_server *s);	/* any thread */
struct rpc_loop *rpc_server_loop(const struct rpc_server *s);

/* GOAWAY and no new calls; streams are asked next() once more and may end by themselves (rpc_call_stopping()), what
 * is left after 'grace_ms' is cancelled.  Then stopped(). */
void rpc_server_stop(struct rpc_server *s, unsigned int grace_ms, rpc_fn stopped, void *ctx);

/* --- A call.  All on the loop's thread. --- */

int rpc_out_copy(struct rpc_out *out, const void *data, size_t size);
int rpc_out_message(struct rpc_out *out, const struct ProtobufCMessage *m);	/* packed */

/* A unary answer, and the end with OK. */
void rpc_call_answer(struct rpc_call *c, const void *data, size_t size);
void rpc_call_answer_message(struct rpc_call *c, const struct ProtobufCMessage *m);
/* The end.  What was said first counts.  The text is cut at 1 KiB. */
__attribute__((format(printf, 3, 4)))
void rpc_call_finish(struct rpc_call *c, enum rpc_code code, const char *format, ...);

void **rpc_call_user(struct rpc_call *c);		/* the method's own, NULL at first */
void rpc_call_wake(struct rpc_call *c);			/* ask next() again; not from inside next() */
bool rpc_call_stopping(const struct rpc_call *c);	/* the server is about to end */
struct rpc_loop *rpc_call_loop(const struct rpc_call *c);

/* What the client sent in its headers; NULL if it did not.  Good as long as the call. */
const char *rpc_call_header(struct rpc_call *c, const char *name);
/* A header of the answer; inside request() only. */
int rpc_call_set_header(struct rpc_call *c, const char *name, const char *value);

/* Who calls. */
enum rpc_peer_kind { RPC_PEER_PLAIN, RPC_PEER_UNIX, RPC_PEER_TLS };
struct rpc_peer {
	enum rpc_peer_kind kind;
	char address[64];	/* "10.0.0.7:40312", "[::1]:4"; of a unix socket "unix:PID" */
	uid_t uid;		/* RPC_PEER_UNIX */
	gid_t gid;
	pid_t pid;
	char name[256];		/* RPC_PEER_TLS: the certificate's common name, "" if it has none */
	char san[256];		/* its first subject alternative name */
};
const struct rpc_peer *rpc_call_peer(struct rpc_call *c);

/* --- Counters, any thread. --- */

struct rpc_method_stats {
	const char *path;			/* "" for calls of methods that are not known */
	bool many, streams;			/* the client's side, ours */
	uint64_t started, finished[RPC_CODE_COUNT];
	uint64_t received, received_bytes;	/* messages */
	uint64_t sent, sent_bytes;
};
struct rpc_server_stats {
	uint64_t connections, refused_connections;	/* refused: over a limit, not allowed, no descriptor left */
	uint64_t cut_connections;			/* for a flood of calls and resets */
	uint64_t refused_calls;				/* over a limit */
	unsigned int live_connections, live_calls;
};
/* Number 'i' from 0; false past the last. */
bool rpc_server_method(const struct rpc_server *s, unsigned int i, struct rpc_method_stats *out);
void rpc_server_stats(const struct rpc_server *s, struct rpc_server_stats *out);

#endif
