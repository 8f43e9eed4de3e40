/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that waits for the kernel, so that the loop does not.
 *
 *	grace_after(g, settle, me);		settle(me) on the loop, once every program that runs now has ended
 *	grace_call(g, attach, attached, me);	attach(me) on the waiting thread, then attached(me) on the loop
 *
 * Graces asked for while one runs share the next.  Work runs in the order given; graces go before it.
 */
#ifndef WEIR_AGENT_GRACE_H
#define WEIR_AGENT_GRACE_H

#include "lib/loop.h"

struct grace;

int grace_open(struct grace **out, struct loop *loop);
void grace_close(struct grace *g);	/* finishes the call that runs; what waits is dropped, nothing more is posted */

int grace_after(struct grace *g, loop_fn done, void *ctx);			/* -EAGAIN: too many wait */
int grace_call(struct grace *g, loop_fn work, loop_fn done, void *ctx);	/* likewise */

/* The same, waiting right here.  0 or -errno. */
int grace_now(void);

/* How it is proved: "membarrier", or "map of maps" where the kernel refuses that. */
const char *grace_method(void);

#endif
