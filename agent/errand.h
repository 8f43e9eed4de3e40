/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errands: what the gRPC thread has the loop's thread do, and gets back.
 *
 *	struct question { struct errand errand; ... };
 *	q->errand = (struct errand){ .work = ask, .back = answer };
 *	err = errand_send(errands, &q->errand);		-EAGAIN: too many wait
 *	ask(&q->errand)					on the loop's thread: cluster state may be looked at
 *	answer(&q->errand, true)			on the gRPC thread; the errand is the sender's again
 *
 * One is on its way at a time, and after it the loop's thread is left alone for as long as it took: who asks without end
 * takes half of that thread at most, and nothing else there waits for more than one answer.
 *
 * An errand that is never run, because the agent ends, comes back with 'done' false.
 */
#ifndef WEIR_AGENT_ERRAND_H
#define WEIR_AGENT_ERRAND_H

#include "lib/loop.h"
#include "lib/rpc/loop.h"

#define ERRANDS_MOST 64			/* that wait for their turn */

struct errands;

struct errand {
	void (*work)(struct errand *e);
	void (*back)(struct errand *e, bool done);
	struct errands *of;		/* from here on its own */
	struct errand *next;
	struct rpc_bell bell;
};

int errands_new(struct errands **out, struct loop *loop, struct rpc_loop *rpc);
void errands_free(struct errands *e);		/* NULL is fine; when both threads rest */

int errand_send(struct errands *of, struct errand *e);		/* the gRPC thread */

#endif
