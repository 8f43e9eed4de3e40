// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include <grpc/support/time.h>

#include "lib/rpc/core_log.h"
#include "lib/rpc/loop_inside.h"

#define POSTS 4096

struct post {
	rpc_fn fn;
	void *ctx;
};

struct rpc_loop {
	grpc_completion_queue *queue;
	/* The doorbell: an empty batch on a call of a lame channel posts its tag at once, from any thread.  There is
	 * no public way to put a tag on a queue. */
	grpc_channel *lame;
	grpc_call *door;
	struct rpc_tag rung_tag;

	pthread_mutex_t lock;		/* of what follows */
	struct post posts[POSTS];
	unsigned int first, n_posts;
	struct rpc_bell *bells, **bells_end;
	bool rung;
	bool gone;			/* a batch on a queue that was shut down would abort the process */

	struct rpc_timer *timers;	/* by time; there are few */
	atomic_bool stop;
	struct rpc_bell stop_bell;
};

uint64_t rpc_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void ring_locked(struct rpc_loop *loop)
{
	if (loop->rung || loop->gone)
		return;
	loop->rung = true;
	grpc_call_start_batch(loop->door, NULL, 0, &loop->rung_tag, NULL);
}

int rpc_post(struct rpc_loop *loop, rpc_fn fn, void *ctx)
{
	int err = 0;

	pthread_mutex_lock(&loop->lock);
	if (loop->n_posts == POSTS) {
		err = -EAGAIN;
	} else {
		loop->posts[(loop->first + loop->n_posts++) % POSTS] = (struct post){ fn, ctx };
		ring_locked(loop);
	}
	pthread_mutex_unlock(&loop->lock);
	return err;
}

void rpc_bell_ring(struct rpc_loop *loop, struct rpc_bell *bell)
{
	pthread_mutex_lock(&loop->lock);
	if (!bell->rung) {
		bell->rung = true;
		bell->next = NULL;
		*loop->bells_end = bell;
		loop->bells_end = &bell->next;
		ring_locked(loop);
	}
	pthread_mutex_unlock(&loop->lock);
}

void rpc_bell_forget(struct rpc_loop *loop, struct rpc_bell *bell)
{
	pthread_mutex_lock(&loop->lock);
	for (struct rpc_bell **p = &loop->bells; *p; p = &(*p)->next)
		if (*p == bell) {
			*p = bell->next;
			if (!*p)
				loop->bells_end = p;
			break;
		}
	bell->rung = false;
	pthread_mutex_unlock(&loop->lock);
}

/* Out of the queue before it is called: so the callback may ring it again, or free what it is part of. */
static bool take_bell(struct rpc_loop *loop, struct post *out)
{
	struct rpc_bell *bell = loop->bells;

	if (!bell)
		return false;
	loop->bells = bell->next;
	if (!loop->bells)
		loop->bells_end = &loop->bells;
	bell->rung = false;
	*out = (struct post){ bell->fn, bell->ctx };
	return true;
}

static bool take_post(struct rpc_loop *loop, struct post *out)
{
	if (!loop->n_posts)
		return false;
	*out = loop->posts[loop->first];
	loop->first = (loop->first + 1) % POSTS;
	loop->n_posts--;
	return true;
}

/* As many as there are now: what they post in turn waits for its turn, so that calls are not starved. */
static void on_rung(struct rpc_tag *t, bool ok)
{
	struct rpc_loop *loop = t->owner;
	unsigned int posts, bells = 0;
	struct post p;

	pthread_mutex_lock(&loop->lock);
	loop->rung = false;
	posts = loop->n_posts;
	for (struct rpc_bell *b = loop->bells; b; b = b->next)
		bells++;
	while ((posts && posts-- && take_post(loop, &p)) || (bells && bells-- && take_bell(loop, &p))) {
		pthread_mutex_unlock(&loop->lock);
		p.fn(p.ctx);
		pthread_mutex_lock(&loop->lock);
	}
	if (loop->n_posts || loop->bells)
		ring_locked(loop);
	pthread_mutex_unlock(&loop->lock);
}

static void nothing(void *ctx)
{
}

/* gRPC's mutexes come from Abseil, which Debian builds with its search for lock cycles: a graph that is walked at every
 * lock.  0 is "ignore".  A C++ function of a versioned name: where there is none of it, nothing is changed. */
extern void watch_deadlocks(int mode) __asm__("_ZN4absl7debian329SetMutexDeadlockDetectionModeENS0_15OnDeadlockCycleE")
	__attribute__((weak));

int rpc_loop_open(struct rpc_loop **out)
{
	struct rpc_loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	core_log_open();
	/* The only way to TLS 1.3 alone in this version of gRPC: of the suites of TLS 1.2 none that can be used.
	 * Those of 1.3 are not touched by it. */
	setenv("GRPC_SSL_CIPHER_SUITES", "PSK-AES256-GCM-SHA384", 1);
	if (watch_deadlocks)
		watch_deadlocks(0);
	grpc_init();
	loop->queue = grpc_completion_queue_create_for_next(NULL);
	loop->lame = grpc_lame_client_channel_create("doorbell", GRPC_STATUS_UNAVAILABLE, "");
	loop->door = grpc_channel_create_call(loop->lame, NULL, 0, loop->queue, grpc_slice_from_static_string("/bell"),
					      NULL, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
	loop->rung_tag = (struct rpc_tag){ on_rung, loop };
	loop->bells_end = &loop->bells;
	loop->stop_bell.fn = nothing;
	pthread_mutex_init(&loop->lock, NULL);
	*out = loop;
	return 0;
}

/* --- timers --- */

void rpc_timer_stop(struct rpc_loop *loop, struct rpc_timer *t)
{
	for (struct rpc_timer **p = &loop->timers; t->when && *p; p = &(*p)->next)
		if (*p == t) {
			*p = t->next;
			break;
		}
	t->when = 0;
}

void rpc_timer_set(struct rpc_loop *loop, struct rpc_timer *t, uint64_t ms, rpc_fn fn, void *ctx)
{
	struct rpc_timer **p = &loop->timers;

	rpc_timer_stop(loop, t);
	t->when = rpc_now_ms() + ms;
	t->fn = fn;
	t->ctx = ctx;
	while (*p && (*p)->when <= t->when)
		p = &(*p)->next;
	t->next = *p;
	*p = t;
}

/* Runs what is due; answers when the next one is.  A timer that sets itself to now is next time's. */
static gpr_timespec run_timers(struct rpc_loop *loop)
{
	uint64_t now = rpc_now_ms();

	for (int i = 0; loop->timers && loop->timers->when <= now && i < 1000; i++) {
		struct rpc_timer *t = loop->timers;

		rpc_timer_stop(loop, t);
		t->fn(t->ctx);
	}
	if (!loop->timers)
		return gpr_inf_future(GPR_CLOCK_MONOTONIC);
	return (gpr_timespec){ .tv_sec = (int64_t)(loop->timers->when / 1000),
			       .tv_nsec = (int32_t)(loop->timers->when % 1000 * 1000000), .clock_type = GPR_CLOCK_MONOTONIC };
}

/* --- running --- */

static bool turn(struct rpc_loop *loop, gpr_timespec until)
{
	grpc_event e = grpc_completion_queue_next(loop->queue, until, NULL);
	struct rpc_tag *t = e.tag;

	if (e.type == GRPC_OP_COMPLETE)
		t->fn(t, e.success);
	return e.type != GRPC_QUEUE_SHUTDOWN;
}

int rpc_loop_run(struct rpc_loop *loop)
{
	while (!atomic_exchange(&loop->stop, false))
		turn(loop, run_timers(loop));
	return 0;
}

void rpc_loop_stop(struct rpc_loop *loop)
{
	atomic_store(&loop->stop, true);
	rpc_bell_ring(loop, &loop->stop_bell);
}

void rpc_loop_close(struct rpc_loop *loop)
{
	if (!loop)
		return;
	pthread_mutex_lock(&loop->lock);
	loop->gone = true;
	pthread_mutex_unlock(&loop->lock);
	grpc_call_unref(loop->door);
	grpc_channel_destroy(loop->lame);
	grpc_completion_queue_shutdown(loop->queue);
	while (turn(loop, gpr_inf_future(GPR_CLOCK_MONOTONIC)))
		;
	grpc_completion_queue_destroy(loop->queue);
	pthread_mutex_destroy(&loop->lock);
	free(loop);
	grpc_shutdown_blocking();	/* the plain one cleans up on another thread, maybe after us */
}

grpc_completion_queue *rpc_loop_queue(struct rpc_loop *loop)
{
	return loop->queue;
}
