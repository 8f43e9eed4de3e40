// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "lib/wire/unpack.h"
#include "relay/edges_serve.h"
#include "relay/when.h"
#include "weir/v1/agent.pb-c.h"

#define ROWS	    64			/* of one reply */
#define SCAN_MOST   4096		/* edges looked at per call of next() */
#define INTERVAL_MS 5000
#define LEAST_MS    1000
#define LOST_MOST   32

struct serve {
	struct edges_served *of;
	struct rpc_call *call;
	struct rpc_timer timer;
	unsigned int interval;
	uint64_t since, upto;		/* versions: told, and being told */
	uint64_t removed;
	uint32_t at;			/* where the telling is */
	bool telling, whole;
};

/* What a reply is built of; nothing is allocated. */
struct built {
	Weir__V1__EdgesReply reply;
	Weir__V1__Edge edge[ROWS], *edges[ROWS];
	Weir__V1__EdgeEnd end[ROWS][2];
	uint32_t bucket[ROWS][EDGES_BUCKETS];
	Weir__V1__Decision *author[ROWS];
	Weir__V1__Lost lost[LOST_MOST], *losts[LOST_MOST];
	Google__Protobuf__Timestamp since, now;
};

static void set_time(Google__Protobuf__Timestamp *t, uint64_t ns)
{
	google__protobuf__timestamp__init(t);
	t->seconds = (int64_t)(ns / 1000000000);
	t->nanos = (int32_t)(ns % 1000000000);
}

static void set_end(Weir__V1__EdgeEnd *out, const struct edge_end *end)
{
	weir__v1__edge_end__init(out);
	out->namespace_ = (char *)end->ns;
	out->workload = (char *)end->workload;
	out->kind = (char *)end->kind;
}

static void set_edge(struct built *b, const struct edge *e)
{
	size_t i = b->reply.n_edge++;
	Weir__V1__Edge *out = b->edges[i] = &b->edge[i];

	weir__v1__edge__init(out);
	set_end(&b->end[i][0], &e->source);
	set_end(&b->end[i][1], &e->destination);
	out->source = &b->end[i][0];
	out->destination = &b->end[i][1];
	out->protocol = e->proto;
	out->port = e->port;
	out->opened = e->sum[EDGE_OPENED];
	out->denied = e->sum[EDGE_DENIED];
	out->would_deny = e->sum[EDGE_WOULD_DENY];
	out->dropped = e->sum[EDGE_DROPPED];
	out->packets = e->sum[EDGE_PACKETS];
	out->bytes = e->sum[EDGE_BYTES];
	out->reply_packets = e->sum[EDGE_REPLY_PACKETS];
	out->reply_bytes = e->sum[EDGE_REPLY_BYTES];
	out->closed = e->sum[EDGE_CLOSED];
	out->live = e->live;
	out->handshakes = e->sum[EDGE_HANDSHAKES];
	out->handshake_us = e->sum[EDGE_HANDSHAKE_US];
	out->answers = e->sum[EDGE_ANSWERS];
	out->answer_us = e->sum[EDGE_ANSWER_US];
	for (int k = 0; e->sum[EDGE_HANDSHAKES] && k < EDGES_BUCKETS; k++) {
		b->bucket[i][k] = e->bucket[k] > UINT32_MAX ? UINT32_MAX : e->bucket[k];
		out->handshake_bucket = b->bucket[i];
		out->n_handshake_bucket = EDGES_BUCKETS;
	}
	out->denied_egress = e->denied_egress;
	if (!e->author)
		return;
	b->author[b->reply.n_author] = weir__v1__decision__unpack(NULL, e->author_size, e->author);
	if (b->author[b->reply.n_author])
		out->denied_rule = ++b->reply.n_author;
}

static void set_lost(struct built *b, const struct edges *edges)
{
	struct edges_counts c;
	struct edges_lost lost;

	for (unsigned int i = 0; i < LOST_MOST && edges_lost(edges, i, &lost); i++) {
		b->losts[i] = &b->lost[i];
		weir__v1__lost__init(b->losts[i]);
		b->lost[i].where = (char *)lost.where;
		b->lost[i].events = lost.events;
		b->reply.n_lost = i + 1;
	}
	b->reply.lost = b->losts;
	edges_count(edges, &c);
	b->reply.dropped_edges = c.folded + c.unnoted;
}

static void begin(struct serve *s)
{
	uint64_t removed = edges_removed(s->of->edges);

	s->whole = !s->upto || removed != s->removed;
	s->removed = removed;
	s->since = s->whole ? 0 : s->upto;
	s->upto = edges_version(s->of->edges);
	s->at = 0;
	s->telling = true;
}

/* The next rows that changed; true when all have been looked at. */
static bool gather(struct serve *s, struct built *b)
{
	const struct edges *edges = s->of->edges;

	for (unsigned int i = 0; i < SCAN_MOST && b->reply.n_edge < ROWS; i++, s->at++) {
		const struct edge *e = edges_at(edges, s->at);

		if (s->at >= edges_end(edges))
			return true;
		if (e && (s->whole || e->version > s->since))
			set_edge(b, e);
	}
	return s->at >= edges_end(edges);
}

static void on_timer(void *ctx)
{
	struct serve *s = ctx;

	rpc_call_wake(s->call);
}

static enum rpc_next next_edges(struct rpc_call *c, struct rpc_out *out, void *ctx)
{
	struct serve *s = *rpc_call_user(c);
	struct built b;

	if (!s || rpc_call_stopping(c))
		return RPC_DONE;
	if (!s->telling && s->timer.when)
		return RPC_IDLE;
	if (!s->telling)
		begin(s);
	weir__v1__edges_reply__init(&b.reply);
	b.reply.edge = b.edges;
	b.reply.author = b.author;
	b.reply.node = (char *)"";
	b.reply.instance = s->of->instance;
	set_time(&b.since, s->of->started);
	set_time(&b.now, when_real());
	b.reply.since = &b.since;
	b.reply.now = &b.now;
	b.reply.whole = s->whole;
	b.reply.last = gather(s, &b);
	if (b.reply.last) {
		set_lost(&b, s->of->edges);
		s->telling = false;
		rpc_timer_set(rpc_call_loop(c), &s->timer, s->interval, on_timer, s);
	}
	if (!b.reply.last && !b.reply.n_edge)
		return RPC_AGAIN;
	rpc_out_message(out, &b.reply.base);
	while (b.reply.n_author)
		weir__v1__decision__free_unpacked(b.author[--b.reply.n_author], NULL);
	return RPC_MESSAGE;
}

static void on_edges(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	Weir__V1__EdgesRequest *request = unpack_message(&weir__v1__edges_request__descriptor, data, size);
	struct serve *s = request ? calloc(1, sizeof(*s)) : NULL;

	if (!request || !s) {
		rpc_call_finish(c, request ? RPC_RESOURCE_EXHAUSTED : RPC_INVALID_ARGUMENT, "%s",
				request ? "no memory for another stream" : "this is no EdgesRequest");
		unpack_free(request);
		return;
	}
	s->of = ctx;
	s->call = c;
	s->interval = request->interval_ms ? request->interval_ms : INTERVAL_MS;
	if (s->interval < LEAST_MS)
		s->interval = LEAST_MS;
	*rpc_call_user(c) = s;
	unpack_free(request);
}

static void on_closed(struct rpc_call *c, bool gone, void *ctx)
{
	struct serve *s = *rpc_call_user(c);

	if (s)
		rpc_timer_stop(rpc_call_loop(c), &s->timer);
	free(s);
}

const struct rpc_method edges_methods[EDGES_METHODS] = {
	{ .path = "/weir.v1.Relay/Edges", .request = on_edges, .next = next_edges, .closed = on_closed },
};
