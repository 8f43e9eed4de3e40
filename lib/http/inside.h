/* SPDX-License-Identifier: Apache-2.0 */
/* What http.c (listening, routes) and conn.c (one connection) share. */
#ifndef WEIR_LIB_HTTP_INSIDE_H
#define WEIR_LIB_HTTP_INSIDE_H

#include <time.h>

#include <weir/base.h>

#include "lib/http/http.h"
#include "lib/http/request.h"

#define LISTENERS_MOST 8
#define ROUTES_MOST 64

enum conn_state {
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

	struct http_request request;
	size_t have, used;		/* bytes in 'in', of them the request's */
	char in[HTTP_HEAD_MOST + 1];
};

struct route {
	char *path;
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

/* http.c: whose path it is; NULL: nobody's. */
const struct route *http_route(const struct http *h, const char *path);
bool http_host_fits(const struct http *h, const char *host);

static inline uint64_t http_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

#endif
