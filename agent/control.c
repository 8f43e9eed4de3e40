// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "agent/control.h"
#include "lib/control/frame.h"
#include "lib/log.h"

struct client {
	struct client *next;
	struct server *server;
	uint64_t number;
	int fd;
	bool trusted;			/* root, or our own user */
	bool busy;			/* its request is being answered */
	bool follows;			/* its answer has no end: when it stops sending it has hung up */
	bool ended;			/* it will send no more */
	bool cut;			/* to be closed as soon as nobody is working with it */
	unsigned int held;		/* how deep we are in its callbacks */
	struct frame_in in;
	struct frame_out out;
	struct loop_timer slow;
	size_t below;
	void (*room)(void *ctx, struct client *c);
	void *room_ctx;
	void (*gone)(void *ctx, uint64_t number);
	void *gone_ctx;
};

struct server {
	struct loop *loop;		/* not ours */
	server_fn fn;
	void *ctx;
	int fd;
	unsigned int request_max;
	struct client *clients;
	uint64_t next_number;
	struct server_counts counts;
	struct sockaddr_un at;
};

static void on_connect(void *ctx);
static void on_readable(void *ctx);
static void on_writable(void *ctx);
static void on_slow(void *ctx);
static void answer_next(struct client *c);
static void client_close(struct client *c);

/* A socket that somebody left behind is removed; one where somebody listens is not. */
static int make_way(const struct sockaddr_un *at, struct complaint *why)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0)
		return -errno;
	err = connect(fd, (const struct sockaddr *)at, sizeof(*at)) ? -errno : 0;
	close(fd);
	if (!err || err == -EAGAIN) {
		complaint_set(why, 0, 0, "another agent listens on '%s': stop it, or give this one --socket", at->sun_path);
		return -EADDRINUSE;
	}
	if (err == -ECONNREFUSED)
		unlink(at->sun_path);
	return 0;
}

static int listen_at(struct server *s, unsigned int mode, struct complaint *why)
{
	char dir[sizeof(s->at.sun_path)], *slash;
	int err = make_way(&s->at, why);

	if (err)
		return err;
	strcpy(dir, s->at.sun_path);
	slash = strrchr(dir, '/');
	if (slash && slash != dir) {
		*slash = '\0';
		mkdir(dir, 0755);	/* one level: /run/weir; anything else shows when binding */
	}
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return -errno;
	fchmod(s->fd, mode);		/* before it has a name: never open to more than it will be */
	if (bind(s->fd, (struct sockaddr *)&s->at, sizeof(s->at)) || chmod(s->at.sun_path, mode) || listen(s->fd, 64))
		return -errno;
	return loop_read(s->loop, s->fd, on_connect, s);
}

int server_open(struct server **out, struct loop *loop, const struct server_options *options, server_fn fn, void *ctx,
		struct complaint *why)
{
	struct server *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->loop = loop;			/* not ours */
	s->fn = fn;
	s->ctx = ctx;
	s->fd = -1;
	s->request_max = options->request_max;
	s->at.sun_family = AF_UNIX;
	if (strlen(options->path) >= sizeof(s->at.sun_path)) {
		complaint_set(why, 0, 0, "cannot listen on '%s': a socket's path is at most %zu bytes", options->path,
			      sizeof(s->at.sun_path) - 1);
		free(s);
		return -ENAMETOOLONG;
	}
	strcpy(s->at.sun_path, options->path);
	why->text[0] = '\0';
	err = listen_at(s, options->mode, why);
	if (err) {
		if (!why->text[0])
			complaint_set(why, 0, 0, "cannot listen on '%s': %s", options->path, strerror(-err));
		s->at.sun_path[0] = '\0';
		server_close(s);
		return err;
	}
	*out = s;
	return 0;
}

void server_close(struct server *s)
{
	if (!s)
		return;
	while (s->clients)
		client_close(s->clients);
	if (s->fd >= 0) {
		loop_forget(s->loop, s->fd);
		close(s->fd);
	}
	if (s->at.sun_path[0])
		unlink(s->at.sun_path);
	free(s);
}

void server_count(const struct server *s, struct server_counts *out)
{
	*out = s->counts;
}

uint64_t client_number(const struct client *c)
{
	return c->number;
}

struct client *server_client(const struct server *s, uint64_t number)
{
	struct client *c = s->clients;

	while (c && c->number != number)
		c = c->next;
	return c && !c->cut ? c : NULL;
}

/* Closes it now, or when whoever is working with it has returned. */
static void cut(struct client *c)
{
	c->cut = true;
	if (!c->held)
		client_close(c);
}

int client_reply(struct client *c, Weir__V1__Reply *reply, bool last)
{
	int err;

	if (c->cut)
		return -EPIPE;
	reply->done = last;
	c->held++;
	err = frame_put(&c->out, &reply->base);
	if (err) {
		c->server->counts.slow++;
		c->cut = true;
	} else {
		on_writable(c);
	}
	if (last) {
		c->busy = false;
		c->gone = NULL;
		c->room = NULL;
	}
	c->held--;
	if (c->cut && !c->held)
		client_close(c);
	else if (last && !c->held)
		answer_next(c);
	return err;
}

void client_error(struct client *c, const char *format, ...)
{
	Weir__V1__Reply reply = WEIR__V1__REPLY__INIT;
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	reply.error = text;
	client_reply(c, &reply, true);
}

size_t client_waiting(const struct client *c)
{
	return frame_waiting(&c->out);
}

void client_when_below(struct client *c, size_t below, void (*fn)(void *ctx, struct client *c), void *ctx)
{
	c->below = below;
	c->room = fn;
	c->room_ctx = ctx;
}

void client_follows(struct client *c)
{
	c->follows = true;
}

void client_on_gone(struct client *c, void (*fn)(void *ctx, uint64_t number), void *ctx)
{
	c->gone = fn;
	c->gone_ctx = ctx;
}

static void client_close(struct client *c)
{
	struct server *s = c->server;
	struct client **at = &s->clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	s->counts.clients--;
	loop_forget(s->loop, c->fd);
	loop_cancel(s->loop, &c->slow);
	close(c->fd);
	frame_in_free(&c->in);
	frame_out_free(&c->out);
	if (c->busy && c->gone)
		c->gone(c->gone_ctx, c->number);
	free(c);
}

static unsigned int others(const struct server *s)
{
	unsigned int n = 0;

	for (const struct client *c = s->clients; c; c = c->next)
		n += !c->trusted;
	return n;
}

static void welcome(struct server *s, int fd)
{
	struct ucred peer = { .uid = -1 };
	socklen_t size = sizeof(peer);
	struct client *c;
	bool trusted;

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
	trusted = peer.uid == 0 || peer.uid == geteuid();
	if (s->counts.clients >= CONTROL_CLIENTS || (!trusted && others(s) >= CONTROL_CLIENTS_OF_OTHERS) ||
	    !(c = calloc(1, sizeof(*c)))) {
		s->counts.turned_away++;
		close(fd);
		return;
	}
	c->server = s;
	c->number = ++s->next_number;
	c->fd = fd;
	c->trusted = trusted;
	c->in.most = s->request_max;
	c->out.most = CONTROL_WAITING;
	c->next = s->clients;
	s->clients = c;
	s->counts.clients++;
	s->counts.accepted++;
	if (loop_read(s->loop, fd, on_readable, c))
		client_close(c);
}

static void on_connect(void *ctx)
{
	struct server *s = ctx;
	int fd;

	while ((fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		welcome(s, fd);
}

/* While a client is answered it is not read from, only watched: does it hang up? */
static void watch_busy(struct client *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };

	poll(&p, 1, 0);
	if (p.revents & (POLLHUP | POLLERR) || (p.revents & POLLRDHUP && c->follows))
		cut(c);
	else
		loop_read(c->server->loop, c->fd, NULL, NULL);	/* its next request waits where it is */
}

static void on_readable(void *ctx)
{
	struct client *c = ctx;
	int err;

	if (c->busy) {
		watch_busy(c);
		return;
	}
	err = frame_read(&c->in, c->fd);
	if (err == -EAGAIN)
		return;
	if (err == -EPIPE && frame_waiting(&c->out)) {
		/* it may have closed its writing half only: what it asked for is sent, then it is closed */
		c->ended = true;
		loop_read(c->server->loop, c->fd, NULL, NULL);
		return;
	}
	if (err)
		cut(c);
	else
		answer_next(c);
}

static void answer(struct client *c, const uint8_t *data, size_t size)
{
	struct server *s = c->server;
	Weir__V1__Request *ask = request_unpack(data, size);

	c->busy = true;
	s->counts.requests++;
	if (!ask || ask->ask_case == WEIR__V1__REQUEST__ASK__NOT_SET) {
		s->counts.nonsense++;
		client_error(c, "the request makes no sense to this agent (version " WEIR_VERSION ")");
		c->cut = !ask;
	} else if (request_changes(ask) && !c->trusted) {
		s->counts.refused++;
		client_error(c, "only root and the agent's own user may ask that");
	} else {
		s->fn(s->ctx, c, ask);
	}
	request_free(ask);
}

/* 'weir' knocks so to learn which of the two protocols a socket speaks: that is no fault of anybody's. */
static bool spoke_grpc(const struct client *c)
{
	return c->in.used - c->in.first >= 4 && !memcmp(c->in.buf + c->in.first, "PRI ", 4);
}

/* Requests that have come, one after the other, as long as each is answered at once. */
static void answer_next(struct client *c)
{
	const uint8_t *data;
	size_t size;
	int n = 0;

	c->held++;
	while (!c->busy && !c->cut && (n = frame_next(&c->in, &data, &size)) > 0)
		answer(c, data, size);
	c->held--;
	if (n < 0) {
		c->server->counts.nonsense += !spoke_grpc(c);
		c->cut = true;
	}
	if (c->ended && !c->busy && !frame_waiting(&c->out))
		c->cut = true;
	if (c->cut) {
		if (!c->held)
			client_close(c);
		return;
	}
	if (!c->ended)
		loop_read(c->server->loop, c->fd, on_readable, c);
}

/* Also called to send what has just been queued. */
static void on_writable(void *ctx)
{
	struct client *c = ctx;
	size_t before = frame_waiting(&c->out);
	int n = frame_flush(&c->out, c->fd);

	if (n < 0) {
		cut(c);
		return;
	}
	loop_write(c->server->loop, c->fd, n ? on_writable : NULL, c);
	if (!n)
		loop_cancel(c->server->loop, &c->slow);
	else if (!c->slow.when || frame_waiting(&c->out) < before)
		loop_after(c->server->loop, &c->slow, CONTROL_SLOW_MS, on_slow, c);
	if (!n && c->ended && !c->busy && !c->held) {
		cut(c);
		return;
	}
	if (c->room && frame_waiting(&c->out) < c->below && !c->held) {
		void (*fn)(void *, struct client *) = c->room;

		c->room = NULL;
		fn(c->room_ctx, c);
	}
}

static void on_slow(void *ctx)
{
	struct client *c = ctx;

	c->server->counts.slow++;
	log_debug("a client of the control socket was cut: it read nothing for %d s", CONTROL_SLOW_MS / 1000);
	cut(c);
}
