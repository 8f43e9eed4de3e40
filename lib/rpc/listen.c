// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/rpc/core_log.h"
#include "lib/rpc/listen.h"
#include "lib/rpc/server_inside.h"
#include "lib/rpc/tls.h"

struct where {
	struct sockaddr_storage at;
	socklen_t size;
	bool loopback;
};

int server_door(struct rpc_server *s, struct door **out)
{
	int err = s->door ? 0 : door_open(&s->door, s->loop, s->core, s->o.max_connections, s->o.unused_ms);

	*out = s->door;
	s->listens = true;
	return err;
}

int address_split(const char *address, char *host, size_t size, unsigned int *port, struct complaint *why)
{
	const char *colon = strrchr(address, ':');
	char *end = NULL;
	unsigned long n = colon && colon[1] ? strtoul(colon + 1, &end, 10) : 65536;
	size_t length = colon ? (size_t)(colon - address) : 0;
	bool brackets = length >= 2 && address[0] == '[' && address[length - 1] == ']';

	if (brackets)
		address++, length -= 2;
	if (n > 65535 || *end || colon[1] == '-' || colon[1] == '+' || length >= size ||
	    (!brackets && memchr(address, ':', length))) {
		complaint_set(why, 0, 0, "'%.200s' is no address: it is HOST:PORT or [ADDRESS]:PORT", address - brackets);
		return -EINVAL;
	}
	memcpy(host, address, length);
	host[length] = '\0';
	*port = (unsigned int)n;
	return 0;
}

static bool is_loopback6(const struct in6_addr *a)
{
	return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

/* No host at all is every address of both families. */
static int find_where(const char *host, unsigned int port, struct where *out)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	if (!strcmp(host, "localhost"))
		host = "127.0.0.1";
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
		out->loopback = ntohl(v4.sin_addr.s_addr) >> 24 == 127;
		out->size = sizeof(v4);
		memcpy(&out->at, &v4, sizeof(v4));
		return 0;
	}
	if (*host && inet_pton(AF_INET6, host, &v6.sin6_addr) != 1)
		return -EINVAL;
	out->loopback = is_loopback6(&v6.sin6_addr);
	out->size = sizeof(v6);
	memcpy(&out->at, &v6, sizeof(v6));
	return 0;
}

static unsigned int port_of(int fd)
{
	struct sockaddr_storage at;
	struct sockaddr_in6 v6;		/* the port is at the same place in both */
	socklen_t size = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &size) < 0)
		return 0;
	memcpy(&v6, &at, sizeof(v6));
	return ntohs(v6.sin6_port);
}

static int listen_plain(struct rpc_server *s, const struct where *w, unsigned int *port)
{
	struct door_rules rules = { .lock = -1 };
	struct door *door;
	int on = 1, small = DOOR_RECEIVE_BUFFER, fd, err = server_door(s, &door);

	if (err)
		return err;
	fd = socket(w->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (bind(fd, (const struct sockaddr *)&w->at, w->size) < 0 || listen(fd, 1024) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	*port = port_of(fd);
	return door_add(door, fd, &rules);
}

/* Of "... Failed to bind ... {"created":..., "description":"...", "os_error":"Address already in use"}" the last. */
static int core_reason(const char *text)
{
	static const int known[] = { EADDRINUSE, EADDRNOTAVAIL, EACCES, EAFNOSUPPORT, EMFILE };

	for (unsigned int i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strstr(text, strerror(known[i])))
			return -known[i];
	return -EIO;
}

static int listen_tls(struct rpc_server *s, const char *host, unsigned int want, struct rpc_server_tls *tls,
		      unsigned int *port)
{
	grpc_server_credentials *creds = server_tls_credentials(tls);
	char address[128], text[2048] = "";
	struct door *door;
	int err = creds ? server_door(s, &door) : -ENOMEM;

	if (err) {
		grpc_server_credentials_release(creds);
		return err;
	}
	if (!*host)
		host = "::";
	snprintf(address, sizeof(address), strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, want);
	core_log_serving();
	core_log_watch(text, sizeof(text));	/* the only place where it says why */
	*port = grpc_server_add_http2_port(s->core, address, creds);
	core_log_watch(NULL, 0);
	grpc_server_credentials_release(creds);
	return *port ? door_watch_port(door, *port) : core_reason(text);
}

int rpc_server_listen(struct rpc_server *s, const char *address, struct rpc_server_tls *tls, unsigned int *port,
		      struct complaint *why)
{
	unsigned int want, got = 0;
	struct where w = { 0 };
	char host[128];
	int err = address_split(address, host, sizeof(host), &want, why);

	if (err)
		return err;
	if (find_where(host, want, &w)) {
		complaint_set(why, 0, 0, "cannot listen on '%s': '%s' is no address of a network (names are not looked up)",
			      address, host);
		return -EINVAL;
	}
	if (!tls && !w.loopback) {
		complaint_set(why, 0, 0, "will not listen on '%s' without TLS: plaintext is for loopback only (give a "
			      "certificate, its key and the authority of the clients)", address);
		return -EPERM;
	}
	err = tls ? listen_tls(s, host, want, tls, &got) : listen_plain(s, &w, &got);
	if (err)
		complaint_set(why, 0, 0, "cannot listen on '%s': %s", address, strerror(-err));
	else if (port)
		*port = got;
	return err;
}
