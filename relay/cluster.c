// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire/unpack.h"
#include "observer/observer.pb-c.h"
#include "relay/cluster_inside.h"
#include "relay/flows.h"
#include "relay/when.h"
#include "weir/v1/relay.pb-c.h"

#define VERSION	     "weir-relay v" WEIR_VERSION
#define AWAY_MOST    100		/* names in ServerStatus */
#define GAUGES	     7
#define LOST_MOST    24

int cluster_new(struct cluster **out, struct relay *relay)
{
	struct cluster *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->relay = relay;
	*out = c;
	return 0;
}

void cluster_free(struct cluster *c)
{
	free(c);
}

void cluster_answer(struct rpc_call *c, const ProtobufCMessage *m, struct arena *a, bool whole)
{
	if (whole)
		rpc_call_answer_message(c, m);
	else
		rpc_call_finish(c, RPC_RESOURCE_EXHAUSTED, "no memory for the answer");
	arena_free(a);
}

/* --- ServerStatus: the sum of the nodes'. --- */

static void add_status(Observer__ServerStatusResponse *sum, const struct fan_answer *a)
{
	const Observer__ServerStatusResponse *status = a->message;
	const struct peer *p = a->peer;

	sum->num_flows += status ? status->num_flows : p->num_flows;
	sum->max_flows += status ? status->max_flows : p->max_flows;
	sum->seen_flows += status ? status->seen_flows : p->seen_flows;
	sum->flows_rate += status ? status->flows_rate : p->flows_rate;
	if (p->uptime > sum->uptime_ns)
		sum->uptime_ns = p->uptime;
	if (status && status->uptime_ns > sum->uptime_ns)
		sum->uptime_ns = status->uptime_ns;
}

static void finish_server_status(struct fan *f)
{
	struct cluster *cluster = f->ctx;
	Observer__ServerStatusResponse sum = OBSERVER__SERVER_STATUS_RESPONSE__INIT;
	Google__Protobuf__UInt32Value connected = GOOGLE__PROTOBUF__UINT32_VALUE__INIT, away = connected;
	char *names[AWAY_MOST];

	sum.version = (char *)VERSION;
	sum.num_connected_nodes = &connected;
	sum.num_unavailable_nodes = &away;
	sum.unavailable_nodes = names;
	for (unsigned int i = 0; i < f->answers; i++)
		add_status(&sum, &f->answer[i]);
	for (struct peer *p = peers_first(cluster->relay->peers); p; p = p->next) {
		connected.value += p->state == PEER_CONNECTED;
		away.value += p->state != PEER_CONNECTED;
		if (p->state != PEER_CONNECTED && sum.n_unavailable_nodes < AWAY_MOST)
			names[sum.n_unavailable_nodes++] = p->name;
	}
	rpc_call_answer_message(f->call, &sum.base);
}

static void on_server_status(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	struct cluster *cluster = ctx;
	Observer__ServerStatusRequest request = OBSERVER__SERVER_STATUS_REQUEST__INIT;

	fan_out(&(struct fan_question){ .call = c, .peers = cluster->relay->peers,
		.path = "/observer.Observer/ServerStatus", .request = &request.base,
		.answer = &observer__server_status_response__descriptor, .deadline_ms = CLUSTER_MS,
		.finish = finish_server_status, .ctx = cluster });
}

/* --- GetNodes: as they were found when last looked at. --- */

static Observer__Node *node_of(struct arena *a, const struct peer *p)
{
	Observer__Node *n = arena_alloc(a, sizeof(*n));
	Observer__TLS *tls = arena_alloc(a, sizeof(*tls));

	if (!n || !tls)
		return NULL;
	observer__node__init(n);
	observer__tls__init(tls);
	n->name = (char *)p->name;
	n->version = (char *)p->version;
	n->address = (char *)p->server;
	n->state = p->state == PEER_CONNECTED ? RELAY__NODE_STATE__NODE_CONNECTED : RELAY__NODE_STATE__NODE_UNAVAILABLE;
	tls->enabled = p->tls;
	tls->server_name = (char *)p->tls_name;
	n->tls = tls;
	n->uptime_ns = p->state == PEER_CONNECTED ? p->uptime : 0;
	n->num_flows = p->num_flows;
	n->max_flows = p->max_flows;
	n->seen_flows = p->seen_flows;
	return n;
}

static void on_nodes(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	struct cluster *cluster = ctx;
	Observer__GetNodesResponse nodes = OBSERVER__GET_NODES_RESPONSE__INIT;
	struct arena a = { 0 };
	struct peers_counts counts;
	bool whole;

	peers_count(cluster->relay->peers, &counts);
	nodes.nodes = arena_alloc(&a, (counts.peers + 1) * sizeof(*nodes.nodes));
	whole = nodes.nodes;
	for (struct peer *p = peers_first(cluster->relay->peers); p && whole; p = p->next)
		whole = (nodes.nodes[nodes.n_nodes++] = node_of(&a, p)) != NULL;
	cluster_answer(c, &nodes.base, &a, whole);
}

/* --- weir.v1.Relay/ClusterStatus. --- */

struct whole {				/* an answer being built */
	Weir__V1__ClusterStatus status;
	struct arena arena;
	Google__Protobuf__Timestamp now;
	Weir__V1__Gauge gauge[GAUGES], *gauges[GAUGES];
	Weir__V1__Lost lost[LOST_MOST], *losts[LOST_MOST];
};

static void set_time(Google__Protobuf__Timestamp *t, uint64_t ns)
{
	google__protobuf__timestamp__init(t);
	t->seconds = (int64_t)(ns / 1000000000);
	t->nanos = (int32_t)(ns % 1000000000);
}

static void add_gauge(struct whole *w, const char *name, uint64_t used, uint64_t size)
{
	Weir__V1__Gauge *g = w->gauges[w->status.n_gauges] = &w->gauge[w->status.n_gauges];

	weir__v1__gauge__init(g);
	g->name = (char *)name;
	g->used = used;
	g->size = size;
	w->status.n_gauges++;
}

static void add_lost(struct whole *w, const char *where, uint64_t events)
{
	Weir__V1__Lost *l;

	if (!events || w->status.n_lost == LOST_MOST)
		return;
	l = w->losts[w->status.n_lost] = &w->lost[w->status.n_lost];
	weir__v1__lost__init(l);
	l->where = (char *)where;
	l->events = events;
	w->status.n_lost++;
}

static void add_gauges(struct whole *w, const struct relay *r)
{
	struct flows_counts flows;
	struct edges_counts edges;
	struct edges_lost lost;

	flows_count(r->flows, &flows);
	edges_count(r->edges, &edges);
	w->status.gauges = w->gauges;
	w->status.lost = w->losts;
	w->status.flows = flows.flows;
	add_gauge(w, "nodes", w->status.connected + w->status.unavailable, PEERS_MOST);
	add_gauge(w, "streams", flows.streams, flows.streams_most);
	add_gauge(w, "queued bytes", flows.queued, flows.queued_most);
	add_gauge(w, "edges", edges.edges, edges.capacity);
	add_gauge(w, "edge notes", edges.notes, edges.notes_capacity);
	for (unsigned int i = 0; edges_lost(r->edges, i, &lost); i++)
		add_lost(w, lost.where, lost.events);
	add_lost(w, "relay: no memory", flows.dropped);
	add_lost(w, "relay: --last of too many", flows.cut);
	add_lost(w, "relay: edges without a note", edges.unnoted);
}

static void set_counts(Weir__V1__NodeStatus *n, const struct peer *p)
{
	n->uptime_ns = p->uptime;
	n->num_flows = p->num_flows;
	n->max_flows = p->max_flows;
	n->seen_flows = p->seen_flows;
	n->flows_rate = p->flows_rate;
	n->flows = p->counts.passed;
	n->late = p->counts.late;
	n->lost = p->lost;
	n->garbage = p->garbage;
	n->connects = p->connects;
}

static Weir__V1__NodeStatus *node_status(struct arena *a, const struct peer *p)
{
	Weir__V1__NodeStatus *n = arena_alloc(a, sizeof(*n));
	Google__Protobuf__Timestamp *since = arena_alloc(a, sizeof(*since));

	if (!n || !since)
		return NULL;
	weir__v1__node_status__init(n);
	set_time(since, p->since);
	n->name = (char *)p->name;
	n->address = (char *)p->server;
	n->state = (char *)peer_state_word(p->state);
	n->why = (char *)p->why;
	n->since = since;
	n->version = (char *)p->version;
	n->foreign = p->foreign;
	n->tls = p->tls;
	n->server_name = (char *)p->tls_name;
	n->clock_known = p->clock_known;
	n->clock_offset_us = p->clock_offset / 1000;
	n->round_trip_us = (uint32_t)(p->round_trip / 1000);
	n->clock_off = p->clock_off;
	set_counts(n, p);
	return n;
}

static uint64_t rss_bytes(void)
{
	unsigned long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%*u %llu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * 4096;
}

static const struct fan_answer *answer_of(const struct fan *f, const struct peer *p)
{
	for (unsigned int i = 0; i < f->answers; i++)
		if (f->answer[i].peer == p)
			return &f->answer[i];
	return NULL;
}

static void finish_status(struct fan *f)
{
	const struct relay *r = ((struct cluster *)f->ctx)->relay;
	struct whole w = { .status = WEIR__V1__CLUSTER_STATUS__INIT };
	struct peers_counts counts;
	bool whole;

	peers_count(r->peers, &counts);
	w.status.version = (char *)VERSION;
	set_time(&w.now, when_real());
	w.status.now = &w.now;
	w.status.uptime_ms = (when_real() - r->started) / 1000000;
	w.status.instance = r->instance;
	w.status.connected = counts.state[PEER_CONNECTED];
	w.status.unavailable = counts.peers - w.status.connected;
	w.status.rss_bytes = rss_bytes();
	w.status.node = arena_alloc(&w.arena, (counts.peers + 1) * sizeof(*w.status.node));
	whole = w.status.node;
	for (struct peer *p = peers_first(r->peers); p && whole; p = p->next) {
		const struct fan_answer *a = answer_of(f, p);
		Weir__V1__NodeStatus *n = node_status(&w.arena, p);

		whole = n;
		w.status.node[w.status.n_node] = n;
		if (!n)
			break;
		n->edges = edges_of(r->edges, p->name);
		n->status = a ? a->message : NULL;
		w.status.n_node++;
	}
	add_gauges(&w, r);
	cluster_answer(f->call, &w.status.base, &w.arena, whole);
}

static void on_status(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	Weir__V1__ClusterStatusRequest *want = unpack_message(&weir__v1__cluster_status_request__descriptor, data, size);
	Weir__V1__StatusRequest request = WEIR__V1__STATUS_REQUEST__INIT;
	struct cluster *cluster = ctx;

	if (!want) {
		rpc_call_finish(c, RPC_INVALID_ARGUMENT, "this is no ClusterStatusRequest");
		return;
	}
	fan_out(&(struct fan_question){ .call = c, .peers = cluster->relay->peers,
		.path = want->nodes_status ? "/weir.v1.Agent/Status" : NULL, .own = true, .request = &request.base,
		.answer = &weir__v1__status__descriptor, .deadline_ms = CLUSTER_MS, .finish = finish_status,
		.ctx = cluster });
	unpack_free(want);
}

const struct rpc_method cluster_methods[CLUSTER_METHODS] = {
	{ .path = "/observer.Observer/ServerStatus", .request = on_server_status, .closed = fan_closed },
	{ .path = "/observer.Observer/GetNodes", .request = on_nodes },
	{ .path = "/observer.Observer/GetNamespaces", .request = on_namespaces, .closed = fan_closed },
	{ .path = "/weir.v1.Relay/ClusterStatus", .request = on_status, .closed = fan_closed },
	{ .path = "/weir.v1.Relay/Policies", .request = on_policies, .closed = fan_closed },
	{ .path = "/weir.v1.Relay/Endpoints", .request = on_endpoints, .closed = fan_closed },
	{ .path = "/weir.v1.Relay/Why", .request = on_why, .closed = fan_closed },
};
