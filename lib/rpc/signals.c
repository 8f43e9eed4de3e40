// SPDX-License-Identifier: Apache-2.0
/* The completion queue has no descriptor to wait on beside it: signals are taken by a thread that sleeps on them. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/rpc/loop.h"

static sigset_t wanted;

struct rpc_signals {
	struct rpc_loop *loop;
	void (*fn)(int signal, void *ctx);
	void *ctx;
	pthread_t thread;
	bool running;
	int fd, end;
	_Atomic uint64_t came;		/* bit by number */
	struct rpc_bell bell;
};

int rpc_signals_block(const int *signals, unsigned int n)
{
	sigemptyset(&wanted);
	for (unsigned int i = 0; i < n; i++)
		sigaddset(&wanted, signals[i]);
	return -pthread_sigmask(SIG_BLOCK, &wanted, NULL);
}

static void tell(void *ctx)
{
	struct rpc_signals *s = ctx;
	uint64_t came = atomic_exchange(&s->came, 0);

	for (int i = 1; i < 64; i++)
		if (came >> i & 1)
			s->fn(i, s->ctx);
}

static void *wait_signals(void *ctx)
{
	struct rpc_signals *s = ctx;
	struct pollfd p[2] = { { .fd = s->fd, .events = POLLIN }, { .fd = s->end, .events = POLLIN } };
	struct signalfd_siginfo i;

	while (poll(p, 2, -1) >= 0 || errno == EINTR) {
		if (p[1].revents)
			break;
		if (!p[0].revents || read(s->fd, &i, sizeof(i)) != sizeof(i) || i.ssi_signo > 63)
			continue;
		atomic_fetch_or(&s->came, 1ULL << i.ssi_signo);
		rpc_bell_ring(s->loop, &s->bell);
	}
	return NULL;
}

int rpc_signals_open(struct rpc_signals **out, struct rpc_loop *loop, void (*fn)(int signal, void *ctx), void *ctx)
{
	struct rpc_signals *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	if (!s)
		return err;
	s->loop = loop;
	s->fn = fn;
	s->ctx = ctx;
	s->bell = (struct rpc_bell){ .fn = tell, .ctx = s };
	s->end = eventfd(0, EFD_CLOEXEC);
	s->fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->fd < 0 || s->end < 0) {
		err = -errno;
		goto fail;
	}
	err = -pthread_create(&s->thread, NULL, wait_signals, s);
	if (err)
		goto fail;
	s->running = true;
	*out = s;
	return 0;
fail:
	rpc_signals_close(s);
	return err;
}

void rpc_signals_close(struct rpc_signals *s)
{
	if (!s)
		return;
	if (s->running && eventfd_write(s->end, 1) == 0)
		pthread_join(s->thread, NULL);
	rpc_bell_forget(s->loop, &s->bell);
	if (s->fd >= 0)
		close(s->fd);
	if (s->end >= 0)
		close(s->end);
	free(s);
}
