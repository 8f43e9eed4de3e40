// SPDX-License-Identifier: Apache-2.0
/*
 * The life of a call on the client's side: everything is sent at once, messages are read one by one, and the end
 * is told when every tag has come back, so that nothing comes behind it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer_reader.h>
#include <grpc/support/alloc.h>

#include "lib/log.h"
#include "lib/rpc/channel.h"
#include "lib/rpc/reason.h"
#include "lib/rpc/head_text.h"

#define HEADERS_MOST 32

struct rpc_ask {
	struct rpc_channel *ch;
	grpc_call *call;
	struct rpc_ask_options o;
	struct rpc_tag on_sent, on_headers, on_message, on_end;
	grpc_metadata_array headers, trailers;
	struct head_kept *texts;
	grpc_byte_buffer *in;
	grpc_status_code code;
	grpc_slice text;
	const char *details;		/* the core's, which tell the server's words from its own */
	char *said;			/* 'text' as a string */
	struct reason *reason;		/* under way */
	unsigned int pending;
	bool reading, ended, began, messages, cancelled;
};

/* --- the end --- */

static void finish(struct rpc_ask *a, const char *text, bool reached)
{
	struct rpc_end end = { .code = (enum rpc_code)a->code, .text = text, .reached = reached };

	if ((unsigned int)a->code >= RPC_CODE_COUNT)
		end.code = RPC_UNKNOWN;
	a->o.ended(a, &end, a->o.ctx);
	gpr_free(a->said);
	gpr_free((void *)a->details);
	grpc_slice_unref(a->text);
	grpc_metadata_array_destroy(&a->headers);
	grpc_metadata_array_destroy(&a->trailers);
	head_text_free(&a->texts);
	grpc_call_unref(a->call);
	free(a);
}

static void on_reason(const char *why, void *ctx)
{
	struct rpc_ask *a = ctx;

	a->reason = NULL;
	finish(a, *why ? why : a->said, false);
}

/* A failure without any answer: of the connection, as far as can be seen from here.  What the deadline cut off may be
 * a slow answer over a good connection. */
static bool unreached(const struct rpc_ask *a)
{
	if (a->began || a->messages || a->trailers.count ||
	    (a->details && strstr(a->details, "received from peer")))
		return false;
	return a->code == GRPC_STATUS_UNAVAILABLE ||
	       (a->code == GRPC_STATUS_DEADLINE_EXCEEDED && rpc_channel_state(a->ch) != RPC_STATE_READY);
}

static void settle(struct rpc_ask *a)
{
	struct reason_of of = { .server = a->ch->server, .name = a->ch->name, .tls = a->ch->tls };

	if (a->pending)
		return;
	a->said = grpc_slice_to_c_string(a->text);
	if (!unreached(a)) {
		finish(a, a->code == GRPC_STATUS_OK ? "" : a->said, true);
		return;
	}
	if (!strncmp(of.server, "unix://", 7))
		of.server = a->ch->dialled;
	if (a->o.brief || a->cancelled || reason_ask(&a->reason, a->ch->loop, &of, on_reason, a))
		finish(a, a->said, false);
}

/* --- the batches --- */

static int start(struct rpc_ask *a, const grpc_op *ops, size_t n, struct rpc_tag *t)
{
	grpc_call_error err = grpc_call_start_batch(a->call, ops, n, t, NULL);

	if (err == GRPC_CALL_OK) {
		a->pending++;
		return 0;
	}
	log_error("a batch was refused on %s: %s", a->o.path, grpc_call_error_to_string(err));
	grpc_call_cancel(a->call, NULL);
	return -EIO;
}

void rpc_ask_read(struct rpc_ask *a)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	if (a->reading || a->ended)
		return;
	op.data.recv_message.recv_message = &a->in;
	a->reading = !start(a, &op, 1, &a->on_message);
}

static void on_sent(struct rpc_tag *t, bool ok)
{
	struct rpc_ask *a = t->owner;

	a->pending--;
	settle(a);
}

/* They also "come" for a call that never got through; with something in them, or over a connection that stands, they
 * are the server's. */
static void on_headers(struct rpc_tag *t, bool ok)
{
	struct rpc_ask *a = t->owner;

	a->began = ok && !a->ended && (a->headers.count || rpc_channel_state(a->ch) == RPC_STATE_READY);
	if (a->began && a->o.began)
		a->o.began(a, a->o.ctx);
	a->pending--;
	settle(a);
}

/* A message that came in one piece is handed over where it lies; the reader would copy it. */
static bool hand_over(struct rpc_ask *a)
{
	const grpc_slice_buffer *pieces = &a->in->data.raw.slice_buffer;
	grpc_byte_buffer_reader r;
	grpc_slice all;
	bool more;

	if (a->in->type == GRPC_BB_RAW && a->in->data.raw.compression == GRPC_COMPRESS_NONE && pieces->count == 1)
		return a->o.message(a, GRPC_SLICE_START_PTR(pieces->slices[0]), GRPC_SLICE_LENGTH(pieces->slices[0]),
				    a->o.ctx);
	if (!grpc_byte_buffer_reader_init(&r, a->in))
		return true;
	all = grpc_byte_buffer_reader_readall(&r);
	grpc_byte_buffer_reader_destroy(&r);
	more = a->o.message(a, GRPC_SLICE_START_PTR(all), GRPC_SLICE_LENGTH(all), a->o.ctx);
	grpc_slice_unref(all);
	return more;
}

static void on_message(struct rpc_tag *t, bool ok)
{
	struct rpc_ask *a = t->owner;
	bool more = false;

	a->reading = false;
	if (ok && a->in) {	/* none: the stream has ended, the status follows */
		a->messages = true;
		more = hand_over(a);
	}
	if (a->in)
		grpc_byte_buffer_destroy(a->in);
	a->in = NULL;
	if (more)
		rpc_ask_read(a);
	a->pending--;
	settle(a);
}

static void on_end(struct rpc_tag *t, bool ok)
{
	struct rpc_ask *a = t->owner;

	a->ended = true;
	a->pending--;
	settle(a);
}

/* --- the beginning --- */

static grpc_call *call_open(struct rpc_channel *ch, const struct rpc_ask_options *o)
{
	gpr_timespec until = gpr_inf_future(GPR_CLOCK_MONOTONIC);
	grpc_slice path = grpc_slice_from_copied_string(o->path);
	grpc_call *call;

	if (o->deadline_ms)
		until = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(o->deadline_ms, GPR_TIMESPAN));
	call = grpc_channel_create_call(ch->core, NULL, GRPC_PROPAGATE_DEFAULTS, rpc_loop_queue(ch->loop), path, NULL,
					until, NULL);
	grpc_slice_unref(path);
	return call;
}

/* The status is asked for first and alone, so that any failure is told. */
static int receive_end(struct rpc_ask *a)
{
	grpc_op end = { .op = GRPC_OP_RECV_STATUS_ON_CLIENT };

	end.data.recv_status_on_client.trailing_metadata = &a->trailers;
	end.data.recv_status_on_client.status = &a->code;
	end.data.recv_status_on_client.status_details = &a->text;
	end.data.recv_status_on_client.error_string = &a->details;
	return start(a, &end, 1, &a->on_end);
}

static int send_all(struct rpc_ask *a)
{
	const struct rpc_ask_options *o = &a->o;
	unsigned int n = o->n_headers < HEADERS_MOST ? o->n_headers : HEADERS_MOST;
	grpc_metadata headers[HEADERS_MOST];
	grpc_slice data = grpc_slice_from_copied_buffer(o->data, o->size);
	grpc_byte_buffer *out = grpc_raw_byte_buffer_create(&data, 1);
	grpc_op ops[3] = { { .op = GRPC_OP_SEND_INITIAL_METADATA }, { .op = GRPC_OP_SEND_MESSAGE },
			   { .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT } };
	int err;

	for (unsigned int i = 0; i < n; i++)
		headers[i] = (grpc_metadata){ .key = grpc_slice_from_copied_string(o->headers[i].name),
					      .value = grpc_slice_from_copied_string(o->headers[i].value) };
	if (o->wait)
		ops[0].flags = GRPC_INITIAL_METADATA_WAIT_FOR_READY | GRPC_INITIAL_METADATA_WAIT_FOR_READY_EXPLICITLY_SET;
	ops[0].data.send_initial_metadata.count = n;
	ops[0].data.send_initial_metadata.metadata = headers;
	ops[1].data.send_message.send_message = out;
	err = start(a, ops, 3, &a->on_sent);
	for (unsigned int i = 0; i < n; i++) {
		grpc_slice_unref(headers[i].key);
		grpc_slice_unref(headers[i].value);
	}
	grpc_slice_unref(data);
	grpc_byte_buffer_destroy(out);		/* the batch has its own reference */
	return err;
}

static void receive_headers(struct rpc_ask *a)
{
	grpc_op op = { .op = GRPC_OP_RECV_INITIAL_METADATA };

	op.data.recv_initial_metadata.recv_initial_metadata = &a->headers;
	start(a, &op, 1, &a->on_headers);
}

int rpc_ask(struct rpc_ask **out, struct rpc_channel *ch, const struct rpc_ask_options *options)
{
	struct rpc_ask *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	if (channel_refresh(ch))
		log_warn("no connection can be made with the certificates for '%s': the old one is used", ch->server);
	a->ch = ch;
	a->o = *options;
	a->text = grpc_empty_slice();
	a->on_sent = (struct rpc_tag){ on_sent, a };
	a->on_headers = (struct rpc_tag){ on_headers, a };
	a->on_message = (struct rpc_tag){ on_message, a };
	a->on_end = (struct rpc_tag){ on_end, a };
	grpc_metadata_array_init(&a->headers);
	grpc_metadata_array_init(&a->trailers);
	a->call = call_open(ch, options);
	if (!a->call || receive_end(a)) {
		if (a->call)
			grpc_call_unref(a->call);
		free(a);
		return -EIO;
	}
	send_all(a);
	receive_headers(a);
	rpc_ask_read(a);
	a->o.data = NULL;	/* the caller's: not ours any more */
	a->o.headers = NULL;
	*out = a;
	return 0;
}

void rpc_ask_cancel(struct rpc_ask *a)
{
	a->cancelled = true;
	if (a->reason)
		reason_abort(a->reason);
	else
		grpc_call_cancel(a->call, NULL);
}

const char *rpc_ask_header(struct rpc_ask *a, const char *name)
{
	const char *text = head_text(&a->texts, &a->headers, name);

	return text ? text : head_text(&a->texts, &a->trailers, name);
}
