// SPDX-License-Identifier: Apache-2.0
/* weir.v1.Agent/Edges: sums between workloads, all of them first, then in each interval those that changed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cluster.h"
#include "agent/serve_inside.h"
#include "agent/stream_inside.h"
#include "lib/wire/unpack.h"
#include "proto/weir/v1/agent.pb-c.h"

#define AT_ONCE 128			/* edges in one reply */
#define STREAMS_MOST 32			/* of these: each may tell all edges every second */
#define SCAN 1024			/* looked at in one go */
#define UNNAMED 256			/* edges told before it was known who isolates the pod: told again in the next round */
#define ISOLATING_BYTES 400		/* of names; the relay keeps 1 KiB of an author */
#define INTERVAL_MS 5000
#define INTERVAL_LEAST_MS 1000
#define INTERVAL_MOST_MS 3600000

struct edge_stream {
	struct serve *s;		/* not ours */
	struct rpc_call *call;		/* not ours */
	struct rpc_timer timer;
	unsigned int interval_ms;
	bool due;			/* a round is to be told, or is being told */
	bool whole;			/* the round tells all edges */
	bool begun;			/* the round */
	bool told;			/* a whole round is over */
	unsigned int at;		/* the edge that is looked at next */
	uint64_t since, version;	/* told so far; what this round tells */
	uint64_t removed;
	unsigned int unnamed[UNNAMED], n_unnamed, n_again;	/* [0, n_again) are of the round before */
	unsigned int again;		/* of them: looked at next */
};

/* One reply; everything that it points to. */
struct edge_reply {
	Weir__V1__EdgesReply reply;
	Weir__V1__Edge edge[AT_ONCE], *edges[AT_ONCE];
	Weir__V1__EdgeEnd end[AT_ONCE][2];
	uint32_t bucket[AT_ONCE][EDGES_BUCKETS];
	uint32_t rule[AT_ONCE];		/* of author[i] */
	uint32_t name[AT_ONCE];		/* who was denied by default; 0: by a rule */
	bool egress[AT_ONCE];
	Weir__V1__Decision author[AT_ONCE], *authors[AT_ONCE];
	Weir__V1__Lost lost[LOSS_STAGES], *losts[LOSS_STAGES];
	Google__Protobuf__Timestamp since, now;
};

static void on_time(void *ctx)
{
	struct edge_stream *e = ctx;

	e->due = true;
	rpc_call_wake(e->call);
}

static void on_request(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	Weir__V1__EdgesRequest *ask = serve_unpack(c, &weir__v1__edges_request__descriptor, data, size);
	struct edge_stream *e = ask ? calloc(1, sizeof(*e)) : NULL;
	unsigned int ms = ask && ask->interval_ms ? ask->interval_ms : INTERVAL_MS;
	struct serve *s = ctx;

	unpack_free(ask);
	if (!ask)
		return;
	if (!e || ms < INTERVAL_LEAST_MS || ms > INTERVAL_MOST_MS || s->n_edge_streams == STREAMS_MOST) {
		if (!e || s->n_edge_streams == STREAMS_MOST)
			rpc_call_finish(c, RPC_RESOURCE_EXHAUSTED, "%s", e ? "too many ask for edges already" : "no memory");
		else
			rpc_call_finish(c, RPC_INVALID_ARGUMENT, "interval_ms: from %d to %d, not %u", INTERVAL_LEAST_MS,
					INTERVAL_MOST_MS, ms);
		free(e);
		return;
	}
	s->n_edge_streams++;
	e->s = s;			/* not ours */
	e->call = c;			/* not ours */
	e->interval_ms = ms;
	e->due = true;
	*rpc_call_user(c) = e;
}

static void describe_end(Weir__V1__EdgeEnd *to, const struct ends_group *g)
{
	weir__v1__edge_end__init(to);
	to->namespace_ = (char *)g->ns;
	to->workload = (char *)g->workload;
	to->kind = (char *)g->kind;
}

static void name_isolators(const struct serve *s, const struct edge_sums *sums, Weir__V1__Decision *d)
{
	const struct isolators_who *who = isolators_get(s->a->isolators, sums->denied_name, sums->denied_egress ? WEIR_EGRESS : WEIR_INGRESS);
	size_t bytes = 0;

	for (; who && d->n_isolating < who->named && bytes < ISOLATING_BYTES; d->n_isolating++)
		bytes += strlen(who->policy[d->n_isolating]);
	if (!who)
		return;
	d->isolating = (char **)who->policy;
	d->isolating_more = who->named + who->more - d->n_isolating;
}

/* Its place among the authors of this reply, from 1. */
static uint32_t author(const struct serve *s, struct edge_reply *to, const struct edge_sums *sums)
{
	uint32_t rule = sums->denied_rule;
	const struct rule_name *name = rules_get(s->a->rules, rule);
	size_t n = to->reply.n_author;
	Weir__V1__Decision *d = &to->author[n];

	if (!rule)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (to->rule[i] == rule && to->name[i] == sums->denied_name && (!sums->denied_name || to->egress[i] == sums->denied_egress))
			return i + 1;
	weir__v1__decision__init(d);
	d->verdict = (char *)"deny";
	d->tier = (char *)(name ? tier_word(name->tier) : "default");
	d->text = (char *)(name ? name->text : rules_fixed_text(rule));
	if (name) {
		d->kind = (char *)(name->tier == TIER_NETPOL ? "NetworkPolicy" : "ClusterNetworkPolicy");
		d->namespace_ = (char *)name->ns;
		d->policy = (char *)name->policy;
		d->rule = name->index + 1;
		d->rule_name = (char *)name->name;
	}
	if (sums->denied_name)
		name_isolators(s, sums, d);
	to->rule[n] = rule;
	to->name[n] = sums->denied_name;
	to->egress[n] = sums->denied_egress;
	to->authors[n] = d;
	return ++to->reply.n_author;
}

static void describe(const struct serve *s, struct edge_reply *to, const struct edge *from)
{
	size_t n = to->reply.n_edge;
	Weir__V1__Edge *e = to->edges[n] = &to->edge[n];
	const struct edge_sums *sums = &from->sums;

	weir__v1__edge__init(e);
	describe_end(&to->end[n][0], &from->source);
	describe_end(&to->end[n][1], &from->destination);
	e->source = &to->end[n][0];
	e->destination = &to->end[n][1];
	e->protocol = from->proto;
	e->port = from->port;
	e->opened = sums->opened;
	e->closed = sums->closed;
	e->denied = sums->denied;
	e->dropped = sums->dropped;
	e->would_deny = sums->would_deny;
	e->packets = sums->packets[0];
	e->bytes = sums->bytes[0];
	e->reply_packets = sums->packets[1];
	e->reply_bytes = sums->bytes[1];
	e->live = sums->live;
	e->handshakes = sums->handshakes;
	e->handshake_us = sums->handshake_us;
	e->answers = sums->answers;
	e->answer_us = sums->answer_us;
	if (sums->handshakes) {
		memcpy(to->bucket[n], sums->handshake_bucket, sizeof(to->bucket[n]));
		e->handshake_bucket = to->bucket[n];
		e->n_handshake_bucket = EDGES_BUCKETS;
	}
	e->denied_rule = author(s, to, sums);
	e->denied_egress = sums->denied_egress;
	to->reply.n_edge++;
}

static void add_losses(const struct serve *s, struct edge_reply *to)
{
	for (int stage = 0; stage < LOSS_STAGES; stage++) {
		Weir__V1__Lost *l = &to->lost[stage];

		weir__v1__lost__init(l);
		l->where = (char *)loss_word(stage);
		l->events = losses_total(s->a->losses, stage);
		if (l->events)
			to->losts[to->reply.n_lost++] = l;
	}
}

static void set_time(Google__Protobuf__Timestamp *t, uint64_t ns)
{
	google__protobuf__timestamp__init(t);
	t->seconds = ns / NS_PER_S;
	t->nanos = ns % NS_PER_S;
}

static void begin_reply(const struct edge_stream *e, struct edge_reply *to)
{
	const struct serve *s = e->s;
	struct edges_counts counts;
	uint64_t now = stream_clock();

	weir__v1__edges_reply__init(&to->reply);
	set_time(&to->now, now);
	set_time(&to->since, now - (agent_now() - s->a->started));
	edges_count(s->a->edges, &counts);
	to->reply.node = (char *)s->node;
	to->reply.instance = s->a->started;
	to->reply.since = &to->since;
	to->reply.now = &to->now;
	to->reply.whole = e->whole;
	to->reply.edge = to->edges;
	to->reply.author = to->authors;
	to->reply.lost = to->losts;
	to->reply.dropped_edges = counts.refused;
}

static void begin_round(struct edge_stream *e)
{
	uint64_t removed = edges_removed(e->s->a->edges);

	e->version = edges_version(e->s->a->edges);
	e->whole = !e->told || removed != e->removed;
	e->removed = removed;
	e->at = e->again = 0;
	e->n_again = e->n_unnamed;
	e->begun = true;
}

static void tell_edge(struct edge_stream *e, struct edge_reply *to, unsigned int i, const struct edge *edge)
{
	const struct edge_sums *s = &edge->sums;
	enum weir_dir dir = s->denied_egress ? WEIR_EGRESS : WEIR_INGRESS;

	describe(e->s, to, edge);
	if (!s->denied_name || isolators_get(e->s->a->isolators, s->denied_name, dir))
		return;
	isolators_want(e->s->a->isolators, s->denied_name, dir);
	if (e->n_unnamed < UNNAMED)
		e->unnamed[e->n_unnamed++] = i;
}

/* As many as fit one reply.  True: the round is over. */
static bool gather(struct edge_stream *e, struct edge_reply *to)
{
	struct edges *edges = e->s->a->edges;
	unsigned int end = edges_end(edges);
	struct edge edge;

	for (unsigned int looked = 0; e->at < end && looked < SCAN && to->reply.n_edge < AT_ONCE; looked++, e->at++)
		if (edges_copy(edges, e->at, e->whole ? 0 : e->since, &edge))
			tell_edge(e, to, e->at, &edge);
	/* those that were told without a name, and have not changed since */
	for (; e->at >= end && e->again < e->n_again && to->reply.n_edge < AT_ONCE; e->again++)
		if (!e->whole && edges_copy(edges, e->unnamed[e->again], 0, &edge) && edge.version <= e->since)
			tell_edge(e, to, e->unnamed[e->again], &edge);
	return e->at >= end && e->again >= e->n_again;
}

static enum rpc_next next_reply(struct edge_stream *e, struct rpc_out *out)
{
	static struct edge_reply to;	/* one thread */

	if (!e->begun)
		begin_round(e);
	begin_reply(e, &to);
	if (gather(e, &to)) {
		to.reply.last = true;
		add_losses(e->s, &to);
		e->since = e->version;
		e->n_unnamed -= e->n_again;
		memmove(e->unnamed, e->unnamed + e->n_again, e->n_unnamed * sizeof(*e->unnamed));
		e->told = true;
		e->due = e->begun = false;
		rpc_timer_set(e->s->loop, &e->timer, e->interval_ms, on_time, e);
	} else if (!to.reply.n_edge) {
		return RPC_AGAIN;
	}
	return rpc_out_message(out, &to.reply.base) ? RPC_DONE : RPC_MESSAGE;
}

static enum rpc_next next(struct rpc_call *c, struct rpc_out *out, void *ctx)
{
	struct edge_stream *e = *rpc_call_user(c);
	enum rpc_next what;

	if (rpc_call_stopping(c))
		rpc_call_finish(c, RPC_UNAVAILABLE, "the agent is stopping");
	if (!e || rpc_call_stopping(c))
		return RPC_DONE;
	if (!e->due)
		return RPC_IDLE;
	quiet_point(e->s->a->quiet, QUIET_RPC);
	what = next_reply(e, out);
	quiet_away(e->s->a->quiet, QUIET_RPC);
	return what;
}

static void closed(struct rpc_call *c, bool gone, void *ctx)
{
	struct edge_stream *e = *rpc_call_user(c);

	if (!e)
		return;
	rpc_timer_stop(e->s->loop, &e->timer);
	e->s->n_edge_streams--;
	free(e);
}

int edge_service_add(struct serve *s)
{
	static const struct rpc_method methods[] = {
		{ .path = "/weir.v1.Agent/Edges", .request = on_request, .next = next, .closed = closed },
	};

	return rpc_server_add(s->server, methods, 1, s);
}
