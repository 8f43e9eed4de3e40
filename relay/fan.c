// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire/unpack.h"
#include "relay/fan.h"
#include "relay/unary.h"

struct one {				/* an answer that is awaited */
	struct fan *fan;
	struct fan_answer *answer;
};

static void free_fan(struct fan *f)
{
	for (unsigned int i = 0; i < f->answers; i++) {
		unpack_free(f->answer[i].message);
		peer_drop(f->answer[i].peer);
	}
	free(f);
}

/* The call is answered in finish(), and its closed() then frees: or here, if that was before. */
static void settle(struct fan *f)
{
	if (f->waiting)
		return;
	if (f->call) {
		*rpc_call_user(f->call) = NULL;
		f->finish(f);
	}
	free_fan(f);
}

static bool on_answer(void *ctx, const struct rpc_end *end, void *message)
{
	struct one *one = ctx;
	struct fan *f = one->fan;

	one->answer->message = message;
	if (!message)
		snprintf(one->answer->error, sizeof(one->answer->error), "%s",
			 end->code == RPC_DEADLINE_EXCEEDED ? "it does not answer" : end->text);
	free(one);
	f->waiting--;
	settle(f);
	return true;
}

static void ask(struct fan *f, const struct fan_question *q, struct peer *p)
{
	struct fan_answer *answer = &f->answer[f->answers++];
	struct one *one = malloc(sizeof(*one));
	int err = -1;

	answer->peer = peer_hold(p);
	if (one) {
		*one = (struct one){ f, answer };
		err = unary_ask(NULL, p->channel, &(struct unary){ .path = q->path, .request = q->request,
				.answer = q->answer, .deadline_ms = q->deadline_ms, .done = on_answer, .ctx = one });
	}
	if (!err) {
		f->waiting++;
		return;
	}
	free(one);
	snprintf(answer->error, sizeof(answer->error), "it could not be asked");
}

void fan_out(const struct fan_question *q)
{
	struct peers_counts c;
	struct fan *f;

	peers_count(q->peers, &c);
	f = calloc(1, sizeof(*f) + c.peers * sizeof(f->answer[0]));
	if (!f) {
		rpc_call_finish(q->call, RPC_RESOURCE_EXHAUSTED, "no memory to ask %u nodes", c.peers);
		return;
	}
	f->call = q->call;
	f->finish = q->finish;
	f->ctx = q->ctx;
	f->waiting = 1;			/* until all have been asked */
	*rpc_call_user(q->call) = f;
	for (struct peer *p = peers_first(q->peers); p; p = p->next) {
		if (p->state != PEER_CONNECTED || (q->own && p->foreign))
			continue;
		if (q->path)
			ask(f, q, p);
		else
			f->answer[f->answers++].peer = peer_hold(p);
	}
	f->waiting--;
	settle(f);
}

void fan_closed(struct rpc_call *c, bool gone, void *ctx)
{
	struct fan *f = *rpc_call_user(c);

	if (f)
		f->call = NULL;
}
