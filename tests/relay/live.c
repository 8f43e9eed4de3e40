// SPDX-License-Identifier: Apache-2.0
// The relay as a program before agents whose flows are known beforehand: order, nothing lost, nothing doubled, how long
// it takes, the first and last N of all nodes, and what a client is told of nodes.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/wire/scan.h"
#include "lib/wire/unpack.h"
#include "relay/when.h"
#include "tests/check.h"
#include "tests/relay/rig.h"
#include "weir/v1/relay.pb-c.h"

#define NODES	  64
#define LATENCIES 100000
#define LONG	  60000		/* ms: what is waited for comes before, however much else the machine has to do */

struct seen {
	unsigned int flows, disorder, doubled, gaps, statuses, connected, unavailable, errors, losses, garbage;
	uint64_t last, first, next[NODES];
	bool any[NODES];
	double latency[LATENCIES];
	unsigned int latencies;
	char message[512];
	struct rig *rig;		/* whose call ends when it is enough: */
	unsigned int flows_wanted, unavailable_wanted;
	uint64_t until;			/* and no sooner */
};

static void take_flow(struct seen *s, const struct wire_scan *scan)
{
	Flow__Flow *f = unpack_message(&flow__flow__descriptor, scan->body, scan->body_size);
	unsigned int node = 0;
	unsigned long long n = 0;

	if (!f || sscanf(f->uuid, "node-%u-%llu", &node, &n) != 2 || node >= NODES) {
		s->garbage++;
		unpack_free(f);
		return;
	}
	if (s->any[node]) {
		s->doubled += n < s->next[node];
		s->gaps += n > s->next[node];
	}
	s->any[node] = true;
	s->next[node] = n + 1;
	unpack_free(f);
}

static void take_status(struct seen *s, const struct wire_scan *scan)
{
	Relay__NodeStatusEvent *e = unpack_message(&relay__node_status_event__descriptor, scan->body, scan->body_size);

	s->statuses++;
	if (e && e->state_change == RELAY__NODE_STATE__NODE_CONNECTED)
		s->connected += e->n_node_names;
	else if (e && e->state_change == RELAY__NODE_STATE__NODE_UNAVAILABLE)
		s->unavailable += e->n_node_names;
	else
		s->errors++;
	if (e)
		snprintf(s->message, sizeof(s->message), "%s", e->message);
	unpack_free(e);
}

static void on_message(void *ctx, const uint8_t *data, size_t size)
{
	struct wire_scan scan;
	struct seen *s = ctx;

	if (wire_scan(data, size, &scan)) {
		s->garbage++;
		return;
	}
	if (scan.kind == WIRE_NODE_STATUS)
		take_status(s, &scan);
	s->losses += scan.kind == WIRE_LOST;
	if (s->rig && s->flows >= s->flows_wanted && s->unavailable >= s->unavailable_wanted && when_real() >= s->until)
		rig_enough(s->rig);
	if (scan.kind != WIRE_FLOW)
		return;
	if (!s->flows++)
		s->first = scan.time;
	s->disorder += scan.time < s->last;
	s->last = scan.time;
	if (s->latencies < LATENCIES)
		s->latency[s->latencies++] = ((double)when_real() - (double)scan.time) / 1e6;
	take_flow(s, &scan);
}

static int rising(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double percentile(struct seen *s, double p)
{
	qsort(s->latency, s->latencies, sizeof(*s->latency), rising);
	return s->latencies ? s->latency[(unsigned int)(p * (s->latencies - 1))] : 0;
}

static void on_status(void *ctx, const uint8_t *data, size_t size)
{
	*(Weir__V1__ClusterStatus **)ctx = unpack_message(&weir__v1__cluster_status__descriptor, data, size);
}

/* The caller's to free; NULL: it does not answer. */
static Weir__V1__ClusterStatus *cluster(struct rig *r)
{
	Weir__V1__ClusterStatusRequest request = WEIR__V1__CLUSTER_STATUS_REQUEST__INIT;
	Weir__V1__ClusterStatus *all = NULL;

	request.nodes_status = true;
	CHECK_EQ(rig_call(r, "/weir.v1.Relay/ClusterStatus", &request.base, LONG, on_status, &all), RPC_OK, "status: %s", r->why);
	return all;
}

/* Flows that the relay has passed on behind younger ones, and says so. */
static uint64_t told_late(struct rig *r)
{
	Weir__V1__ClusterStatus *all = cluster(r);
	uint64_t late = 0;

	for (size_t i = 0; all && i < all->n_node; i++)
		late += all->node[i]->late;
	unpack_free(all);
	return late;
}

/* 'before': how many were late until this call. */
static void in_order(struct rig *r, const struct seen *s, uint64_t before, const char *text)
{
	/* an agent that this machine leaves no time for 50 ms is not waited for: no fault of the relay's, which counts it */
	uint64_t late = told_late(r) - before;

	CHECK(s->disorder <= late && s->disorder <= s->flows / 4, "%s: %u of %u flows out of order, %llu told late", text, s->disorder,
	      s->flows, (unsigned long long)late);
	CHECK_EQ(s->doubled, 0, "%s: nothing twice", text);
	CHECK_EQ(s->gaps, 0, "%s: nothing left out", text);
	CHECK_EQ(s->garbage, 0, "%s: all makes sense", text);
}

/* The first and the last N of all nodes, and what lies between two times. */
static void history(struct rig *r)
{
	Observer__GetFlowsRequest request = OBSERVER__GET_FLOWS_REQUEST__INIT;
	Google__Protobuf__Timestamp since = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	static struct seen s;
	uint64_t late = told_late(r), began;

	s = (struct seen){ 0 };
	request.number = 20;
	began = when_real();
	CHECK_EQ(rig_flows(r, &request, LONG, on_message, &s), RPC_OK, "last 20: %s", r->why);
	CHECK_EQ(s.flows, 20, "of all nodes");
	CHECK(s.first + 3000000000 > began, "they are the newest");	/* there are ten seconds of them */
	CHECK_EQ(s.connected, 3, "nodes that are there are told");
	in_order(r, &s, late, "last 20");

	s = (struct seen){ 0 };
	request.first = true;
	CHECK_EQ(rig_flows(r, &request, LONG, on_message, &s), RPC_OK, "first 20: %s", r->why);
	CHECK_EQ(s.flows, 20, "of all nodes");
	CHECK(when_real() - s.last > 5000000000, "they are the oldest");
	in_order(r, &s, late, "first 20");

	s = (struct seen){ 0 };
	request.first = false;
	request.number = UINT64_MAX;
	CHECK_EQ(rig_flows(r, &request, LONG, on_message, &s), RPC_OK, "all: %s", r->why);
	CHECK(s.flows > 3 * 1000, "%u flows", s.flows);
	in_order(r, &s, late, "all");

	s = (struct seen){ 0 };
	request.number = 0;
	request.since = &since;
	since.seconds = (int64_t)(when_real() / 1000000000) - 2;
	CHECK_EQ(rig_flows(r, &request, LONG, on_message, &s), RPC_OK, "since: %s", r->why);
	CHECK(s.flows >= 3 * 100 && s.flows < 3 * 1000, "%u flows of two or three seconds", s.flows);
	CHECK(s.first >= (uint64_t)since.seconds * 1000000000, "none is older");
	in_order(r, &s, late, "since");

	s = (struct seen){ .rig = r, .flows_wanted = 30 + 3 * 40 };
	request.since = NULL;
	request.number = 30;
	request.follow = true;
	began = when_real();
	CHECK_EQ(rig_flows(r, &request, LONG, on_message, &s), RPC_CANCELLED, "last 30, then follow");
	CHECK(s.flows >= 30 + 3 * 40 && s.first + 3000000000 > began, "%u flows", s.flows);
	in_order(r, &s, late, "last and follow");

	request.first = true;
	CHECK_EQ(rig_flows(r, &request, LONG, on_message, &s), RPC_INVALID_ARGUMENT, "first and follow");
}

/* Follows for two seconds, and until there are so many.  'most' is of the median: it is as late as who keeps all waiting; single ones
 * are late where this machine stands still, and all when it does so half of the time: then it is tried again. */
static void follow(struct rig *r, const char *text, unsigned int least, double most)
{
	Observer__GetFlowsRequest request = OBSERVER__GET_FLOWS_REQUEST__INIT;
	static struct seen s;
	uint64_t late;
	int tries = 0;

	request.follow = true;
	do {
		late = told_late(r);
		s = (struct seen){ .rig = r, .flows_wanted = least, .until = when_real() + 2000000000 };
		CHECK_EQ(rig_flows(r, &request, LONG, on_message, &s), RPC_CANCELLED, "%s: goes on", text);
		CHECK(s.flows >= least, "%s: %u flows", text, s.flows);
		in_order(r, &s, late, text);
	} while (percentile(&s, 0.5) > most && ++tries < 3);
	CHECK(percentile(&s, 0.5) <= most, "%s: p50 %.1f ms, p99 %.1f ms", text, percentile(&s, 0.5), percentile(&s, 0.99));
	printf("%s: %u flows, p50 %.1f ms, p99 %.1f ms\n", text, s.flows, percentile(&s, 0.5), percentile(&s, 0.99));
}

/* All are well, and their clocks are known; in 'why', if not, what is not so. */
static bool all_well(const Weir__V1__ClusterStatus *all, int64_t offset_ms, char *why, size_t size)
{
	for (size_t i = 0; i < all->n_node; i++) {
		const Weir__V1__NodeStatus *n = all->node[i];
		int64_t offset = n->clock_offset_us / 1000 - (i ? 0 : offset_ms);

		if (strcmp(n->state, "connected"))
			continue;
		if (!n->status || strcmp(n->status->node, n->name)) {
			snprintf(why, size, "%s does not tell its own status", n->name);
			return false;
		}
		if (!n->clock_known || offset <= -15 || offset >= 15) {
			snprintf(why, size, "%s's clock is %lld us off", n->name, (long long)n->clock_offset_us);
			return false;
		}
	}
	return true;
}

/* A clock is measured better when the machine does not stand still amid the measurement: again, then. */
static void status(struct rig *r, unsigned int nodes, unsigned int away, int64_t offset_ms)
{
	char why[256] = "";
	bool well = false;

	for (int i = 0; i < LONG / 100 && !well; i++, usleep(well ? 0 : 100000)) {
		Weir__V1__ClusterStatus *all = cluster(r);

		if (!all)
			return;
		well = all_well(all, offset_ms, why, sizeof(why));
		if (well) {
			CHECK_EQ(all->n_node, nodes + away, "of all nodes");
			CHECK_EQ(all->connected, nodes, "connected");
			CHECK_EQ(all->unavailable, away, "unavailable");
		}
		unpack_free(all);
	}
	CHECK(well, "%s", why);
}

struct totals {
	struct rig *rig;
	unsigned int edges, replies;
	uint64_t bytes;
	bool last;
};

static void on_edges(void *ctx, const uint8_t *data, size_t size)
{
	Weir__V1__EdgesReply *reply = unpack_message(&weir__v1__edges_reply__descriptor, data, size);
	struct totals *t = ctx;

	t->replies++;
	for (size_t i = 0; reply && !t->last && i < reply->n_edge; i++) {
		t->edges += reply->edge[i]->opened > 0;
		t->bytes += reply->edge[i]->bytes;
	}
	t->last |= reply && reply->last;
	if (t->last)
		rig_enough(t->rig);
	unpack_free(reply);
}

static void edges(struct rig *r, unsigned int want)
{
	Weir__V1__EdgesRequest request = WEIR__V1__EDGES_REQUEST__INIT;
	struct totals t = { .rig = r };

	CHECK_EQ(rig_call(r, "/weir.v1.Relay/Edges", &request.base, LONG, on_edges, &t), RPC_CANCELLED, "edges go on");
	CHECK(t.last && t.edges == want, "%u edges, not %u", t.edges, want);
	CHECK(t.bytes > want * 1600000000000ULL && t.bytes < want * 2500000000000ULL, "counted once: %llu bytes",
	      (unsigned long long)t.bytes);
}

/* All agents are stopped amid a stream: others go on, the client is told, and all come back. */
static void stopped(struct rig *r)
{
	Observer__GetFlowsRequest request = OBSERVER__GET_FLOWS_REQUEST__INIT;
	static struct seen s;

	s = (struct seen){ .rig = r, .flows_wanted = 500, .unavailable_wanted = 1 };
	request.follow = true;
	kill(r->foreign, SIGSTOP);
	CHECK_EQ(rig_flows(r, &request, LONG, on_message, &s), RPC_CANCELLED, "a node that stands still");
	kill(r->foreign, SIGCONT);
	CHECK(s.flows >= 500, "the others go on: %u flows", s.flows);
	CHECK(s.unavailable >= 1, "it is told");
	CHECK(percentile(&s, 0.5) < 200, "nobody waits for it: p50 %.1f ms, p99 %.1f ms", percentile(&s, 0.5), percentile(&s, 0.99));
	printf("one stands still: %u flows, p99 %.1f ms, %u told unavailable\n", s.flows, percentile(&s, 0.99), s.unavailable);
}

static void three(void)
{
	struct rig r;

	if (!rig_start(&r, &(struct rig_want){ .agents = 3, .rate = 100, .past = 1000, .edges = 100 })) {
		history(&r);
		follow(&r, "100/s of 3 nodes", 400, 200);
		status(&r, 3, 0, 0);
		edges(&r, 300);
	} else {
		check_failed++;
	}
	rig_stop(&r);
}

static void trickle(void)
{
	struct rig r;

	if (!rig_start(&r, &(struct rig_want){ .agents = 10, .rate = 2, .past = 10 }))
		follow(&r, "2/s of 10 nodes", 20, 200);
	else
		check_failed++;
	rig_stop(&r);
}

static void fast(void)
{
	struct rig r;

	if (!rig_start(&r, &(struct rig_want){ .agents = 20, .rate = 1000, .past = 10 }))
		follow(&r, "1,000/s of 20 nodes", 15000, 500);
	else
		check_failed++;
	rig_stop(&r);
}

static void off(void)
{
	struct rig r;

	if (!rig_start(&r, &(struct rig_want){ .agents = 3, .rate = 50, .past = 10, .offset = 7000 })) {
		Observer__GetFlowsRequest request = OBSERVER__GET_FLOWS_REQUEST__INIT;
		static struct seen s;

		s = (struct seen){ .rig = &r, .flows_wanted = 150 };
		request.follow = true;
		rig_flows(&r, &request, LONG, on_message, &s);
		CHECK(s.flows >= 150, "a clock that is 7 s ahead: %u flows", s.flows);
		CHECK_EQ(s.gaps + s.doubled + s.garbage, 0, "all are there");
		status(&r, 3, 0, 7000);
	} else {
		check_failed++;
	}
	rig_stop(&r);
}

static void mixed(void)
{
	struct rig r;

	if (!rig_start(&r, &(struct rig_want){ .agents = 2, .foreign = 1, .rate = 50, .past = 10 })) {
		follow(&r, "with another product's agent", 200, 250);
		stopped(&r);
	} else {
		check_failed++;
	}
	rig_stop(&r);
}

int main(void)
{
	three();
	trickle();
	fast();
	off();
	mixed();
	return check_done();
}
