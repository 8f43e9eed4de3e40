// SPDX-License-Identifier: Apache-2.0
/* Two hours of random edges, against sums kept the slow way: every window, the strip, the budget, what is given back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/weir/v1/agent.pb-c.h"
#include "relay/past.h"
#include "tests/check.h"

#define EDGES 40
#define TICKS 720
#define START 1700000000000ULL		/* no multiple of a minute */

static uint64_t did[TICKS][EDGES][PAST_SUMS], total[EDGES][PAST_SUMS], lost_at[TICKS];

static void tell(struct edges *edges, const bool *changed, unsigned int n, unsigned int born)
{
	Weir__V1__EdgeEnd source[EDGES], destination[EDGES];
	Weir__V1__Edge edge[EDGES], *list[EDGES];
	Weir__V1__EdgesReply reply = WEIR__V1__EDGES_REPLY__INIT;
	static char name[EDGES][2][32];

	reply.node = (char *)"n1";
	reply.instance = 7;
	reply.last = 1;
	reply.edge = list;
	for (unsigned int i = 0; i < n; i++) {
		if (!changed[i])
			continue;
		weir__v1__edge_end__init(&source[i]);
		weir__v1__edge_end__init(&destination[i]);
		weir__v1__edge__init(&edge[i]);
		snprintf(name[i][0], 32, "w%u-%u", i, born);
		snprintf(name[i][1], 32, "db%u", i % 5);
		source[i].namespace_ = destination[i].namespace_ = (char *)"shop";
		source[i].workload = name[i][0];
		destination[i].workload = name[i][1];
		edge[i].source = &source[i];
		edge[i].destination = &destination[i];
		edge[i].protocol = 6;
		edge[i].port = 5432;
		edge[i].opened = total[i][PAST_OPENED];
		edge[i].denied = total[i][PAST_DENIED];
		edge[i].would_deny = total[i][PAST_WOULD_DENY];
		edge[i].dropped = total[i][PAST_DROPPED];
		edge[i].bytes = total[i][PAST_BYTES];
		edge[i].reply_bytes = total[i][PAST_REPLY_BYTES];
		edge[i].handshakes = total[i][PAST_HANDSHAKES];
		edge[i].handshake_us = total[i][PAST_HANDSHAKE_US];
		list[reply.n_edge++] = &edge[i];
	}
	edges_take(edges, "n1", &reply, START * 1000000);
}

static uint64_t chance(uint64_t n) { return (uint64_t)rand() * 2654435761u % n; }

static void happen(unsigned int tick, bool *changed)
{
	for (unsigned int i = 0; i < EDGES; i++) {
		changed[i] = !chance(3);
		for (unsigned int j = 0; changed[i] && j < PAST_SUMS; j++) {
			did[tick][i][j] = chance(2) ? 0 : chance(j > PAST_DROPPED ? 1ULL << 30 : 100);
			total[i][j] += did[tick][i][j];
		}
	}
	lost_at[tick] = chance(8) ? 0 : chance(50);
}

struct sums {
	uint64_t all[EDGES][PAST_SUMS];
	unsigned int n;
};

static void on_edge(void *ctx, const struct past_edge *e)
{
	struct sums *s = ctx;
	unsigned int i = EDGES;

	sscanf(e->source.workload, "w%u-", &i);
	CHECK(i < EDGES && e->port == 5432 && e->proto == 6 && !strcmp(e->destination.ns, "shop"), "whose it is");
	for (unsigned int j = 0; i < EDGES && j < PAST_SUMS; j++)
		s->all[i][j] += e->sum[j];
	s->n++;
}

/* A window of whole minutes, inside what is kept. */
static void same(const struct past *p, unsigned int upto, unsigned int from, unsigned int to)
{
	struct sums got = { 0 }, want = { 0 };

	for (unsigned int t = from; t < to && t <= upto; t++)
		for (unsigned int i = 0; i < EDGES; i++)
			for (unsigned int j = 0; j < PAST_SUMS; j++)
				want.all[i][j] += did[t][i][j];
	past_window(p, START + from * PAST_STEP_MS, START + to * PAST_STEP_MS, on_edge, &got);
	CHECK(!memcmp(got.all, want.all, sizeof(want.all)), "ticks %u to %u of %u", from, to, upto);
	memset(&got, 0, sizeof(got));
	past_window(p, START + from * PAST_STEP_MS, START + to * PAST_STEP_MS, on_edge, &got);
	CHECK(!memcmp(got.all, want.all, sizeof(want.all)), "asked twice, told twice");
}

/* The strip of the last fifty minutes, against what happened in them. */
static void strip(const struct past *p)
{
	enum { MINUTES = 50, MINUTE = 60000 };
	uint64_t begin = (START + (TICKS - 300) * PAST_STEP_MS) / MINUTE * MINUTE, opened = 0, lost = 0, want = 0, want_lost = 0;
	struct past_strip minute[MINUTES];

	past_strip(p, begin, MINUTE, MINUTES, minute);
	for (unsigned int k = 0; k < MINUTES; k++) {
		opened += minute[k].opened;
		lost += minute[k].lost;
		CHECK(minute[k].known, "minute %u is known", k);
	}
	for (unsigned int t = 0; t < TICKS; t++) {
		uint64_t at = START + t * PAST_STEP_MS;

		if (at < begin || at >= begin + MINUTES * MINUTE)
			continue;
		for (unsigned int i = 0; i < EDGES; i++)
			want += did[t][i][PAST_OPENED];
		want_lost += lost_at[t];
	}
	CHECK_EQ(opened, want, "the strip sums up");
	CHECK_EQ(lost, want_lost, "losses, too");
}

/* Returns the most bytes that it took. */
static size_t two_hours(size_t budget, bool exact)
{
	struct past_counts c = { 0 };
	struct past_mark m[2];
	struct edges *edges;
	struct past *p;
	uint64_t lost = 0;
	bool changed[EDGES];
	size_t most = 0;

	memset(total, 0, sizeof(total));
	memset(did, 0, sizeof(did));
	CHECK(!edges_open(&edges, 1024) && !past_open(&p, budget), "opens");
	for (unsigned int i = 0; i < EDGES; i++) {
		changed[i] = true;
		total[i][PAST_BYTES] = 1ULL << 40;	/* from before we looked: nobody's past */
	}
	tell(edges, changed, EDGES, 0);
	past_tick(p, edges, 5, START);
	lost = 5;
	for (unsigned int t = 0; t < TICKS; t++) {
		happen(t, changed);
		lost += lost_at[t];
		tell(edges, changed, EDGES, 0);
		past_tick(p, edges, lost, START + (t + 1) * PAST_STEP_MS);
		past_count(p, &c);
		most = c.bytes > most ? c.bytes : most;
		CHECK(c.bytes <= c.budget, "%zu bytes of %zu", c.bytes, c.budget);
		if (exact && t > 70 && t % 37 == 0) {
			same(p, t, t - 20, t + 1);
			same(p, t, t - t % 6 - 66 + (6 - START / 10000 % 6) % 6, t + 1);
		}
	}
	if (exact) {
		strip(p);
		CHECK(c.stretches < 130 && c.edges == EDGES && !c.dropped, "%u stretches, %u edges", c.stretches, c.edges);
	} else {
		CHECK(c.dropped, "what did not fit was dropped and counted");
	}
	past_tick(p, edges, lost, START + TICKS * PAST_STEP_MS + 3 * PAST_KEPT_MS);
	past_count(p, &c);
	CHECK_EQ(c.edges, 0, "after hours of silence nobody is remembered");
	past_mark(p, 5, "policy", "shop/db");
	CHECK(past_marks(p, 5, m, 2) == 1 && !strcmp(m[0].name, "shop/db") && !past_marks(p, 6, m, 2), "marks");
	past_close(p);
	edges_close(edges);
	return most;
}

/* A minute with one stretch only, the first one: made coarse, it takes nothing of those after it along. */
static void one_in_a_minute(void)
{
	const uint64_t began = START / 60000 * 60000 + 55000;
	struct past_strip strip[30];
	bool changed[EDGES] = { true };
	struct edges *edges;
	struct past *p;
	uint64_t told = 0;

	memset(total, 0, sizeof(total));
	CHECK(!edges_open(&edges, 1024) && !past_open(&p, 0), "opens");
	past_tick(p, edges, 0, began);
	for (unsigned int t = 1; t <= 150; t++) {
		total[0][PAST_OPENED]++;
		tell(edges, changed, EDGES, 0);
		past_tick(p, edges, 0, began + t * PAST_STEP_MS);
	}
	past_strip(p, began / 60000 * 60000, 60000, 30, strip);
	for (unsigned int k = 0; k < 30; k++)
		told += strip[k].opened;
	CHECK_EQ(told, 150, "all that happened is told");
	past_close(p);
	edges_close(edges);
}

int main(void)
{
	srand(3);
	two_hours(two_hours(0, true) - 20000, false);
	one_in_a_minute();
	return check_done();
}
