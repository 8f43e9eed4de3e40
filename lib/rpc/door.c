// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
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
#include "lib/rpc/door_inside.h"
#include "lib/rpc/seldom.h"

#define WAITING_MS 2000		/* so long, if the line is full; and so long if they say nothing: */
#define SILENT_MS 200
#define TRIM_MS 700
#define TRIMS 4		/* its calls are some time in going */
#define RESETS_BURST 500	/* calls of a connection given up at once that are forgiven */
#define RESETS_PER_S 200	/* and what is forgiven every second */

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

/* Has it nothing to say?  What it has said and gRPC has not read counts. */
static bool is_silent(const struct door_guest *g)
{
	int unread = 0;

	return ioctl(g->fd, FIONREAD, &unread) == 0 && !unread;
}

static unsigned int sweep_ms(const struct door *d)
{
	if (door_is_full(d))
		return SILENT_MS / 2;
	return d->unused_ms < 4 * WAITING_MS ? d->unused_ms / 4 + 1 : WAITING_MS;
}

static void sweep(void *door);

static void sweep_again(struct door *d, uint64_t now)
{
	unsigned int ms = sweep_ms(d);

	d->sweep_due = now + ms;
	rpc_timer_set(d->loop, &d->sweep, ms, sweep, d);
}

/* Silent at two looks, between which we were not late ourselves: else it may have said all that it has to say and wait for us. */
static bool stays_silent(struct door_guest *g, uint64_t now, bool full, bool late)
{
	if (!full || !is_silent(g))
		g->silent = 0;
	else if (!g->silent || late)
		g->silent = now;
	return g->silent && now - g->silent >= SILENT_MS / 2;
}

/* Connections that nothing is done with are room that others lack. */
static void sweep(void *door)
{
	struct door *d = door;
	uint64_t now = rpc_now_ms();
	bool full = door_is_full(d), late = d->sweep_due && now > d->sweep_due + SILENT_MS / 4;
	unsigned int left = 0, most = full && WAITING_MS < d->unused_ms ? WAITING_MS : d->unused_ms;

	pthread_mutex_lock(&d->lock);
	for (struct door_guest *g = d->guests; g; g = g->next) {
		if (g->theirs < 0 || g->called || atomic_load(&g->cut))
			continue;
		if (now - g->born >= most || (stays_silent(g, now, full, late) && now - g->born >= SILENT_MS))
			door_cut(g);
		else
			left++;
	}
	pthread_mutex_unlock(&d->lock);
	if (left) {
		sweep_again(d, now);
	} else {
		rpc_timer_stop(d->loop, &d->sweep);
		d->sweep_due = 0;
	}
}

void door_on_arrive(void *guest)
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
		sweep_again(d, rpc_now_ms());
}

/* What a flood took is free again and still ours: the allocator keeps it unless asked. */
static void give_back(void *ctx)
{
	struct door *d = ctx;

	malloc_trim(0);
	if (--d->trims)
		rpc_timer_set(d->loop, &d->trim, TRIM_MS, give_back, d);
}

void door_on_leave(void *guest)
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
	err = -pthread_create(&d->thread, NULL, door_keep, d);
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
