/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gRPC thread's loop: one completion queue for servers and clients alike, timers, and calls posted from
 * other threads.
 *
 *	rpc_loop_open(&loop);			block signals first: gRPC's threads inherit the mask
 *	rpc_server_new(&server, loop, ...);	lib/rpc/server.h, lib/rpc/client.h
 *	rpc_loop_run(loop);			until rpc_loop_stop(), then it may be run again
 *	rpc_loop_close(loop);
 *
 * All that hangs on a loop belongs to the thread that runs it; no locks are needed there.  From other threads
 * only what says "any thread" may be called.  Servers are stopped and freed, and channels closed, before the loop.
 */
#ifndef WEIR_LIB_RPC_LOOP_H
#define WEIR_LIB_RPC_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct rpc_loop;
typedef void (*rpc_fn)(void *ctx);

/* Belongs to its user, zeroed before its first use; holds no memory. */
struct rpc_timer {
	struct rpc_timer *next;		/* the loop's */
	uint64_t when;			/* milliseconds of CLOCK_MONOTONIC; 0: not set */
	rpc_fn fn;
	void *ctx;
};

/* A bell belongs to its user.  Rung any number of times before it is answered, it is answered once; ringing
 * cannot fail.  It must not go away while rung. */
struct rpc_bell {
	struct rpc_bell *next;		/* the loop's, as is 'rung' */
	bool rung;
	rpc_fn fn;
	void *ctx;
};

/* The first loop of a process starts gRPC-core, its last one ends it.  The core's log goes to lib/log. */
int rpc_loop_open(struct rpc_loop **out);
void rpc_loop_close(struct rpc_loop *loop);		/* NULL is fine; runs what is left, waits for the core */

int rpc_loop_run(struct rpc_loop *loop);
void rpc_loop_stop(struct rpc_loop *loop);		/* any thread */

int rpc_post(struct rpc_loop *loop, rpc_fn fn, void *ctx);	/* any thread; in order; -EAGAIN when 4096 wait */
void rpc_bell_ring(struct rpc_loop *loop, struct rpc_bell *bell);	/* any thread */
void rpc_bell_forget(struct rpc_loop *loop, struct rpc_bell *bell);	/* no longer answered; may go away then */

void rpc_timer_set(struct rpc_loop *loop, struct rpc_timer *t, uint64_t ms, rpc_fn fn, void *ctx);	/* sets anew */
void rpc_timer_stop(struct rpc_loop *loop, struct rpc_timer *t);

/* Calls 'fn' on the loop's thread at each of these signals; blocks them.  For a program that has no other loop
 * (the CLI); before the loop is opened.  One per process. */
struct rpc_signals;
int rpc_signals_block(const int *signals, unsigned int n);
int rpc_signals_open(struct rpc_signals **out, struct rpc_loop *loop, void (*fn)(int signal, void *ctx), void *ctx);
void rpc_signals_close(struct rpc_signals *s);		/* NULL is fine; before the loop is closed */

uint64_t rpc_now_ms(void);				/* of CLOCK_MONOTONIC */

#endif
