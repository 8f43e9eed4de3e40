// SPDX-License-Identifier: Apache-2.0
/* Who comes in: by listeners of our own, on the door's thread, and by gRPC's. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/rpc/accept.h"
#include "lib/rpc/door_inside.h"
#include "lib/rpc/door_who.h"

#define PAUSE_MS 5

/* The same socket under a number that was not in use lately. */
static int renumber(struct door *d, int fd)
{
	int n;

	if (d->number >= d->last_number)
		d->number = d->first_number;
	n = fcntl(fd, F_DUPFD_CLOEXEC, d->number);
	if (n < 0 || n > d->last_number) {
		if (n >= 0)
			close(n);
		n = fcntl(fd, F_DUPFD_CLOEXEC, d->first_number);
	}
	if (n > d->last_number) {
		close(n);
		n = -1;
	}
	if (n >= 0)
		d->number = n + 1;
	return n;
}

static void enlist(struct door *d, struct door_guest *g)
{
	pthread_mutex_lock(&d->lock);
	g->next = d->guests;
	if (g->next)
		g->next->prev = g;
	d->guests = g;
	pthread_mutex_unlock(&d->lock);
	atomic_fetch_add(&d->live, 1);
}

static struct door_guest *guest_new(struct door *d, int fd)
{
	struct door_guest *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->door = d;
	g->fd = fd;
	g->theirs = -1;
	g->holds = 1;
	g->born = g->leaked = rpc_now_ms();
	g->arrive = (struct rpc_bell){ .fn = door_on_arrive, .ctx = g };
	g->leave = (struct rpc_bell){ .fn = door_on_leave, .ctx = g };
	return g;
}

static int keep_eye_on(struct door *d, struct door_guest *g)
{
	/* hanging up is always told */
	struct epoll_event want = { .events = EPOLLIN | EPOLLONESHOT, .data.ptr = g };

	return epoll_ctl(d->epoll, EPOLL_CTL_ADD, g->fd, &want);
}

static bool has_room(struct door *d)
{
	return atomic_load(&d->live) < d->max;
}

static bool admit(struct door *d, int fd, const struct door_rules *rules)
{
	struct door_guest *g = has_room(d) ? guest_new(d, fd) : NULL;

	if (!g)
		return false;
	if (!(rules->unix_peer ? guest_of_socket(fd, rules, &g->peer) : guest_of_network(fd, &g->peer)))
		goto fail;
	g->theirs = renumber(d, fd);
	if (g->theirs < 0 || keep_eye_on(d, g) < 0)
		goto fail;
	enlist(d, g);
	atomic_fetch_add(&d->waiting, 1);
	rpc_bell_ring(d->loop, &g->arrive);
	return true;
fail:
	if (g->theirs >= 0)
		close(g->theirs);
	free(g);
	return false;
}

static void look_at_listeners(struct door *d, bool yes)
{
	for (unsigned int i = 0; i < d->n_listeners; i++) {
		struct epoll_event want = { .events = yes ? EPOLLIN : 0, .data.ptr = &d->listeners[i] };

		epoll_ctl(d->epoll, EPOLL_CTL_MOD, d->listeners[i].fd, &want);
	}
	d->paused = !yes;
	if (!yes)
		rpc_bell_ring(d->loop, &d->full_bell);
}

/* How long the door may sleep. */
static int patience(const struct door *d)
{
	int ms = watch_ms(&d->watch);

	return d->paused && (ms < 0 || ms > PAUSE_MS) ? PAUSE_MS : ms;
}

/* As many as wait, but no more than a handful at a time.  -errno when there is no descriptor left. */
static int let_in(struct door *d, struct listener *l)
{
	for (int i = 0; i < 16 && !door_is_full(d); i++) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return errno == EAGAIN || errno == ECONNABORTED || errno == EINTR ? 0 : -errno;
		atomic_fetch_add(&d->came, 1);
		if (admit(d, fd, &l->rules))
			continue;
		atomic_fetch_add(&d->refused, 1);
		close(fd);
	}
	return 0;
}

/* --- by gRPC's own listeners: on whatever thread of it accepts --- */

static unsigned int from_same_address(struct door *d, const char *address)
{
	size_t n = (size_t)(strrchr(address, ':') - address);
	unsigned int same = 0;

	pthread_mutex_lock(&d->lock);
	for (struct door_guest *g = d->guests; g; g = g->next)
		same += !strncmp(g->peer.address, address, n) && g->peer.address[n] == ':';
	pthread_mutex_unlock(&d->lock);
	return same;
}

static bool greet(struct door *d, int fd)
{
	int mine = has_room(d) ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
	struct door_guest *g = mine >= 0 ? guest_new(d, mine) : NULL;
	int small = DOOR_RECEIVE_BUFFER;

	if (!g || !guest_of_network(mine, &g->peer) || from_same_address(d, g->peer.address) >= (d->max + 3) / 4)
		goto fail;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	enlist(d, g);
	if (keep_eye_on(d, g) < 0)
		rpc_bell_ring(d->loop, &g->leave);	/* not watched then, nor counted */
	return true;
fail:
	if (mine >= 0)
		close(mine);
	free(g);
	return false;
}

static bool on_accept(void *door, int fd)
{
	struct door *d = door;

	atomic_fetch_add(&d->came, 1);
	if (fd >= 0 && greet(d, fd))
		return true;
	atomic_fetch_add(&d->refused, 1);
	return false;
}

int door_watch_port(struct door *d, unsigned int port)
{
	return accept_watch(port, on_accept, d);
}

/* gRPC has read what it sent: when it sends more we look again. */
static void on_quiet(struct door_guest *g, void *door)
{
	struct door *d = door;
	struct epoll_event want = { .events = atomic_load(&g->cut) ? EPOLLONESHOT : EPOLLIN | EPOLLONESHOT, .data.ptr = g };

	epoll_ctl(d->epoll, EPOLL_CTL_MOD, g->fd, &want);
}

static void show_out(struct door *d, struct door_guest *g)
{
	watch_end(&d->watch, g);
	epoll_ctl(d->epoll, EPOLL_CTL_DEL, g->fd, NULL);
	atomic_fetch_sub(&d->live, 1);
	rpc_bell_ring(d->loop, &g->leave);
}

static void listeners_off(struct door *d)
{
	for (unsigned int i = 0; i < d->n_listeners; i++)
		epoll_ctl(d->epoll, EPOLL_CTL_DEL, d->listeners[i].fd, NULL);
}

static struct listener *listener_of(struct door *d, void *ptr)
{
	for (unsigned int i = 0; i < d->n_listeners; i++)
		if (ptr == &d->listeners[i])
			return ptr;
	return NULL;
}

void *door_keep(void *ctx)
{
	struct door *d = ctx;
	struct epoll_event e[64];

	for (;;) {
		int n = epoll_wait(d->epoll, e, 64, patience(d));

		for (int i = 0; i < n; i++) {
			struct listener *l = listener_of(d, e[i].data.ptr);
			int err;

			if (e[i].data.ptr == d) {
				eventfd_t v;

				eventfd_read(d->end, &v);
				if (!atomic_load(&d->shut))
					return NULL;
				listeners_off(d);
				continue;
			}
			if (!l) {
				if (e[i].events & (EPOLLHUP | EPOLLERR))
					show_out(d, e[i].data.ptr);
				else
					watch_begin(&d->watch, e[i].data.ptr);
				continue;
			}
			err = let_in(d, l);
			if (err)
				usleep(50000);	/* out of descriptors or memory: what waits may wait */
		}
		if (d->paused != door_is_full(d) && !atomic_load(&d->shut))
			look_at_listeners(d, d->paused);
		watch_look(&d->watch, on_quiet, d);
	}
}
