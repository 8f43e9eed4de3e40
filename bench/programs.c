// SPDX-License-Identifier: Apache-2.0
/* What a packet costs in the programs alone, beside the floor (mini2), interleaved by round. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pkt_cls.h>

#include "bench/bench.h"
#include "bench/floor.h"
#include "bench/runs.h"
#include "bench/world.h"

#define BUCKETS 65536		/* as many slots as 256k flows need; mini2 has 524,288 */
#define WARM 2

static const struct row {
	const char *name;
	enum runs_wrapper wrapper;
	unsigned int flows, packets, fill;
	double bound;
} rows[] = {
	{ "known, 1 flow",       RUNS_ONE,    1,      100000, 0,       2.0 },
	{ "known, 32k flows",    RUNS_RANDOM, 32768,  20000,  0,       1.7 },
	{ "known, 256k flows",   RUNS_RANDOM, 262144, 20000,  0,       1.9 },
	{ "new",                 RUNS_NEW,    0,      4000,   0,       2.0 },
	{ "denied",              RUNS_DENIED, 0,      10000,  0,       1.5 },
	{ "new in a full table", RUNS_NEW,    0,      10000,  1200000, 2.2 },
};
enum { EMPTY_4, EMPTY_6, FLOOR, OURS_4, OURS_6, SUBJECTS };

struct programs {
	struct runs *runs;
	struct floor *floor;
	struct world *world[2];		/* by family, so that neither fills the other's table */
	struct runs_subject subject[SUBJECTS];
	unsigned int ifindex[2];
};

static void drain_floor(void *ctx) { floor_drain(ctx); }
static void drain_world(void *ctx) { world_drain(ctx); }

static int subjects_open(struct programs *p, struct complaint *why)
{
	int err = floor_open(&p->floor, p->ifindex, 1);

	for (int six = 0; six < 2 && !err; six++) {
		struct world_options o = { .buckets = BUCKETS, .ifindex = { p->ifindex[0], p->ifindex[1] }, .peers = 1 };

		err = world_open(&p->world[six], &o, why);
		if (err)
			break;
		datapath_endpoint_quota(p->world[six]->dp, WORLD_CLIENT, ~0U >> 1, ~0U >> 1);
		p->subject[OURS_4 + six] = (struct runs_subject){ .fd = datapath_prog_fd(p->world[six]->dp, false), .six = six,
			.drain = drain_world, .ctx = p->world[six] };
		p->subject[EMPTY_4 + six] = (struct runs_subject){ .fd = runs_empty(p->runs), .six = six };
	}
	if (err)
		return err;
	p->subject[FLOOR] = (struct runs_subject){ .fd = floor_fd(p->floor, FLOOR_REDIRECT), .drain = drain_floor, .ctx = p->floor };
	for (int i = 0; i < SUBJECTS; i++)
		memcpy(p->subject[i].ifindex, p->ifindex, sizeof(p->ifindex));
	return 0;
}

static void subjects_close(struct programs *p)
{
	floor_close(p->floor);
	world_close(p->world[0]);
	world_close(p->world[1]);
	p->floor = NULL;
	p->world[0] = p->world[1] = NULL;
}

static int answered(const struct row *row, unsigned int i, int verdict, struct complaint *why)
{
	int want = i <= EMPTY_6 ? TC_ACT_UNSPEC : row->wrapper == RUNS_DENIED ? TC_ACT_SHOT : TC_ACT_REDIRECT;

	if (verdict == want)
		return 0;
	complaint_set(why, 0, 0, "row '%s', subject %u: the program answered %d, not %d", row->name, i, verdict, want);
	return -EPROTO;
}

/* Rounds 'from' to from + n of a row. */
static int measure(struct programs *p, const struct row *row, unsigned int from, unsigned int n, bench_table ns,
		   struct complaint *why)
{
	struct runs_packet packet = { .tcp = row->flows ? RUNS_ACK : RUNS_SYN, .flows = row->flows };

	for (unsigned int i = FLOOR; i < SUBJECTS; i++) {
		if (row->flows)
			runs_confirm(p->runs, &p->subject[i], row->flows);
		if (row->fill)
			runs_go(p->runs, &p->subject[i], RUNS_NEW, row->fill, &packet, NULL);
	}
	for (unsigned int k = 0; k < n + WARM; k++)
		for (unsigned int j = 0; j < SUBJECTS; j++) {
			unsigned int i = (j + k) % SUBJECTS;
			int verdict = 0;
			double t = runs_go(p->runs, &p->subject[i], row->wrapper, row->packets, &packet, &verdict);

			if (k < WARM)
				continue;
			ns[i][from + k - WARM] = t;
			if (answered(row, i, verdict, why))
				return -EPROTO;
		}
	return 0;
}

static void tell(struct report *r, const struct row *row, unsigned int rounds, bench_table ns)
{
	double v[BENCH_ROUNDS_MAX];
	char what[80];

	for (unsigned int i = FLOOR; i < SUBJECTS; i++) {
		static const char *const name[] = { [FLOOR] = "mini2", [OURS_4] = "weir, IPv4", [OURS_6] = "weir, IPv6" };

		for (unsigned int k = 0; k < rounds; k++)
			v[k] = ns[i][k] - ns[i == OURS_6][k];
		snprintf(what, sizeof(what), "%s: %s", row->name, name[i]);
		report_row(r, what, "ns", v, rounds);
	}
	for (unsigned int i = OURS_4; i < SUBJECTS; i++) {
		for (unsigned int k = 0; k < rounds; k++)
			v[k] = (ns[i][k] - ns[i == OURS_6][k]) / (ns[FLOOR][k] - ns[EMPTY_4][k]);
		snprintf(what, sizeof(what), "%s, %s", row->name, i == OURS_4 ? "IPv4" : "IPv6");
		report_goal(r, what, "of mini2", v, rounds, row->bound);
	}
}

int part_programs(struct bench *b, struct report *r)
{
	static bench_table ns;
	struct programs p = { 0 };
	int err;

	report_begin(r, "programs", "ns a packet by test-run, net of an empty program; ratios to mini2, paired by round");
	pin_to(1);
	err = bench_netns(b, p.ifindex);
	if (!err)
		err = runs_open(&p.runs);
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(*rows) && !err; i++) {
		if ((b->reduced && i) || (b->row && !strstr(rows[i].name, b->row)))
			continue;
		for (unsigned int from = 0; from < b->rounds && !err; from += b->rounds / BENCH_OPENINGS + 1) {
			unsigned int n = b->rounds / BENCH_OPENINGS + 1;

			err = subjects_open(&p, &b->why);
			if (!err && rows[i].wrapper == RUNS_DENIED)
				floor_shut(p.floor, true);
			err = err ?: measure(&p, &rows[i], from, from + n > b->rounds ? b->rounds - from : n, ns, &b->why);
			subjects_close(&p);
		}
		if (!err)
			tell(r, &rows[i], b->rounds, ns);
	}
	runs_close(p.runs);
	bench_netns_done();
	return err;
}
