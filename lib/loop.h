/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread's loop: descriptors, timers, and calls posted from other threads.  One epoll, no locks but the
 * post queue's.
 *
 *	loop_open(&loop);
 *	loop_read(loop, fd, on_readable, me);
 *	loop_after(loop, &me->timer, 50, on_timer, me);
 *	loop_run(loop);			until loop_stop()
 *
 * Callbacks run on the thread that runs the loop.  Only loop_post() and loop_stop() may be called from
 * another thread; signals come by loop_signal().
 */
#ifndef WEIR_LIB_LOOP_H
#define WEIR_LIB_LOOP_H

#include <stdint.h>

struct loop;
typedef void (*loop_fn)(void *ctx);

/* A timer belongs to its user, zeroed before its first use; it holds no memory. */
struct loop_timer {
	struct loop_timer *next;	/* the loop's */
	uint64_t when;			/* nanoseconds of CLOCK_MONOTONIC; 0: not set */
	loop_fn fn;
	void *ctx;
};

int loop_open(struct loop **out);
void loop_close(struct loop *loop);		/* NULL is fine */

int loop_read(struct loop *loop, int fd, loop_fn fn, void *ctx);	/* call while 'fd' is readable or hung up */
int loop_write(struct loop *loop, int fd, loop_fn fn, void *ctx);	/* while writable; fn NULL: no longer */
void loop_forget(struct loop *loop, int fd);				/* before the descriptor is closed */

void loop_after(struct loop *loop, struct loop_timer *t, uint64_t ms, loop_fn fn, void *ctx);	/* sets anew */
void loop_cancel(struct loop *loop, struct loop_timer *t);

int loop_signal(struct loop *loop, int signo, loop_fn fn, void *ctx);	/* blocks it, takes it by signalfd */

/* From any thread: call 'fn' on the loop's thread, in the order of posting.  Bounded: -EAGAIN when full. */
int loop_post(struct loop *loop, loop_fn fn, void *ctx);

int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#endif
