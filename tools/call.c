// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/addr.h"
#include "tools/call.h"

#define SERVE_MAX 32

static struct sockaddr_in6 name_of(const struct weir_addr *a, uint16_t port)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memcpy(&at.sin6_addr, a->byte, 16);	/* IPv4 as it is: a dual-stack socket takes mapped addresses */
	return at;
}

static long long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static enum call_end end_of(int err)
{
	switch (err) {
	case 0:
		return CALL_ANSWERED;
	case ECONNREFUSED:
	case ECONNRESET:
		return CALL_REFUSED;
	case ETIMEDOUT:
		return CALL_SILENT;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EACCES:
		return CALL_UNREACHABLE;
	default:
		return CALL_FAILED;
	}
}

/* 0, or the socket's error; ETIMEDOUT if nothing happened until then. */
static int wait_for(int fd, short events, long long until)
{
	struct pollfd p = { .fd = fd, .events = events };
	socklen_t size = sizeof(int);
	int err, n;

	do {
		long long left = until - now_us();

		n = poll(&p, 1, left > 0 ? left / 1000 + 1 : 0);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
		return errno;
	return err;
}

static int connect_to(const struct call *c, int fd, long long until)
{
	struct sockaddr_in6 at = name_of(&c->to, c->port);

	if (c->from) {
		struct sockaddr_in6 own = name_of(c->from, 0);

		if (bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0)
			return errno;
	}
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return 0;
	return errno == EINPROGRESS ? wait_for(fd, POLLOUT, until) : errno;
}

enum call_end call_once(const struct call *c, unsigned int *us)
{
	static const char line[] = "hello\n";
	long long began = now_us(), until = began + c->ms * 1000LL;
	int fd = socket(AF_INET6, (c->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), err;
	char answer[64];

	if (fd < 0)
		return CALL_FAILED;
	err = connect_to(c, fd, until);
	*us = now_us() - began;
	if (!err && send(fd, line, sizeof(line) - 1, MSG_NOSIGNAL) < 0)
		err = errno;
	if (!err) {
		int heard = wait_for(fd, POLLIN, until);

		/* a TCP server that opens and says nothing has answered */
		if (c->udp || heard != ETIMEDOUT)
			err = heard == 0 && read(fd, answer, sizeof(answer)) < 0 ? errno : heard;
		if (c->udp)
			*us = now_us() - began;
	}
	close(fd);
	return end_of(err);
}

bool call_source(const struct call *c, struct weir_addr *out)
{
	struct sockaddr_in6 at = name_of(&c->to, c->port);
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool known;

	if (fd < 0)
		return false;
	known = connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && getsockname(fd, (struct sockaddr *)&at, &size) == 0;
	close(fd);
	memcpy(out->byte, &at.sin6_addr, 16);
	return known;
}

const char *call_word(enum call_end end)
{
	static const char *const word[] = { "answered", "refused", "no answer", "unreachable", "failed" };

	return word[end];
}

static int listen_on(uint16_t port, int type)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || (type == SOCK_STREAM && listen(fd, 64) < 0)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

/* One line in, one line out; who is slow is dropped. */
static void answer_stream(int listener)
{
	struct timeval patience = { .tv_usec = 200000 };
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	char line[256];

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (read(fd, line, sizeof(line)) > 0)
		send(fd, "welcome\n", 8, MSG_NOSIGNAL);
	close(fd);
}

static void answer_datagram(int fd)
{
	struct sockaddr_in6 from;
	socklen_t size = sizeof(from);
	char text[2048];
	ssize_t n = recvfrom(fd, text, sizeof(text), MSG_DONTWAIT, (struct sockaddr *)&from, &size);

	if (n >= 0)
		sendto(fd, text, n, MSG_NOSIGNAL, (struct sockaddr *)&from, size);
}

int serve(const uint16_t *port, unsigned int n)
{
	struct pollfd p[SERVE_MAX * 2];

	if (n > SERVE_MAX)
		return -E2BIG;
	for (unsigned int i = 0; i < n * 2; i++) {
		p[i].fd = listen_on(port[i / 2], i % 2 ? SOCK_DGRAM : SOCK_STREAM);
		p[i].events = POLLIN;
		if (p[i].fd < 0)
			return p[i].fd;
	}
	for (;;) {
		if (poll(p, n * 2, -1) < 0 && errno != EINTR)
			return -errno;
		for (unsigned int i = 0; i < n * 2; i++)
			if (p[i].revents)
				(i % 2 ? answer_datagram : answer_stream)(p[i].fd);
	}
}
