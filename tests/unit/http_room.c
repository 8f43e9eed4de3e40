// SPDX-License-Identifier: Apache-2.0
/* Requests of every size, cut anywhere, one behind the other: a connection's room grows as they need it, and what lies in it stays whole. */
#include <stdatomic.h>
#include <stdio.h>

#include "tests/unit/http.h"

#define THING HTTP_HEAD_MOST

static atomic_int released;

static void answer(void *ctx)
{
	struct http_ask *ask = ctx;
	const char *thing = http_field(ask, "X-Thing");
	char value[HTTP_BODY_MOST + 1] = "";
	unsigned int sum = 0;

	if (http_posted(ask) && http_body_value(ask, "k", value, sizeof(value)) < 0)
		snprintf(value, sizeof(value), "no body");
	for (const char *at = value; *at; at++)
		sum = sum * 31 + *at;
	for (const char *at = thing; *at; at++)
		sum = sum * 31 + *at;
	http_answer_text(ask, 200, "<%s %zu %zu %u>", http_query(ask), strlen(thing), strlen(value), sum);
}

static struct loop_timer timer;

static void on_gone(void *ctx)
{
	loop_cancel(loop, &timer);
}

/* The first one after a while, when more has come behind it. */
static void on_echo(void *ctx, struct http_ask *ask)
{
	if (strcmp(http_query(ask), "0")) {
		answer(ask);
		return;
	}
	http_later(ask, on_gone, NULL);
	loop_after(loop, &timer, 3, answer, ask);
}

static void on_release(void *ctx)
{
	released++;
}

static ssize_t pull(void *ctx, char *buf, size_t size)
{
	return 0;				/* a stream that waits */
}

static void on_stream(void *ctx, struct http_ask *ask)
{
	http_answer(ask, &(struct http_answer){ .type = "text/event-stream", .pull = pull, .release = on_release });
}

static void routes(void)
{
	http_at(server, "/echo", on_echo, NULL);
	http_at(server, "/stream", on_stream, NULL);
	http_post_at(server, "/post", on_echo, NULL);
}

/* A text of so many letters, no two places alike. */
static unsigned int letters(char *to, size_t size, unsigned int sum)
{
	for (size_t i = 0; i < size; i++) {
		to[i] = 'a' + (i * i + i / 26) % 26;
		sum = sum * 31 + to[i];
	}
	to[size] = '\0';
	return sum;
}

/* Request number n with a field of so many bytes, and, if it is posted, such a body; what it is to be answered. */
static size_t compose(char *to, const char *before, unsigned int n, size_t thing, size_t body, char *want)
{
	static char text[THING + 1], form[HTTP_BODY_MOST + 1];
	unsigned int sum = letters(text, thing, body ? letters(form, body - 2, 0) : 0);

	sprintf(want, "<%u %zu %zu %u>", n, thing, body ? body - 2 : 0, sum);
	if (!body)
		return sprintf(to, "%sGET /echo?%u HTTP/1.1\r\nHost: a\r\nX-Thing: %s\r\n\r\n", before, n, text);
	return sprintf(to, "%sPOST /post?%u HTTP/1.1\r\nHost: a\r\nX-Thing: %s\r\nContent-Length: %zu\r\n\r\nk=%s", before, n, text, body, form);
}

/* In three pieces, each after the one before has been taken. */
static void pieces(int fd, const char *text, size_t size, size_t cut)
{
	size_t ends[] = { cut, cut + 150 < size ? cut + 150 : size, size }, at = 0;

	for (int i = 0; i < 3; at = ends[i++]) {
		if (at == ends[i])
			continue;
		if (send(fd, text + at, ends[i] - at, MSG_NOSIGNAL) < 0)
			check_fail(__FILE__, __LINE__, "send", "%zu bytes", ends[i] - at);
		usleep(500);
	}
}

/* Three requests on one connection; the next ones have come with the first, or not. */
static void three(const char *before, size_t thing, size_t body, size_t cut)
{
	static char text[3 * HTTP_HEAD_MOST], want[3][64], buf[1 << 16];
	size_t size = 0;
	int fd = dial();

	for (unsigned int i = 0; i < 3; i++)
		size += compose(text + size, i ? "" : before, i, i == 1 ? 10 : thing, i == 1 ? 0 : body, want[i]);
	pieces(fd, text, size, cut < size ? cut : size / 2);
	hear(fd, buf, sizeof(buf), want[2]);
	for (unsigned int i = 0; i < 3; i++)
		CHECK(strstr(buf, want[i]), "%u of a field of %zu and a body of %zu, cut at %zu: %s in %.200s", i, thing, body, cut, want[i], buf);
	close(fd);
}

static void test_sizes(void)
{
	begin(NULL, routes);
	for (size_t thing = 1; thing < THING - 200; thing += thing > 1600 && thing < 2200 ? 23 : 397)
		for (size_t cut = 0; cut < 2 * thing; cut += thing / 2 + 700)
			three("", thing, 0, cut);
	for (size_t cut = 1700; cut < 2100; cut += 20)		/* the first waits for its answer, and there is hardly any room behind it */
		three("", 1000, 0, cut);
	for (size_t body = 3; body <= HTTP_BODY_MOST; body += 511)
		for (size_t thing = 10; thing < HTTP_HEAD_MOST - HTTP_BODY_MOST - 200; thing += 903)
			three(body % 2 ? "" : "\r\n", thing, body, (body + thing) % 3 * 1000);
	stop();
	CHECK_EQ(counts.nonsense, 0, "all made sense");
}

static void test_too_large(void)
{
	static char text[2 * HTTP_HEAD_MOST], want[64], buf[4096];
	int fd;

	begin(NULL, routes);
	fd = dial();
	compose(text, "", 1, HTTP_HEAD_MOST - 200, 0, want);
	pieces(fd, text, strlen(text), 3000);
	hear(fd, buf, sizeof(buf), want);
	CHECK(strstr(buf, want), "just small enough: %.100s", buf);
	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "GET /echo HTTP/1.1\r\nX: ", 23);
	pieces(fd, text, HTTP_HEAD_MOST + 100, 2048);
	hear(fd, buf, sizeof(buf), "431 ");
	CHECK(strstr(buf, "HTTP/1.1 431 "), "too large: %.100s", buf);
	close(fd);
	stop();
}

/* Whatever room its request has left, that the other side hangs up is heard of. */
static void test_hangs_up(void)
{
	static char text[2 * HTTP_HEAD_MOST], thing[THING + 1], buf[4096];
	int n = 0, fd;

	begin(NULL, routes);
	for (size_t size = 1500; size < 2200; size += 7) {
		letters(thing, size, 0);
		sprintf(text, "GET /stream HTTP/1.1\r\nHost: a\r\nX-Thing: %s\r\n\r\n", thing);
		fd = dial();
		say(fd, text);
		hear(fd, buf, sizeof(buf), "\r\n\r\n");
		CHECK(strstr(buf, "200 OK"), "it is open: %s", buf);
		close(fd);
		n++;
		for (int i = 0; i < 2000 && released < n; i++)
			usleep(5000);
		CHECK_EQ(released, n, "a field of %zu bytes, and then it left", size);
	}
	stop();
}

int main(void)
{
	test_sizes();
	test_too_large();
	test_hangs_up();
	return check_done();
}
