// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "lib/wire/unpack.h"
#include "peer/peer.pb-c.h"
#include "relay/roster_inside.h"

#define SETTLE_MS 5000			/* so long after it began, a stream has named everybody */

static void on_service(void *ctx);

static void on_settled(void *ctx)
{
	struct roster *r = ctx;

	named_replace(r, &r->from_service, &r->anew);
}

static bool takes(const struct roster *r, const Peer__ChangeNotification *n)
{
	struct roster_line line;
	struct complaint why = { 0 };

	if (!roster_read(n->address, &line, &why) && !strchr(n->address, '='))
		return true;
	log_warn("the Peer service names '%s' at '%s': that is no address", n->name, n->address);
	return false;
}

static void take(struct roster *r, const Peer__ChangeNotification *n)
{
	struct peer_at at = { .name = n->name[0] ? n->name : NULL, .server = n->address, .plaintext = !n->tls,
			      .tls_name = n->tls && n->tls->server_name[0] ? n->tls->server_name : NULL };

	if (n->type == PEER__CHANGE_NOTIFICATION_TYPE__PEER_DELETED) {
		struct peer *p = peers_find(r->peers, n->name);

		peers_remove(r->peers, n->address[0] ? n->address : p ? p->server : "");
		named_remove(&r->from_service, n->address);
		named_remove(&r->anew, n->address);
		return;
	}
	if (!takes(r, n))
		return;
	if (at.plaintext && r->options.tls && strncmp(at.server, "unix:", 5)) {
		log_error("%s at '%s' is announced without TLS, which is required here: left out", n->name, n->address);
		return;
	}
	peers_put(r->peers, &at);
	named_add(r->settled.when ? &r->anew : &r->from_service, at.server);
}

static bool on_change(struct rpc_ask *a, const uint8_t *data, size_t size, void *ctx)
{
	struct roster *r = ctx;
	Peer__ChangeNotification *n = unpack_message(&peer__change_notification__descriptor, data, size);

	r->backoff.tries = 0;
	if (!n)
		log_warn("the Peer service sent what makes no sense");
	else if (!r->stopped)
		take(r, n);
	unpack_free(n);
	return true;
}

static void on_end(struct rpc_ask *a, const struct rpc_end *end, void *ctx)
{
	struct roster *r = ctx;
	unsigned int ms;

	r->notify = NULL;
	if (r->stopped)
		return;
	rpc_timer_stop(r->loop, &r->settled);
	named_free(&r->anew);
	ms = rpc_backoff_next(&r->backoff);
	log_warn("the Peer service at '%s' ended: %s %s: the nodes stay as they were, asked again in %u ms",
		 r->options.service, rpc_code_name(end->code), end->text, ms);
	rpc_timer_set(r->loop, &r->service_timer, ms, on_service, r);
}

static void on_service(void *ctx)
{
	struct roster *r = ctx;

	if (rpc_ask(&r->notify, r->channel, &(struct rpc_ask_options){ .path = "/peer.Peer/Notify", .data = "", .size = 0,
		    .message = on_change, .ended = on_end, .ctx = r })) {
		r->notify = NULL;
		rpc_timer_set(r->loop, &r->service_timer, rpc_backoff_next(&r->backoff), on_service, r);
		return;
	}
	rpc_timer_set(r->loop, &r->settled, SETTLE_MS, on_settled, r);
}

int roster_service_open(struct roster *r, struct complaint *why)
{
	bool tls = r->options.tls && strncmp(r->options.service, "unix:", 5);
	int err = rpc_channel_open(&r->channel, r->loop, &(struct rpc_target){ .server = r->options.service,
				   .tls = tls ? r->options.tls : NULL, .name = r->options.service_name }, why);

	r->backoff = (struct rpc_backoff){ .base_ms = 1000, .most_ms = 5000 };
	if (!err)
		on_service(r);
	return err;
}
