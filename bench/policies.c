// SPDX-License-Identifier: Apache-2.0
/* What the size of the policy costs a packet: the same two pods, and a policy with 1 or with 10,000 peers, each with a rule
 * of its own; and a table of 10,000 port ranges. */
#include <string.h>

#include <linux/pkt_cls.h>

#include "bench/bench.h"
#include "bench/runs.h"
#include "bench/world.h"

#define WARM 2
#define MANY 10000

static const struct row {
	const char *name;
	enum runs_wrapper wrapper;
	unsigned int packets;
	double bound;
} rows[] = {
	{ "established", RUNS_ONE,    100000, 1.05 },
	{ "new",         RUNS_NEW,    4000,   1.10 },
	{ "denied",      RUNS_DENIED, 10000,  1.10 },
};
enum { EMPTY, FEW, PEERS, RANGES, SUBJECTS };

struct policies {
	struct runs *runs;
	struct world *world[SUBJECTS];
	struct runs_subject subject[SUBJECTS];
	unsigned int ifindex[2];
};

static void drain(void *ctx) { world_drain(ctx); }

static int subjects_open(struct policies *p, struct complaint *why)
{
	static const unsigned int peers[] = { [FEW] = 1, [PEERS] = MANY, [RANGES] = 1 };
	static const unsigned int ranges[] = { [FEW] = 0, [PEERS] = 0, [RANGES] = MANY };

	p->subject[EMPTY] = (struct runs_subject){ .fd = runs_empty(p->runs) };
	memcpy(p->subject[EMPTY].ifindex, p->ifindex, sizeof(p->ifindex));
	for (int i = FEW; i < SUBJECTS; i++) {
		struct world_options o = { .ifindex = { p->ifindex[0], p->ifindex[1] }, .peers = peers[i], .ranges = ranges[i] };
		int err = world_open(&p->world[i], &o, why);

		if (err)
			return err;
		datapath_endpoint_quota(p->world[i]->dp, WORLD_CLIENT, ~0U >> 1, ~0U >> 1);
		p->subject[i] = (struct runs_subject){ .fd = datapath_prog_fd(p->world[i]->dp, false), .drain = drain, .ctx = p->world[i] };
		memcpy(p->subject[i].ifindex, p->ifindex, sizeof(p->ifindex));
	}
	return 0;
}

static void subjects_close(struct policies *p)
{
	for (int i = FEW; i < SUBJECTS; i++) {
		world_close(p->world[i]);
		p->world[i] = NULL;
	}
}

/* Rounds k to k + n of a row, on worlds of their own: where a map's pages happen to lie is part of the spread. */
static void measure(struct policies *p, const struct row *row, unsigned int k, unsigned int n, bench_table ns)
{
	struct runs_packet packet = { .tcp = row->wrapper == RUNS_ONE ? RUNS_ACK : RUNS_SYN };

	for (int i = FEW; i < SUBJECTS && row->wrapper == RUNS_ONE; i++)
		runs_confirm(p->runs, &p->subject[i], 1);
	for (unsigned int r = 0; r < n + WARM; r++)
		for (unsigned int j = 0; j < SUBJECTS; j++) {
			unsigned int i = (j + r) % SUBJECTS;
			double t = runs_go(p->runs, &p->subject[i], row->wrapper, row->packets, &packet, NULL);

			if (r >= WARM)
				ns[i][k + r - WARM] = t;
		}
}

static void tell(struct report *r, const struct row *row, unsigned int rounds, bench_table ns)
{
	static const char *const name[] = { [FEW] = "1 peer", [PEERS] = "10,000 peers", [RANGES] = "10,000 ranges in one table" };
	double v[BENCH_ROUNDS_MAX];
	char what[80];

	for (int i = FEW; i < SUBJECTS; i++) {
		for (unsigned int k = 0; k < rounds; k++)
			v[k] = ns[i][k] - ns[EMPTY][k];
		snprintf(what, sizeof(what), "%s: %s", row->name, name[i]);
		report_row(r, what, "ns", v, rounds);
	}
	for (int i = PEERS; i < SUBJECTS; i++) {
		for (unsigned int k = 0; k < rounds; k++)
			v[k] = (ns[i][k] - ns[EMPTY][k]) / (ns[FEW][k] - ns[EMPTY][k]);
		snprintf(what, sizeof(what), "%s, 1 -> %s", row->name, name[i]);
		if (i == PEERS)
			report_goal(r, what, "of 1 peer", v, rounds, row->bound);
		else
			report_row(r, what, "of 1 peer", v, rounds);
	}
}

int part_policies(struct bench *b, struct report *r)
{
	static bench_table ns;
	struct policies p = { 0 };
	int err;

	report_begin(r, "policies", "ns a packet by test-run, IPv4, net of an empty program; ratios paired by round");
	pin_to(1);
	err = bench_netns(b, p.ifindex);
	if (!err)
		err = runs_open(&p.runs);
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(*rows) && !err; i++) {
		for (unsigned int k = 0; k < b->rounds && !err; k += b->rounds / BENCH_OPENINGS + 1) {
			unsigned int n = b->rounds / BENCH_OPENINGS + 1;

			err = subjects_open(&p, &b->why);
			if (!err)
				measure(&p, &rows[i], k, k + n > b->rounds ? b->rounds - k : n, ns);
			subjects_close(&p);
		}
		if (!err)
			tell(r, &rows[i], b->rounds, ns);
	}
	runs_close(p.runs);
	bench_netns_done();
	return err;
}
