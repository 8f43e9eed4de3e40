// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/report.h"
#include "bench/talk.h"
#include "bench/world.h"

#define PORT 5201
#define PATIENCE 2e8		/* ns of CPU, then an operation has failed */
#define BURST 32
#define STREAM 65536

struct talk {
	enum talk_mode mode;
	const struct path *path;
	struct sockaddr_storage to;
	socklen_t to_size;
	int family, listener, client, server;
	unsigned long lost;
};

static char buffer[1 << 18];
static const int one = 1;

static int socket_in(const struct netns *ns, int family, int type)
{
	int back = netns_enter(ns), fd;

	if (back < 0)
		return back;
	fd = socket(family, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		fd = -errno;
	netns_leave(back);
	return fd;
}

static void server_address(struct talk *t, bool six)
{
	struct weir_addr a = world_address(1, six);
	struct sockaddr_in *v4 = (void *)&t->to;
	struct sockaddr_in6 *v6 = (void *)&t->to;

	t->family = six ? AF_INET6 : AF_INET;
	t->to_size = six ? sizeof(*v6) : sizeof(*v4);
	if (six) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(PORT);
		memcpy(&v6->sin6_addr, a.byte, 16);
	} else {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(PORT);
		memcpy(&v4->sin_addr, a.byte + 12, 4);
	}
}

static bool bound(struct talk *t, int fd) { return fd >= 0 && !bind(fd, (void *)&t->to, t->to_size); }

static int datagrams(struct talk *t)
{
	int room = 4 << 20;

	t->server = socket_in(path_pod(t->path, true), t->family, SOCK_DGRAM);
	t->client = socket_in(path_pod(t->path, false), t->family, SOCK_DGRAM);
	if (!bound(t, t->server) || t->client < 0 || connect(t->client, (void *)&t->to, t->to_size))
		return -errno;
	setsockopt(t->server, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	return 0;
}

static int listening(struct talk *t)
{
	t->listener = socket_in(path_pod(t->path, true), t->family, SOCK_STREAM);
	if (t->listener >= 0)
		setsockopt(t->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return bound(t, t->listener) && !listen(t->listener, 128) ? 0 : -errno;
}

static int connected(struct talk *t)
{
	int err = listening(t);

	if (err)
		return err;
	t->client = socket_in(path_pod(t->path, false), t->family, SOCK_STREAM);
	if (t->client < 0)
		return t->client;
	setsockopt(t->client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(t->client, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
	if (connect(t->client, (void *)&t->to, t->to_size))
		return -errno;
	t->server = accept4(t->listener, NULL, NULL, SOCK_CLOEXEC);
	if (t->server < 0)
		return -errno;
	setsockopt(t->server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return 0;
}

int talk_open(struct talk **out, const struct path *path, bool six, enum talk_mode mode)
{
	struct talk *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	*t = (struct talk){ .mode = mode, .path = path, .listener = -1, .client = -1, .server = -1 };
	server_address(t, six);
	err = mode == TALK_PPS ? datagrams(t) : mode == TALK_CRR ? listening(t) : connected(t);
	if (err) {
		talk_close(t);
		return err;
	}
	*out = t;
	return 0;
}

void talk_close(struct talk *t)
{
	if (!t)
		return;
	for (int i = 0; i < 3; i++) {
		int fd = i == 0 ? t->client : i == 1 ? t->server : t->listener;

		if (fd >= 0)
			close(fd);
	}
	free(t);
}

unsigned long talk_lost(const struct talk *t) { return t->lost; }

/* One byte, however long it takes within reason. */
static bool byte_from(int fd)
{
	double end = 0;
	char c;

	for (unsigned int i = 1;; i++) {
		ssize_t n = recv(fd, &c, 1, MSG_DONTWAIT);

		if (n >= 0)
			return n == 1;
		if (errno != EAGAIN && errno != EINTR)
			return false;
		if (i & 1023)
			continue;
		if (!end)
			end = cpu_ns() + PATIENCE;
		else if (cpu_ns() > end)
			return false;
	}
}
static bool there_and_back(int client, int server)
{
	return send(client, "", 1, 0) == 1 && byte_from(server) && send(server, "", 1, 0) == 1 && byte_from(client);
}

static long do_crr(struct talk *t)
{
	static const struct linger reset = { 1, 0 };	/* no TIME_WAIT to fill the port range */
	int client = socket(t->family, SOCK_STREAM | SOCK_NONBLOCK, 0), server = -1;
	double end = cpu_ns() + PATIENCE;
	bool ok = false;

	setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (!connect(client, (void *)&t->to, t->to_size) || errno == EINPROGRESS)
		while (server < 0 && cpu_ns() < end)
			server = accept4(t->listener, NULL, NULL, SOCK_NONBLOCK);
	if (server >= 0) {
		ok = there_and_back(client, server);
		close(client);
		close(server);
	} else {
		close(client);
	}
	return ok;
}

static long do_pps(struct talk *t)
{
	static struct mmsghdr m[BURST];
	static struct iovec v[BURST];
	long got = 0;
	int sent;

	for (int i = 0; i < BURST; i++) {
		v[i] = (struct iovec){ buffer + i * 64, 22 };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &v[i], .msg_iovlen = 1 };
	}
	sent = sendmmsg(t->client, m, BURST, 0);
	for (int i = 0; got < sent && i < 10000; i++) {
		int n = recvmmsg(t->server, m, BURST, MSG_DONTWAIT, NULL);

		got += n > 0 ? n : 0;
	}
	t->lost += sent > got ? sent - got : 0;
	return got;
}

static long do_stream(struct talk *t)
{
	double end = cpu_ns() + 10 * PATIENCE;
	long off = 0, in = 0;

	while (in < STREAM) {
		ssize_t n = off < STREAM ? send(t->client, buffer, STREAM - off, MSG_DONTWAIT) : 0;

		off += n > 0 ? n : 0;
		n = recv(t->server, buffer, sizeof(buffer), MSG_DONTWAIT);
		in += n > 0 ? n : 0;
		if (n <= 0 && cpu_ns() > end)
			return 0;
	}
	return 1;
}

long talk_do(struct talk *t)
{
	switch (t->mode) {
	case TALK_RR: return there_and_back(t->client, t->server);
	case TALK_PPS: return do_pps(t);
	case TALK_STREAM: return do_stream(t);
	default: return do_crr(t);
	}
}
