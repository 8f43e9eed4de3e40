// SPDX-License-Identifier: Apache-2.0
/* One connection: a request is read, its handler called, its answer sent, and then the next. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/http/inside.h"

#define LINGER_MS 2000
#define ROOM_FIRST 2048				/* bytes for a request: what browsers send; more, up to HTTP_HEAD_MOST, when it is not enough */
#define ROOM_SPARE 256				/* left when it has been read, so that its end is heard of while it is answered */
#define FRAME_ROOM 8				/* before a chunk: its size in six digits and CR LF; behind it CR LF */
#define LAST_CHUNK "0\r\n\r\n"

static void on_readable(void *ctx);
static void on_writable(void *ctx);

static uint64_t now_ms(void)
{
	return http_now_ns() / 1000000;
}

int conn_open(struct http *h, int fd, const struct weir_addr *peer)
{
	struct http_ask *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->http = h;
	c->fd = fd;
	c->peer = *peer;
	c->since = now_ms();
	c->state = h->options.tls ? CONN_SHAKING : CONN_READING;
	if ((h->options.tls && tls_begin(c)) || loop_read(h->loop, fd, on_readable, c)) {
		tls_end(c);
		free(c);
		return -ENOMEM;
	}
	c->reading = true;
	h->counts.shaking += c->state == CONN_SHAKING;
	c->next = h->asks;
	c->link = &h->asks;
	if (c->next)
		c->next->link = &c->next;
	h->asks = c;
	h->counts.connections++;
	return 0;
}

/* The answer's memory, and who lent it is told. */
static void drop_answer(struct http_ask *c)
{
	void (*release)(void *ctx) = c->release;
	void *ctx = c->ctx;

	free(c->head);
	free(c->out);
	c->head = c->out = NULL;
	c->head_size = c->body_size = c->sent = 0;
	c->body = NULL;
	c->chunked = c->ended = c->hungry = false;
	c->pull = NULL;
	c->release = NULL;
	c->ctx = NULL;
	if (release)
		release(ctx);
}

void conn_close(struct http_ask *c)
{
	struct http *h = c->http;
	void (*gone)(void *ctx) = c->state == CONN_LATER ? c->gone : NULL;

	if (c->state == CONN_DEAD)
		return;
	h->counts.shaking -= c->state == CONN_SHAKING;
	c->state = CONN_DEAD;
	loop_forget(h->loop, c->fd);
	tls_end(c);
	close(c->fd);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	h->counts.connections--;
	drop_answer(c);
	c->next = h->dead;
	h->dead = c;
	if (!h->bury.when)
		loop_after(h->loop, &h->bury, 0, conn_bury, h);
	if (gone)
		gone(c->gone_ctx);
}

void conn_bury(void *http)
{
	struct http *h = http;

	while (h->dead) {
		struct http_ask *c = h->dead;

		h->dead = c->next;
		free(c->in);
		free(c);
	}
}

static int widen(struct http_ask *c, size_t room)
{
	char *in = realloc(c->in, room + 1);

	if (!in)
		return -ENOMEM;
	c->in = in;
	c->room = room;
	return 0;
}

/* Room for more of a request.  A whole head's strings lie where they lie: it is wide enough before it is read. */
static int make_room(struct http_ask *c)
{
	bool bare = !c->have || *c->in == 'G' || *c->in == 'H';		/* behind others a body may follow */

	if (!c->in)
		return widen(c, ROOM_FIRST);
	if (c->state != CONN_READING || c->head_read || c->room == HTTP_HEAD_MOST || (bare && c->room - c->have >= ROOM_SPARE))
		return 0;
	return widen(c, HTTP_HEAD_MOST);
}

/* Nothing of a request is there: who waits for long needs no room for one. */
static void drop_room(struct http_ask *c)
{
	free(c->in);
	c->in = NULL;
	c->room = 0;
}

/* Tell the loop what we wait for.  A full buffer is read no further: that bounds what is asked ahead. */
static void conn_watch(struct http_ask *c, bool writing)
{
	bool reading = !c->eof && (c->state == CONN_LINGER || !c->in || c->have < c->room);

	writing |= c->needs_room;
	if (reading != c->reading && !loop_read(c->http->loop, c->fd, reading ? on_readable : NULL, c))
		c->reading = reading;
	if (writing != c->writing && !loop_write(c->http->loop, c->fd, writing ? on_writable : NULL, c))
		c->writing = writing;
}

static ssize_t receive(struct http_ask *c, char *buf, size_t size)
{
	ssize_t n;

	if (c->ssl && c->state != CONN_LINGER)
		return tls_read(c, buf, size);
	n = recv(c->fd, buf, size, 0);
	return n < 0 ? (errno == EINTR ? -EAGAIN : -errno) : n;
}

/* Who speaks plain HTTP to us is told so, in plain HTTP. */
static void refuse_plain(struct http_ask *c)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n"
				   "Content-Length: 41\r\n\r\nTLS is spoken here: ask by https://, too\n";

	tls_end(c);
	if (send(c->fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 || shutdown(c->fd, SHUT_WR)) {
		conn_close(c);
		return;
	}
	c->state = CONN_LINGER;
	c->since = now_ms();
	conn_watch(c, false);
}

static void shake(struct http_ask *c)
{
	struct http *h = c->http;
	int err = tls_shake(c);

	if (err == -EAGAIN) {
		conn_watch(c, false);
		return;
	}
	h->counts.unshaken += err != 0;
	if (err && err != -EPROTONOSUPPORT) {
		conn_close(c);
		return;
	}
	h->counts.shaking--;
	c->state = CONN_READING;
	c->since = now_ms();
	if (err)
		refuse_plain(c);
	else
		conn_watch(c, false);
}

static void on_readable(void *ctx)
{
	struct http_ask *c = ctx;
	char waste[4096];
	bool linger = c->state == CONN_LINGER;
	ssize_t n;

	if (c->state == CONN_SHAKING) {
		shake(c);
		return;
	}
	if (!linger && make_room(c)) {
		conn_close(c);
		return;
	}
	if (!linger && c->have == c->room) {
		conn_watch(c, c->writing);
		return;
	}
	n = linger ? receive(c, waste, sizeof(waste)) : receive(c, c->in + c->have, c->room - c->have);
	if (n == -EAGAIN) {
		if (c->needs_room != c->writing)
			conn_watch(c, c->state == CONN_SENDING && !c->hungry);
		return;
	}
	if (n < 0 || (linger && !n)) {
		conn_close(c);
		return;
	}
	if (linger)
		return;
	if (!c->have && n && c->state == CONN_READING)
		c->since = now_ms();
	c->have += n;
	c->eof = !n;
	if (c->eof && (c->state == CONN_LATER || c->hungry))
		conn_close(c);			/* nobody would read it */
	else
		conn_step(c);
}

static void on_writable(void *ctx)
{
	struct http_ask *c = ctx;

	if (c->needs_room) {
		c->needs_room = false;
		on_readable(c);
	}
	if (c->state != CONN_SHAKING)
		conn_step(c);
}

/* A request, whole or refused, to whom it concerns. */
static void handle(struct http_ask *c, int size)
{
	struct http *h = c->http;
	const struct route *r;

	if (size < 0) {
		h->counts.nonsense++;
		c->close = true;
		c->began = 0;
		c->used = c->have;
		c->request.head = c->request.old = false;
		http_answer_text(c, -size, "%s\n", http_status_text(-size));
		return;
	}
	h->counts.asked++;
	c->used = size + c->request.body;
	c->began = http_now_ns();
	c->close = c->request.close;
	r = http_route(h, c->request.path, c->request.post);
	if (!http_host_fits(h, c->request.host))
		http_answer_text(c, 421, "this is not the host '%s'\n", c->request.host ? c->request.host : "");
	else if (h->options.admit && !h->options.admit(h->options.ctx, c))
		;
	else if (!r)
		http_answer_text(c, 404, "there is nothing at '%s'\n", c->request.path);
	else
		r->fn(r->ctx, c);
	if (c->state == CONN_READING)
		http_answer_text(c, 500, "no answer\n");
}

/* The next piece of a pull, framed, in c->out.  0, or -errno. */
static int pull_more(struct http_ask *c)
{
	char frame[FRAME_ROOM + 1];
	ssize_t n;

	if (!c->out)
		c->out = malloc(FRAME_ROOM + HTTP_CHUNK + 2 + sizeof(LAST_CHUNK));
	if (!c->out)
		return -ENOMEM;
	n = c->pull(c->ctx, c->out + FRAME_ROOM, HTTP_CHUNK);
	if (c->state != CONN_SENDING)
		return 0;
	c->head_size = c->body_size = c->sent = 0;
	c->body = c->out;
	c->hungry = !n;
	if (!n) {				/* who waits long needs no buffer */
		free(c->out);
		c->out = NULL;
		return 0;
	}
	if (n < 0 && n != HTTP_END)
		return n;
	c->ended = n == HTTP_END;
	if (c->ended && c->chunked) {
		memcpy(c->out, LAST_CHUNK, sizeof(LAST_CHUNK) - 1);
		c->body_size = sizeof(LAST_CHUNK) - 1;
	} else if (!c->ended && c->chunked) {
		snprintf(frame, sizeof(frame), "%06x\r\n", (unsigned int)n & 0xffffff);
		memcpy(c->out, frame, FRAME_ROOM);
		memcpy(c->out + FRAME_ROOM + n, "\r\n", 2);
		c->body_size = FRAME_ROOM + n + 2;
	} else if (!c->ended) {
		memmove(c->out, c->out + FRAME_ROOM, n);
		c->body_size = n;
	}
	return 0;
}

/* Sends what is there: 0 all of it, -EAGAIN not all, or what went wrong. */
static int send_some(struct http_ask *c)
{
	while (c->ssl && c->sent < c->head_size + c->body_size) {
		bool head = c->sent < c->head_size;
		const char *at = head ? c->head + c->sent : c->body + (c->sent - c->head_size);
		ssize_t n = tls_write(c, at, (head ? c->head_size : c->head_size + c->body_size) - c->sent);

		if (n < 0)
			return n;
		c->sent += n;
		c->moved += n;
		c->http->counts.bytes += n;
	}
	while (c->sent < c->head_size + c->body_size) {
		size_t in_head = c->sent < c->head_size ? c->head_size - c->sent : 0;
		size_t in_out = in_head ? 0 : c->sent - c->head_size;
		struct iovec v[2] = { { c->head + c->sent, in_head }, { (char *)c->body + in_out, c->body_size - in_out } };
		struct msghdr m = { .msg_iov = in_head ? v : v + 1, .msg_iovlen = (in_head ? 1 : 0) + (c->body_size ? 1 : 0) };
		ssize_t n = sendmsg(c->fd, &m, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		c->sent += n;
		c->moved += n;
		c->http->counts.bytes += n;
	}
	return 0;
}

/* The answer is out: the next request, or the end. */
static void finish(struct http_ask *c)
{
	drop_answer(c);
	if (c->state == CONN_DEAD)		/* whoever was told closed us */
		return;
	c->since = now_ms();
	c->have -= c->used;
	if (c->have)
		memmove(c->in, c->in + c->used, c->have);
	else
		drop_room(c);
	c->used = 0;
	if (!c->close) {
		c->state = CONN_READING;
		return;
	}
	if (c->ssl)
		tls_finish(c);
	shutdown(c->fd, SHUT_WR);
	c->state = CONN_LINGER;
}

static int step_sending(struct http_ask *c)
{
	int err = send_some(c);

	if (err == -EAGAIN)
		return err;
	if (!err && c->moved) {
		c->since = now_ms();
		c->moved = 0;
	}
	if (!err && !c->ended)
		err = pull_more(c) ?: c->hungry ? -EAGAIN : 0;
	else if (!err)
		finish(c);
	return err;
}

/* The rest of a request that has come already and that no loop tells of. */
static int read_on(struct http_ask *c)
{
	ssize_t n;

	if (c->eof)
		return -EPIPE;
	if (!tls_waits(c))
		return -EAGAIN;
	if (make_room(c))
		return -ENOMEM;
	if (c->have == c->room)
		return -EAGAIN;
	n = receive(c, c->in + c->have, c->room - c->have);
	if (n <= 0)
		return n ? (int)n : -EPIPE;
	if (!c->have)
		c->since = now_ms();
	c->have += n;
	return 0;
}

static int step_reading(struct http_ask *c)
{
	struct http_request *r = &c->request;
	int n = c->head_read;

	if (!c->have)
		return read_on(c);
	if (make_room(c))
		return -ENOMEM;
	c->in[c->have] = '\0';
	if (!n)
		n = http_request_read(r, c->in, c->have);
	if (n > 0 && r->post && !http_route(c->http, r->path, true))
		n = -405;
	else if (n > 0 && n + r->body > HTTP_HEAD_MOST)
		n = -413;
	if (!n || (n > 0 && c->have < n + r->body)) {
		c->head_read = n;
		return read_on(c);
	}
	c->head_read = 0;
	handle(c, n);
	return 0;
}

/* As far as it goes without waiting.  Called again from within (a handler that answers) it leaves the work to the one
 * that is at it. */
void conn_step(struct http_ask *c)
{
	int err = 0;

	if (c->working || c->state == CONN_DEAD)
		return;
	c->working = true;
	while (!err) {
		if (c->state == CONN_SENDING)
			err = step_sending(c);
		else if (c->state == CONN_READING)
			err = step_reading(c);
		else
			err = -EAGAIN;
	}
	c->working = false;
	if (c->state == CONN_DEAD)
		return;
	if (err != -EAGAIN || (c->eof && (c->state == CONN_LINGER || c->hungry)))
		conn_close(c);
	else
		conn_watch(c, c->state == CONN_SENDING && !c->hungry);
}

void http_more(struct http_ask *c)
{
	if (c->state != CONN_SENDING || !c->hungry)
		return;
	c->hungry = false;
	c->since = now_ms();
	c->moved = 0;
	conn_step(c);
}

void conn_look(struct http_ask *c, uint64_t now)
{
	const struct http_options *o = &c->http->options;
	uint64_t waited = now > c->since ? now - c->since : 0;

	if (tls_stale(c)) {
		conn_close(c);
		return;
	}
	switch (c->state) {
	case CONN_SHAKING:
		if (waited > o->handshake_ms) {
			c->http->counts.slow++;
			c->http->counts.unshaken++;
			conn_close(c);
		}
		break;
	case CONN_READING:
		if (c->have && waited > o->head_ms) {
			c->http->counts.slow++;
			c->head_read = 0;
			c->close = true;
			c->began = 0;
			c->used = c->have;
			c->request.head = c->request.old = false;	/* those of the request before */
			http_answer_text(c, 408, "the request did not arrive in time\n");
		} else if (!c->have && waited > o->idle_ms) {
			conn_close(c);
		}
		break;
	case CONN_SENDING:
		if (c->pull && o->stays && !o->stays(o->ctx, c)) {
			conn_close(c);
			break;
		}
		if (c->moved >= waited) {		/* a byte is worth a millisecond */
			c->since = now;
			c->moved = 0;
		} else if (!c->hungry && waited > o->write_ms) {
			c->http->counts.slow++;
			conn_close(c);
		}
		break;
	case CONN_LINGER:
		if (waited > LINGER_MS)
			conn_close(c);
		break;
	default:
		break;
	}
}
