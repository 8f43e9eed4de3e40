// SPDX-License-Identifier: Apache-2.0
/* What is posted, who is let in and for how long, and crowds that leave no room. */
#include <stdatomic.h>

#include "tests/unit/http.h"

static void on_echo(void *ctx, struct http_ask *ask)
{
	http_answer_text(ask, 200, "%s|%s|", http_path(ask), http_query(ask));
}

static ssize_t pull(void *ctx, char *buf, size_t size)
{
	return 0;				/* a stream that waits */
}

static void on_stream(void *ctx, struct http_ask *ask)
{
	http_answer(ask, &(struct http_answer){ .type = "text/event-stream", .pull = pull });
}

static void on_post(void *ctx, struct http_ask *ask)
{
	char value[16] = "";
	int n = http_body_value(ask, "k", value, sizeof(value));

	http_answer_text(ask, 200, "posted %d|%s|%d\n", n, value, http_posted(ask));
}

static bool admit(void *ctx, struct http_ask *ask)
{
	if (!strstr(http_query(ask), "closed"))
		return true;
	http_answer_text(ask, 401, "no\n");
	return false;
}

static atomic_int open_still;

static bool stays(void *ctx, const struct http_ask *ask)
{
	return open_still;
}

static void routes(void)
{
	http_at(server, "/echo", on_echo, NULL);
	http_at(server, "/stream", on_stream, NULL);
	http_post_at(server, "/post", on_post, NULL);
}

static void test_posts(void)
{
	static char buf[1 << 16], big_one[8192];
	int fd;

	begin(&(struct http_options){ .admit = admit }, routes);
	ask("POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\na=1&k=x%20+y", buf, sizeof(buf));
	CHECK(strstr(buf, "\r\n\r\nposted 4|x  y|1"), "a form: %s", buf);
	ask("POST /post?k=5 HTTP/1.1\r\nHost: a\r\n\r\n", buf, sizeof(buf));
	CHECK(strstr(buf, "posted -2||1"), "without a body: %s", buf);
	ask("POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nk=%00GET /echo?no HTTP/1.1\r\nHost: a\r\n\r\n", buf, sizeof(buf));
	CHECK(strstr(buf, "posted -22|") && strstr(buf, "/echo|no|"), "a hidden zero; what follows a length is another request: %s", buf);
	ask("POST /post?closed HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nk=1GET /echo?2 HTTP/1.1\r\nHost: a\r\n\r\n", buf, sizeof(buf));
	CHECK(strstr(buf, "HTTP/1.1 401 ") == buf && !strstr(buf, "posted") && strstr(buf, "/echo|2"), "not let in, the next is: %s", buf);
	ask("GET /post HTTP/1.1\r\nHost: a\r\n\r\n", buf, sizeof(buf));
	CHECK(strstr(buf, "HTTP/1.1 404 ") == buf, "nothing to get there: %s", buf);
	ask("POST /post/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", buf, sizeof(buf));
	CHECK(strstr(buf, "HTTP/1.1 405 ") == buf, "nor to post below, before its body comes: %s", buf);
	fd = dial();
	say(fd, "POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nk=");
	usleep(50000);
	say(fd, "abcdPOST /post HTTP/1.1\r\nHost: a\r\nContent-Le");
	hear(fd, buf, sizeof(buf), "posted 4|abcd");
	CHECK(strstr(buf, "posted 4|abcd"), "in pieces: %s", buf);
	say(fd, "ngth: 3\r\n\r\nk=e");
	hear(fd, buf, sizeof(buf), "posted 1|e");
	CHECK(strstr(buf, "posted 1|e"), "and the next: %s", buf);
	close(fd);
	memset(big_one, 'x', sizeof(big_one) - 1);
	memcpy(big_one, "POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 4096\r\nX: ", 55);
	memcpy(big_one + 4200, "\r\n\r\n", 4);
	ask(big_one, buf, sizeof(buf));
	CHECK(strstr(buf, "HTTP/1.1 413 ") == buf, "more than there is room for: %.100s", buf);
	stop();
	begin(&(struct http_options){ .head_ms = 300 }, routes);
	fd = dial();
	say(fd, "POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nk=");
	hear(fd, buf, sizeof(buf), NULL);
	CHECK(strstr(buf, "HTTP/1.1 408 ") == buf, "a body that does not come: %s", buf);
	close(fd);
	stop();
}

static void test_stays(void)
{
	static char buf[1 << 16];
	int fd;

	open_still = 1;
	begin(&(struct http_options){ .head_ms = 1000, .stays = stays }, routes);
	fd = dial();
	say(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
	hear(fd, buf, sizeof(buf), "\r\n\r\n");
	CHECK(strstr(buf, "200 OK") && !closed(fd, 300), "a stream lasts while it may");
	open_still = 0;
	CHECK(closed(fd, 20000), "and no longer");
	close(fd);
	stop();
}

static void test_crowds(void)
{
	static char buf[1024];
	int fd[10];

	begin(&(struct http_options){ .connections = 8, .per_peer = 4 }, routes);
	for (int i = 0; i < 8; i++) {
		fd[i] = dial_from(2 + i / 4);
		say(fd[i], "GET /ec");
	}
	usleep(50000);
	for (unsigned int i = 0; i < 2; i++) {
		fd[8 + i] = dial_from(9);
		say(fd[8 + i], "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
		hear(fd[8 + i], buf, sizeof(buf), "/echo|");
		CHECK(strstr(buf, "200 OK"), "who comes first finds a place among those that trickle in crowds: %s", buf);
	}
	for (int i = 0; i < 10; i++)
		close(fd[i]);
	stop();
	CHECK_EQ(counts.full, 0, "nobody was turned away");
}

int main(void)
{
	test_posts();
	test_stays();
	test_crowds();
	return check_done();
}
