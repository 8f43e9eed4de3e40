// SPDX-License-Identifier: Apache-2.0
/*
 * The life of a call: it begins when the core fills a slot, hands its request over, sends what next() gives,
 * and goes when every tag has come back.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer_reader.h>
#include <grpc/support/alloc.h>
#include <protobuf-c/protobuf-c.h>

#include "lib/log.h"
#include "lib/rpc/server_inside.h"

#define TEXT_MOST 1024
#define SOON_MS 1000		/* a call that the client gives up sooner than this counts as a reset */

/* --- the end --- */

/* The code that a call is counted under. */
static enum rpc_code ended_with(const struct rpc_call *c)
{
	if (!c->cancelled)
		return c->code;
	if (gpr_time_cmp(gpr_now(c->deadline.clock_type), c->deadline) >= 0)
		return RPC_DEADLINE_EXCEEDED;
	return RPC_CANCELLED;
}

static void free_parts(struct rpc_call *c)
{
	if (c->in)
		grpc_byte_buffer_destroy(c->in);
	if (c->out)
		grpc_byte_buffer_destroy(c->out);
	if (c->ahead.full)
		grpc_slice_unref(c->ahead.slice);
	for (int i = 0; i < c->n_headers; i++) {
		grpc_slice_unref(c->out_headers[i].name);
		grpc_slice_unref(c->out_headers[i].value);
	}
	grpc_metadata_array_destroy(&c->headers);
	head_text_free(&c->texts);
	free(c->peer);
	free(c->text);
}

static void let_go(struct rpc_call *c)
{
	struct rpc_server *s = c->s;

	if (c->pending || c->in_next)
		return;
	if (c->prev)
		c->prev->next = c->next;
	else
		s->calls = c->next;
	if (c->next)
		c->next->prev = c->prev;
	atomic_fetch_sub(&s->live, 1);
	if (c->asked && c->method->m.follows)
		atomic_fetch_sub(&s->followers, 1);
	count(&c->method->n.finished[ended_with(c)], 1);
	if (c->guest && !c->cancelled)
		atomic_store(&c->guest->proven, true);
	peer_leave(c);
	grpc_call_unref(c->call);
	free_parts(c);
	free(c);
	server_settle(s);
}

/* A batch that the core does not take is a fault of ours; the call is cancelled rather than the process. */
static void start(struct rpc_call *c, const grpc_op *ops, size_t n, struct rpc_tag *t)
{
	grpc_call_error err = grpc_call_start_batch(c->call, ops, n, t, NULL);

	if (err == GRPC_CALL_OK) {
		c->pending++;
		return;
	}
	log_error("a batch was refused on %s: %s", c->method->m.path, grpc_call_error_to_string(err));
	grpc_call_cancel(c->call, NULL);
}

/* --- sending --- */

static size_t put_headers(struct rpc_call *c, grpc_op *op, grpc_metadata *to)
{
	size_t n = 0;

	for (unsigned int i = 0; i < c->s->n_headers; i++)
		to[n++] = (grpc_metadata){ .key = c->s->headers[i].name, .value = c->s->headers[i].value };
	for (unsigned int i = 0; i < c->n_headers; i++)
		to[n++] = (grpc_metadata){ .key = c->out_headers[i].name, .value = c->out_headers[i].value };
	*op = (grpc_op){ .op = GRPC_OP_SEND_INITIAL_METADATA };
	op->data.send_initial_metadata.count = n;
	op->data.send_initial_metadata.metadata = to;
	c->sent_headers = true;
	return 1;
}

static void put_status(struct rpc_call *c, grpc_op *op, grpc_slice *text)
{
	*text = grpc_slice_from_static_string(c->text ?: "");
	*op = (grpc_op){ .op = GRPC_OP_SEND_STATUS_FROM_SERVER };
	op->data.send_status_from_server.status = (grpc_status_code)c->code;
	op->data.send_status_from_server.status_details = text;
	c->status_out = true;
}

static void send_status(struct rpc_call *c)
{
	grpc_metadata headers[HEADERS_MOST];
	grpc_op ops[2];
	grpc_slice text;
	size_t n = 0;

	if (c->status_out)
		return;
	if (!c->sent_headers)
		n += put_headers(c, &ops[n], headers);
	put_status(c, &ops[n++], &text);
	start(c, ops, n, &c->on_status);
}

static void ask_again(struct rpc_call *c)
{
	if (c->waits_again)
		return;
	c->waits_again = true;
	c->pending++;
	c->again = c->s->again;
	c->s->again = c;
	rpc_bell_ring(c->s->loop, &c->s->again_bell);
}

void calls_again(void *server)
{
	struct rpc_server *s = server;
	struct rpc_call *next, *c = s->again;

	s->again = NULL;
	for (; c; c = next) {
		next = c->again;
		c->waits_again = false;
		call_pump(c);
		c->pending--;
		let_go(c);
	}
}

/* Asks the method for one message, unless one was fetched ahead. */
static enum rpc_next fetch(struct rpc_call *c, struct rpc_out *out)
{
	enum rpc_next is = c->ahead_is;

	if (is == RPC_MESSAGE || is == RPC_DONE) {
		*out = c->ahead;
		c->ahead.full = false;
		c->ahead_is = RPC_IDLE;
		return is;
	}
	if (c->finishing || !c->asked || !c->method->m.next)
		return RPC_IDLE;
	c->in_next = true;
	is = c->method->m.next(c, out, c->method->ctx);
	c->in_next = false;
	if (is == RPC_AGAIN)
		ask_again(c);
	if (is == RPC_MESSAGE && !out->full)
		is = RPC_IDLE;
	return is == RPC_AGAIN ? RPC_IDLE : is;
}

/* A message that carries GRPC_WRITE_BUFFER_HINT stays in the core until one without it follows: three times less work,
 * but only if the follower is in hand.  Never beside the headers: such a batch would not end. */
static unsigned int hint(struct rpc_call *c)
{
	if (!c->sent_headers || c->finishing)
		return 0;
	c->ahead_is = fetch(c, &c->ahead);
	return c->ahead_is == RPC_MESSAGE ? GRPC_WRITE_BUFFER_HINT : 0;
}

static void put_message(struct rpc_call *c, grpc_op *op, struct rpc_out *out)
{
	c->out = grpc_raw_byte_buffer_create(&out->slice, 1);
	count(&c->method->n.sent, 1);
	count(&c->method->n.sent_bytes, GRPC_SLICE_LENGTH(out->slice));
	grpc_slice_unref(out->slice);
	*op = (grpc_op){ .op = GRPC_OP_SEND_MESSAGE, .flags = hint(c) };
	op->data.send_message.send_message = c->out;
}

static void read_more(struct rpc_call *c)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	if (c->reading || c->closed || c->ended_reading || c->finishing)
		return;
	op.data.recv_message.recv_message = &c->in;
	c->reading = true;
	start(c, &op, 1, &c->on_received);
}

static void send_message(struct rpc_call *c, struct rpc_out *out)
{
	grpc_metadata headers[HEADERS_MOST];
	grpc_op ops[3];
	grpc_slice text;
	size_t n = 0, at;
	bool first = !c->sent_headers;

	at = first ? 1 : 0;
	put_message(c, &ops[at], out);	/* before the headers are marked as sent */
	if (first)
		n += put_headers(c, &ops[0], headers);
	n++;
	if (c->ahead_is == RPC_DONE) {
		c->ahead_is = RPC_IDLE;
		c->finishing = true;
	}
	if (c->finishing && c->ahead_is != RPC_MESSAGE) {	/* all in one write */
		put_status(c, &ops[n++], &text);
		start(c, ops, n, &c->on_status);
		return;
	}
	c->sending = true;
	start(c, ops, n, &c->on_sent);
}

/* Headers go out at once: by them a client sees that a quiet stream stands. */
static void send_headers(struct rpc_call *c)
{
	grpc_metadata headers[HEADERS_MOST];
	grpc_op op;

	put_headers(c, &op, headers);
	c->sending = true;
	start(c, &op, 1, &c->on_sent);
}

void call_pump(struct rpc_call *c)
{
	struct rpc_out out = { .full = false };
	enum rpc_next is;

	if (c->sending || c->closed || c->status_out || c->in_next)
		return;
	c->pending++;
	is = fetch(c, &out);
	if (is == RPC_DONE)
		rpc_call_finish(c, RPC_OK, NULL);
	if (is == RPC_MESSAGE)
		send_message(c, &out);
	else if (c->finishing)
		send_status(c);
	else if (!c->sent_headers && c->method->m.next)
		send_headers(c);
	else if (c->method->m.many)
		read_more(c);
	c->pending--;
}

static void on_sent(struct rpc_tag *t, bool ok)
{
	struct rpc_call *c = t->owner;

	c->pending--;
	c->sending = false;
	if (c->out)
		grpc_byte_buffer_destroy(c->out);
	c->out = NULL;
	if (ok && !c->closed)
		call_pump(c);
	else if (c->finishing)
		send_status(c);
	let_go(c);
}

static void on_status(struct rpc_tag *t, bool ok)
{
	struct rpc_call *c = t->owner;

	c->pending--;
	let_go(c);
}

/* --- receiving --- */

static bool hand_over(struct rpc_call *c, grpc_byte_buffer *from)
{
	grpc_byte_buffer_reader r;
	grpc_slice all;

	if (!grpc_byte_buffer_reader_init(&r, from))
		return false;
	all = grpc_byte_buffer_reader_readall(&r);
	grpc_byte_buffer_reader_destroy(&r);
	count(&c->method->n.received, 1);
	count(&c->method->n.received_bytes, GRPC_SLICE_LENGTH(all));
	if (!c->asked && c->method->m.follows)
		atomic_fetch_add(&c->s->followers, 1);	/* before the first next(), so that no news is missed */
	c->asked = true;
	c->method->m.request(c, GRPC_SLICE_START_PTR(all), GRPC_SLICE_LENGTH(all), c->method->ctx);
	grpc_slice_unref(all);
	return true;
}

static void on_received(struct rpc_tag *t, bool ok)
{
	struct rpc_call *c = t->owner;
	grpc_byte_buffer *in = c->in;

	c->in = NULL;
	c->reading = false;
	if (ok && in && !c->closed && !c->finishing) {
		if (!hand_over(c, in))
			rpc_call_finish(c, RPC_INTERNAL, "the request cannot be read");
		call_pump(c);		/* reads on when the answers are out */
	} else if (!in) {
		c->ended_reading = true;
		if (!c->closed && !c->finishing) {
			rpc_call_finish(c, RPC_OK, NULL);
			call_pump(c);
		}
	}
	if (in)
		grpc_byte_buffer_destroy(in);
	c->pending--;
	let_go(c);
}

/* RECV_CLOSE_ON_SERVER: comes exactly once, after our status went out or on cancel, deadline or a lost
 * connection, and is the only news of these. */
static void on_closed(struct rpc_tag *t, bool ok)
{
	struct rpc_call *c = t->owner;

	c->closed = true;
	if (c->cancelled && c->guest && rpc_now_ms() - c->began < SOON_MS)
		door_reset(c->guest);
	if (c->asked && c->method->m.closed)
		c->method->m.closed(c, c->cancelled, c->method->ctx);
	c->finishing = true;
	if (!c->sending)
		send_status(c);		/* still owed: it only tells the core that we are through */
	c->pending--;
	let_go(c);
}

/* --- the beginning --- */

static void watch_close(struct rpc_call *c)
{
	grpc_op op = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER };

	op.data.recv_close_on_server.cancelled = &c->cancelled;
	start(c, &op, 1, &c->on_closed);
}

static struct rpc_call *call_new(struct slot *slot)
{
	struct rpc_call *c = calloc(1, sizeof(*c));
	struct rpc_server *s = slot->s;

	if (!c)
		return NULL;
	c->s = s;
	c->method = slot->method;
	c->call = slot->call;
	c->headers = slot->headers;
	c->deadline = slot->method->handle ? slot->deadline : slot->details.deadline;
	c->began = rpc_now_ms();
	c->on_sent = (struct rpc_tag){ on_sent, c };
	c->on_received = (struct rpc_tag){ on_received, c };
	c->on_closed = (struct rpc_tag){ on_closed, c };
	c->on_status = (struct rpc_tag){ on_status, c };
	c->next = s->calls;
	if (c->next)
		c->next->prev = c;
	s->calls = c;
	atomic_fetch_add(&s->live, 1);
	count(&c->method->n.started, 1);
	return c;
}

/* What stands against serving it; true if it was finished for that. */
static bool refused(struct rpc_call *c, struct slot *slot)
{
	struct rpc_server *s = c->s;

	if (!peer_enter(c)) {
		count(&s->refused_calls, 1);
		rpc_call_finish(c, RPC_RESOURCE_EXHAUSTED, "too many calls of yours are open (%u)", s->o.max_peer_calls);
	} else if (atomic_load(&s->live) > s->o.max_calls) {
		count(&s->refused_calls, 1);
		rpc_call_finish(c, RPC_RESOURCE_EXHAUSTED, "too many calls are open (%u)", s->o.max_calls);
	} else if (!c->method->handle) {
		char *path = grpc_slice_to_c_string(slot->details.method), shown[128];

		rpc_call_finish(c, RPC_UNIMPLEMENTED, "unknown method %s", complaint_show(path, shown, sizeof(shown)));
		gpr_free(path);
	} else if (s->stopping) {
		rpc_call_finish(c, RPC_UNAVAILABLE, "the server is shutting down");
	}
	return c->finishing;
}

void call_begin(struct slot *slot)
{
	grpc_byte_buffer *in = slot->payload;
	struct rpc_call *c = call_new(slot);

	if (!c) {	/* no room for a single call: this one is dropped */
		grpc_metadata_array_destroy(&slot->headers);
		grpc_call_cancel(slot->call, NULL);
		grpc_call_unref(slot->call);
		if (in)
			grpc_byte_buffer_destroy(in);
		return;
	}
	c->pending++;
	watch_close(c);
	if (!refused(c, slot)) {
		if (c->method->m.many)
			read_more(c);
		else if (!in)	/* closed without a message, or one that is too large or broken */
			rpc_call_finish(c, RPC_INVALID_ARGUMENT, "there is no request, or it is over %zu bytes",
					c->s->o.max_request);
		else if (!hand_over(c, in))
			rpc_call_finish(c, RPC_INTERNAL, "the request cannot be read");
	}
	call_pump(c);
	if (in)
		grpc_byte_buffer_destroy(in);
	c->pending--;
	let_go(c);
}

/* --- what a method does with it --- */

int rpc_out_copy(struct rpc_out *out, const void *data, size_t size)
{
	if (out->full)
		return -EEXIST;
	out->slice = grpc_slice_from_copied_buffer(data, size);
	out->full = true;
	return 0;
}

int rpc_out_message(struct rpc_out *out, const ProtobufCMessage *m)
{
	if (out->full)
		return -EEXIST;
	out->slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(m));
	protobuf_c_message_pack(m, GRPC_SLICE_START_PTR(out->slice));
	out->full = true;
	return 0;
}

static void answered(struct rpc_call *c)
{
	c->ahead_is = RPC_MESSAGE;
	rpc_call_finish(c, RPC_OK, NULL);
}

void rpc_call_answer(struct rpc_call *c, const void *data, size_t size)
{
	if (!c->finishing && !rpc_out_copy(&c->ahead, data, size))
		answered(c);
}

void rpc_call_answer_message(struct rpc_call *c, const ProtobufCMessage *m)
{
	if (!c->finishing && !rpc_out_message(&c->ahead, m))
		answered(c);
}

void rpc_call_finish(struct rpc_call *c, enum rpc_code code, const char *format, ...)
{
	char text[TEXT_MOST];
	va_list args;

	if (c->finishing)
		return;
	c->finishing = true;
	c->code = code;
	if (format) {
		va_start(args, format);
		vsnprintf(text, sizeof(text), format, args);
		va_end(args);
		c->text = strdup(text);
	}
	call_pump(c);
}

void **rpc_call_user(struct rpc_call *c)
{
	return &c->user;
}

void rpc_call_wake(struct rpc_call *c)
{
	call_pump(c);
}

bool rpc_call_stopping(const struct rpc_call *c)
{
	return c->s->stopping;
}

struct rpc_loop *rpc_call_loop(const struct rpc_call *c)
{
	return c->s->loop;
}

const char *rpc_call_header(struct rpc_call *c, const char *name)
{
	return head_text(&c->texts, &c->headers, name);
}

int rpc_call_set_header(struct rpc_call *c, const char *name, const char *value)
{
	if (c->sent_headers || c->n_headers + c->s->n_headers >= HEADERS_MOST)
		return -ENOSPC;
	c->out_headers[c->n_headers].name = grpc_slice_from_copied_string(name);
	c->out_headers[c->n_headers++].value = grpc_slice_from_copied_string(value);
	return 0;
}
