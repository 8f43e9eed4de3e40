// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/rpc/dial.h"
#include "lib/rpc/dial_tls.h"
#include "lib/rpc/listen.h"
#include "lib/rpc/loop.h"

#define GREETING_MS 1500	/* a server sends its settings at once */

void dial_say(char *why, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, size, format, args);
	va_end(args);
}

int dial_wait(const struct dial *d, int fd, short events)
{
	for (;;) {
		struct pollfd p[2] = { { .fd = fd, .events = events }, { .fd = d->abort, .events = POLLIN } };
		uint64_t now = rpc_now_ms();
		int n = now < d->until ? poll(p, 2, (int)(d->until - now)) : 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -ETIMEDOUT;
		return p[1].revents ? -ECANCELED : 0;
	}
}

/* --- the connection --- */

static void say_unix(int err, const char *path, char *why, size_t size)
{
	dial_say(why, size, err == -ENOENT ? "there is no socket '%s': is the server running?" :
		 err == -ECONNREFUSED ? "nobody listens on '%s': is the server running?" :
		 err == -EACCES ? "permission denied on '%s': only its owner, its group and root may use it" :
		 err == -ENAMETOOLONG ? "'%s' is too long for the path of a socket" :
		 "cannot connect to '%s': %s", path, strerror(-err));
}

static int connect_unix(const struct dial *d, char *why, size_t size)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = d->server + strlen("unix:");
	int fd = -1, err = -ENAMETOOLONG;

	if (strlen(path) < sizeof(to.sun_path)) {
		strcpy(to.sun_path, path);
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		err = fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
	}
	if (!err)
		return fd;
	say_unix(err, path, why, size);
	if (fd >= 0)
		close(fd);
	return err;
}

static int connect_one(const struct dial *d, const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err = 0;
	socklen_t size = sizeof(err);

	if (fd < 0)
		return -errno;
	if (connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
		err = -errno;
		if (err == -EINPROGRESS) {
			err = dial_wait(d, fd, POLLOUT);
			if (!err && getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) == 0)
				err = -err;
		}
	}
	if (!err)
		return fd;
	close(fd);
	return err;
}

static void say_tcp(int err, const char *server, char *why, size_t size)
{
	dial_say(why, size, err == -ECONNREFUSED ? "connection to '%s' refused: nobody listens there" :
		 err == -ETIMEDOUT ? "'%s' does not answer (host down, or a firewall in between)" :
		 err == -EHOSTUNREACH || err == -ENETUNREACH ? "no route to '%s'" :
		 "cannot connect to '%s': %s", server, strerror(-err));
}

static int connect_tcp(const struct dial *d, char *host, size_t host_size, char *why, size_t size)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all = NULL;
	struct complaint bad = { 0 };
	char service[8];
	unsigned int port;
	int err;

	if (address_split(d->server, host, host_size, &port, &bad)) {
		dial_say(why, size, "%s", bad.text);
		return -EINVAL;
	}
	snprintf(service, sizeof(service), "%u", port);
	err = getaddrinfo(host, service, &hints, &all);
	if (err) {
		dial_say(why, size, err == EAI_NONAME || err == EAI_NODATA ? "no such host '%s'" :
			 err == EAI_AGAIN ? "the name server does not answer for '%s'" :
			 "cannot look up '%s': %s", host, gai_strerror(err));
		return -ENOENT;
	}
	err = -EHOSTUNREACH;
	for (struct addrinfo *a = all; a && err < 0 && err != -ECANCELED; a = a->ai_next)
		err = connect_one(d, a);
	freeaddrinfo(all);
	if (err < 0)
		say_tcp(err, d->server, why, size);
	return err;
}

/* --- what it speaks --- */

static const char hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";	/* and empty SETTINGS, with the end's NUL */

static bool speaks_tls(const struct dial *d)
{
	char host[256], why[256];
	int fd = connect_tcp(d, host, sizeof(host), why, sizeof(why));
	bool does = fd >= 0 && dial_is_tls(d, fd);

	if (fd >= 0)
		close(fd);
	return does;
}

static void say_answer(const struct dial *d, const uint8_t *got, ssize_t n, char *why, size_t size)
{
	if (n >= 9 && got[3] == 4)
		return;		/* SETTINGS: it is what we look for */
	if (n >= 3 && got[0] == 0x15 && got[1] == 3)
		dial_say(why, size, "'%s' speaks TLS, and was spoken to in plaintext", d->server);
	else if (n >= 5 && !memcmp(got, "HTTP/", 5))
		dial_say(why, size, "'%s' speaks HTTP/1, not gRPC", d->server);
	else if (n > 0)
		dial_say(why, size, "'%s' does not speak gRPC", d->server);
	else if (!strncmp(d->server, "unix:", 5))
		dial_say(why, size, "'%s' hangs up at once: are you allowed to use it?", d->server + 5);
	else if (speaks_tls(d))
		dial_say(why, size, "'%s' speaks TLS, and was spoken to in plaintext", d->server);
	else
		dial_say(why, size, "'%s' hangs up at once: it may have too many connections", d->server);
}

static void greet(const struct dial *d, int fd, char *why, size_t size)
{
	struct dial soon = *d;
	uint8_t got[64];
	ssize_t n = send(fd, hello, sizeof(hello), MSG_NOSIGNAL);
	int err;

	if (rpc_now_ms() + GREETING_MS < soon.until)
		soon.until = rpc_now_ms() + GREETING_MS;
	err = dial_wait(&soon, fd, POLLIN);

	if (err == -ETIMEDOUT)
		dial_say(why, size, "'%s' takes connections and says nothing: is it a gRPC server?", d->server);
	if (err)
		return;
	n = recv(fd, got, sizeof(got), 0);
	say_answer(d, got, n, why, size);
}

void dial_try(const struct dial *d, char *why, size_t size)
{
	char host[256] = "";
	int fd;

	why[0] = '\0';
	fd = !strncmp(d->server, "unix:", 5) ? connect_unix(d, why, size) :
		connect_tcp(d, host, sizeof(host), why, size);
	if (fd < 0)
		return;
	if (d->tls)
		dial_tls(d, fd, host, why, size);
	else
		greet(d, fd, why, size);
	close(fd);
}
