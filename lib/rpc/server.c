// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/grpc_security.h>

#include "lib/rpc/server_inside.h"

/* Requests that stand ready per method.  The core keeps what it has no request for in a list without a bound, also
 * calls that were reset: who opens and resets streams faster than we turn over fills it. */
#define SLOTS 32

#define CUT_MS 200	/* from the last words to the cut */

static void defaults(struct rpc_server_options *o, const struct rpc_server_options *given)
{
	if (given)
		*o = *given;
	o->max_request = o->max_request ?: 1 << 20;
	o->max_streams = o->max_streams ?: 100;
	o->max_calls = o->max_calls ?: 2048;
	o->max_peer_calls = o->max_peer_calls ?: 1024;
	o->max_connections = o->max_connections ?: 2048;
	o->write_buffer = o->write_buffer ?: 16384;
	o->kick_ms = o->kick_ms ?: 25;
	o->keepalive_ms = o->keepalive_ms ?: 60000;
	o->unused_ms = o->unused_ms ?: 30000;
}

#define INT(k, v) { .type = GRPC_ARG_INTEGER, .key = (char *)(k), .value.integer = (int)(v) }
static grpc_server *core_new(const struct rpc_server_options *o)
{
	grpc_arg args[] = {
		INT(GRPC_ARG_ALLOW_REUSEPORT, 0),	/* else two agents share a port, and nobody is told */
		INT(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, o->max_request),
		INT(GRPC_ARG_MAX_CONCURRENT_STREAMS, o->max_streams),
		INT(GRPC_ARG_MAX_METADATA_SIZE, 8192),
		INT(GRPC_ARG_HTTP2_WRITE_BUFFER_SIZE, o->write_buffer),
		INT(GRPC_ARG_HTTP2_BDP_PROBE, 0),	/* requests are small: a window that grows serves nobody */
		INT(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, 16384),
		INT(GRPC_ARG_KEEPALIVE_TIME_MS, o->keepalive_ms),
		INT(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, o->keepalive_ms < 20000 ? o->keepalive_ms : 20000),
		INT(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
		INT(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5000),
		INT(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 2),
		INT(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10000),
		INT(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 600000),
		/* identity only: a compressed request could unpack to a thousand times its size */
		INT(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1),
		INT(GRPC_ARG_ENABLE_CHANNELZ, 0),
	};
	grpc_channel_args all = { sizeof(args) / sizeof(*args), args };

	return grpc_server_create(&all, NULL);
}

static void do_kick(void *server);

int rpc_server_new(struct rpc_server **out, struct rpc_loop *loop, const struct rpc_server_options *options)
{
	struct rpc_server *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	defaults(&s->o, options);
	s->loop = loop;
	s->core = core_new(&s->o);
	grpc_server_register_completion_queue(s->core, rpc_loop_queue(loop), NULL);
	s->again_bell = (struct rpc_bell){ .fn = calls_again, .ctx = s };
	s->kick_bell = (struct rpc_bell){ .fn = do_kick, .ctx = s };
	*out = s;
	return 0;
}

/* The last method of the table is nobody's: calls of unknown methods are counted there. */
static int room_for(struct rpc_server *s, unsigned int n)
{
	struct method *more;

	if (s->n_methods + n + 1 <= s->room)
		return 0;
	more = realloc(s->methods, (s->n_methods + n + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->methods = more;
	s->room = s->n_methods + n + 1;
	return 0;
}

int rpc_server_add(struct rpc_server *s, const struct rpc_method *methods, unsigned int n, void *ctx)
{
	if (s->started)
		return -EBUSY;
	if (room_for(s, n))
		return -ENOMEM;
	for (unsigned int i = 0; i < n; i++) {
		struct method *m = &s->methods[s->n_methods];

		memset(m, 0, sizeof(*m));
		m->m = methods[i];
		m->ctx = ctx;
		m->handle = grpc_server_register_method(s->core, methods[i].path, NULL,
							methods[i].many ? GRPC_SRM_PAYLOAD_NONE :
							GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
		if (!m->handle)
			return -EEXIST;
		s->n_methods++;
	}
	return 0;
}

int rpc_server_header(struct rpc_server *s, const char *name, const char *value)
{
	if (s->n_headers == HEADERS_MOST / 2)
		return -ENOSPC;
	s->headers[s->n_headers].name = grpc_slice_from_copied_string(name);
	s->headers[s->n_headers++].value = grpc_slice_from_copied_string(value);
	return 0;
}

static void slot_arm(struct slot *slot)
{
	struct rpc_server *s = slot->s;
	grpc_completion_queue *q = rpc_loop_queue(s->loop);

	grpc_metadata_array_init(&slot->headers);
	slot->payload = NULL;
	s->armed++;
	if (slot->method->handle) {
		grpc_server_request_registered_call(s->core, slot->method->handle, &slot->call, &slot->deadline,
						    &slot->headers, slot->method->m.many ? NULL : &slot->payload, q, q,
						    &slot->tag);
	} else {
		grpc_call_details_init(&slot->details);
		grpc_server_request_call(s->core, &slot->call, &slot->details, &slot->headers, q, q, &slot->tag);
	}
}

static void on_call(struct rpc_tag *t, bool ok)
{
	struct slot *slot = t->owner;
	struct rpc_server *s = slot->s;

	s->armed--;
	if (ok)
		call_begin(slot);
	else	/* the server is stopping */
		grpc_metadata_array_destroy(&slot->headers);
	if (!slot->method->handle)
		grpc_call_details_destroy(&slot->details);
	if (ok)
		slot_arm(slot);
	else
		server_settle(s);
}

int rpc_server_start(struct rpc_server *s)
{
	struct slot *slot;

	if (room_for(s, 0))
		return -ENOMEM;
	memset(&s->methods[s->n_methods], 0, sizeof(*s->methods));
	s->methods[s->n_methods].m.path = "";
	s->n_slots = (s->n_methods + 1) * SLOTS;
	s->slots = calloc(s->n_slots, sizeof(*s->slots));
	if (!s->slots)
		return -ENOMEM;
	s->started = true;
	grpc_server_start(s->core);
	for (unsigned int i = 0; i < s->n_slots; i++) {
		slot = &s->slots[i];
		slot->s = s;
		slot->method = &s->methods[i / SLOTS];
		slot->tag = (struct rpc_tag){ on_call, slot };
		slot_arm(slot);
	}
	return s->door ? door_begin(s->door) : 0;
}

/* --- news --- */

static void wake_followers(struct rpc_server *s)
{
	struct rpc_call *next;

	for (struct rpc_call *c = s->calls; c; c = next) {
		next = c->next;
		if (c->method->m.follows)
			call_pump(c);
	}
}

static void kick_now(void *server)
{
	struct rpc_server *s = server;

	s->kicked_at = rpc_now_ms();
	atomic_store(&s->kicked, false);	/* before looking, so that no later kick is lost */
	wake_followers(s);
}

static void do_kick(void *server)
{
	struct rpc_server *s = server;
	uint64_t since = rpc_now_ms() - s->kicked_at;

	if (since >= s->o.kick_ms)
		kick_now(s);
	else
		rpc_timer_set(s->loop, &s->kick_timer, s->o.kick_ms - since, kick_now, s);
}

/* A stream counts as a follower from before its first next(): either it sees what was just written, or we see it. */
void rpc_server_kick(struct rpc_server *s)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load(&s->followers) || atomic_exchange(&s->kicked, true))
		return;
	rpc_bell_ring(s->loop, &s->kick_bell);
}

unsigned int rpc_server_followers(const struct rpc_server *s)
{
	return atomic_load(&s->followers);
}

struct rpc_loop *rpc_server_loop(const struct rpc_server *s)
{
	return s->loop;
}

/* --- the end --- */

void server_settle(struct rpc_server *s)
{
	if (!s->shut || s->calls || s->armed || s->stopped)
		return;
	rpc_timer_stop(s->loop, &s->grace);
	s->stopped = true;
	if (s->stopped_fn)
		s->stopped_fn(s->stopped_ctx);	/* may free us */
}

static void on_shut(struct rpc_tag *t, bool ok)
{
	struct rpc_server *s = t->owner;

	s->shut = true;
	server_settle(s);
}

static void cancel_all(void *server)
{
	grpc_server_cancel_all_calls(((struct rpc_server *)server)->core);
}

/* What is left is told, then cut: who does not read may hold up the words. */
static void grace_over(void *server)
{
	struct rpc_server *s = server;
	struct rpc_call *next;

	for (struct rpc_call *c = s->calls; c; c = next) {
		next = c->next;
		rpc_call_finish(c, RPC_UNAVAILABLE, "the server is shutting down");
	}
	rpc_timer_set(s->loop, &s->grace, CUT_MS, cancel_all, s);
}

void rpc_server_stop(struct rpc_server *s, unsigned int grace_ms, rpc_fn stopped, void *ctx)
{
	struct rpc_call *next;

	if (s->stopping)
		return;
	s->stopping = true;
	s->stopped_fn = stopped;
	s->stopped_ctx = ctx;
	s->on_shut = (struct rpc_tag){ on_shut, s };
	if (s->door)
		door_shut(s->door);
	grpc_server_shutdown_and_notify(s->core, rpc_loop_queue(s->loop), &s->on_shut);
	rpc_timer_set(s->loop, &s->grace, grace_ms, grace_over, s);
	for (struct rpc_call *c = s->calls; c; c = next) {
		next = c->next;
		call_pump(c);
	}
}

/* A server that listens must be shut down before it is destroyed, also when it never began. */
static void shut_unstarted(struct rpc_server *s)
{
	grpc_completion_queue *q = grpc_completion_queue_create_for_pluck(NULL);

	grpc_server_shutdown_and_notify(s->core, q, s);
	grpc_completion_queue_pluck(q, s, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
	grpc_completion_queue_shutdown(q);
	grpc_completion_queue_destroy(q);
}

void rpc_server_free(struct rpc_server *s)
{
	if (!s)
		return;
	if (!s->started)
		shut_unstarted(s);
	rpc_timer_stop(s->loop, &s->grace);
	rpc_timer_stop(s->loop, &s->kick_timer);
	rpc_bell_forget(s->loop, &s->kick_bell);
	rpc_bell_forget(s->loop, &s->again_bell);
	grpc_server_destroy(s->core);
	door_close(s->door);
	for (unsigned int i = 0; i < s->n_headers; i++) {
		grpc_slice_unref(s->headers[i].name);
		grpc_slice_unref(s->headers[i].value);
	}
	free(s->slots);
	free(s->methods);
	free(s);
}

/* --- counters --- */

static uint64_t look(const _Atomic uint64_t *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

bool rpc_server_method(const struct rpc_server *s, unsigned int i, struct rpc_method_stats *out)
{
	const struct method *m;

	if (i > s->n_methods || !s->started)
		return false;
	m = &s->methods[i];
	*out = (struct rpc_method_stats){
		.path = m->m.path, .many = m->m.many, .streams = m->m.next,
		.started = look(&m->n.started), .received = look(&m->n.received),
		.received_bytes = look(&m->n.received_bytes), .sent = look(&m->n.sent),
		.sent_bytes = look(&m->n.sent_bytes),
	};
	for (int code = 0; code < RPC_CODE_COUNT; code++)
		out->finished[code] = look(&m->n.finished[code]);
	return true;
}

void rpc_server_stats(const struct rpc_server *s, struct rpc_server_stats *out)
{
	*out = (struct rpc_server_stats){ .refused_calls = look(&s->refused_calls),
					  .live_calls = atomic_load(&s->live) };
	if (s->door)
		door_stats(s->door, out);
}
