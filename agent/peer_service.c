// SPDX-License-Identifier: Apache-2.0
/* peer.Peer: everybody who is known as PEER_ADDED, then what changes, for as long as somebody listens. */
#include <stdlib.h>

#include "agent/serve_inside.h"
#include "proto/peer/peer.pb-c.h"

static void on_request(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	*rpc_call_user(c) = calloc(1, sizeof(uint64_t));	/* how far it has been told */
	if (!*rpc_call_user(c))
		rpc_call_finish(c, RPC_RESOURCE_EXHAUSTED, "no memory");
}

static enum rpc_next next(struct rpc_call *c, struct rpc_out *out, void *ctx)
{
	Peer__ChangeNotification n = PEER__CHANGE_NOTIFICATION__INIT;
	Peer__TLS tls = PEER__TLS__INIT;
	uint64_t *since = *rpc_call_user(c);
	struct serve *s = ctx;
	struct peer_news peer;

	if (rpc_call_stopping(c))
		rpc_call_finish(c, RPC_UNAVAILABLE, "the agent is stopping");
	if (!since || rpc_call_stopping(c))
		return RPC_DONE;
	if (!peers_after(s->peers, since, &peer))
		return RPC_IDLE;
	n.name = peer.name;
	n.address = peer.address;
	n.type = (Peer__ChangeNotificationType)peer.change;
	tls.server_name = peer.server_name;
	if (*peer.server_name)
		n.tls = &tls;
	return rpc_out_message(out, &n.base) ? RPC_DONE : RPC_MESSAGE;
}

static void closed(struct rpc_call *c, bool gone, void *ctx)
{
	free(*rpc_call_user(c));
}

int peer_service_add(struct serve *s)
{
	static const struct rpc_method methods[] = {
		{ .path = "/peer.Peer/Notify", .request = on_request, .next = next, .closed = closed, .follows = true },
	};

	return rpc_server_add(s->server, methods, 1, s);
}
