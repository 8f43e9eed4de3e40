// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>

#include "lib/log.h"
#include "lib/rpc/accept.h"
#include "lib/rpc/door.h"
#include "lib/rpc/door_watch.h"
#include "lib/rpc/door_who.h"
#include "lib/rpc/seldom.h"

#define WAITING_MOST 64		/* connections that have made no call yet; more wait in the kernel's line */
#define WAITING_MS 2000		/* so long, if the line is full; and so long if they say nothing: */
#define SILENT_MS 200
#define PAUSE_MS 5
#define TRIM_MS 700
#define TRIMS 4		/* its calls are some time in going */
#define LISTENERS 8
#define RESETS_BURST 500	/* calls of a connection given up at once that are forgiven */
#define RESETS_PER_S 200	/* and what is forgiven every second */

struct listener {
	int fd;
	struct door_rules rules;
};

struct door {
	struct rpc_loop *loop;
	grpc_server *core;
	grpc_server_credentials *plain;
	unsigned int max, unused_ms;
	struct listener listeners[LISTENERS];
	unsigned int n_listeners;
	int epoll, end;
	pthread_t thread;
	bool running;
	atomic_bool shut;
	/* The core's number of a connection is its name for it, so a number is not given again soon: a call that is
	 * late must not be taken for its successor's. */
	int first_number, number, last_number;
	struct watch watch;
	struct rpc_bell full_bell;	/* the line is full */
	struct rpc_timer sweep;		/* set while there are guests without a call */
	struct rpc_timer trim;
	unsigned int trims;		/* how many times more */
	bool paused;			/* the listeners are not looked at; the door's thread only */
	atomic_uint live, waiting;
	_Atomic uint64_t came, refused, cut;
	pthread_mutex_t lock;		/* of the list */
	struct door_guest *guests;
	struct door_guest **by_number;	/* the loop's thread only */
};

/* --- on the loop's thread --- */

static void forget(struct door_guest *g)
{
	struct door *d = g->door;

	pthread_mutex_lock(&d->lock);
	if (g->prev)
		g->prev->next = g->next;
	else
		d->guests = g->next;
	if (g->next)
		g->next->prev = g->prev;
	pthread_mutex_unlock(&d->lock);
	if (g->theirs >= 0 && d->by_number[g->theirs - d->first_number] == g)
		d->by_number[g->theirs - d->first_number] = NULL;
	if (g->theirs >= 0 && !g->called)
		atomic_fetch_sub(&d->waiting, 1);
	close(g->fd);
	free(g);
}

void door_let_go(struct door_guest *g)
{
	if (--g->holds == 0)
		forget(g);
}

static bool is_full(const struct door *d)
{
	return atomic_load(&d->waiting) >= WAITING_MOST;
}

/* Has it nothing to say?  What it has said and gRPC has not read counts. */
static bool is_silent(const struct door_guest *g)
{
	int unread = 0;

	return ioctl(g->fd, FIONREAD, &unread) == 0 && !unread;
}

static unsigned int sweep_ms(const struct door *d)
{
	if (is_full(d))
		return SILENT_MS / 2;
	return d->unused_ms < 4 * WAITING_MS ? d->unused_ms / 4 + 1 : WAITING_MS;
}

/* Connections that nothing is done with are room that others lack. */
static void sweep(void *door)
{
	struct door *d = door;
	uint64_t now = rpc_now_ms();
	bool full = is_full(d);
	unsigned int left = 0, most = full && WAITING_MS < d->unused_ms ? WAITING_MS : d->unused_ms;

	pthread_mutex_lock(&d->lock);
	for (struct door_guest *g = d->guests; g; g = g->next) {
		if (g->theirs < 0 || g->called || atomic_load(&g->cut))
			continue;
		if (now - g->born >= most || (full && now - g->born >= SILENT_MS && is_silent(g)))
			door_cut(g);
		else
			left++;
	}
	pthread_mutex_unlock(&d->lock);
	if (left)
		rpc_timer_set(d->loop, &d->sweep, sweep_ms(d), sweep, d);
}

static void on_arrive(void *guest)
{
	struct door_guest *g = guest;
	struct door *d = g->door;

	if (atomic_load(&d->shut)) {
		shutdown(g->fd, SHUT_RDWR);
		close(g->theirs);
		return;
	}
	d->by_number[g->theirs - d->first_number] = g;
	grpc_server_add_channel_from_fd(d->core, g->theirs, d->plain);
	if (!d->sweep.when)
		rpc_timer_set(d->loop, &d->sweep, sweep_ms(d), sweep, d);
}

/* What a flood took is free again and still ours: the allocator keeps it unless asked. */
static void give_back(void *ctx)
{
	struct door *d = ctx;

	malloc_trim(0);
	if (--d->trims)
		rpc_timer_set(d->loop, &d->trim, TRIM_MS, give_back, d);
}

static void on_leave(void *guest)
{
	struct door_guest *g = guest;

	if (atomic_load(&g->cut)) {
		g->door->trims = TRIMS;
		rpc_timer_set(g->door->loop, &g->door->trim, TRIM_MS, give_back, g->door);
	}
	door_let_go(g);
}

struct door_guest *door_guest(struct door *d, const char *peer)
{
	struct door_guest *g;
	int n;

	if (strncmp(peer, "fd:", 3))
		return NULL;
	n = atoi(peer + 3) - d->first_number;
	if (n < 0 || n > d->last_number - d->first_number)
		return NULL;
	g = d->by_number[n];
	if (!g)
		return NULL;
	g->holds++;
	if (!g->called)
		atomic_fetch_sub(&d->waiting, 1);
	g->called = true;
	return g;
}

void door_cut(struct door_guest *g)
{
	struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

	if (atomic_exchange(&g->cut, true))
		return;
	atomic_fetch_add(&g->door->cut, 1);
	/* TCP that is only shut down goes on receiving: undone, it is reset and what is unread is gone */
	if (g->peer.kind == RPC_PEER_UNIX || connect(g->fd, &nowhere, sizeof(nowhere)) < 0)
		shutdown(g->fd, SHUT_RDWR);
}

/* Of the same hand, as far as can be told: of the same kind and user, and no call of it ever came to an end.  Who floods by
 * hundreds of connections is not given the time that each would take. */
static void cut_others(struct door *d, const struct door_guest *of)
{
	pthread_mutex_lock(&d->lock);
	for (struct door_guest *g = d->guests; g; g = g->next)
		if (g != of && g->theirs >= 0 && !atomic_load(&g->proven) && g->peer.kind == of->peer.kind &&
		    g->peer.uid == of->peer.uid)
			door_cut(g);
	pthread_mutex_unlock(&d->lock);
}

void door_reset(struct door_guest *g)
{
	static struct seldom said;
	char more[SELDOM_MORE];
	uint64_t now = rpc_now_ms(), gone = (now - g->leaked) * RESETS_PER_S / 1000;

	if (gone) {
		g->resets = g->resets > gone ? g->resets - gone : 0;
		g->leaked = now;
	}
	if (++g->resets <= RESETS_BURST || atomic_load(&g->cut))
		return;
	if (seldom(&said, more))
		log_warn("%s opens calls and resets them by the thousand: cut off%s", g->peer.address,
			 more);
	door_cut(g);
	cut_others(g->door, g);
}

/* --- on the door's thread --- */

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
	g->arrive = (struct rpc_bell){ .fn = on_arrive, .ctx = g };
	g->leave = (struct rpc_bell){ .fn = on_leave, .ctx = g };
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
	for (int i = 0; i < 16 && !is_full(d); i++) {
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

static void *keep_door(void *ctx)
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
		if (d->paused != is_full(d) && !atomic_load(&d->shut))
			look_at_listeners(d, d->paused);
		watch_look(&d->watch, on_quiet, d);
	}
}

/* --- opening and closing --- */

/* A connection takes two descriptors.  The usual limit of 1024 is there for the sake of select(), which nobody here
 * uses: it is raised as far as the hard one lets us. */
static void number_range(struct door *d)
{
	struct rlimit files;
	rlim_t want = 4 * (rlim_t)d->max + 2048;

	getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur < want && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = want < files.rlim_max ? want : files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	d->last_number = (int)(files.rlim_cur < want ? files.rlim_cur : want) - 1;
	d->first_number = d->number = d->last_number / 4;
}

int door_open(struct door **out, struct rpc_loop *loop, grpc_server *core, unsigned int max, unsigned int unused_ms)
{
	struct epoll_event want = { .events = EPOLLIN };
	struct door *d = calloc(1, sizeof(*d));
	int err = -ENOMEM;

	if (!d)
		return err;
	pthread_mutex_init(&d->lock, NULL);
	watch_open(&d->watch, loop);
	d->full_bell = (struct rpc_bell){ .fn = sweep, .ctx = d };
	d->loop = loop;
	d->core = core;
	d->max = max;
	d->unused_ms = unused_ms;
	d->plain = grpc_insecure_server_credentials_create();
	d->end = -1;
	number_range(d);
	d->by_number = calloc(d->last_number - d->first_number + 1, sizeof(*d->by_number));
	d->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!d->by_number || d->epoll < 0)
		goto fail;
	d->end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	want.data.ptr = d;
	if (d->end < 0 || epoll_ctl(d->epoll, EPOLL_CTL_ADD, d->end, &want) < 0) {
		err = -errno;
		goto fail;
	}
	*out = d;
	return 0;
fail:
	door_close(d);
	return err;
}

/* The path is another's to take from here on. */
static void give_up_path(struct door_rules *r)
{
	if (r->lock < 0)
		return;
	unlink(r->path);
	unlink(r->lock_path);
	close(r->lock);
	r->lock = -1;
}

static void rules_free(struct door_rules *r)
{
	give_up_path(r);
	free(r->path);
	free(r->lock_path);
	free(r->uids);
}

int door_add(struct door *d, int fd, const struct door_rules *rules)
{
	struct door_rules r = *rules;

	if (d->n_listeners == LISTENERS || d->running) {
		close(fd);
		rules_free(&r);
		return d->running ? -EBUSY : -ENOSPC;
	}
	d->listeners[d->n_listeners++] = (struct listener){ .fd = fd, .rules = r };
	return 0;
}

int door_begin(struct door *d)
{
	int err;

	for (unsigned int i = 0; i < d->n_listeners; i++) {
		struct epoll_event want = { .events = EPOLLIN, .data.ptr = &d->listeners[i] };

		if (epoll_ctl(d->epoll, EPOLL_CTL_ADD, d->listeners[i].fd, &want) < 0)
			return -errno;
	}
	err = -pthread_create(&d->thread, NULL, keep_door, d);
	d->running = !err;
	return err;
}

/* The thread is told to look away, then the sockets go: a connection that comes in between is closed unanswered. */
void door_shut(struct door *d)
{
	if (atomic_exchange(&d->shut, true))
		return;
	accept_unwatch(d);
	if (d->running)
		eventfd_write(d->end, 1);
	for (unsigned int i = 0; i < d->n_listeners; i++) {
		shutdown(d->listeners[i].fd, SHUT_RDWR);
		give_up_path(&d->listeners[i].rules);
	}
}

void door_close(struct door *d)
{
	if (!d)
		return;
	door_shut(d);
	atomic_store(&d->shut, false);
	if (d->running) {
		eventfd_write(d->end, 1);
		pthread_join(d->thread, NULL);
	}
	watch_close(&d->watch);
	rpc_timer_stop(d->loop, &d->trim);
	rpc_timer_stop(d->loop, &d->sweep);
	rpc_bell_forget(d->loop, &d->full_bell);
	for (unsigned int i = 0; i < d->n_listeners; i++) {
		close(d->listeners[i].fd);
		rules_free(&d->listeners[i].rules);
	}
	for (struct door_guest *g = d->guests, *next; g; g = next) {
		next = g->next;
		if (g->arrive.rung)
			close(g->theirs);
		rpc_bell_forget(d->loop, &g->arrive);
		rpc_bell_forget(d->loop, &g->leave);
		forget(g);
	}
	if (d->epoll >= 0)
		close(d->epoll);
	if (d->end >= 0)
		close(d->end);
	grpc_server_credentials_release(d->plain);
	pthread_mutex_destroy(&d->lock);
	free(d->by_number);
	free(d);
}

void door_stats(const struct door *d, struct rpc_server_stats *out)
{
	out->connections = atomic_load(&d->came);
	out->refused_connections = atomic_load(&d->refused);
	out->cut_connections = atomic_load(&d->cut);
	out->live_connections = atomic_load(&d->live);
}
