// SPDX-License-Identifier: Apache-2.0
// Sums over nodes: restarts, whole tellings, edges that an agent moved to "other", nodes that go and come back; then
// agents at random against a plain account of what happened.
#include <stdlib.h>

#include "relay/edges.h"
#include "tests/check.h"
#include "weir/v1/agent.pb-c.h"

#define SECOND 1000000000ULL
#define T0     (1700000000ULL * SECOND)
#define EDGES  64

/* What a reply is made of. */
struct told {
	Weir__V1__EdgesReply reply;
	Weir__V1__Edge edge[EDGES], *edges[EDGES];
	Weir__V1__EdgeEnd end[EDGES][2];
	char name[EDGES][32];
	Weir__V1__Lost lost, *losts[1];
};

static void begin(struct told *t, uint64_t instance, bool whole)
{
	weir__v1__edges_reply__init(&t->reply);
	t->reply.instance = instance;
	t->reply.whole = whole;
	t->reply.last = true;
	t->reply.edge = t->edges;
}

/* Edge "w<from>" to "cart"; 'from' below 0: "other". */
static void add(struct told *t, int from, uint64_t opened, uint32_t live)
{
	size_t i = t->reply.n_edge++;
	Weir__V1__Edge *e = t->edges[i] = &t->edge[i];

	weir__v1__edge__init(e);
	for (int k = 0; k < 2; k++)
		weir__v1__edge_end__init(&t->end[i][k]);
	e->source = &t->end[i][0];
	e->destination = &t->end[i][1];
	snprintf(t->name[i], sizeof(t->name[i]), "w%d", from);
	e->source->workload = from < 0 ? (char *)"other" : t->name[i];
	e->destination->workload = from < 0 ? (char *)"other" : (char *)"cart";
	e->protocol = from < 0 ? 0 : 6;
	e->port = from < 0 ? 0 : 8080;
	e->opened = opened;
	e->bytes = opened * 100;
	e->live = live;
}

static const struct edge *find(const struct edges *e, const char *workload)
{
	for (unsigned int i = 0; i < edges_end(e); i++) {
		const struct edge *edge = edges_at(e, i);

		if (edge && !strcmp(edge->source.workload, workload))
			return edge;
	}
	return NULL;
}

static uint64_t sum(const struct edges *e, const char *workload, enum edge_sum which)
{
	const struct edge *edge = find(e, workload);

	return edge ? edge->sum[which] : 0;
}

static uint64_t all(const struct edges *e)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < edges_end(e); i++)
		n += edges_at(e, i) ? edges_at(e, i)->sum[EDGE_OPENED] : 0;
	return n;
}

static void tell(struct edges *e, const char *node, uint64_t instance, bool whole, uint64_t w1, uint64_t w2, uint64_t other)
{
	struct told t;

	begin(&t, instance, whole);
	if (w1)
		add(&t, 1, w1, 1);
	if (w2)
		add(&t, 2, w2, 2);
	if (other)
		add(&t, -1, other, 0);
	edges_take(e, node, &t.reply, T0);
}

static void stories(void)
{
	struct edges_counts c;
	struct edges *e;
	uint64_t version;

	if (edges_open(&e, 100))
		return;
	tell(e, "a", 7, true, 10, 20, 0);
	tell(e, "b", 8, true, 5, 0, 0);
	CHECK_EQ(sum(e, "w1", EDGE_OPENED), 15, "added up over nodes");
	CHECK_EQ(sum(e, "w1", EDGE_BYTES), 1500, "every sum");
	CHECK_EQ(find(e, "w1")->live, 2, "flows that live");
	version = edges_version(e);
	tell(e, "a", 7, false, 10, 0, 0);
	CHECK_EQ(edges_version(e), version, "nothing new changes nothing");
	tell(e, "a", 7, false, 12, 0, 0);
	CHECK_EQ(sum(e, "w1", EDGE_OPENED), 17, "only what is new");
	CHECK(find(e, "w1")->version > version && find(e, "w2")->version <= version, "what changed says so");

	tell(e, "a", 9, true, 3, 0, 0);
	CHECK_EQ(sum(e, "w1", EDGE_OPENED), 20, "a restart: what was stays, what is new comes on top");
	CHECK_EQ(sum(e, "w2", EDGE_OPENED), 20, "of all edges");
	CHECK_EQ(find(e, "w2")->live, 0, "but nothing of before lives");
	edges_count(e, &c);
	CHECK_EQ(c.restarts, 1, "it is counted");

	tell(e, "a", 9, true, 4, 6, 0);
	tell(e, "a", 9, true, 4, 0, 6);
	CHECK_EQ(sum(e, "w2", EDGE_OPENED), 26, "an edge that its agent moved to \"other\" stays here");
	CHECK_EQ(sum(e, "other", EDGE_OPENED), 0, "and is not counted there, too");
	tell(e, "a", 9, true, 4, 0, 9);
	CHECK_EQ(sum(e, "other", EDGE_OPENED), 3, "what is new there is");
	tell(e, "a", 9, false, 4, 2, 9);
	CHECK_EQ(sum(e, "w2", EDGE_OPENED), 28, "when it comes again it begins anew");

	edges_silent(e, "b");
	CHECK_EQ(find(e, "w1")->live, 1, "of a node that is away nothing lives");
	tell(e, "b", 8, true, 6, 0, 0);
	CHECK_EQ(sum(e, "w1", EDGE_OPENED), 22, "it comes back with what happened meanwhile");

	edges_gone(e, "b", T0);
	edges_expire(e, T0 + 2 * EDGES_IDLE_S * SECOND);
	CHECK_EQ(edges_of(e, "b"), 0, "a node that has left is forgotten after a while");
	tell(e, "b", 8, true, 7, 0, 0);
	CHECK_EQ(sum(e, "w1", EDGE_OPENED), 22, "what it tells when it comes back was counted");
	tell(e, "b", 8, false, 9, 0, 0);
	CHECK_EQ(sum(e, "w1", EDGE_OPENED), 24, "what it tells then is new");

	edges_gone(e, "a", T0);
	edges_expire(e, T0 + 2 * EDGES_IDLE_S * SECOND);
	version = all(e);
	CHECK(!find(e, "w2"), "an edge that nobody has and that is old goes");
	CHECK_EQ(edges_removed(e), 1, "this is counted");
	CHECK_EQ(all(e), version, "its sums do not");
	CHECK(find(e, "w1"), "one that somebody has stays");
	edges_close(e);
}

static void full(void)
{
	struct edges_counts c;
	struct edges *e;
	struct told t;

	if (edges_open(&e, 16))
		return;
	begin(&t, 1, true);
	for (int i = 0; i < 15; i++)
		add(&t, i, 10, 1);
	edges_take(e, "a", &t.reply, T0);
	begin(&t, 1, true);
	for (int i = 20; i < 60; i++)
		add(&t, i, 1, 1);
	edges_take(e, "b", &t.reply, T0);
	edges_count(e, &c);
	CHECK(c.edges == c.capacity && c.capacity == 17, "%u edges of %u", c.edges, c.capacity);
	CHECK(c.folded > 0, "what has no place is counted under \"other\"");
	CHECK_EQ(all(e) + c.unnoted, 150 + 40, "and in the whole, or said to be missing");
	for (int n = 0; n < 200; n++) {
		char name[16];

		snprintf(name, sizeof(name), "n%d", n);
		begin(&t, 1, true);
		for (int i = 0; i < 20; i++)
			add(&t, i, 1, 1);
		edges_take(e, name, &t.reply, T0);
	}
	edges_count(e, &c);
	CHECK(c.notes <= c.notes_capacity && c.unnoted > 0, "%u notes of %u, %llu without", c.notes, c.notes_capacity,
	      (unsigned long long)c.unnoted);
	edges_close(e);
}

/* --- At random. --- */

#define NODES 8

struct agent {
	uint64_t instance, opened[EDGES], other;
	bool known[EDGES];		/* it has the edge */
};

static void tell_all(struct edges *e, struct agent *a, const char *name, bool whole)
{
	struct told t;

	begin(&t, a->instance, whole);
	for (int i = 0; i < EDGES - 1; i++)
		if (a->known[i])
			add(&t, i, a->opened[i], 1);
	add(&t, -1, a->other, 0);
	edges_take(e, name, &t.reply, T0);
}

static void random_agents(unsigned int seed)
{
	struct agent agent[NODES] = { 0 };
	uint64_t happened = 0, before = 0;
	struct edges *e;
	char name[16];

	srand(seed);
	if (edges_open(&e, 1000))
		return;
	for (int i = 0; i < NODES; i++)
		agent[i].instance = i + 1;
	for (int step = 0; step < 3000; step++) {
		unsigned int n = rand() % NODES, i = rand() % (EDGES - 1);
		struct agent *a = &agent[n];

		snprintf(name, sizeof(name), "n%u", n);
		switch (rand() % 20) {
		case 0:				/* restarts; what it had not told is lost with it: so it tells first */
			tell_all(e, a, name, false);
			*a = (struct agent){ .instance = 1000 + step };
			tell_all(e, a, name, true);
			break;
		case 1:				/* an edge goes to its "other" */
			a->other += a->known[i] ? a->opened[i] : 0;
			a->opened[i] = 0;
			a->known[i] = false;
			tell_all(e, a, name, true);
			break;
		case 2: tell_all(e, a, name, true); break;
		case 3: edges_silent(e, name); break;
		default:
			a->known[i] = true;
			a->opened[i] += 3;
			happened += 3;
			if (rand() % 2)
				tell_all(e, a, name, false);
		}
		if (all(e) < before)
			CHECK(false, "seed %u: never less", seed);
		before = all(e);
	}
	for (int i = 0; i < NODES; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		tell_all(e, &agent[i], name, true);
	}
	CHECK_EQ(all(e), happened, "seed %u: all that happened, once", seed);
	edges_close(e);
}

static void lost(void)
{
	struct edges_lost l;
	struct edges *e;
	struct told t;

	if (edges_open(&e, 100))
		return;
	begin(&t, 1, true);
	weir__v1__lost__init(&t.lost);
	t.losts[0] = &t.lost;
	t.reply.lost = t.losts;
	t.reply.n_lost = 1;
	t.lost.where = (char *)"ring";
	t.lost.events = 5;
	edges_take(e, "a", &t.reply, T0);
	t.lost.events = 7;
	edges_take(e, "a", &t.reply, T0);
	edges_take(e, "b", &t.reply, T0);
	t.reply.instance = 2;
	t.lost.events = 1;
	edges_take(e, "a", &t.reply, T0);
	CHECK(edges_lost(e, 0, &l) && !strcmp(l.where, "ring") && l.events == 15, "losses over nodes and restarts");
	CHECK(!edges_lost(e, 1, &l), "of one kind");
	edges_close(e);
}

int main(void)
{
	stories();
	full();
	lost();
	for (unsigned int seed = 1; seed <= 20; seed++)
		random_agents(seed);
	return check_done();
}
