// SPDX-License-Identifier: Apache-2.0
/*
 * How long a change takes to be in force: 10,000 addresses change class, or are new, and the first packet meets the new
 * verdict; and what one new generation costs the 100,000 flows that live.
 */
#include <errno.h>
#include <string.h>

#include <linux/pkt_cls.h>

#include "bench/bench.h"
#include "bench/runs.h"
#include "bench/world.h"

#define MANY 10000
#define FLOWS 131072

struct changes {
	struct runs *runs;
	struct world *world;
	struct runs_subject ours;
};

static void drain(void *ctx) { world_drain(ctx); }

static int verdict(struct changes *c)
{
	int answer = 0;

	runs_go(c->runs, &c->ours, RUNS_NEW, 1, &(struct runs_packet){ .tcp = RUNS_SYN }, &answer);
	return answer;
}

/* All addresses from slot 1 on take another class, the client's with them; then the generation.  ms until it is raised. */
static int move_all(struct changes *c, unsigned int class, double *ms)
{
	double began = wall_ns();
	int err = 0;

	for (unsigned int slot = 1; slot <= MANY && !err; slot++) {
		__u64 word = datapath_view(c->world->dp)->word[slot];

		if (WEIR_WORD_ENDPOINT(word) != WORLD_SERVER)
			word = WEIR_WORD(class, class, WEIR_WORD_ENDPOINT(word), WEIR_WORD_FLAGS(word));
		err = datapath_op(c->world->dp, &(struct op){ .kind = OP_WORD, .first = slot, .word = word });
	}
	err = err ?: datapath_op(c->world->dp, &(struct op){ .kind = OP_FENCE }) ?:
	      datapath_op(c->world->dp, &(struct op){ .kind = OP_GENERATION });
	*ms = (wall_ns() - began) / 1e6;
	return err;
}

/* 10,000 entries of the address hash come; then they go again, unmeasured. */
static int add_all(struct changes *c, double *ms, double *cpu_ms)
{
	unsigned int slot = c->world->slot;
	double began = wall_ns(), cpu = cpu_ns();
	int err = 0;

	for (unsigned int i = 0; i < MANY && !err; i++) {
		struct weir_prefix p = { .length = 128, .addr = world_peer(65536 + i) };

		err = datapath_op(c->world->dp, &(struct op){ .kind = OP_WORD, .first = slot + i,
				  .word = WEIR_WORD(WEIR_CLASS_FIRST, WEIR_CLASS_FIRST, 0, WEIR_WORD_SET | WEIR_WORD_POD) }) ?:
		      datapath_op(c->world->dp, &(struct op){ .kind = OP_ADDRESS, .first = slot + i, .prefix = p });
	}
	err = err ?: datapath_flush(c->world->dp) ?: datapath_op(c->world->dp, &(struct op){ .kind = OP_GENERATION });
	*ms = (wall_ns() - began) / 1e6;
	*cpu_ms = (cpu_ns() - cpu) / 1e6;
	for (unsigned int i = 0; i < MANY && !err; i++)
		err = datapath_op(c->world->dp, &(struct op){ .kind = OP_ADDRESS_GONE, .first = slot + i,
				  .prefix = { .length = 128, .addr = world_peer(65536 + i) } });
	err = err ?: datapath_flush(c->world->dp);
	for (unsigned int i = 0; i < MANY && !err; i++)
		err = datapath_op(c->world->dp, &(struct op){ .kind = OP_WORD, .first = slot + i });
	return err;
}

static int entries(struct changes *c, struct bench *b, struct report *r)
{
	double moved[BENCH_ROUNDS_MAX], added[BENCH_ROUNDS_MAX], added_cpu[BENCH_ROUNDS_MAX];
	unsigned int good = WEIR_CLASS_FIRST + 1 + MANY / 2, bad = WEIR_CLASS_OVER;

	for (unsigned int k = 0; k < b->rounds; k++) {
		int err = move_all(c, k & 1 ? good : bad, &moved[k]) ?: add_all(c, &added[k], &added_cpu[k]);

		if (err)
			return err;
		if (verdict(c) != (k & 1 ? TC_ACT_REDIRECT : TC_ACT_SHOT)) {
			complaint_set(&b->why, 0, 0, "a packet after the change did not meet the new verdict");
			return -EPROTO;
		}
	}
	report_goal(r, "10,000 addresses change class, to enforced", "ms", moved, b->rounds, 10);
	report_row(r, "10,000 addresses are new, to enforced", "ms", added, b->rounds);
	report_goal(r, "10,000 addresses are new, to enforced", "ms CPU", added_cpu, b->rounds, 10);
	return 0;
}

static void generation(struct changes *c, struct bench *b, struct report *r)
{
	struct runs_packet p = { .tcp = RUNS_ACK, .flows = FLOWS, .from_start = true };
	double known[BENCH_ROUNDS_MAX], again[BENCH_ROUNDS_MAX], more[BENCH_ROUNDS_MAX];
	unsigned int rounds = b->rounds < 15 ? b->rounds : 15;

	datapath_endpoint_quota(c->world->dp, WORLD_CLIENT, ~0U >> 1, ~0U >> 1);
	runs_confirm(c->runs, &c->ours, FLOWS);
	for (unsigned int k = 0; k < rounds; k++) {
		known[k] = runs_go(c->runs, &c->ours, RUNS_ALL, FLOWS, &p, NULL);
		datapath_raise(c->world->dp);
		again[k] = runs_go(c->runs, &c->ours, RUNS_ALL, FLOWS, &p, NULL);
		more[k] = (again[k] - known[k]) * 100000 / 1e6;
	}
	report_row(r, "a packet of each live flow, known", "ns", known, rounds);
	report_row(r, "the first one after a new generation", "ns", again, rounds);
	report_row(r, "one generation, 100,000 live flows, in all", "ms CPU", more, rounds);
}

int part_changes(struct bench *b, struct report *r)
{
	struct world_options o = { .peers = MANY };
	struct changes c = { 0 };
	int err;

	report_begin(r, "changes", "from a change that is known to a packet that meets it; wall time where CPU is not said");
	pin_to(1);
	err = bench_netns(b, o.ifindex) ?: runs_open(&c.runs) ?: world_open(&c.world, &o, &b->why);
	if (!err) {
		c.ours = (struct runs_subject){ .fd = datapath_prog_fd(c.world->dp, false), .drain = drain, .ctx = c.world };
		memcpy(c.ours.ifindex, o.ifindex, sizeof(o.ifindex));
		err = entries(&c, b, r);
	}
	if (!err) {
		double ms;

		err = move_all(&c, WEIR_CLASS_FIRST + 1 + MANY / 2, &ms);
		generation(&c, b, r);
	}
	world_close(c.world);
	runs_close(c.runs);
	bench_netns_done();
	return err;
}
