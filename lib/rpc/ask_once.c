// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/rpc/channel.h"

/* --- a unary call, waited for --- */

struct once {
	struct rpc_loop *loop;
	uint8_t *answer;
	size_t size;
	enum rpc_code code;
	bool ended, full;
	struct complaint *why;
};

static bool keep_answer(struct rpc_ask *a, const uint8_t *data, size_t size, void *ctx)
{
	struct once *o = ctx;

	if (o->answer)
		return true;	/* more than one: the first counts */
	o->answer = malloc(size + 1);
	o->full = !o->answer;
	if (o->answer) {
		memcpy(o->answer, data, size);
		o->size = size;
	}
	return true;
}

static void keep_end(struct rpc_ask *a, const struct rpc_end *end, void *ctx)
{
	struct once *o = ctx;

	o->ended = true;
	o->code = end->code;
	if (end->code != RPC_OK && o->why)
		complaint_set(o->why, 0, 0, "%s", *end->text ? end->text : rpc_code_name(end->code));
	rpc_loop_stop(o->loop);
}

enum rpc_code rpc_ask_once(struct rpc_channel *ch, const char *path, const void *data, size_t size,
			   unsigned int deadline_ms, uint8_t **answer, size_t *answer_size, struct complaint *why)
{
	struct once o = { .loop = ch->loop, .why = why };
	struct rpc_ask_options options = { .path = path, .data = data, .size = size, .deadline_ms = deadline_ms,
					   .message = keep_answer, .ended = keep_end, .ctx = &o };
	struct rpc_ask *a;

	if (rpc_ask(&a, ch, &options)) {
		complaint_set(why, 0, 0, "no call can be made to '%s'", ch->server);
		return RPC_INTERNAL;
	}
	rpc_loop_run(ch->loop);
	if (!o.ended) {		/* somebody else stopped the loop: a signal */
		rpc_ask_cancel(a);
		while (!o.ended)
			rpc_loop_run(ch->loop);
		o.code = RPC_CANCELLED;
	}
	if (o.code == RPC_OK && !o.answer) {
		complaint_set(why, 0, 0, o.full ? "there is no memory for the answer" : "the answer holds no message");
		o.code = o.full ? RPC_RESOURCE_EXHAUSTED : RPC_INTERNAL;
	}
	if (o.code != RPC_OK) {
		free(o.answer);
		return o.code;
	}
	*answer = o.answer;
	*answer_size = o.size;
	return RPC_OK;
}

/* --- when to try again --- */

static uint32_t roll(void)
{
	static _Thread_local uint64_t state;
	struct timespec t;

	if (!state) {
		clock_gettime(CLOCK_REALTIME, &t);
		state = (uint64_t)t.tv_nsec << 20 ^ (uint64_t)t.tv_sec ^ (uintptr_t)&state;
	}
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return state >> 33;
}

unsigned int rpc_backoff_next(struct rpc_backoff *b)
{
	uint64_t most = (uint64_t)b->base_ms << (b->tries < 16 ? b->tries : 16);

	b->tries++;
	if (most > b->most_ms)
		most = b->most_ms;
	return (unsigned int)(most / 2 + roll() % (most / 2 + 1));
}
