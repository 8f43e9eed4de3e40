// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include "lib/wire/unpack.h"
#include "relay/unary.h"

struct question {
	struct unary u;
	void *answer;
	bool came;
};

static bool on_message(struct rpc_ask *a, const uint8_t *data, size_t size, void *ctx)
{
	struct question *q = ctx;

	if (!q->came)
		q->answer = unpack_message(q->u.answer, data, size);
	q->came = true;
	return true;
}

static void on_end(struct rpc_ask *a, const struct rpc_end *end, void *ctx)
{
	static const struct rpc_end nonsense = { .code = RPC_DATA_LOSS, .text = "the answer makes no sense", .reached = true };
	struct question *q = ctx;

	if (end->code == RPC_OK && !q->answer)
		end = &nonsense;
	if (!q->u.done(q->u.ctx, end, end->code == RPC_OK ? q->answer : NULL))
		unpack_free(q->answer);
	free(q);
}

int unary_ask(struct rpc_ask **out, struct rpc_channel *channel, const struct unary *u)
{
	struct question *q = calloc(1, sizeof(*q));
	size_t size = protobuf_c_message_get_packed_size(u->request);
	uint8_t *data = malloc(size + 1);
	struct rpc_ask *ask = NULL;
	int err = -ENOMEM;

	if (q && data) {
		q->u = *u;
		protobuf_c_message_pack(u->request, data);
		err = rpc_ask(&ask, channel, &(struct rpc_ask_options){ .path = u->path, .data = data, .size = size,
			      .deadline_ms = u->deadline_ms, .message = on_message, .ended = on_end, .ctx = q });
	}
	free(data);
	if (err)
		free(q);
	else if (out)
		*out = ask;
	return err;
}
