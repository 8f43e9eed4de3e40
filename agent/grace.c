// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "agent/grace.h"
#include "lib/log.h"

#define CALLS 4096		/* a node's pods, attached and looked at all at once */

struct call {
	loop_fn work, done;
	void *ctx;
};

struct queue {
	struct call call[CALLS];
	unsigned int first, n;
};

struct grace {
	struct loop *loop;		/* not ours */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	bool running, stop;
	struct queue graces, calls;	/* under the lock */
};

static bool queue_put(struct queue *q, struct call c)
{
	if (q->n == CALLS)
		return false;
	q->call[(q->first + q->n++) % CALLS] = c;
	return true;
}

static bool queue_take(struct queue *q, struct call *c)
{
	if (!q->n)
		return false;
	*c = q->call[q->first];
	q->first = (q->first + 1) % CALLS;
	q->n--;
	return true;
}

static bool stopping(struct grace *g)
{
	bool stop;

	pthread_mutex_lock(&g->lock);
	stop = g->stop;
	pthread_mutex_unlock(&g->lock);
	return stop;
}

/* The loop's post queue is bounded; it empties as long as the loop runs. */
static void post(struct grace *g, const struct call *c)
{
	while (c->done && !stopping(g) && loop_post(g->loop, c->done, c->ctx))
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* All that wait now: one grace serves them. */
static void serve_graces(struct grace *g, unsigned int n)
{
	struct call c;
	int err = grace_now();

	if (err) {		/* nothing may go on as if it had passed */
		log_err(err, "cannot wait for the kernel's programs to end");
		nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
		return;
	}
	while (n--) {
		pthread_mutex_lock(&g->lock);
		queue_take(&g->graces, &c);
		pthread_mutex_unlock(&g->lock);
		post(g, &c);
	}
}

static void *run(void *ctx)
{
	struct grace *g = ctx;

	pthread_mutex_lock(&g->lock);
	while (!g->stop) {
		unsigned int n = g->graces.n;
		struct call c;

		if (n) {
			pthread_mutex_unlock(&g->lock);
			serve_graces(g, n);
		} else if (queue_take(&g->calls, &c)) {
			pthread_mutex_unlock(&g->lock);
			c.work(c.ctx);
			post(g, &c);
		} else {
			pthread_cond_wait(&g->more, &g->lock);
			continue;
		}
		pthread_mutex_lock(&g->lock);
	}
	pthread_mutex_unlock(&g->lock);
	return NULL;
}

int grace_open(struct grace **out, struct loop *loop)
{
	struct grace *g = calloc(1, sizeof(*g));
	int err;

	if (!g)
		return -ENOMEM;
	g->loop = loop;
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->more, NULL);
	err = -pthread_create(&g->thread, NULL, run, g);
	g->running = !err;
	if (err) {
		grace_close(g);
		return err;
	}
	*out = g;
	return 0;
}

void grace_close(struct grace *g)
{
	if (!g)
		return;
	pthread_mutex_lock(&g->lock);
	g->stop = true;
	pthread_cond_signal(&g->more);
	pthread_mutex_unlock(&g->lock);
	if (g->running)
		pthread_join(g->thread, NULL);
	pthread_cond_destroy(&g->more);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

static int put(struct grace *g, struct queue *q, struct call c)
{
	bool fits;

	pthread_mutex_lock(&g->lock);
	fits = queue_put(q, c);
	pthread_cond_signal(&g->more);
	pthread_mutex_unlock(&g->lock);
	return fits ? 0 : -EAGAIN;
}

int grace_after(struct grace *g, loop_fn done, void *ctx)
{
	return put(g, &g->graces, (struct call){ .done = done, .ctx = ctx });
}

int grace_call(struct grace *g, loop_fn work, loop_fn done, void *ctx)
{
	return put(g, &g->calls, (struct call){ .work = work, .done = done, .ctx = ctx });
}

/* Asks for RCU's grace, which programs at our hooks run under.  Refused (EINVAL) where CPUs run without a tick. */
static int by_membarrier(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) ? -errno : 0;
}

/* An update of a map of maps returns only when no program can be using the old value: the kernel promises it, so
 * that user space may know. */
static int by_map_of_maps(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	__u32 key = 0, inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "weir_inner", 4, 8, 1, NULL);
	int outer, err = 0;

	if ((int)inner < 0)
		return -errno;
	opts.inner_map_fd = inner;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "weir_grace", 4, 4, 1, &opts);
	if (outer < 0 || bpf_map_update_elem(outer, &key, &inner, BPF_ANY))
		err = -errno;
	if (outer >= 0)
		close(outer);
	close(inner);
	return err;
}

static bool refused(void)
{
	static int known;	/* 0: not asked yet, 1: it works, 2: refused.  The answer is the same for all threads */

	if (!__atomic_load_n(&known, __ATOMIC_RELAXED)) {
		int commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

		__atomic_store_n(&known, commands >= 0 && commands & MEMBARRIER_CMD_GLOBAL ? 1 : 2, __ATOMIC_RELAXED);
	}
	return __atomic_load_n(&known, __ATOMIC_RELAXED) == 2;
}

int grace_now(void)
{
	return refused() ? by_map_of_maps() : by_membarrier();
}

const char *grace_method(void)
{
	return refused() ? "map of maps" : "membarrier";
}
