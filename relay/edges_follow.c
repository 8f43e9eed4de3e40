// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include "lib/log.h"
#include "lib/wire/unpack.h"
#include "relay/edges_follow.h"
#include "relay/when.h"
#include "weir/v1/agent.pb-c.h"

#define AGAIN_MS  5000			/* a stream that ended while its agent is connected is begun again after */
#define EXPIRE_MS 60000

struct edges_follow {
	struct rpc_loop *loop;
	struct peers *peers;
	struct edges *edges;
	struct peers_listener listener;
	struct rpc_timer again, expire;
	struct line *lines;
	bool stopped;
	edges_whole_fn on_whole;
	void *on_whole_ctx;
};

/* One agent's stream. */
struct line {
	struct line *next;
	struct edges_follow *follow;
	struct peer *peer;		/* held */
	struct rpc_ask *ask;
	bool told;			/* all that it had summed up before we came */
	bool refused;			/* it knows no edges: not asked again while it stays connected */
};

static struct line *line_of(struct edges_follow *f, const struct peer *p)
{
	struct line *line = f->lines;

	while (line && line->peer != p)
		line = line->next;
	return line;
}

static void line_free(struct line *line)
{
	struct line **at = &line->follow->lines;

	while (*at != line)
		at = &(*at)->next;
	*at = line->next;
	peer_drop(line->peer);
	free(line);
}

static void take(struct line *line, const Weir__V1__EdgesReply *reply)
{
	struct edges_follow *f = line->follow;

	edges_take(f->edges, line->peer->name, reply, when_real());
	if (line->told || !reply->whole || !reply->last)
		return;
	line->told = true;
	if (f->on_whole)
		f->on_whole(f->on_whole_ctx, line->peer->name,
			    reply->since ? reply->since->seconds * 1000000000ULL + reply->since->nanos : 0);
}

static bool on_edges(struct rpc_ask *a, const uint8_t *data, size_t size, void *ctx)
{
	struct line *line = ctx;
	Weir__V1__EdgesReply *reply = line->peer->gone ? NULL : unpack_message(&weir__v1__edges_reply__descriptor, data, size);

	if (reply)
		take(line, reply);
	else if (!line->peer->gone)
		line->peer->garbage++;
	unpack_free(reply);
	return true;
}

static void on_again(void *ctx);

static void on_end(struct rpc_ask *a, const struct rpc_end *end, void *ctx)
{
	struct line *line = ctx;
	struct edges_follow *f = line->follow;

	line->ask = NULL;
	if (line->peer->gone || f->stopped) {
		line_free(line);
		return;
	}
	line->refused = end->reached && end->code == RPC_UNIMPLEMENTED;
	edges_silent(f->edges, line->peer->name);
	if (end->code != RPC_OK && !line->refused)
		peer_suspect(line->peer);
	if (!f->again.when)
		rpc_timer_set(f->loop, &f->again, AGAIN_MS, on_again, f);
}

static void start(struct line *line)
{
	Weir__V1__EdgesRequest request = WEIR__V1__EDGES_REQUEST__INIT;
	uint8_t packed[64];
	size_t size;

	if (line->ask || line->refused || line->peer->foreign)
		return;
	request.interval_ms = EDGES_INTERVAL_MS;
	size = weir__v1__edges_request__pack(&request, packed);
	if (rpc_ask(&line->ask, line->peer->channel, &(struct rpc_ask_options){ .path = "/weir.v1.Agent/Edges",
		    .data = packed, .size = size, .message = on_edges, .ended = on_end, .ctx = line }))
		line->ask = NULL;
}

static void on_again(void *ctx)
{
	struct edges_follow *f = ctx;

	for (struct line *line = f->lines; line; line = line->next)
		if (line->peer->state == PEER_CONNECTED)
			start(line);
}

static void on_peer(void *ctx, struct peer *p)
{
	struct edges_follow *f = ctx;
	struct line *line = line_of(f, p);

	if (p->gone) {
		edges_gone(f->edges, p->name, when_real());
		if (line && line->ask)
			rpc_ask_cancel(line->ask);
		else if (line)
			line_free(line);
		return;
	}
	if (p->state != PEER_CONNECTED)
		return;
	if (!line && (line = calloc(1, sizeof(*line)))) {
		line->follow = f;
		line->peer = peer_hold(p);
		line->next = f->lines;
		f->lines = line;
	}
	if (!line)
		return;
	line->refused = false;
	start(line);
}

static void on_expire(void *ctx)
{
	struct edges_follow *f = ctx;

	edges_expire(f->edges, when_real());
	rpc_timer_set(f->loop, &f->expire, EXPIRE_MS, on_expire, f);
}

int edges_follow(struct edges_follow **out, struct rpc_loop *loop, struct peers *peers, struct edges *edges)
{
	struct edges_follow *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->loop = loop;
	f->peers = peers;
	f->edges = edges;
	f->listener = (struct peers_listener){ .changed = on_peer, .ctx = f };
	peers_listen(peers, &f->listener);
	rpc_timer_set(loop, &f->expire, EXPIRE_MS, on_expire, f);
	*out = f;
	return 0;
}

void edges_follow_whole(struct edges_follow *f, edges_whole_fn fn, void *ctx)
{
	f->on_whole = fn;
	f->on_whole_ctx = ctx;
}

void edges_follow_stop(struct edges_follow *f)
{
	f->stopped = true;
	rpc_timer_stop(f->loop, &f->again);
	rpc_timer_stop(f->loop, &f->expire);
}

void edges_unfollow(struct edges_follow *f)
{
	if (!f)
		return;
	peers_unlisten(f->peers, &f->listener);
	while (f->lines)
		line_free(f->lines);
	free(f);
}
