// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/addr.h"
#include "lib/http/inside.h"
#include "lib/http/tls.h"

#define ACCEPT_AT_ONCE 64
#define PAUSE_MS 200			/* no descriptors: accept no more for so long */

static void on_connect(void *ctx);
static void on_tick(void *ctx);

static void defaults(struct http_options *o)
{
	if (!o->connections)
		o->connections = 256;
	if (!o->per_peer)
		o->per_peer = (o->connections + 1) / 2;
	if (!o->head_ms)
		o->head_ms = 10000;
	if (!o->idle_ms)
		o->idle_ms = 60000;
	if (!o->write_ms)
		o->write_ms = 20000;
	if (!o->handshakes)
		o->handshakes = 64;
	if (!o->handshake_ms)
		o->handshake_ms = 5000;
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

int http_open(struct http **out, struct loop *loop, const struct http_options *options)
{
	struct http *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->loop = loop;
	if (options)
		h->options = *options;
	defaults(&h->options);
	h->tick_ms = least(1000, least(least(h->options.head_ms, h->options.handshake_ms),
				       least(h->options.idle_ms, h->options.write_ms)) / 4 + 1);
	*out = h;
	return 0;
}

void http_close(struct http *h)
{
	if (!h)
		return;
	loop_cancel(h->loop, &h->tick);
	loop_cancel(h->loop, &h->pause);
	while (h->asks)
		conn_close(h->asks);
	loop_cancel(h->loop, &h->bury);
	conn_bury(h);
	for (unsigned int i = 0; i < h->listeners; i++) {
		loop_forget(h->loop, h->listener[i].fd);
		close(h->listener[i].fd);
	}
	for (unsigned int i = 0; i < h->routes; i++)
		free(h->route[i].path);
	free(h);
}

/* "[::1]:80" as "::1" and "80", in a copy. */
static int split(const char *at, char *host, size_t size, const char **port)
{
	const char *colon = strrchr(at, ':');
	size_t n = colon ? colon - at : 0;

	if (!colon || n >= size)
		return -EINVAL;
	if (*at == '[' && colon[-1] == ']') {
		at++;
		n -= 2;
	} else if (memchr(at, ':', n)) {
		return -EINVAL;			/* an IPv6 address without brackets: where does the port begin? */
	}
	memcpy(host, at, n);
	host[n] = '\0';
	*port = colon + 1;
	return 0;
}

static int bound(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1, none = 0, err;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &none, sizeof(none));
	if (!bind(fd, ai->ai_addr, ai->ai_addrlen) && !listen(fd, 256))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int resolve(const char *at, struct addrinfo **found, struct addrinfo **without6, struct complaint *why)
{
	struct addrinfo want = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV };
	const char *port = NULL;
	char host[256];

	*without6 = NULL;
	if (split(at, host, sizeof(host), &port) || !*port || getaddrinfo(*host ? host : "::", port, &want, found)) {
		complaint_set(why, 0, 0, "cannot listen at '%s': give ADDRESS:PORT, as 127.0.0.1:9965, [::1]:9965 or :9965", at);
		return -EINVAL;
	}
	if (!*host)
		getaddrinfo("0.0.0.0", port, &want, without6);
	return 0;
}

static void forget(struct addrinfo *found, struct addrinfo *without6)
{
	freeaddrinfo(found);
	if (without6)
		freeaddrinfo(without6);
}

int http_check(const char *at, struct complaint *why)
{
	struct addrinfo *found, *without6;
	int err = resolve(at, &found, &without6, why);

	if (!err)
		forget(found, without6);
	return err;
}

int http_listen(struct http *h, const char *at, struct complaint *why)
{
	struct addrinfo *found, *without6;
	int fd, err;

	if (h->listeners == LISTENERS_MOST)
		return -ENOSPC;
	err = resolve(at, &found, &without6, why);
	if (err)
		return err;
	fd = bound(found);
	if (fd == -EAFNOSUPPORT && without6)		/* no IPv6 here */
		fd = bound(without6);
	forget(found, without6);
	if (fd < 0) {
		complaint_set(why, 0, 0, "cannot listen at '%s': %s", at, strerror(-fd));
		return fd;
	}
	h->listener[h->listeners].http = h;
	h->listener[h->listeners].fd = fd;
	err = loop_read(h->loop, fd, on_connect, &h->listener[h->listeners]);
	if (err)
		close(fd);
	else
		h->listeners++;
	return err;
}

static void addr_of(const struct sockaddr_storage *from, struct weir_addr *out)
{
	memset(out, 0, sizeof(*out));
	if (from->ss_family == AF_INET6) {
		memcpy(out, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
	} else if (from->ss_family == AF_INET) {
		out->byte[10] = out->byte[11] = 0xff;
		memcpy(&out->byte[12], &((const struct sockaddr_in *)from)->sin_addr, 4);
	}
}

unsigned int http_port(const struct http *h)
{
	struct sockaddr_storage at;
	socklen_t size = sizeof(at);

	if (!h->listeners || getsockname(h->listener[0].fd, (struct sockaddr *)&at, &size))
		return 0;
	return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port : ((struct sockaddr_in *)&at)->sin_port);
}

static int add_route(struct http *h, const char *path, bool post, http_fn fn, void *ctx)
{
	struct route *r = &h->route[h->routes];

	if (h->routes == ROUTES_MOST)
		return -ENOSPC;
	r->path = strdup(path);
	if (!r->path)
		return -ENOMEM;
	r->post = post;
	r->fn = fn;
	r->ctx = ctx;
	h->routes++;
	return 0;
}

int http_at(struct http *h, const char *path, http_fn fn, void *ctx)
{
	return add_route(h, path, false, fn, ctx);
}

int http_post_at(struct http *h, const char *path, http_fn fn, void *ctx)
{
	return add_route(h, path, true, fn, ctx);
}

const struct route *http_route(const struct http *h, const char *path, bool post)
{
	const struct route *best = NULL;
	size_t most = 0;

	for (const struct route *r = h->route; r < h->route + h->routes; r++) {
		size_t n = strlen(r->path);
		bool below = !r->post && n && r->path[n - 1] == '/';

		if (r->post == post && n > most && !strncmp(path, r->path, n) && (below || !path[n])) {
			best = r;
			most = n;
		}
	}
	return best;
}

/* A page of somebody else's name, turned to our address by its own DNS, still says its name. */
bool http_host_fits(const struct http *h, const char *host)
{
	struct weir_addr a;
	char name[256];
	size_t n;

	if (!h->options.host)
		return true;
	if (!host)
		return false;
	if (*host == '[') {
		host++;
		n = strcspn(host, "]");
		if (host[n] != ']' || (host[n + 1] && host[n + 1] != ':'))
			return false;
	} else {
		n = strcspn(host, ":");
	}
	if (!n || n >= sizeof(name))
		return false;
	memcpy(name, host, n);
	name[n] = '\0';
	if (!addr_parse(name, &a) || !strcasecmp(name, "localhost"))
		return true;
	for (const char *const *ok = h->options.host; *ok; ok++)
		if (!strcasecmp(*ok, name))
			return true;
	return h->options.tls && http_tls_named(h->options.tls, name);
}

static void turn_away(struct http *h, int fd)
{
	static const char full[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n"
				   "Content-Length: 0\r\n\r\n";

	h->counts.full++;
	if (!h->options.tls && send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		h->counts.slow++;
	close(fd);
}

/* Of who has the most connections, more than one who comes has: the oldest that is not being served by and by.  Requests that
 * trickle and answers that nobody reads are worth less than a first word. */
static struct http_ask *crowding(const struct http *h, unsigned int of_peer)
{
	struct http_ask *found = NULL;
	unsigned int most = of_peer + 1;

	for (struct http_ask *c = h->asks; c; c = c->next) {
		unsigned int n = 0;

		if (c->working || c->pull || (c->state != CONN_READING && c->state != CONN_SENDING && c->state != CONN_LINGER))
			continue;
		for (const struct http_ask *other = h->asks; other; other = other->next)
			n += addr_equal(&c->peer, &other->peer);
		if (n > most || (n == most && found)) {		/* the newest come first */
			most = n;
			found = c;
		}
	}
	return found;
}

/* Room for one more, made of the connection that has been without a request longest: of this peer's when it has all it
 * may. */
static bool make_room(struct http *h, const struct weir_addr *peer)
{
	struct http_ask *idle = NULL, *his = NULL;
	unsigned int of_peer = 0;

	for (struct http_ask *c = h->asks; c; c = c->next) {
		bool same = addr_equal(&c->peer, peer), waits = c->state == CONN_READING && !c->have && !c->working;

		of_peer += same;
		if (waits && (!idle || c->since < idle->since))
			idle = c;
		if (waits && same && (!his || c->since < his->since))
			his = c;
	}
	if (of_peer >= h->options.per_peer)
		idle = his;
	else if (h->counts.connections < h->options.connections)
		return true;
	else if (!idle)
		idle = crowding(h, of_peer);
	if (idle)
		conn_close(idle);
	return idle;
}

/* Those that shake hands longest make room for who comes: whoever means it is through before that. */
static void make_room_to_shake(struct http *h, const struct weir_addr *peer)
{
	struct http_ask *oldest = NULL, *his = NULL;
	unsigned int of_peer = 0;

	for (struct http_ask *c = h->asks; c; c = c->next) {	/* the newest first */
		if (c->state != CONN_SHAKING)
			continue;
		oldest = c;
		if (!addr_equal(&c->peer, peer))
			continue;
		his = c;
		of_peer++;
	}
	if (of_peer >= (h->options.handshakes + 3) / 4)
		oldest = his;
	else if (h->counts.shaking < h->options.handshakes)
		return;
	h->counts.unshaken++;
	conn_close(oldest);
}

static void on_pause_over(void *ctx)
{
	struct http *h = ctx;

	for (unsigned int i = 0; i < h->listeners; i++)
		loop_read(h->loop, h->listener[i].fd, on_connect, &h->listener[i]);
}

static void out_of_descriptors(struct http *h)
{
	h->counts.full++;
	for (unsigned int i = 0; i < h->listeners; i++)
		loop_forget(h->loop, h->listener[i].fd);
	loop_after(h->loop, &h->pause, PAUSE_MS, on_pause_over, h);
}

static void on_connect(void *ctx)
{
	const typeof(((struct http *)0)->listener[0]) *l = ctx;
	struct http *h = l->http;

	for (unsigned int i = 0; i < ACCEPT_AT_ONCE; i++) {
		struct sockaddr_storage from;
		socklen_t size = sizeof(from);
		struct weir_addr peer;
		int one = 1, fd = accept4(l->fd, (struct sockaddr *)&from, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
				out_of_descriptors(h);
			return;
		}
		h->counts.accepted++;
		addr_of(&from, &peer);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
		if (h->options.tls)
			make_room_to_shake(h, &peer);
		if (!make_room(h, &peer) || conn_open(h, fd, &peer))
			turn_away(h, fd);
		else if (!h->tick.when)
			loop_after(h->loop, &h->tick, h->tick_ms, on_tick, h);
	}
}

/* One timer for all: the loop's timers are a list. */
static void on_tick(void *ctx)
{
	struct http *h = ctx;
	uint64_t now = http_now_ns() / 1000000;

	if (h->options.tls)
		tls_look(h->options.tls);
	for (struct http_ask *c = h->asks, *next; c && c->state != CONN_DEAD; c = next) {
		next = c->next;
		conn_look(c, now);
	}
	if (h->asks)
		loop_after(h->loop, &h->tick, h->tick_ms, on_tick, h);
}

void http_count(const struct http *h, struct http_counts *out)
{
	*out = h->counts;
}
