// SPDX-License-Identifier: Apache-2.0
/* The HTTP server against clients that are right, wrong, slow, many, and gone. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "lib/http/request.h"
#include "tests/unit/http.h"

#define BIG (32 << 20)

static atomic_int released, gone, answered;
static char big[BIG];

/* What one request's head means, read alone. */
static const struct {
	const char *what, *text;
	int want;			/* a status; 0: not whole; 200: read */
	const char *path;
} heads[] = {
	{ "the plainest", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, "/" },
	{ "HEAD", "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n", 200, "/x" },
	{ "an old one needs no host", "GET /x HTTP/1.0\r\n\r\n", 200, "/x" },
	{ "a query", "GET /x?a=b/../c HTTP/1.1\r\nHost: a\r\n\r\n", 200, "/x" },
	{ "a decoded path", "GET /a%20b%C3%A9 HTTP/1.1\r\nHost: a\r\n\r\n", 200, "/a b\303\251" },
	{ "as to a proxy", "GET http://a:1/x HTTP/1.1\r\nHost: a\r\n\r\n", 200, "/x" },
	{ "an empty line before", "\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n", 200, "/x" },
	{ "a folder", "GET /x/ HTTP/1.1\r\nHost: a\r\n\r\n", 200, "/x/" },
	{ "dots in a name", "GET /x..y/.z/... HTTP/1.1\r\nHost: a\r\n\r\n", 200, "/x..y/.z/..." },
	{ "a body of nothing", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 200, "/" },
	{ "half", "GET / HTTP/1.1\r\nHost: a\r\n", 0, NULL },
	{ "half a line end", "GET / HTTP/1.1\r\nHost: a\r\n\r", 0, NULL },
	{ "nothing but an empty line", "\r\n", 0, NULL },
	{ "up", "GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL },
	{ "up, hidden", "GET /a/%2e%2E/b HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL },
	{ "up at the end", "GET /a/.. HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL },
	{ "here", "GET /a/./b HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL },
	{ "two slashes", "GET //a HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL },
	{ "two slashes within", "GET /a//b HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL },
	{ "a hidden slash", "GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL },
	{ "a backslash", "GET /a\\..\\b HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL },
	{ "a hidden backslash", "GET /a%5C..%5Cb HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL },
	{ "a hidden zero", "GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL },
	{ "a hidden line end", "GET /a%0d%0ab HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL },
	{ "half an escape", "GET /a%4 HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL },
	{ "overlong UTF-8", "GET /a%c0%af HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL },
	{ "no slash", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL },
	{ "an asterisk", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL },
	{ "a fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL },
	{ "a third word", "GET / x HTTP/1.1\r\nHost: a\r\n\r\n", 400, NULL },
	{ "no version", "GET /\r\nHost: a\r\n\r\n", 400, NULL },
	{ "another version", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, NULL },
	{ "POST, without a body", "POST /x HTTP/1.1\r\nHost: a\r\n\r\n", 200, "/x" },
	{ "POST, its head", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4096\r\n\r\n", 200, "/x" },
	{ "POST, too much", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4097\r\n\r\n", 413, NULL },
	{ "POST, far too much", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 413, NULL },
	{ "two lengths", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 400, NULL },
	{ "a list of lengths", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", 400, NULL },
	{ "a length with a sign", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", 400, NULL },
	{ "chunks posted", "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400, NULL },
	{ "PUT", "PUT / HTTP/1.1\r\nHost: a\r\n\r\n", 405, NULL },
	{ "no host", "GET / HTTP/1.1\r\n\r\n", 400, NULL },
	{ "two hosts", "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400, NULL },
	{ "a line without a colon", "GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n", 400, NULL },
	{ "a blank before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, NULL },
	{ "a folded line", "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400, NULL },
	{ "line feeds alone", "GET / HTTP/1.1\nHost: a\n\n", 400, NULL },
	{ "a control character", "GET / HTTP/1.1\r\nHost: a\r\nX: a\001b\r\n\r\n", 400, NULL },
	{ "a carriage return within", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400, NULL },
	{ "a body", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", 413, NULL },
	{ "a length that is none", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", 400, NULL },
	{ "chunks", "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400, NULL },
	{ "TLS", "\026\003\001\002", 400, NULL },
};

static void test_heads(void)
{
	struct http_request r;
	char buf[HTTP_HEAD_MOST + 1];

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		size_t n = strlen(heads[i].text);
		int got;

		memcpy(buf, heads[i].text, n);
		got = http_request_read(&r, buf, n);
		CHECK_EQ(got > 0 ? 200 : -got, heads[i].want, "%s", heads[i].what);
		if (got > 0) {
			CHECK_EQ(got, n, "%s: all of it", heads[i].what);
			CHECK_TEXT(r.path, heads[i].path, "%s", heads[i].what);
		}
	}
	memset(buf, 'A', sizeof(buf));
	CHECK_EQ(http_request_read(&r, buf, HTTP_HEAD_MOST), -414, "a line without end");
	memcpy(buf, "GET / HTTP/1.1\r\nHost: ", 22);
	CHECK_EQ(http_request_read(&r, buf, HTTP_HEAD_MOST), -431, "a field without end");
	CHECK(http_list_has("gzip, deflate", "gzip") && http_list_has("br;q=1.0, GZIP ;q=0.5", "gzip"), "in a list");
	CHECK(!http_list_has("gzip;q=0", "gzip") && !http_list_has("x-gzip, gzipped", "gzip") &&
	      !http_list_has("gzip;q=0.000, br", "gzip"), "not in a list");
}

static void on_echo(void *ctx, struct http_ask *ask)
{
	char value[16] = "";
	int n = http_query_value(ask, "k", value, sizeof(value));

	http_answer_text(ask, 200, "%s|%s|%s|%d|%s", http_path(ask), http_query(ask), http_field(ask, "X-Thing"), n, value);
}

static void on_release(void *ctx)
{
	released++;
}

static void on_big(void *ctx, struct http_ask *ask)
{
	http_answer(ask, &(struct http_answer){ .type = "application/octet-stream", .body = big, .size = sizeof(big),
						.etag = "\"v1\"", .release = on_release });
}

struct stream {
	struct http_ask *ask;
	struct loop_timer timer;
	unsigned int n, most;
	bool fails;
};

static void stream_free(void *ctx)
{
	struct stream *s = ctx;

	loop_cancel(loop, &s->timer);
	free(s);
	released++;
}

static void stream_more(void *ctx)
{
	struct stream *s = ctx;

	http_more(s->ask);
}

static ssize_t stream_pull(void *ctx, char *buf, size_t size)
{
	struct stream *s = ctx;

	if (s->n == s->most)
		return s->fails ? -EIO : HTTP_END;
	if (s->n % 2 && !s->timer.when) {		/* every other time there is nothing yet */
		loop_after(loop, &s->timer, 5, stream_more, s);
		s->n++;
		return 0;
	}
	if (s->n % 2)
		return 0;
	return snprintf(buf, size, "event %u\n", s->n++);
}

static void on_stream(void *ctx, struct http_ask *ask)
{
	struct stream *s = calloc(1, sizeof(*s));

	s->ask = ask;
	s->most = strstr(http_query(ask), "endless") ? 1000000 : 7;
	s->fails = strstr(http_query(ask), "fails");
	http_answer(ask, &(struct http_answer){ .type = "text/event-stream", .pull = stream_pull, .release = stream_free,
						.ctx = s });
}

static struct loop_timer later_timer;
static struct http_ask *later_ask;

static void on_later_time(void *ctx)
{
	http_answer_text(later_ask, 200, "late");
}

static void on_later_gone(void *ctx)
{
	loop_cancel(loop, &later_timer);
	gone++;
}

static void on_later(void *ctx, struct http_ask *ask)
{
	later_ask = ask;
	http_later(ask, on_later_gone, NULL);
	loop_after(loop, &later_timer, 100, on_later_time, NULL);
}

static void on_nothing(void *ctx, struct http_ask *ask)
{
}

static void on_answered(void *ctx, const char *path, unsigned int status, uint64_t ns)
{
	answered++;
}

static void routes(void)
{
	http_at(server, "/echo", on_echo, NULL);
	http_at(server, "/below/", on_echo, NULL);
	http_at(server, "/big", on_big, NULL);
	http_at(server, "/stream", on_stream, NULL);
	http_at(server, "/later", on_later, NULL);
	http_at(server, "/nothing", on_nothing, NULL);
}

static void start(const struct http_options *options)
{
	released = gone = answered = 0;
	begin(options, routes);
}

static void test_answers(void)
{
	static char buf[1 << 16];
	int fd;

	start(NULL);
	ask("GET /echo?a=1&k=x%20y+z&q HTTP/1.1\r\nHost: a\r\nx-thing: t\r\n\r\n", buf, sizeof(buf));
	CHECK(strstr(buf, "HTTP/1.1 200 OK\r\n") == buf, "status: %s", buf);
	CHECK(strstr(buf, "\r\n\r\n/echo|a=1&k=x%20y+z&q|t|5|x y z"), "body: %s", buf);
	ask("GET /below/a/b HTTP/1.1\r\nHost: a\r\n\r\n", buf, sizeof(buf));
	CHECK(strstr(buf, "/below/a/b|||"), "below: %s", buf);
	ask("GET /echo/ HTTP/1.1\r\nHost: a\r\n\r\n", buf, sizeof(buf));
	CHECK(strstr(buf, "HTTP/1.1 404 ") == buf, "exact: %s", buf);
	ask("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", buf, sizeof(buf));
	CHECK(strstr(buf, "HTTP/1.1 500 ") == buf, "a handler that forgets: %s", buf);
	ask("POST /echo HTTP/1.1\r\nHost: a\r\n\r\n", buf, sizeof(buf));
	CHECK(strstr(buf, "HTTP/1.1 405 ") == buf && strstr(buf, "Allow: GET, HEAD\r\n"), "POST: %s", buf);
	ask("HEAD /big HTTP/1.1\r\nHost: a\r\n\r\n", buf, sizeof(buf));
	CHECK(strstr(buf, "Content-Length: 33554432\r\n") && strlen(strstr(buf, "\r\n\r\n")) == 4, "HEAD: %s", buf);
	ask("GET /big HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"v0\", \"v1\"\r\n\r\n", buf, sizeof(buf));
	CHECK(strstr(buf, "HTTP/1.1 304 ") == buf && strlen(strstr(buf, "\r\n\r\n")) == 4, "has it: %s", buf);
	ask("GET /later HTTP/1.0\r\n\r\n", buf, sizeof(buf));
	CHECK_EQ(strlen(buf), 0, "half closed while it waits: gone");
	fd = dial();
	say(fd, "GET /later HTTP/1.0\r\n\r\n");
	hear(fd, buf, sizeof(buf), NULL);
	CHECK(strstr(buf, "Connection: close\r\n") && strstr(buf, "\r\n\r\nlate"), "later: %s", buf);
	close(fd);
	fd = dial();
	say(fd, "GET /echo?1 HTTP/1.1\r\nHost: a\r\n\r\nGET /later HTTP/1.1\r\nHost: a\r\n\r\nGET /echo?3 HTTP/1.1\r\nHost: a\r\n\r\nGE");
	hear(fd, buf, sizeof(buf), "/echo|3|");
	CHECK(strstr(buf, "/echo|1|") && strstr(buf, "late"), "one after the other: %s", buf);
	say(fd, "T /echo?4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	hear(fd, buf, sizeof(buf), NULL);
	CHECK(strstr(buf, "/echo|4|"), "the rest: %s", buf);
	CHECK(closed(fd, 1000), "and closed");
	close(fd);
	stop();
	CHECK_EQ(gone, 1, "gone");
	CHECK_EQ(released, 2, "released");
	CHECK_EQ(answered, 0, "nobody asked to be told");
}

static void test_streams(void)
{
	static char buf[1 << 16];
	int fd;

	start(&(struct http_options){ .answered = on_answered });
	fd = dial();
	say(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
	hear(fd, buf, sizeof(buf), "\r\n0\r\n\r\n");
	CHECK(strstr(buf, "Transfer-Encoding: chunked\r\n"), "chunked: %s", buf);
	CHECK(strstr(buf, "\r\n\r\n000008\r\nevent 0\n\r\n000008\r\nevent 2\n\r\n000008\r\nevent 4\n\r\n000008\r\nevent 6\n\r\n0\r\n\r\n"),
	      "chunks: %s", buf);
	say(fd, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
	hear(fd, buf, sizeof(buf), "/echo|");
	CHECK(strstr(buf, "200 OK"), "and it goes on: %s", buf);
	close(fd);
	fd = dial();
	say(fd, "GET /stream HTTP/1.0\r\n\r\n");
	hear(fd, buf, sizeof(buf), NULL);
	CHECK(!strstr(buf, "chunked") && strstr(buf, "\r\n\r\nevent 0\nevent 2\nevent 4\nevent 6\n"), "old: %s", buf);
	close(fd);
	fd = dial();
	say(fd, "GET /stream?fails HTTP/1.1\r\nHost: a\r\n\r\n");
	hear(fd, buf, sizeof(buf), NULL);
	CHECK(strstr(buf, "event 6") && !strstr(buf, "\r\n0\r\n\r\n"), "cut short is seen to be so: %s", buf);
	close(fd);
	fd = dial();
	say(fd, "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n");
	hear(fd, buf, sizeof(buf), "\r\n\r\n");
	CHECK(!strstr(buf, "event 0"), "HEAD: %s", buf);
	close(fd);
	fd = dial();
	say(fd, "GET /stream?endless HTTP/1.1\r\nHost: a\r\n\r\n");
	hear(fd, buf, sizeof(buf), "event 2");
	CHECK_EQ(released, 4, "four have ended");
	close(fd);
	for (int i = 0; i < 200 && released < 5; i++)
		usleep(10000);
	CHECK_EQ(released, 5, "who leaves is noticed");
	fd = dial();
	say(fd, "GET /stream?endless HTTP/1.1\r\nHost: a\r\n\r\n");
	hear(fd, buf, sizeof(buf), "event 2");
	stop();
	CHECK_EQ(released, 6, "and so is our own end");
	CHECK_EQ(answered, 7, "answers told of");
	close(fd);
}

static void test_hosts(void)
{
	static const char *const names[] = { "weir.example", NULL };
	static const struct { const char *host; bool fits; } rows[] = {
		{ "weir.example", true }, { "WEIR.example:80", true }, { "127.0.0.1:1", true }, { "[::1]:80", true },
		{ "localhost", true }, { "evil.example", false }, { "weir.example.evil", false }, { "", false },
		{ "[weir.example]x", false }, { "127.0.0.1.evil.example", false },
	};
	char request[256], buf[1024];

	start(&(struct http_options){ .host = names });
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(request, sizeof(request), "GET /echo HTTP/1.1\r\nHost: %s\r\n\r\n", rows[i].host);
		ask(request, buf, sizeof(buf));
		CHECK(strstr(buf, rows[i].fits ? "HTTP/1.1 200 " : "HTTP/1.1 421 ") == buf, "'%s': %s", rows[i].host, buf);
	}
	ask("GET /echo HTTP/1.0\r\n\r\n", buf, sizeof(buf));
	CHECK(strstr(buf, "HTTP/1.1 421 ") == buf, "none: %s", buf);
	stop();
}

static void test_slow(void)
{
	static char buf[1 << 16];
	struct timespec began, ended;
	size_t n = 0;
	int fd, idle, reader;

	start(&(struct http_options){ .head_ms = 300, .idle_ms = 600, .write_ms = 300 });
	clock_gettime(CLOCK_MONOTONIC, &began);
	idle = dial();
	fd = dial();
	reader = dial();
	say(reader, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");	/* and reads nothing */
	for (; n < 400; n++) {
		const char *text = "GET /echo HTTP/1.1\r\nX: ";
		char c[2] = { n < strlen(text) ? text[n] : 'x' };
		struct pollfd p = { fd, POLLIN, 0 };

		if (poll(&p, 1, 50) == 1)
			break;
		say(fd, c);
	}
	CHECK(n < 400, "who sends a letter at a time is cut");
	hear(fd, buf, sizeof(buf), NULL);
	CHECK(strstr(buf, "HTTP/1.1 408 ") == buf, "and told: %s", buf);
	CHECK(closed(idle, 20000), "who says nothing, too");
	clock_gettime(CLOCK_MONOTONIC, &ended);
	CHECK(ended.tv_sec - began.tv_sec < 15, "in time");
	for (int i = 0; i < 2000 && !released; i++)
		usleep(10000);
	for (n = 0; n < BIG;) {
		ssize_t got = recv(reader, buf, sizeof(buf), 0);

		if (got <= 0)
			break;
		n += got;
	}
	CHECK(n < BIG, "who does not read is cut");
	close(fd);
	close(idle);
	close(reader);
	stop();
	CHECK(counts.slow >= 2, "counted: %lu", counts.slow);
	CHECK_EQ(released, 1, "released");
	start(&(struct http_options){ .write_ms = 10000 });
	fd = dial();
	say(fd, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	usleep(150000);
	for (n = 0; n < BIG;) {
		ssize_t got = recv(fd, buf, sizeof(buf), 0);

		if (got <= 0)
			break;
		n += got;
	}
	CHECK(n > BIG, "who reads late, but reads, has all: %zu", n);
	close(fd);
	stop();
	CHECK_EQ(counts.slow, 0, "which is not too slow");
	CHECK_EQ(released, 1, "released");
}

/* A thousand that ask by turns, a thousand that only sit there, and still room for one more. */
static void test_many(void)
{
	static int fd[1000];
	char buf[1024];
	unsigned int good = 0;
	int more;

	start(&(struct http_options){ .connections = 1000, .per_peer = 1000 });
	for (int i = 0; i < 1000; i++)
		fd[i] = dial();
	for (int turn = 0; turn < 2; turn++)
		for (int i = 0; i < 1000; i++)
			say(fd[i], "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
	for (int i = 0; i < 1000; i++) {
		hear(fd[i], buf, sizeof(buf), "/echo||");
		if (!strstr(strstr(buf, "/echo||") ?: buf, "HTTP"))
			hear(fd[i], buf, sizeof(buf), "/echo||");
		good += !!strstr(buf, "200 OK");
	}
	CHECK_EQ(good, 1000, "a thousand are answered, twice");
	more = dial();
	say(more, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
	hear(more, buf, sizeof(buf), "/echo|");
	CHECK(strstr(buf, "200 OK"), "one more finds the place of who has been idle longest: %s", buf);
	close(more);
	for (int i = 0; i < 1000; i++)
		close(fd[i]);
	stop();

	start(&(struct http_options){ .connections = 8, .per_peer = 4 });
	for (int i = 0; i < 4; i++) {
		fd[i] = dial();
		say(fd[i], "GET /ec");
	}
	usleep(50000);
	more = dial();
	say(more, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
	hear(more, buf, sizeof(buf), "\r\n\r\n");
	CHECK(!strstr(buf, "200 OK"), "one peer has no more than its share");
	say(fd[0], "ho HTTP/1.1\r\nHost: a\r\n\r\n");
	hear(fd[0], buf, sizeof(buf), "/echo|");
	CHECK(strstr(buf, "200 OK"), "and who was there is served: %s", buf);
	close(more);
	for (int i = 0; i < 4; i++)
		close(fd[i]);
	stop();
	CHECK_EQ(counts.full, 1, "counted");
}

static void test_listen(void)
{
	static const char *const bad[] = { "", "9965", "localhost:80", "::1:80", "[::1]", "127.0.0.1:", "127.0.0.1:x", "1.2.3.4:1" };
	struct complaint why;

	CHECK_EQ(loop_open(&loop), 0, "loop");
	CHECK_EQ(http_open(&server, loop, NULL), 0, "open");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why.text[0] = '\0';
		CHECK(http_listen(server, bad[i], &why) < 0 && strstr(why.text, bad[i]), "'%s': %s", bad[i], why.text);
	}
	CHECK_EQ(http_listen(server, ":0", &why), 0, "everywhere");
	http_close(server);
	loop_close(loop);
}

int main(void)
{
	struct rlimit files = { 4096, 4096 };

	setrlimit(RLIMIT_NOFILE, &files);
	test_heads();
	test_answers();
	test_streams();
	test_hosts();
	test_slow();
	test_many();
	test_listen();
	return check_done();
}
