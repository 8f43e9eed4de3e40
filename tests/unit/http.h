/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of lib/http: a server on a thread of its own, and clients by hand. */
#ifndef WEIR_TESTS_UNIT_HTTP_H
#define WEIR_TESTS_UNIT_HTTP_H

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/http/http.h"
#include "tests/check.h"

static struct loop *loop;
static struct http *server;
static struct http_counts counts;		/* when it was stopped */
static unsigned int port;
static pthread_t thread;

static void *run(void *ctx)
{
	loop_run(loop);
	return NULL;
}

static inline void begin(const struct http_options *options, void (*routes)(void))
{
	struct complaint why = { 0 };

	CHECK_EQ(loop_open(&loop), 0, "loop");
	CHECK_EQ(http_open(&server, loop, options), 0, "open");
	routes();
	CHECK_EQ(http_listen(server, "127.0.0.1:0", &why), 0, "listen: %s", why.text);
	port = http_port(server);
	pthread_create(&thread, NULL, run, NULL);
}

static inline void stop(void)
{
	loop_stop(loop);
	pthread_join(thread, NULL);
	http_count(server, &counts);
	http_close(server);
	loop_close(loop);
}

/* From 127.0.0.'host'; 0: as it comes. */
static inline int dial_from(unsigned int host)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000 + host) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (host && bind(fd, (struct sockaddr *)&from, sizeof(from)))
		check_fail(__FILE__, __LINE__, "bind", "127.0.0.%u", host);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at))) {
		close(fd);
		return -1;
	}
	return fd;
}

static inline int dial(void)
{
	return dial_from(0);
}

static inline void say(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		return;
}

/* Until 'end' was seen, the other side is through, or it takes too long.  Returns bytes. */
static inline size_t hear(int fd, char *buf, size_t size, const char *end)
{
	struct pollfd p = { fd, POLLIN, 0 };
	size_t n = 0;

	buf[0] = '\0';
	while (n < size - 1 && poll(&p, 1, 20000) == 1) {
		ssize_t got = recv(fd, buf + n, size - 1 - n, 0);

		if (got <= 0)
			break;
		n += got;
		buf[n] = '\0';
		if (end && strstr(buf, end))
			break;
	}
	return n;
}

static inline bool closed(int fd, int ms)
{
	struct pollfd p = { fd, POLLIN, 0 };
	char c[256];
	ssize_t n;

	while (poll(&p, 1, ms) == 1) {
		n = recv(fd, c, sizeof(c), 0);
		if (n <= 0)
			return true;
	}
	return false;
}

static inline void ask(const char *request, char *buf, size_t size)
{
	int fd = dial();

	say(fd, request);
	shutdown(fd, SHUT_WR);
	hear(fd, buf, size, NULL);
	close(fd);
}

#endif
