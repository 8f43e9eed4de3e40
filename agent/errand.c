// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include "agent/errand.h"

struct errands {
	struct loop *loop;		/* not ours */
	struct rpc_loop *rpc;		/* not ours */
	struct errand *first;		/* on their way; the gRPC thread's */
	unsigned int n;
};

int errands_new(struct errands **out, struct loop *loop, struct rpc_loop *rpc)
{
	struct errands *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->loop = loop;			/* not ours */
	e->rpc = rpc;			/* not ours */
	*out = e;
	return 0;
}

void errands_free(struct errands *e)
{
	struct errand *next;

	for (struct errand *one = e ? e->first : NULL; one; one = next) {
		next = one->next;
		one->back(one, false);
	}
	free(e);
}

static void on_back(void *ctx)
{
	struct errand *e = ctx, **at = &e->of->first;

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	e->of->n--;
	e->back(e, true);
}

static void on_work(void *ctx)
{
	struct errand *e = ctx;

	e->work(e);
	rpc_bell_ring(e->of->rpc, &e->bell);
}

int errand_send(struct errands *of, struct errand *e)
{
	int err = of->n < ERRANDS_MOST ? 0 : -EAGAIN;

	e->of = of;
	e->bell = (struct rpc_bell){ .fn = on_back, .ctx = e };
	if (!err)
		err = loop_post(of->loop, on_work, e);
	if (err)
		return err;
	e->next = of->first;
	of->first = e;
	of->n++;
	return 0;
}
