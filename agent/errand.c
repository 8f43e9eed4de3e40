// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "agent/errand.h"

/* All the gRPC thread's, but for what on_work() touches. */
struct errands {
	struct loop *loop;		/* not ours */
	struct rpc_loop *rpc;		/* not ours */
	struct errand *first, **last;	/* in the order of asking; the first may be on its way */
	unsigned int n;
	bool away;			/* the first is on its way */
	bool rests;
	uint64_t took_ns;		/* the loop's thread, before it rings */
	struct rpc_timer timer;
};

int errands_new(struct errands **out, struct loop *loop, struct rpc_loop *rpc)
{
	struct errands *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->loop = loop;			/* not ours */
	e->rpc = rpc;			/* not ours */
	e->last = &e->first;
	*out = e;
	return 0;
}

static struct errand *take_first(struct errands *of)
{
	struct errand *e = of->first;

	of->first = e->next;
	if (!of->first)
		of->last = &of->first;
	of->n--;
	return e;
}

void errands_free(struct errands *e)
{
	if (!e)
		return;
	rpc_timer_stop(e->rpc, &e->timer);
	e->rests = true;		/* nothing more is sent */
	while (e->first) {
		struct errand *one = take_first(e);

		one->back(one, false);
	}
	free(e);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void on_work(void *ctx)
{
	struct errand *e = ctx;
	uint64_t began = now_ns();

	e->work(e);
	e->of->took_ns = now_ns() - began;
	rpc_bell_ring(e->of->rpc, &e->bell);
}

static void on_again(void *ctx);

/* The next one, if it is its turn.  The loop's queue may be full: then later. */
static void go_on(struct errands *of)
{
	if (!of->first || of->away || of->rests)
		return;
	of->away = !loop_post(of->loop, on_work, of->first);
	if (!of->away)
		rpc_timer_set(of->rpc, &of->timer, 1, on_again, of);
}

static void on_again(void *ctx)
{
	struct errands *of = ctx;

	of->rests = false;
	go_on(of);
}

static void on_back(void *ctx)
{
	struct errands *of = ((struct errand *)ctx)->of;
	struct errand *e = take_first(of);
	uint64_t rest_ms = of->took_ns / 1000000;

	of->away = false;
	of->rests = rest_ms;
	if (rest_ms)
		rpc_timer_set(of->rpc, &of->timer, rest_ms, on_again, of);
	e->back(e, true);
	go_on(of);
}

int errand_send(struct errands *of, struct errand *e)
{
	if (of->n == ERRANDS_MOST)
		return -EAGAIN;
	e->of = of;
	e->next = NULL;
	e->bell = (struct rpc_bell){ .fn = on_back, .ctx = e };
	*of->last = e;
	of->last = &e->next;
	of->n++;
	go_on(of);
	return 0;
}
