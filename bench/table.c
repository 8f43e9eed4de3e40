// SPDX-License-Identifier: Apache-2.0
/* What user space pays to read the flow table of default size, half full, by the agent's own reader. */
#include <string.h>

#include "bench/bench.h"
#include "bench/runs.h"
#include "bench/world.h"

#define FLOWS 131072

static void drain(void *ctx) { world_drain(ctx); }

static int sum_flow(void *ctx, const struct flow_snapshot *s)
{
	*(__u64 *)ctx += s->packets[0] + s->bytes[1];
	return 0;
}

int part_table(struct bench *b, struct report *r)
{
	double tags[BENCH_ROUNDS_MAX], all[BENCH_ROUNDS_MAX];
	struct world_options o = { .peers = 1 };
	struct flow_table_use use;
	struct world *w = NULL;
	struct runs *runs = NULL;
	__u64 sink = 0;
	int err;

	report_begin(r, "table", "229,376 slots read from user space, CPU ms");
	pin_to(1);
	err = bench_netns(b, o.ifindex) ?: runs_open(&runs) ?: world_open(&w, &o, &b->why);
	if (!err) {
		struct runs_subject s = { .fd = datapath_prog_fd(w->dp, false), .drain = drain, .ctx = w };

		memcpy(s.ifindex, o.ifindex, sizeof(s.ifindex));
		datapath_endpoint_quota(w->dp, WORLD_CLIENT, ~0U >> 1, ~0U >> 1);
		runs_confirm(runs, &s, FLOWS);
		for (unsigned int k = 0; k < b->rounds; k++) {
			double began = cpu_ns(), middle;

			flow_table_use(w->dp, &use);
			middle = cpu_ns();
			flow_table_each(w->dp, sum_flow, &sink, NULL);
			all[k] = (cpu_ns() - middle) / 1e6;
			tags[k] = (middle - began) / 1e6;
		}
		report_fact(r, "slots", "%u, of them %u confirmed flows (sum %llu)", use.slots, use.phase[WEIR_CONFIRMED], sink % 1000);
		report_goal(r, "tags: how many slots are in which phase", "ms", tags, b->rounds, 1);
		report_goal(r, "contents of every flow, copied whole", "ms", all, b->rounds, 2);
	}
	world_close(w);
	runs_close(runs);
	bench_netns_done();
	return err;
}
