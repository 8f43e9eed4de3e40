// SPDX-License-Identifier: Apache-2.0
// What a client has been told is kept for each, and compared with what is: so nothing is queued, however slow it reads.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer/peer.pb-c.h"
#include "relay/notify.h"
#include "relay/peers.h"

struct told {
	struct told *next;
	char name[PEER_TEXT], server[PEER_TEXT];
};
struct notify {
	struct peers *peers;
	struct rpc_call *call;
	struct peers_listener listener;
	struct told *told;
	bool news;
};

static void on_peer(void *ctx, struct peer *p)
{
	struct notify *n = ctx;

	n->news = true;
	rpc_call_wake(n->call);
}

static void on_notify(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	struct notify *n = calloc(1, sizeof(*n));

	if (!n) {
		rpc_call_finish(c, RPC_RESOURCE_EXHAUSTED, "no memory for another stream");
		return;
	}
	n->peers = ctx;
	n->call = c;
	n->news = true;
	n->listener = (struct peers_listener){ .changed = on_peer, .ctx = n };
	peers_listen(n->peers, &n->listener);
	*rpc_call_user(c) = n;
}

static void on_closed(struct rpc_call *c, bool gone, void *ctx)
{
	struct notify *n = *rpc_call_user(c);
	struct told *t;

	if (!n)
		return;
	peers_unlisten(n->peers, &n->listener);
	while ((t = n->told)) {
		n->told = t->next;
		free(t);
	}
	free(n);
}

static struct told *told_of(const struct notify *n, const struct peer *p)
{
	struct told *t = n->told;

	while (t && (strcmp(t->server, p->server) || strcmp(t->name, p->name)))
		t = t->next;
	return t;
}

static bool is_there(const struct notify *n, const struct told *t)
{
	const struct peer *p = peers_find(n->peers, t->name);

	return p && !strcmp(p->server, t->server);
}

static void say(struct rpc_out *out, const struct told *t, const struct peer *p)
{
	Peer__ChangeNotification what = PEER__CHANGE_NOTIFICATION__INIT;
	Peer__TLS tls = PEER__TLS__INIT;

	what.name = (char *)t->name;
	what.address = (char *)t->server;
	what.type = p ? PEER__CHANGE_NOTIFICATION_TYPE__PEER_ADDED : PEER__CHANGE_NOTIFICATION_TYPE__PEER_DELETED;
	if (p && p->tls) {
		tls.server_name = (char *)p->tls_name;
		what.tls = &tls;
	}
	rpc_out_message(out, &what.base);
}

/* Somebody it was told of who has left. */
static bool say_gone(struct notify *n, struct rpc_out *out)
{
	for (struct told **at = &n->told; *at; at = &(*at)->next) {
		struct told *t = *at;

		if (is_there(n, t))
			continue;
		say(out, t, NULL);
		*at = t->next;
		free(t);
		return true;
	}
	return false;
}

static bool say_new(struct notify *n, struct rpc_out *out)
{
	for (const struct peer *p = peers_first(n->peers); p; p = p->next) {
		struct told *t = told_of(n, p) ? NULL : calloc(1, sizeof(*t));

		if (!t)
			continue;
		snprintf(t->name, sizeof(t->name), "%s", p->name);
		snprintf(t->server, sizeof(t->server), "%s", p->server);
		t->next = n->told;
		n->told = t;
		say(out, t, p);
		return true;
	}
	return false;
}

static enum rpc_next next_notice(struct rpc_call *c, struct rpc_out *out, void *ctx)
{
	struct notify *n = *rpc_call_user(c);

	if (!n || rpc_call_stopping(c))
		return RPC_DONE;
	if (n->news && (say_gone(n, out) || say_new(n, out)))
		return RPC_MESSAGE;
	n->news = false;
	return RPC_IDLE;
}

const struct rpc_method notify_methods[NOTIFY_METHODS] = {
	{ .path = "/peer.Peer/Notify", .request = on_notify, .next = next_notice, .closed = on_closed },
};
