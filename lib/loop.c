// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/loop.h"

#define EVENTS_AT_ONCE	64
#define POSTS_MAX	4096		/* calls that wait in the post queue */
#define SIGNALS_MAX	8

/* What is called for a descriptor.  'since' tells an event of the one that was closed meanwhile from one of
 * its successor with the same number. */
struct watch {
	loop_fn read, write;
	void *read_ctx, *write_ctx;
	uint32_t since;
	bool added;
};

struct post {
	loop_fn fn;
	void *ctx;
};

struct taken_signal {
	struct loop *loop;
	int fd;
	loop_fn fn;
	void *ctx;
};

struct loop {
	int epoll_fd, wake_fd;
	struct watch *watch;			/* by descriptor */
	unsigned int nwatch;
	uint32_t since;
	struct loop_timer *timers;		/* the next to fire first */
	struct taken_signal signals[SIGNALS_MAX];
	unsigned int nsignals;
	int stopped;				/* set from any thread */
	pthread_mutex_t lock;			/* of the posts alone */
	struct post posts[POSTS_MAX];
	unsigned int post_first, nposts;
};

static void on_wake(void *ctx);
static void on_signal(void *ctx);
static int watch_update(struct loop *loop, int fd);
static void timers_fire(struct loop *loop);

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

int loop_open(struct loop **out)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int err;

	if (!loop)
		return -ENOMEM;
	pthread_mutex_init(&loop->lock, NULL);
	loop->wake_fd = -1;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		goto fail;
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake_fd < 0)
		goto fail;
	err = loop_read(loop, loop->wake_fd, on_wake, loop);
	if (err) {
		loop_close(loop);
		return err;
	}
	*out = loop;
	return 0;
fail:
	err = -errno;
	loop_close(loop);
	return err;
}

void loop_close(struct loop *loop)
{
	if (!loop)
		return;
	for (unsigned int i = 0; i < loop->nsignals; i++)
		close(loop->signals[i].fd);
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	pthread_mutex_destroy(&loop->lock);
	free(loop->watch);
	free(loop);
}

static int watch_make(struct loop *loop, int fd)
{
	unsigned int n = loop->nwatch ? loop->nwatch : 64;
	struct watch *more;

	if (fd < 0)
		return -EBADF;
	if ((unsigned int)fd < loop->nwatch)
		return 0;
	while (n <= (unsigned int)fd)
		n *= 2;
	more = realloc(loop->watch, n * sizeof(*more));
	if (!more)
		return -ENOMEM;
	memset(more + loop->nwatch, 0, (n - loop->nwatch) * sizeof(*more));
	loop->watch = more;
	loop->nwatch = n;
	return 0;
}

int loop_read(struct loop *loop, int fd, loop_fn fn, void *ctx)
{
	int err = watch_make(loop, fd);

	if (err)
		return err;
	loop->watch[fd].read = fn;
	loop->watch[fd].read_ctx = ctx;
	return watch_update(loop, fd);
}

int loop_write(struct loop *loop, int fd, loop_fn fn, void *ctx)
{
	int err = watch_make(loop, fd);

	if (err)
		return err;
	loop->watch[fd].write = fn;
	loop->watch[fd].write_ctx = ctx;
	return watch_update(loop, fd);
}

void loop_forget(struct loop *loop, int fd)
{
	if (fd < 0 || (unsigned int)fd >= loop->nwatch)
		return;
	loop->watch[fd].read = NULL;
	loop->watch[fd].write = NULL;
	watch_update(loop, fd);
}

/* Tell epoll what the watch now wants. */
static int watch_update(struct loop *loop, int fd)
{
	struct watch *w = &loop->watch[fd];
	struct epoll_event e = { .events = (w->read ? EPOLLIN | EPOLLRDHUP : 0) | (w->write ? EPOLLOUT : 0) };
	int op = !w->added ? EPOLL_CTL_ADD : w->read || w->write ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;

	if (!w->added && !e.events)
		return 0;
	if (op == EPOLL_CTL_ADD)
		w->since = ++loop->since;
	e.data.u64 = (uint64_t)w->since << 32 | (uint32_t)fd;
	if (epoll_ctl(loop->epoll_fd, op, fd, &e) < 0 && op != EPOLL_CTL_DEL) {
		if (op == EPOLL_CTL_ADD)
			memset(w, 0, sizeof(*w));
		return -errno;
	}
	w->added = op != EPOLL_CTL_DEL;
	return 0;
}

void loop_after(struct loop *loop, struct loop_timer *t, uint64_t ms, loop_fn fn, void *ctx)
{
	struct loop_timer **at = &loop->timers;

	loop_cancel(loop, t);
	t->when = now_ns() + ms * 1000000;
	t->fn = fn;
	t->ctx = ctx;
	while (*at && (*at)->when <= t->when)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

void loop_cancel(struct loop *loop, struct loop_timer *t)
{
	if (!t->when)
		return;
	for (struct loop_timer **at = &loop->timers; *at; at = &(*at)->next) {
		if (*at == t) {
			*at = t->next;
			break;
		}
	}
	t->when = 0;
}

int loop_signal(struct loop *loop, int signo, loop_fn fn, void *ctx)
{
	struct taken_signal *s = &loop->signals[loop->nsignals];
	sigset_t set;
	int err;

	if (loop->nsignals == SIGNALS_MAX)
		return -ENOSPC;
	sigemptyset(&set);
	sigaddset(&set, signo);
	err = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (err)
		return -err;
	*s = (struct taken_signal){ .loop = loop, .fn = fn, .ctx = ctx };
	s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->fd < 0)
		return -errno;
	loop->nsignals++;
	return loop_read(loop, s->fd, on_signal, s);
}

static void wake(struct loop *loop)
{
	uint64_t one = 1;

	if (write(loop->wake_fd, &one, sizeof(one)) < 0)
		return;		/* the counter is full: it is awake already */
}

int loop_post(struct loop *loop, loop_fn fn, void *ctx)
{
	int err = -EAGAIN;

	pthread_mutex_lock(&loop->lock);
	if (loop->nposts < POSTS_MAX) {
		loop->posts[(loop->post_first + loop->nposts++) % POSTS_MAX] = (struct post){ fn, ctx };
		err = 0;
	}
	pthread_mutex_unlock(&loop->lock);
	wake(loop);
	return err;
}

void loop_stop(struct loop *loop)
{
	__atomic_store_n(&loop->stopped, 1, __ATOMIC_RELEASE);
	wake(loop);
}

/* Milliseconds to sleep: to the next timer, rounded up so that it is due on waking. */
static int sleep_ms(const struct loop *loop)
{
	uint64_t now;

	if (!loop->timers)
		return -1;
	now = now_ns();
	if (loop->timers->when <= now)
		return 0;
	now = (loop->timers->when - now + 999999) / 1000000;
	return now > 3600000 ? 3600000 : (int)now;
}

static void dispatch(struct loop *loop, const struct epoll_event *e)
{
	unsigned int fd = (uint32_t)e->data.u64;
	uint32_t since = e->data.u64 >> 32;
	struct watch *w = &loop->watch[fd];

	if (w->read && w->added && w->since == since && e->events & ~(uint32_t)EPOLLOUT)
		w->read(w->read_ctx);
	w = &loop->watch[fd];		/* the callback may have made the table grow, or closed it */
	if (w->write && w->added && w->since == since && e->events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
		w->write(w->write_ctx);
}

int loop_run(struct loop *loop)
{
	struct epoll_event events[EVENTS_AT_ONCE];

	while (!__atomic_load_n(&loop->stopped, __ATOMIC_ACQUIRE)) {
		int n = epoll_wait(loop->epoll_fd, events, EVENTS_AT_ONCE, sleep_ms(loop));

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n && !loop->stopped; i++)
			dispatch(loop, &events[i]);
		timers_fire(loop);
	}
	loop->stopped = 0;
	return 0;
}

/* Those that were due when we began: one that sets itself anew with 0 ms must not starve the descriptors. */
static void timers_fire(struct loop *loop)
{
	uint64_t now = loop->timers ? now_ns() : 0;

	while (loop->timers && loop->timers->when <= now && !loop->stopped) {
		struct loop_timer *t = loop->timers;

		loop->timers = t->next;
		t->when = 0;
		t->fn(t->ctx);
	}
}

static bool post_take(struct loop *loop, struct post *out)
{
	bool some;

	pthread_mutex_lock(&loop->lock);
	some = loop->nposts > 0;
	if (some) {
		*out = loop->posts[loop->post_first];
		loop->post_first = (loop->post_first + 1) % POSTS_MAX;
		loop->nposts--;
	}
	pthread_mutex_unlock(&loop->lock);
	return some;
}

static void on_wake(void *ctx)
{
	struct loop *loop = ctx;
	struct post p;
	uint64_t n;

	if (read(loop->wake_fd, &n, sizeof(n)) < 0)
		return;
	/* bounded, so that a post that posts again leaves the descriptors their turn */
	for (unsigned int i = 0; i < POSTS_MAX && post_take(loop, &p); i++)
		p.fn(p.ctx);
	pthread_mutex_lock(&loop->lock);
	n = loop->nposts;
	pthread_mutex_unlock(&loop->lock);
	if (n)
		wake(loop);
}

static void on_signal(void *ctx)
{
	struct taken_signal *s = ctx;
	struct signalfd_siginfo info;

	while (read(s->fd, &info, sizeof(info)) == sizeof(info))
		s->fn(s->ctx);
}
