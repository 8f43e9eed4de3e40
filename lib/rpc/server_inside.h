/* SPDX-License-Identifier: Apache-2.0 */
/* The server's inside: server.c, call.c, peer.c, listen.c.  Nobody else includes this. */
#ifndef WEIR_LIB_RPC_SERVER_INSIDE_H
#define WEIR_LIB_RPC_SERVER_INSIDE_H

#include <stdatomic.h>

#include "lib/rpc/door.h"
#include "lib/rpc/loop_inside.h"
#include "lib/rpc/server.h"
#include "lib/rpc/head_text.h"

#define HEADERS_MOST 8		/* of an answer, ours and the method's together */
#define PEER_BUCKETS 256	/* a power of two */

/* Out with the gRPC thread's pen only; read by any thread. */
struct method_counters {
	_Atomic uint64_t started, finished[RPC_CODE_COUNT], received, received_bytes, sent, sent_bytes;
};

struct method {
	struct rpc_method m;
	void *ctx;
	void *handle;			/* gRPC's */
	struct method_counters n;
};

/* An outstanding request for a call: the core fills it in when one comes. */
struct slot {
	struct rpc_tag tag;
	struct rpc_server *s;
	struct method *method;		/* the last of the table: whatever is not known */
	grpc_call *call;
	gpr_timespec deadline;
	grpc_metadata_array headers;
	grpc_byte_buffer *payload;
	grpc_call_details details;
};

struct rpc_out {
	grpc_slice slice;
	bool full;
};

/* How many calls a peer has: by address, or by uid. */
struct peer_calls {
	struct peer_calls *next;
	uint64_t key;
	unsigned int calls;
};

struct rpc_call {
	struct rpc_server *s;
	struct method *method;
	grpc_call *call;
	void *user;
	struct rpc_call *prev, *next;		/* of the server */
	struct rpc_call *again;			/* in the server's list of those to be asked soon */
	struct rpc_tag on_sent, on_received, on_closed, on_status;
	grpc_metadata_array headers;		/* the client's */
	grpc_byte_buffer *in, *out;
	struct rpc_out ahead;			/* fetched and not sent, if ahead_is is RPC_MESSAGE */
	enum rpc_next ahead_is;			/* RPC_IDLE: nothing was */
	int cancelled;
	unsigned int pending;			/* tags that are out, and holds */
	enum rpc_code code;
	char *text;
	gpr_timespec deadline;
	struct door_guest *guest;		/* who came by a door of our own, else NULL */
	struct peer_calls *peer_calls;
	struct head_kept *texts;		/* headers as they were asked for */
	struct rpc_peer *peer;			/* filled when first asked for */
	uint64_t began;
	uint8_t n_headers;
	struct rpc_header_out {
		grpc_slice name, value;
	} out_headers[HEADERS_MOST];
	bool sent_headers, sending, reading, ended_reading, closed, finishing, status_out, in_next, asked, waits_again;
};

struct rpc_server {
	struct rpc_loop *loop;
	struct rpc_server_options o;
	grpc_server *core;
	struct method *methods;
	unsigned int n_methods, room;
	struct slot *slots;
	unsigned int n_slots;
	struct rpc_header_out headers[HEADERS_MOST];
	unsigned int n_headers;
	struct door *door;			/* opened with the first listener of our own */

	struct rpc_call *calls, *again;
	struct rpc_bell again_bell;
	struct peer_calls *peers[PEER_BUCKETS];

	atomic_uint followers, live;
	atomic_bool kicked;			/* the bell is rung, or the timer set */
	struct rpc_bell kick_bell;
	struct rpc_timer kick_timer;
	uint64_t kicked_at;

	unsigned int armed;			/* slots that the core has */
	bool started, listens, stopping, shut, stopped;
	struct rpc_tag on_shut;
	struct rpc_timer grace;
	rpc_fn stopped_fn;
	void *stopped_ctx;
	_Atomic uint64_t refused_calls;
};

static inline void count(_Atomic uint64_t *n, uint64_t by)
{
	atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + by, memory_order_relaxed);
}

void server_settle(struct rpc_server *s);	/* server.c: tells that it has stopped, once nothing is out any more */

/* call.c */
void call_begin(struct slot *slot);		/* takes what the slot holds */
void call_pump(struct rpc_call *c);		/* sends what there is to send */
void calls_again(void *server);

/* peer.c */
bool peer_enter(struct rpc_call *c);		/* false: it has too many calls */
void peer_leave(struct rpc_call *c);

#endif
