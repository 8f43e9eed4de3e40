/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP/1.1 server on a loop: GET and HEAD, POST where asked for, keep-alive, answers whole or by pull, by TLS or not,
 * everything bounded.
 *
 *	http_open(&server, loop, &options);			options zeroed: the defaults
 *	http_at(server, "/metrics", on_metrics, me);		exactly; "/flows/": all below it
 *	http_listen(server, "127.0.0.1:9965", &why);
 *
 *	static void on_metrics(void *me, struct http_ask *ask)
 *	{
 *		http_answer(ask, &(struct http_answer){ .type = "text/plain", .body = text, .size = size });
 *	}
 *
 * A handler answers before it returns, or calls http_later() and answers by and by.  A path arrives decoded and is
 * refused when it is tricky (dot segments, empty ones, encoded slashes, control characters), so that it may name a
 * file.  One thread, the loop's.
 */
#ifndef WEIR_LIB_HTTP_HTTP_H
#define WEIR_LIB_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <weir/base.h>

#include "lib/complaint.h"
#include "lib/loop.h"

#define HTTP_HEAD_MOST	 8192	/* bytes of a request's line and header lines */
#define HTTP_FIELDS_MOST 64	/* header lines */
#define HTTP_PATH_MOST	 2048	/* bytes of a request's target */
#define HTTP_BODY_MOST	 4096	/* bytes of what is posted; with its head no more than HTTP_HEAD_MOST */
#define HTTP_CHUNK	 16384	/* asked of a pull at once */

struct http;
struct http_ask;		/* one request, until it is answered */
struct http_tls;		/* lib/http/tls.h */

struct http_options {				/* 0: the default */
	unsigned int connections;		/* in all: 256 */
	unsigned int per_peer;			/* of one address: half of all */
	unsigned int head_ms;			/* a request must be there whole so long after its first byte: 10,000 */
	unsigned int idle_ms;			/* a connection without request is closed after: 60,000 */
	unsigned int write_ms;			/* who reads less than 1 KiB/s for so long is cut: 20,000 */
	const char *const *host;		/* names that Host may say, to the NULL; addresses, "localhost" and names of
						 * our certificate always may: nobody can turn those to us by his own DNS.
						 * NULL: any name (no page can be tricked into asking us by its own) */
	struct http_tls *tls;			/* not ours; NULL: plain text */
	unsigned int handshakes;		/* of TLS, under way at once: 64, of one address a quarter; the oldest goes */
	unsigned int handshake_ms;		/* one that takes longer is cut: 5,000 */
	/* Asked before a handler is called: false, and it has been answered.  NULL: everybody may ask everything. */
	bool (*admit)(void *ctx, struct http_ask *ask);
	/* Asked once a second or so of a pull that lasts: false, and it is cut. */
	bool (*stays)(void *ctx, const struct http_ask *ask);
	/* Each answer, when its head goes out: 'ns' from the request's last byte. */
	void (*answered)(void *ctx, const char *path, unsigned int status, uint64_t ns);
	void *ctx;
};

int http_open(struct http **out, struct loop *loop, const struct http_options *options);
void http_close(struct http *h);		/* NULL is fine; every connection is cut, every 'gone' called */

/* "ADDR:PORT", "[ADDR]:PORT", ":PORT" for all addresses, port 0 for any free one.  May be called again. */
int http_listen(struct http *h, const char *at, struct complaint *why);
int http_check(const char *at, struct complaint *why);	/* whether it is one of these; listens nowhere */
unsigned int http_port(const struct http *h);	/* of the first listener */

typedef void (*http_fn)(void *ctx, struct http_ask *ask);
int http_at(struct http *h, const char *path, http_fn fn, void *ctx);	/* the longest that fits is called; else 404 */
int http_post_at(struct http *h, const char *path, http_fn fn, void *ctx);	/* what is posted there; else 405 */

/* What was asked.  Good until it is answered. */
const char *http_path(const struct http_ask *ask);		/* decoded, valid UTF-8, begins with a slash */
const char *http_query(const struct http_ask *ask);		/* as sent, without '?'; "" */
const char *http_field(const struct http_ask *ask, const char *name);	/* any case; "" if absent; the first of several */
bool http_accepts_gzip(const struct http_ask *ask);
bool http_posted(const struct http_ask *ask);			/* not GET, nor HEAD */
bool http_secure(const struct http_ask *ask);			/* by TLS */
bool http_certified(const struct http_ask *ask);		/* by a client's certificate that holds */
const struct weir_addr *http_peer(const struct http_ask *ask);
/* The decoded value of one key of the query: its length, -ENOENT, -ENOSPC or -EINVAL. */
int http_query_value(const struct http_ask *ask, const char *key, char *buf, size_t size);
int http_body_value(const struct http_ask *ask, const char *key, char *buf, size_t size);	/* of a form: the same */

/*
 * A body that comes by and by, sent in chunks.  Returns how many bytes were put, 0 for nothing now (http_more() when
 * there is), HTTP_END, or -errno, which cuts the connection so that the client sees that something is missing.
 */
#define HTTP_END (-1000)
typedef ssize_t (*http_pull_fn)(void *ctx, char *buf, size_t size);

struct http_answer {
	unsigned int status;			/* 0: 200 */
	const char *type;			/* Content-Type */
	const char *fields;			/* more header lines, each with its CR LF; NULL */
	const char *etag;			/* in its quotes; who has it already gets a 304 */
	bool gzip;				/* the body is compressed (ask http_accepts_gzip() first) */
	const void *body;			/* copied, unless 'release' */
	size_t size;
	void (*release)(void *ctx);		/* called once, when nobody needs body or 'ctx' any more */
	http_pull_fn pull;			/* in place of a body; 'release' is called when it has ended or was cut */
	void *ctx;				/* of both */
};
void http_answer(struct http_ask *ask, const struct http_answer *answer);
void http_answer_text(struct http_ask *ask, unsigned int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The handler returns without an answer.  'gone' is called if the client leaves first: then there is no ask. */
void http_later(struct http_ask *ask, void (*gone)(void *ctx), void *ctx);

/* A pull that had nothing has something.  'ask' is good until 'release'. */
void http_more(struct http_ask *ask);

struct http_counts {
	unsigned int connections;
	uint64_t accepted, asked, answered, bytes;
	uint64_t full, nonsense, slow;		/* turned away for want of room; requests that made no sense; cut */
	unsigned int shaking;			/* TLS handshakes under way */
	uint64_t unshaken;			/* that came to nothing */
};
void http_count(const struct http *h, struct http_counts *out);

#endif
