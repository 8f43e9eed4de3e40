// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/rpc/accept.h"

#define MOST 8

static struct watched {
	unsigned int port;
	accept_fn fn;
	void *ctx;
} all[MOST];
static unsigned int n_all;
static int spare = -1;		/* a descriptor kept for turning away who comes when there is none */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int accept_watch(unsigned int port, accept_fn fn, void *ctx)
{
	int err = -ENOSPC;

	pthread_mutex_lock(&lock);
	if (n_all < MOST) {
		all[n_all++] = (struct watched){ port, fn, ctx };
		if (spare < 0)
			spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
		err = 0;
	}
	pthread_mutex_unlock(&lock);
	return err;
}

void accept_unwatch(void *ctx)
{
	unsigned int kept = 0;

	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < n_all; i++)
		if (all[i].ctx != ctx)
			all[kept++] = all[i];
	n_all = kept;
	if (!n_all && spare >= 0) {
		close(spare);
		spare = -1;
	}
	pthread_mutex_unlock(&lock);
}

int accept_watched(void)
{
	int n;

	pthread_mutex_lock(&lock);
	n = (int)n_all;
	pthread_mutex_unlock(&lock);
	return n;
}

static struct watched *watched_of(int listener)
{
	struct sockaddr_storage at;
	struct sockaddr_in6 v6;		/* the port is at the same place in both */
	socklen_t size = sizeof(at);

	if (!n_all || getsockname(listener, (struct sockaddr *)&at, &size) < 0 ||
	    (at.ss_family != AF_INET && at.ss_family != AF_INET6))
		return NULL;
	memcpy(&v6, &at, sizeof(v6));
	for (unsigned int i = 0; i < n_all; i++)
		if (all[i].port == ntohs(v6.sin6_port))
			return &all[i];
	return NULL;
}

static int take(int listener, struct sockaddr *from, socklen_t *size, int flags)
{
	return (int)syscall(SYS_accept4, listener, from, size, flags);
}

static bool out_of_descriptors(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

/* With the spare one: whoever waits is hung up on.  False if even that did not work. */
static bool turn_away(struct watched *w, int listener)
{
	int fd;

	if (spare >= 0)
		close(spare);
	fd = take(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	w->fn(w->ctx, -1);
	return fd >= 0;
}

/* EAGAIN is the only error that does not make gRPC give its listener up. */
static int take_watched(struct watched *w, int listener, struct sockaddr *from, socklen_t *size, int flags)
{
	socklen_t room = size ? *size : 0;

	for (;;) {
		int fd = take(listener, from, size, flags);

		if (fd >= 0 && w->fn(w->ctx, fd))
			return fd;
		if (fd >= 0)
			close(fd);
		else if (errno != EINTR && errno != ECONNABORTED && !(out_of_descriptors(errno) && turn_away(w, listener)))
			break;
		if (size)
			*size = room;
	}
	if (out_of_descriptors(errno))
		errno = EAGAIN;
	return -1;
}

int accept4(int listener, struct sockaddr *restrict from, socklen_t *restrict size, int flags)
{
	struct watched *w;
	int fd, err;

	pthread_mutex_lock(&lock);
	w = watched_of(listener);
	if (w) {
		fd = take_watched(w, listener, from, size, flags);
		err = errno;
		pthread_mutex_unlock(&lock);
		errno = err;
		return fd;
	}
	pthread_mutex_unlock(&lock);
	return take(listener, from, size, flags);	/* may block: without the lock */
}
