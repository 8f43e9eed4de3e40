// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "lib/netns.h"
#include "tests/stream/stage.h"

#define FRAME 90
#define AT_ONCE 500			/* packets of one pod */

static double wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static struct weir_addr pod_address(unsigned int i)
{
	return (struct weir_addr){ .byte = { [10] = 0xff, 0xff, 10, 0, 0, 1 + i } };
}

static bool says(unsigned int port, unsigned int *rule, bool flag)
{
	*rule = port == 9999 ? WEIR_RULE_ISOLATED : 100;
	return port != 9999;
}

/* Interfaces for test-run's packets to come by: veths in a namespace of our own, in which we stay. */
static int make_pods(struct stage *s)
{
	struct netns *ns = NULL;
	char name[32], a[16], b[16];
	int err, back;

	snprintf(name, sizeof(name), "weir-soak-%d", getpid());
	err = netns_create(&ns, name);
	loader_set(s->dp, 16, 16, says, true);
	for (unsigned int i = 0; i < STAGE_PODS && !err; i += 2) {
		snprintf(a, sizeof(a), "p%u", i);
		snprintf(b, sizeof(b), "p%u", i + 1);
		err = netns_veth(ns, a, ns, b);
		s->ifindex[i] = netns_link_index(ns, a);
		s->ifindex[i + 1] = netns_link_index(ns, b);
	}
	for (unsigned int i = 0; i < STAGE_PODS && !err; i++) {
		loader_address(s->dp, 1 + i, pod_address(i), i + 1);
		err = loader_pod(s->dp, i + 1, s->ifindex[i], true);
		loader_take(s->dp, i + 1, 16);
	}
	back = err ? err : netns_enter(ns);
	netns_close(ns);
	netns_delete(name);
	return back < 0 ? back : 0;
}

/* The agent's own map, which no program knows: plain memory is the same to it. */
static int make_notes(struct datapath *dp)
{
	size_t size = (dp->view.buckets * WEIR_WAYS + WEIR_LEDGER_NOTES) * sizeof(struct weir_note);
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return -ENOMEM;
	dp->view.note = at;
	dp->view.notes = dp->view.buckets * WEIR_WAYS;
	dp->view.ledger = (struct weir_ledger *)(dp->view.note + dp->view.notes);
	return 0;
}

int stage_open(struct stage *s, const char *object, unsigned int buckets, struct complaint *why)
{
	static const char *const programs[] = { "offer", "clock", NULL };
	struct loader_options o = { .object = object, .buckets = buckets, .ring = WEIR_RING_RECORDS, .silent_ends = true,
				    .programs = programs };
	int err;

	*s = (struct stage){ .turn = 0 };
	err = loader_open(&s->dp, &o, why);
	if (!err)
		err = make_notes(s->dp) ?: make_pods(s);
	if (err)
		return err;
	s->dp->prog[PROG_CLOCK] = loader_program(s->dp, "clock");
	s->pod = loader_variable(s->dp, "pod");
	s->deny_every = loader_variable(s->dp, "deny_every");
	s->each = loader_variable(s->dp, "each");
	s->passed = loader_variable(s->dp, "passed");
	s->passed_bytes = loader_variable(s->dp, "passed_bytes");
	s->dropped = loader_variable(s->dp, "dropped");
	s->dropped_bytes = loader_variable(s->dp, "dropped_bytes");
	return 0;
}

void stage_close(struct stage *s)
{
	munmap(s->dp->view.note, (s->dp->view.notes + WEIR_LEDGER_NOTES) * sizeof(struct weir_note));
	loader_close(s->dp);
}

double stage_offer(struct stage *s, unsigned int packets, unsigned int deny_every, unsigned int each)
{
	int program = loader_program(s->dp, "offer");
	double began = wall();
	char frame[FRAME] = { 0 };

	*s->deny_every = deny_every;
	*s->each = each;
	for (unsigned int left = packets; left;) {
		unsigned int n = left < AT_ONCE ? left : AT_ONCE, pod = s->turn++ % STAGE_PODS;
		struct __sk_buff skb = { .ifindex = s->ifindex[pod] };
		LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = FRAME, .ctx_in = &skb,
			    .ctx_size_in = sizeof(skb), .repeat = n);

		*s->pod = pod;
		if (bpf_prog_test_run_opts(program, &o) && errno != EINTR) {	/* a part of them, then: the programs count what came */
			perror("soak: test-run");
			exit(1);
		}
		left -= n;
	}
	return wall() - began;
}

static int add_pod(struct stage_agent *a, unsigned int i)
{
	struct label label = { "app", i % 2 ? "web" : "db" };
	struct weir_addr addr = pod_address(i);
	char name[32], owner[32];
	int err;
	struct object o = { .kind = OBJECT_POD, .ns = "shop", .name = name, .labels = { &label, 1 },
			    .pod = { .node = "n1", .addr = &addr, .naddr = 1, .interface = "", .stack = "",
				     .owner_kind = "Deployment", .owner_name = owner, .phase = POD_RUNNING } };

	snprintf(name, sizeof(name), "pod-%u", i);
	snprintf(owner, sizeof(owner), "app-%u", i / 4);
	err = names_put(a->names, &o, 0);
	if (!err)
		names_endpoint(a->names, i + 1, names_find(a->names, NAME_POD, "shop", name)->number);
	return err;
}

static void nothing(void *ctx)
{
}

static int by_hand(struct stage *s, struct stage_agent *a)
{
	a->naming = (struct naming){ .ends = a->ends, .rules = a->rules, .records = a->records, .edges = a->edges,
				     .losses = a->losses, .notes = &a->notes, .tick = datapath_tick(s->dp) };
	return flows_open(&a->rings, s->dp, NULL, NULL) ?: notes_open(&a->notes, s->dp) ?:
	       totals_open(&a->totals, s->dp, a->rings, &a->naming, s->totals_ms);
}

int stage_agent(struct stage *s, struct stage_agent *a, bool thread)
{
	struct weir_control *control = (struct weir_control *)s->dp->view.control;
	struct ends_with ends = { .cluster = "" };
	int err;

	*a = (struct stage_agent){ .reader = NULL };
	control->agents++;
	err = loop_open(&a->loop) ?: quiet_new(&a->quiet) ?: names_new(&a->names, "n1") ?: rules_open(&a->rules, NULL) ?:
	      records_new(&a->records, RECORDS_DEFAULT) ?: losses_new(&a->losses);
	if (err)
		return err;
	names_share(a->names, a->quiet);
	for (unsigned int i = 0; i < STAGE_PODS && !err; i++)
		err = add_pod(a, i);
	if (err)
		return err;
	ends.names = a->names;
	ends.quiet = a->quiet;
	err = ends_new(&a->ends, &ends) ?: edges_new(&a->edges, a->ends, EDGES_DEFAULT);
	if (!err && thread) {
		struct reader_with with = { .loop = a->loop, .datapath = s->dp, .quiet = a->quiet, .ends = a->ends,
					    .rules = a->rules, .records = a->records, .edges = a->edges, .losses = a->losses,
					    .on_records = nothing, .totals_ms = s->totals_ms };

		err = reader_open(&a->reader, &with);
		if (!err)
			reader_go(a->reader);
	} else if (!err) {
		err = by_hand(s, a);
	}
	return err;
}

static void now(struct stage_agent *a)
{
	struct timespec m, r;

	clock_gettime(CLOCK_MONOTONIC, &m);
	clock_gettime(CLOCK_REALTIME, &r);
	naming_time(&a->naming, m.tv_sec * 1000000000ULL + m.tv_nsec, r.tv_sec * 1000000000ULL + r.tv_nsec);
}

void stage_read(struct stage_agent *a)
{
	struct flows_batch b;

	now(a);
	if (flows_take(a->rings, &b)) {
		naming_batch(&a->naming, b.record, b.n);
		flows_done(a->rings, &b);
	}
	totals_step(a->totals, a->naming.now - a->naming.to_real);
}

void stage_kill(struct stage_agent *a)
{
	reader_close(a->reader);
	a->reader = NULL;
}

int stage_end(struct stage *s, struct stage_agent *a)
{
	int err;

	stage_kill(a);
	err = a->totals ? 0 : by_hand(s, a);
	if (err)
		return err;
	now(a);
	for (int i = 0; i < 60; i++)		/* what waits for a second look is 4,096 at a time */
		totals_whole(a->totals);
	return losses_kernel(a->losses, s->dp, a->naming.now, records_next(a->records));
}

void stage_free(struct stage_agent *a)
{
	stage_kill(a);
	totals_close(a->totals);
	if (a->notes.noted)
		notes_close(&a->notes);
	flows_close(a->rings);
	edges_free(a->edges);
	losses_free(a->losses);
	ends_free(a->ends);
	names_free(a->names);
	records_free(a->records);
	rules_close(a->rules);
	quiet_free(a->quiet);
	loop_close(a->loop);
}

void stage_sums(const struct stage_agent *a, struct stage_sums *out)
{
	struct edge e;

	for (unsigned int i = 0; i < edges_end(a->edges); i++) {
		if (!edges_copy(a->edges, i, 0, &e))
			continue;
		out->opened += e.sums.opened;
		out->closed += e.sums.closed;
		out->denied += e.sums.denied + e.sums.dropped;
		out->packets += e.sums.packets[0] + e.sums.packets[1];
		out->bytes += e.sums.bytes[0] + e.sums.bytes[1];
		if (i == EDGES_LOST) {
			out->lost_packets += e.sums.packets[0];
			out->lost_opened += e.sums.opened;
		}
	}
	out->records += records_next(a->records);
}

/* Repeats that the next record of the same denial would tell. */
uint64_t stage_denied_pending(const struct stage *s)
{
	uint64_t pending = 0;

	for (__u32 i = 0; i < WEIR_DENIED_SLOTS; i++) {
		struct weir_denied d;

		if (!bpf_map_lookup_elem(s->dp->map[MAP_DENIED].fd, &i, &d))
			pending += (__u32)d.repeats;
	}
	return pending;
}
