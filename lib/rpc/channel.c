// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/grpc_security.h>

#include "lib/rpc/channel.h"
#include "lib/rpc/listen.h"
#include "lib/rpc/tls.h"

/* Addresses by their scheme, so that gRPC's resolver is left out of it. */
static int core_name(const char *server, char **to, struct complaint *why)
{
	char host[256];
	unsigned char a[16];
	unsigned int port;
	int n;

	if (!strncmp(server, "unix:", 5)) {
		const char *path = server + 5;

		if (!strncmp(path, "//", 2))
			path += 2;
		if (*path != '/') {
			complaint_set(why, 0, 0, "'%.200s' is no server: the path of a socket begins with '/'", server);
			return -EINVAL;
		}
		return asprintf(to, "unix:%s", path) < 0 ? -ENOMEM : 0;
	}
	if (address_split(server, host, sizeof(host), &port, why))
		return -EINVAL;
	if (!host[0] || !port) {
		complaint_set(why, 0, 0, "'%.200s' is no server: it is HOST:PORT, [ADDRESS]:PORT or unix:PATH", server);
		return -EINVAL;
	}
	if (inet_pton(AF_INET, host, a) == 1)
		n = asprintf(to, "ipv4:%s:%u", host, port);
	else if (inet_pton(AF_INET6, host, a) == 1)
		n = asprintf(to, "ipv6:[%s]:%u", host, port);
	else
		n = asprintf(to, "dns:///%s:%u", host, port);
	return n < 0 ? -ENOMEM : 0;
}

/* The name that goes into :authority and is looked for in the certificate.  A socket's path is none: some servers
 * refuse it. */
static int authority(struct rpc_channel *ch, const char *given, char **to)
{
	char host[256];
	struct complaint why;
	unsigned int port;

	if (given)
		*to = strdup(given);
	else if (!strncmp(ch->server, "unix:", 5))
		*to = strdup("localhost");
	else if (ch->tls && !address_split(ch->server, host, sizeof(host), &port, &why))
		*to = strdup(host);
	else
		return 0;
	return *to ? 0 : -ENOMEM;
}

#define INT(k, v) { .type = GRPC_ARG_INTEGER, .key = (char *)(k), .value.integer = (int)(v) }
#define TEXT(k, v) { .type = GRPC_ARG_STRING, .key = (char *)(k), .value.string = (v) }
static grpc_channel *core_open(struct rpc_channel *ch, grpc_channel_credentials *creds)
{
	grpc_arg args[] = {
		INT(GRPC_ARG_HTTP2_BDP_PROBE, 0),	/* a fixed window bounds what is read ahead of us */
		INT(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, ch->window),
		INT(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, ch->max_message),
		INT(GRPC_ARG_KEEPALIVE_TIME_MS, 30000),
		INT(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000),
		INT(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
		INT(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 500),
		INT(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000),	/* so long a connection may take */
		INT(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 3000),
		INT(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 1000),
		INT(GRPC_ARG_ENABLE_RETRIES, 0),		/* they keep copies of messages */
		INT(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),	/* no TXT look-ups */
		INT(GRPC_ARG_ENABLE_HTTP_PROXY, 0),		/* nodes and relays are no web */
		INT(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),	/* nor are connections shared by accident */
		INT(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1),
		INT(GRPC_ARG_ENABLE_CHANNELZ, 0),
		TEXT(GRPC_ARG_PRIMARY_USER_AGENT_STRING, "weir/" WEIR_VERSION),
		TEXT(GRPC_ARG_DEFAULT_AUTHORITY, ch->name),
		TEXT(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, ch->name),
	};
	size_t n = sizeof(args) / sizeof(*args);
	grpc_channel_args all = { ch->name ? ch->tls ? n : n - 1 : n - 2, args };

	return grpc_channel_create(ch->dialled, creds, &all);
}

int channel_refresh(struct rpc_channel *ch)
{
	grpc_channel_credentials *creds;
	uint64_t now = rpc_now_ms();
	grpc_channel *fresh;

	if (ch->core && (!ch->tls || now - ch->looked < 1000))
		return 0;
	ch->looked = now;
	if (ch->core && client_tls_version(ch->tls) == ch->version)
		return 0;
	creds = ch->tls ? client_tls_credentials(ch->tls, &ch->version) : grpc_insecure_credentials_create();
	fresh = creds ? core_open(ch, creds) : NULL;
	if (creds)
		grpc_channel_credentials_release(creds);
	if (!fresh)
		return -EINVAL;
	if (ch->core)
		grpc_channel_destroy(ch->core);
	ch->core = fresh;
	return 0;
}

int rpc_channel_open(struct rpc_channel **out, struct rpc_loop *loop, const struct rpc_target *to, struct complaint *why)
{
	struct rpc_channel *ch = calloc(1, sizeof(*ch));
	int err = -ENOMEM;

	if (!ch)
		return err;
	ch->loop = loop;
	ch->tls = to->tls;
	ch->max_message = to->max_message ?: 16 << 20;
	ch->window = to->window ?: 262144;
	ch->server = strdup(to->server);
	if (!ch->server)
		goto fail;
	err = core_name(to->server, &ch->dialled, why);
	err = err ?: authority(ch, to->name, &ch->name);
	err = err ?: channel_refresh(ch);
	if (err)
		goto fail;
	*out = ch;
	return 0;
fail:
	if (err == -ENOMEM)
		complaint_set(why, 0, 0, "there is no memory for a connection to '%.200s'", to->server);
	rpc_channel_close(ch);
	return err;
}

void rpc_channel_close(struct rpc_channel *ch)
{
	if (!ch)
		return;
	if (ch->core)
		grpc_channel_destroy(ch->core);
	free(ch->server);
	free(ch->dialled);
	free(ch->name);
	free(ch);
}

enum rpc_state rpc_channel_state(const struct rpc_channel *ch)
{
	switch (grpc_channel_check_connectivity_state(ch->core, 0)) {
	case GRPC_CHANNEL_READY: return RPC_STATE_READY;
	case GRPC_CHANNEL_CONNECTING: return RPC_STATE_CONNECTING;
	case GRPC_CHANNEL_TRANSIENT_FAILURE: return RPC_STATE_FAILING;
	default: return RPC_STATE_IDLE;
	}
}

const char *rpc_channel_server(const struct rpc_channel *ch)
{
	return ch->server;
}
