// SPDX-License-Identifier: Apache-2.0
/* What a handler has to do with: what was asked, and the answer. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/http/inside.h"

const char *http_status_text(unsigned int status)
{
	switch (status) {
	case 200: return "OK";
	case 204: return "No Content";
	case 303: return "See Other";
	case 304: return "Not Modified";
	case 400: return "Bad Request";
	case 401: return "Unauthorized";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 406: return "Not Acceptable";
	case 408: return "Request Timeout";
	case 413: return "Content Too Large";
	case 414: return "URI Too Long";
	case 421: return "Misdirected Request";
	case 429: return "Too Many Requests";
	case 431: return "Request Header Fields Too Large";
	case 500: return "Internal Server Error";
	case 502: return "Bad Gateway";
	case 503: return "Service Unavailable";
	case 504: return "Gateway Timeout";
	case 505: return "HTTP Version Not Supported";
	default:  return "Other";
	}
}

/* The client has what we would send. */
static bool is_fresh(const struct http_ask *c, const struct http_answer *a)
{
	const char *has = c->began && a->etag ? http_request_field(&c->request, "if-none-match") : NULL;

	return has && (!strcmp(has, "*") || strstr(has, a->etag));
}

static char *compose(const struct http_ask *c, const struct http_answer *a, size_t *size)
{
	bool bare = c->status == 204 || c->status == 304;
	char date[64], length[64] = "", *text = NULL;
	time_t now = time(NULL);
	struct tm tm;
	FILE *f = open_memstream(&text, size);

	if (!f)
		return NULL;
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
	if (c->chunked)
		snprintf(length, sizeof(length), "Transfer-Encoding: chunked\r\n");
	else if (!a->pull && !bare)
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n", a->size);
	fprintf(f, "HTTP/1.1 %u %s\r\nDate: %s\r\n%s", c->status, http_status_text(c->status), date, length);
	if (a->type && !bare)
		fprintf(f, "Content-Type: %s\r\nX-Content-Type-Options: nosniff\r\n", a->type);
	if (a->gzip && !bare)
		fputs("Content-Encoding: gzip\r\n", f);
	if (a->etag)
		fprintf(f, "ETag: %s\r\n", a->etag);
	if (c->close)
		fputs("Connection: close\r\n", f);
	fprintf(f, "%s\r\n", a->fields ? a->fields : "");
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

/* What is to be sent behind the head: nothing, the body, or what a pull gives. */
static int take_body(struct http_ask *c, const struct http_answer *a)
{
	bool bare = c->request.head || c->status == 204 || c->status == 304;

	c->ended = bare || !a->pull;
	c->release = a->release;
	c->ctx = a->ctx;
	if (bare)
		return 0;
	c->pull = a->pull;
	if (a->pull || !a->size)
		return 0;
	c->body = a->body;
	c->body_size = a->size;
	if (a->release)
		return 0;
	c->body = c->out = malloc(a->size);
	if (!c->out)
		return -ENOMEM;
	memcpy(c->out, a->body, a->size);
	return 0;
}

void http_answer(struct http_ask *c, const struct http_answer *answer)
{
	struct http *h = c->http;
	uint64_t now = http_now_ns();

	if (c->state != CONN_READING && c->state != CONN_LATER) {	/* dead, or answered already */
		if (answer->release)
			answer->release(answer->ctx);
		return;
	}
	c->status = is_fresh(c, answer) ? 304 : answer->status ? answer->status : 200;
	c->state = CONN_SENDING;
	c->since = now / 1000000;
	c->moved = 0;
	if (answer->pull && c->request.old)
		c->close = true;
	c->chunked = answer->pull && !c->request.old && c->status != 204 && c->status != 304;
	c->head = compose(c, answer, &c->head_size);
	if (take_body(c, answer) || !c->head) {
		conn_close(c);
		return;
	}
	h->counts.answered++;
	if (h->options.answered)
		h->options.answered(h->options.ctx, c->began ? c->request.path : "", c->status, c->began ? now - c->began : 0);
	conn_step(c);
}

void http_answer_text(struct http_ask *c, unsigned int status, const char *format, ...)
{
	struct http_answer a = { .status = status, .type = "text/plain; charset=utf-8" };
	char text[1024];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0)
		n = 0;
	a.body = text;
	a.size = (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
	if (status == 405)
		a.fields = "Allow: GET, HEAD\r\n";
	http_answer(c, &a);
}

void http_later(struct http_ask *c, void (*gone)(void *ctx), void *ctx)
{
	if (c->state != CONN_READING)
		return;
	c->state = CONN_LATER;
	c->gone = gone;
	c->gone_ctx = ctx;
}

const char *http_path(const struct http_ask *c)
{
	return c->request.path;
}

const char *http_query(const struct http_ask *c)
{
	return c->request.query;
}

const char *http_field(const struct http_ask *c, const char *name)
{
	const char *value = http_request_field(&c->request, name);

	return value ? value : "";
}

bool http_accepts_gzip(const struct http_ask *c)
{
	return http_list_has(http_field(c, "accept-encoding"), "gzip");
}

bool http_posted(const struct http_ask *c)
{
	return c->request.post;
}

bool http_secure(const struct http_ask *c)
{
	return c->http->options.tls;
}

const struct weir_addr *http_peer(const struct http_ask *c)
{
	return &c->peer;
}

static int value_in(const char *text, size_t length, const char *key, char *buf, size_t size)
{
	const char *at = text, *end = text + length;
	size_t want = strlen(key), n;

	for (; at < end; at += n + 1) {
		const char *and = memchr(at, '&', end - at);

		n = (and ? and : end) - at;
		if (n < want || strncmp(at, key, want) || (n > want && at[want] != '='))
			continue;
		at += want + (n > want);
		n -= want + (n > want);
		if (n >= size)
			return -ENOSPC;
		memcpy(buf, at, n);
		buf[n] = '\0';
		return memchr(at, '\0', n) || http_decode(buf, true) < 0 ? -EINVAL : (int)strlen(buf);
	}
	return -ENOENT;
}

int http_query_value(const struct http_ask *c, const char *key, char *buf, size_t size)
{
	return value_in(c->request.query, strlen(c->request.query), key, buf, size);
}

int http_body_value(const struct http_ask *c, const char *key, char *buf, size_t size)
{
	return value_in(c->in + c->used - c->request.body, c->request.body, key, buf, size);
}
