// SPDX-License-Identifier: Apache-2.0
/* Who calls: what gRPC, the door or the certificate says; and how many calls each has open. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>

#include "lib/rpc/server_inside.h"

/* gRPC's "ipv4:10.0.0.7:40312" or "ipv6:%5B::1%5D:4" as people write it. */
static void address_text(const char *from, char *to, size_t size)
{
	size_t n = 0;

	if (!strncmp(from, "ipv4:", 5) || !strncmp(from, "ipv6:", 5))
		from += 5;
	for (; *from && n + 1 < size; from++) {
		if (!strncmp(from, "%5B", 3) || !strncmp(from, "%5D", 3)) {
			to[n++] = from[2] == 'B' ? '[' : ']';
			from += 2;
		} else {
			to[n++] = *from;
		}
	}
	to[n] = '\0';
}

static uint64_t hash(const char *text, size_t n)
{
	uint64_t h = 14695981039346656037ULL;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)text[i]) * 1099511628211ULL;
	return h ^ h >> 32;
}

/* Connections of one address, or one user, are one peer. */
static uint64_t key_of(const struct rpc_call *c, const char *peer)
{
	const char *port = strrchr(peer, ':');

	if (c->guest && c->guest->peer.kind == RPC_PEER_UNIX)
		return ~(uint64_t)c->guest->peer.uid;
	if (c->guest)
		return hash("loopback", 8);
	return hash(peer, port ? (size_t)(port - peer) : strlen(peer));
}

bool peer_enter(struct rpc_call *c)
{
	char *peer = grpc_call_get_peer(c->call);
	struct peer_calls *p;
	uint64_t key;

	if (c->s->door)
		c->guest = door_guest(c->s->door, peer);
	key = key_of(c, peer);
	gpr_free(peer);
	for (p = c->s->peers[key % PEER_BUCKETS]; p && p->key != key; p = p->next)
		;
	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return false;
		p->key = key;
		p->next = c->s->peers[key % PEER_BUCKETS];
		c->s->peers[key % PEER_BUCKETS] = p;
	}
	c->peer_calls = p;
	return ++p->calls <= c->s->o.max_peer_calls;
}

void peer_leave(struct rpc_call *c)
{
	struct peer_calls *p = c->peer_calls, **at;

	if (c->guest)
		door_let_go(c->guest);
	if (!p || --p->calls)
		return;
	for (at = &c->s->peers[p->key % PEER_BUCKETS]; *at != p; at = &(*at)->next)
		;
	*at = p->next;
	free(p);
}

static void property(grpc_auth_context *from, const char *name, char *to, size_t size)
{
	grpc_auth_property_iterator i = grpc_auth_context_find_properties_by_name(from, name);
	const grpc_auth_property *p = grpc_auth_property_iterator_next(&i);

	snprintf(to, size, "%.*s", p ? (int)p->value_length : 0, p ? p->value : "");
}

static void fill(struct rpc_call *c, struct rpc_peer *to)
{
	grpc_auth_context *auth;
	char *peer;

	if (c->guest) {
		*to = c->guest->peer;
		return;
	}
	peer = grpc_call_get_peer(c->call);
	address_text(peer, to->address, sizeof(to->address));
	gpr_free(peer);
	auth = grpc_call_auth_context(c->call);
	if (!auth)
		return;
	if (grpc_auth_context_peer_is_authenticated(auth)) {
		to->kind = RPC_PEER_TLS;
		property(auth, GRPC_X509_CN_PROPERTY_NAME, to->name, sizeof(to->name));
		property(auth, GRPC_X509_SAN_PROPERTY_NAME, to->san, sizeof(to->san));
	}
	grpc_auth_context_release(auth);
}

const struct rpc_peer *rpc_call_peer(struct rpc_call *c)
{
	static const struct rpc_peer unknown;

	if (!c->peer) {
		c->peer = calloc(1, sizeof(*c->peer));
		if (!c->peer)
			return &unknown;
		fill(c, c->peer);
	}
	return c->peer;
}
