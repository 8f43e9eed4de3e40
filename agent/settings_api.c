// SPDX-License-Identifier: Apache-2.0
/* Where the gRPC API listens, and what makes no sense there. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/settings_inside.h"
#include "lib/addr.h"

#define SOCKET_FILE "observer.sock"
#define SOCKET_MAX 102			/* bytes of a unix socket's path; its lock file has five more */
#define CLUSTER_MAX 63

bool settings_split(const char *text, char host[64], long *port)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	char *end;

	if (!colon || !isdigit((unsigned char)colon[1]))
		return false;
	*port = strtol(colon + 1, &end, 10);
	if (*end || *port > 65535)
		return false;
	if (n > 2 && *text == '[' && colon[-1] == ']')
		text++, n -= 2;
	else if (memchr(text, ':', n))
		return false;		/* an IPv6 address without brackets */
	if (!n || n >= 64)
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	return true;
}

bool settings_loopback(const char *host)
{
	struct weir_addr a;

	if (!strcmp(host, "localhost"))
		return true;
	if (addr_parse(host, &a))
		return false;
	return addr_is_v4(&a) ? a.byte[12] == 127 : !strcmp(host, "::1");
}

static int check_listen(const struct settings *s, struct complaint *why)
{
	struct weir_addr a;
	char host[64];
	long port;

	if (!settings_split(s->listen, host, &port) || (strcmp(host, "localhost") && addr_parse(host, &a))) {
		complaint_set(why, 0, 0, "'--listen' is ADDRESS:PORT such as 127.0.0.1:4244 or [::]:4244, not '%s'", s->listen);
		return -EINVAL;
	}
	if (!s->tls_cert && !settings_loopback(host)) {
		complaint_set(why, 0, 0, "'--listen %s' without TLS: plain text is for loopback only (give --tls-cert, --tls-key "
			      "and --tls-client-ca)", s->listen);
		return -EINVAL;
	}
	return 0;
}

static int check_tls(const struct settings *s, struct complaint *why)
{
	const struct {
		const char *name, *value;
	} file[] = { { "tls-cert", s->tls_cert }, { "tls-key", s->tls_key }, { "tls-client-ca", s->tls_client_ca } };
	const char *given = NULL;

	for (int i = 0; i < 3; i++)
		given = given ?: file[i].value ? file[i].name : NULL;
	if (!given)
		return 0;
	for (int i = 0; i < 3; i++) {
		if (!file[i].value) {
			complaint_set(why, 0, 0, "'--%s' without '--%s': TLS takes certificate, key and the clients' authority, all "
				      "three", given, file[i].name);
			return -EINVAL;
		}
		if (access(file[i].value, R_OK)) {
			complaint_set(why, 0, 0, "cannot read '%s' (--%s): %s", file[i].value, file[i].name, strerror(errno));
			return -EINVAL;
		}
	}
	if (!s->listen) {
		complaint_set(why, 0, 0, "'--%s' without '--listen': there is nothing it would serve", given);
		return -EINVAL;
	}
	return 0;
}

static int check_cluster(const struct settings *s, struct complaint *why)
{
	size_t n = strlen(s->cluster);
	bool good = n <= CLUSTER_MAX;

	for (size_t i = 0; i < n && good; i++)
		good = islower((unsigned char)s->cluster[i]) || isdigit((unsigned char)s->cluster[i]) ||
		       (i && i < n - 1 && strchr("-.", s->cluster[i]));
	if (good)
		return 0;
	complaint_set(why, 0, 0, "'--cluster' is a name of small letters, digits, '-' and '.', at most %d, not '%s'", CLUSTER_MAX,
		      s->cluster);
	return -EINVAL;
}

/* Unless said otherwise, beside the control socket; a judge has none. */
static int place_socket(struct settings *s, struct complaint *why)
{
	static char path[4096];
	const char *slash = strrchr(s->socket, '/');

	if (!s->observer_socket && !s->judge) {
		snprintf(path, sizeof(path), "%.*s" SOCKET_FILE, slash ? (int)(slash - s->socket) + 1 : 0, s->socket);
		s->observer_socket = path;
	}
	if (s->observer_socket && !*s->observer_socket)
		s->observer_socket = NULL;
	if (!s->observer_socket)
		return 0;
	if (strlen(s->observer_socket) > SOCKET_MAX) {
		complaint_set(why, 0, 0, "cannot listen on '%s' (--observer-socket): a socket's path is at most %d bytes here",
			      s->observer_socket, SOCKET_MAX);
		return -EINVAL;
	}
	if (!strcmp(s->observer_socket, s->socket)) {
		complaint_set(why, 0, 0, "'--observer-socket' and '--socket' are the same '%s'", s->socket);
		return -EINVAL;
	}
	return 0;
}

void settings_node(const struct settings *s, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", s->cluster ?: "", s->cluster ? "/" : "", s->node ?: "");
}

int settings_api(struct settings *s, struct complaint *why)
{
	int err = check_tls(s, why);

	if (!err && s->listen)
		err = check_listen(s, why);
	if (!err && s->cluster)
		err = check_cluster(s, why);
	return err ?: place_socket(s, why);
}
