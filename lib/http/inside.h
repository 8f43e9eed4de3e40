/* SPDX-License-Identifier: Apache-2.0 */
/* What http.c (listening, routes), conn.c (one connection), tls.c (its bytes) and answer.c (its handler's side) share. */
#ifndef WEIR_LIB_HTTP_INSIDE_H
#define WEIR_LIB_HTTP_INSIDE_H

#include <time.h>

#include <weir/base.h>

#include "lib/http/http.h"
#include "lib/http/request.h"

#define LISTENERS_MOST 8
#define ROUTES_MOST 64
#define TLS_WRITE_MOST (1U << 20)

enum conn_state {
	CONN_SHAKING,			/* hands, by TLS */
	CONN_READING,			/* a request, or waits for one */
	CONN_LATER,			/* its handler will answer */
	CONN_SENDING,
	CONN_LINGER,			/* all is said; what still comes is thrown away, so that the answer arrives */
	CONN_DEAD,			/* waits for its burial at the end of the loop's round: who called may look at it */
};

struct http_ask {
	struct http_ask *next, **link;
	struct http *http;
	int fd;
	enum conn_state state;
	struct weir_addr peer;
	bool reading, writing;		/* what the loop watches */
	bool eof;			/* the client will send no more */
	bool close;			/* after this answer */
	bool working;			/* conn_step() is at it */
	uint64_t since;			/* ms: of the state, the request's first byte, or the last time bytes could go */
	uint64_t moved;			/* bytes that went since */
	uint64_t began;			/* ns: the request was whole */
	unsigned int status;

	char *head, *out;		/* the answer's, ours to free */
	const char *body;		/* 'out', or what somebody lent */
	size_t head_size, body_size, sent;	/* 'sent' counts through both */
	bool chunked, ended, hungry;	/* a pull's: in chunks, gave its last, had nothing */
	http_pull_fn pull;
	void (*release)(void *ctx);
	void *ctx;
	void (*gone)(void *ctx);
	void *gone_ctx;

	struct ssl_st *ssl;		/* NULL: plain text */
	uint64_t epoch;			/* of the authorities that it was judged by */
	time_t certified_until;
	unsigned int key_updates;
	bool certified, needs_room;	/* needs_room: to be read from when it can be written to */

	struct http_request request;
	int head_read;			/* bytes of a head that waits for its body */
	size_t have, used;		/* bytes in 'in', of them the request's */
	size_t room;			/* of 'in', and one for a zero behind it */
	char *in;			/* NULL: waits for a request */
};

struct route {
	char *path;
	bool post;
	http_fn fn;
	void *ctx;
};

struct http {
	struct loop *loop;		/* not ours */
	struct http_options options;
	struct http_ask *asks, *dead;
	struct route route[ROUTES_MOST];
	unsigned int routes;
	struct { struct http *http; int fd; } listener[LISTENERS_MOST];
	unsigned int listeners;
	struct http_counts counts;
	struct loop_timer tick, pause, bury;
	unsigned int tick_ms;
};

/* conn.c */
void conn_bury(void *http);
int conn_open(struct http *h, int fd, const struct weir_addr *peer);
void conn_close(struct http_ask *c);
void conn_look(struct http_ask *c, uint64_t now_ms);		/* is it too slow? */
void conn_step(struct http_ask *c);			/* as far as it goes without waiting */

/* answer.c */
const char *http_status_text(unsigned int status);

/* http.c: whose path it is; NULL: nobody's. */
const struct route *http_route(const struct http *h, const char *path, bool post);
bool http_host_fits(const struct http *h, const char *host);

/* tls.c; what reads and writes gives bytes, 0 at the end, -EAGAIN, or what went wrong */
void tls_look(struct http_tls *t);			/* at the files */
int tls_begin(struct http_ask *c);
void tls_end(struct http_ask *c);
int tls_shake(struct http_ask *c);			/* 0; -EPROTONOSUPPORT: it speaks plain HTTP */
ssize_t tls_read(struct http_ask *c, char *buf, size_t size);
ssize_t tls_write(struct http_ask *c, const char *buf, size_t size);
bool tls_waits(const struct http_ask *c);		/* bytes are there that no loop tells of */
void tls_finish(struct http_ask *c);
bool tls_stale(const struct http_ask *c);		/* its certificate holds no more */

static inline uint64_t http_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

#endif
