// SPDX-License-Identifier: Apache-2.0
/*
 * weir.v1.Agent: what the control socket answers, by gRPC.  The answers are worked out on the loop's thread, packed
 * there, and sent from here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/answers.h"
#include "agent/serve_inside.h"
#include "agent/stream_inside.h"
#include "lib/wire/unpack.h"
#include "proto/weir/v1/agent.pb-c.h"

#define ANSWER_MOST (16U << 20)		/* bytes; 16 MiB are some 10,000 endpoints */

enum about { ABOUT_STATUS, ABOUT_ENDPOINTS, ABOUT_POLICIES, ABOUT_WHY };

struct question {
	struct errand errand;
	struct agent *a;
	struct rpc_call *call;		/* NULL: nobody waits any more */
	enum about about;
	Weir__V1__WhyRequest *why;	/* ABOUT_WHY */
	/* the answer: bytes, or what is wrong */
	uint8_t *data;
	size_t size;
	int err;
	struct complaint complaint;
};

/* The bytes of all parts, one behind the other, are one message. */
static int on_part(void *ctx, const ProtobufCMessage *part, bool last)
{
	size_t n = protobuf_c_message_get_packed_size(part);
	struct question *q = ctx;
	uint8_t *more = q->size + n <= ANSWER_MOST ? realloc(q->data, q->size + n + 1) : NULL;

	if (!more)
		return -EFBIG;
	q->data = more;
	q->size += protobuf_c_message_pack(part, more + q->size);
	return 0;
}

static void on_work(struct errand *e)
{
	struct question *q = (struct question *)e;

	switch (q->about) {
	case ABOUT_STATUS:
		q->err = answer_status(q->a, on_part, q);
		break;
	case ABOUT_ENDPOINTS:
		q->err = answer_endpoints(q->a, on_part, q);
		break;
	case ABOUT_POLICIES:
		q->err = answer_policies(q->a, on_part, q);
		break;
	case ABOUT_WHY:
		q->err = answer_why(q->a, q->why, on_part, q, &q->complaint);
		break;
	}
}

static void question_free(struct question *q)
{
	unpack_free(q->why);
	free(q->data);
	free(q);
}

static void on_back(struct errand *e, bool done)
{
	struct question *q = (struct question *)e;

	if (q->call) {
		*rpc_call_user(q->call) = NULL;
		if (!q->err)
			rpc_call_answer(q->call, q->data, q->size);
		else if (q->err == -EINVAL)
			rpc_call_finish(q->call, RPC_INVALID_ARGUMENT, "%s", q->complaint.text);
		else
			rpc_call_finish(q->call, RPC_RESOURCE_EXHAUSTED, "%s", q->err == -EFBIG ?
					"the answer is too large" : "no memory");
	}
	question_free(q);
}

static void ask(struct serve *s, struct rpc_call *c, enum about about, Weir__V1__WhyRequest *why)
{
	struct question *q = calloc(1, sizeof(*q));

	if (!q) {
		unpack_free(why);
		rpc_call_finish(c, RPC_RESOURCE_EXHAUSTED, "no memory");
		return;
	}
	q->errand.work = on_work;
	q->errand.back = on_back;
	q->a = s->a;
	q->call = c;
	q->about = about;
	q->why = why;
	if (errand_send(s->errands, &q->errand)) {
		question_free(q);
		rpc_call_finish(c, RPC_RESOURCE_EXHAUSTED, "too many questions wait for an answer");
		return;
	}
	*rpc_call_user(c) = q;
}

static void closed(struct rpc_call *c, bool gone, void *ctx)
{
	struct question *q = *rpc_call_user(c);

	if (q)
		q->call = NULL;
}

static void on_status(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	ask(ctx, c, ABOUT_STATUS, NULL);
}

static void on_endpoints(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	ask(ctx, c, ABOUT_ENDPOINTS, NULL);
}

static void on_policies(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	ask(ctx, c, ABOUT_POLICIES, NULL);
}

static void on_why(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	Weir__V1__WhyRequest *why = serve_unpack(c, &weir__v1__why_request__descriptor, data, size);

	if (why)
		ask(ctx, c, ABOUT_WHY, why);
}

static void on_mark(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	Weir__V1__MarkRequest *mark = serve_unpack(c, &weir__v1__mark_request__descriptor, data, size);
	Google__Protobuf__Timestamp now = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Weir__V1__MarkReply reply = WEIR__V1__MARK_REPLY__INIT;
	uint64_t ns = stream_clock();

	if (!mark)
		return;
	reply.known = observer_mark(ctx, mark->stream);
	now.seconds = ns / NS_PER_S;
	now.nanos = ns % NS_PER_S;
	reply.now = &now;
	unpack_free(mark);
	rpc_call_answer_message(c, &reply.base);
}

int agent_service_add(struct serve *s)
{
	static const struct rpc_method methods[] = {
		{ .path = "/weir.v1.Agent/Mark", .request = on_mark },
		{ .path = "/weir.v1.Agent/Status", .request = on_status, .closed = closed },
		{ .path = "/weir.v1.Agent/Endpoints", .request = on_endpoints, .closed = closed },
		{ .path = "/weir.v1.Agent/Policies", .request = on_policies, .closed = closed },
		{ .path = "/weir.v1.Agent/Why", .request = on_why, .closed = closed },
	};

	return rpc_server_add(s->server, methods, sizeof(methods) / sizeof(*methods), s);
}
