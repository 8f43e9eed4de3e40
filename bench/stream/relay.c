// SPDX-License-Identifier: Apache-2.0
/*
 * One relay before 50 agents: CPU per flow in order, the rate reached, latency, memory.  The agents are false ones in
 * one process, each a server of its own with 690-byte flows that it encodes anew; a client in this process reads.  CPU is
 * judged where the relay is what bounds the rate: below, the wake-ups of 50 agents that each ring every 25 ms weigh in.
 *
 *	relay DIRECTORY [RATE]		of each agent; nothing else is measured then
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/report.h"
#include "lib/wire/scan.h"
#include "relay/when.h"
#include "tests/relay/rig.h"

#define AGENTS	 50
#define ROUNDS	 3
#define RUN_MS	 3000
#define SETTLE_MS 700
#define LATENCIES 2000000
#define LATENCY_RATE 100000		/* up to which a bound of latency is promised */

struct tally {
	uint64_t flows, disorder, losses, last, bytes;
	uint64_t from;			/* mono: what comes before is not counted */
	uint64_t cpu, began;		/* of the relay, when counting began */
	unsigned int n;
	pid_t relay;
};
static float latency[LATENCIES];

static void on_message(void *ctx, const uint8_t *data, size_t size)
{
	struct tally *t = ctx;
	struct wire_scan scan;

	if (wire_scan(data, size, &scan) || (scan.kind != WIRE_FLOW && scan.kind != WIRE_LOST))
		return;
	if (!t->began && when_mono() >= t->from) {
		t->began = when_mono();
		t->cpu = rig_cpu_us(t->relay);
	}
	t->losses += scan.kind == WIRE_LOST;
	if (scan.kind == WIRE_LOST || !t->began)
		return;
	t->flows++;
	t->bytes += size;
	t->disorder += scan.time < t->last;
	if (scan.time > t->last)
		t->last = scan.time;
	if (t->n < LATENCIES)
		latency[t->n++] = (float)(((double)when_real() - (double)scan.time) / 1e6);
}

static int rising(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return x < y ? -1 : x > y;
}

struct figures {
	double cpu_us[ROUNDS], p99[ROUNDS], rss[ROUNDS];
	double rate, order, losses, p50, size;
	unsigned int n;
};

static int measure(struct figures *f, unsigned int rate, unsigned int round)
{
	Observer__GetFlowsRequest request = OBSERVER__GET_FLOWS_REQUEST__INIT;
	struct tally t = { 0 };
	struct rig r;
	double s;
	int err = rig_start(&r, &(struct rig_want){ .agents = AGENTS, .rate = rate, .past = 10, .edges = 0,
			   .more = { "--log-level=debug" } });

	if (!err) {
		request.follow = true;
		t.relay = r.relay;
		t.from = when_mono() + SETTLE_MS * 1000000ULL;
		rig_flows(&r, &request, SETTLE_MS + RUN_MS, on_message, &t);
		s = (when_mono() - t.began) / 1e9;
		f->cpu_us[round] = t.flows ? (double)(rig_cpu_us(r.relay) - t.cpu) / t.flows : 1e9;
		f->rss[round] = rig_rss_kb(r.relay) / 1024.0;
		qsort(latency, t.n, sizeof(*latency), rising);
		f->p99[round] = t.n ? latency[(size_t)(0.99 * (t.n - 1))] : 1e9;
		f->p50 = t.n ? latency[t.n / 2] : 1e9;
		f->rate = t.flows / s;
		f->order += t.disorder;
		f->losses += t.losses;
		f->size = t.flows ? (double)t.bytes / t.flows : 0;
		f->n++;
	}
	rig_stop(&r);
	return err;
}

static void run(struct report *r, unsigned int rate, double cpu_bound)
{
	struct figures f = { .n = 0 };
	char what[80];

	for (unsigned int i = 0; i < ROUNDS; i++)
		if (measure(&f, rate, i))
			return;
	snprintf(what, sizeof(what), "50 agents, %u flows/s", rate * AGENTS);
	if (cpu_bound > 0)
		report_goal(r, what, "us CPU a flow", f.cpu_us, ROUNDS, cpu_bound);
	else
		report_row(r, what, "us CPU a flow", f.cpu_us, ROUNDS);
	snprintf(what, sizeof(what), "50 agents, %u flows/s: event to client, p99", rate * AGENTS);
	if (rate * AGENTS <= LATENCY_RATE)
		report_goal(r, what, "ms", f.p99, ROUNDS, 100);
	else
		report_row(r, what, "ms", f.p99, ROUNDS);
	snprintf(what, sizeof(what), "50 agents, %u flows/s: RSS", rate * AGENTS);
	report_goal(r, what, "MiB", f.rss, ROUNDS, 32);
	report_fact(r, "  that is", "%.0f flows/s of %.0f B, %.0f out of order, %.0f losses, p50 %.1f ms", f.rate, f.size, f.order,
		    f.losses, f.p50);
}

/* What 10,000 edges and their notes take. */
static void edges(struct report *r)
{
	double rss;
	struct rig rig;

	if (!rig_start(&rig, &(struct rig_want){ .agents = AGENTS, .rate = 1, .edges = 200 })) {
		sleep(2);
		rss = rig_rss_kb(rig.relay) / 1024.0;
		report_row(r, "50 agents, no client, 10,000 edges: RSS", "MiB", &rss, 1);
	}
	rig_stop(&rig);
}

/* Clients that ask and never read: what they hold up here grows to its bound, and stays. */
#define STALLED 8

static bool on_first(struct rpc_ask *a, const uint8_t *data, size_t size, void *ctx)
{
	return false;
}

static void on_end(struct rpc_ask *a, const struct rpc_end *end, void *ctx)
{
	unsigned int *left = ctx;

	--*left;
}

static void on_time(void *ctx)
{
	rpc_loop_stop(ctx);
}

static double rss_after(struct rig *rig, unsigned int ms)
{
	struct rpc_timer timer = { 0 };

	rpc_timer_set(rig->loop, &timer, ms, on_time, rig->loop);
	rpc_loop_run(rig->loop);
	return rig_rss_kb(rig->relay) / 1024.0;
}

static void stalled(struct report *r)
{
	Observer__GetFlowsRequest request = OBSERVER__GET_FLOWS_REQUEST__INIT;
	struct rpc_ask *ask[STALLED] = { NULL };
	unsigned int left = 0;
	uint8_t packed[64];
	struct rig rig;

	if (!rig_start(&rig, &(struct rig_want){ .agents = AGENTS, .rate = 1000, .past = 10, .edges = 0 })) {
		double before = rss_after(&rig, 500), soon, late, each;

		request.follow = true;
		for (int i = 0; i < STALLED; i++)
			left += !rpc_ask(&ask[i], rig.channel, &(struct rpc_ask_options){
				.path = "/observer.Observer/GetFlows", .data = packed,
				.size = observer__get_flows_request__pack(&request, packed), .message = on_first,
				.ended = on_end, .ctx = &left });
		soon = rss_after(&rig, 4000);
		late = rss_after(&rig, 4000);
		each = (late - before) / STALLED;
		report_row(r, "50 agents, no client: RSS", "MiB", &before, 1);
		report_goal(r, "50 agents at 1,000/s, a client that never reads", "MiB each", &each, 1, 12);
		late -= soon;
		report_goal(r, "  grown after 4 more seconds, 8 of them", "MiB", &late, 1, 4);
		for (int i = 0; i < STALLED; i++) {
			rpc_ask_cancel(ask[i]);
			rpc_ask_read(ask[i]);
		}
		while (left)
			rss_after(&rig, 20);
	}
	rig_stop(&rig);
}

int main(int argc, char **argv)
{
	static struct report r;

	if (argc < 2)
		return 2;
	report_begin(&r, "relay", "one relay before 50 agents on this machine, 3 rounds of 3 s");
	if (argc > 2) {
		run(&r, (unsigned int)atoi(argv[2]), 0);
		return report_end(&r, argv[1]) ? 1 : 0;
	}
	run(&r, 1, 0);
	run(&r, 200, 0);
	run(&r, 1000, 0);
	run(&r, 2000, 0);
	run(&r, 6000, 3.3);
	edges(&r);
	stalled(&r);
	return report_end(&r, argv[1]) || r.missed ? 1 : 0;
}
