// SPDX-License-Identifier: Apache-2.0
/*
 * What it costs to read a record: taken out of its ring, decoded, both ends named, its note written, summed in its edge,
 * put in the history.  10,000 live flows between 1,000 pods, 64 of them here; one in ten talks to the world, one record in
 * fifty is a denial.
 *
 *	naming DIRECTORY [ROUNDS]
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "agent/datapath_inside.h"
#include "agent/flow_view.h"
#include "agent/naming.h"
#include "bench/report.h"

#define PODS 1000
#define LOCAL 64
#define FLOWS 10000
#define BUCKETS 32768
#define ROUNDS_MOST 99
#define HEAD 8			/* of an entry in a ring: its length */

static struct flow_of {
	struct weir_addr addr[2];
	uint16_t endpoint[2];
	uint16_t port[2];
	uint32_t slot;
	uint16_t incarnation;
	bool open;
} flows[FLOWS];

static struct datapath dp;
static struct names *names;
static struct rules *rules;
static struct records *records;
static struct ends *ends;
static struct edges *edges;
static struct quiet *quiet;
static struct counts *counts;
static struct notes notes;
static uint64_t seed = 88172645463325252ULL;

static uint32_t any(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 20) % below;
}

static void *memory(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		exit(2);
	return at;
}

static struct weir_addr pod_address(uint32_t i)
{
	return (struct weir_addr){ .byte = { [10] = 0xff, [11] = 0xff, 10, 1 + i / 60000, i / 250, 1 + i % 250 } };
}

static void add_pod(uint32_t i)
{
	struct label label[3] = { { "app", "" }, { "tier", "backend" }, { "version", "7" } };
	struct weir_addr a = pod_address(i);
	char app[32], name[64], ns[32], owner[32];
	struct object o = { .kind = OBJECT_POD, .ns = ns, .name = name, .labels = { label, 3 },
			    .pod = { .node = i < LOCAL ? "n1" : "n2", .addr = &a, .naddr = 1, .interface = "", .stack = "",
				     .owner_kind = "Deployment", .owner_name = owner, .phase = POD_RUNNING } };

	snprintf(ns, sizeof(ns), "team-%u", i % 20);
	snprintf(app, sizeof(app), "app-%u", i % 100);
	snprintf(owner, sizeof(owner), "app-%u", i % 100);
	snprintf(name, sizeof(name), "app-%u-7d9f8c6b5-x%u", i % 100, i);
	label[0].value = app;
	if (names_put(names, &o, 0))
		exit(2);
	if (i < LOCAL)
		names_endpoint(names, i + 1, names_find(names, NAME_POD, ns, name)->number);
}

static void make_flows(void)
{
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct flow_of *f = &flows[i];
		uint32_t here = any(LOCAL), there = any(PODS);

		f->addr[0] = pod_address(here);
		f->addr[1] = pod_address(there);
		if (any(10) == 0)
			f->addr[1].byte[12] = 93;
		f->endpoint[0] = here + 1;
		f->endpoint[1] = f->addr[1].byte[12] == 10 && there < LOCAL ? there + 1 : 0;
		f->port[0] = htons(32768 + any(28000));
		f->port[1] = htons(8000 + any(8));
		f->slot = WEIR_SLOT_OF(i * 3 % BUCKETS, any(WEIR_WAYS));
		f->incarnation = any(60000);
	}
}

static struct weir_record record_of(struct flow_of *f)
{
	struct weir_record r = { .time = 1, .src = f->addr[0], .dst = f->addr[1], .sport = f->port[0], .dport = f->port[1],
				 .proto = 6, .rule = { 1, 1 }, .endpoint = { f->endpoint[1], f->endpoint[0] }, .slot = f->slot,
				 .incarnation = f->incarnation, .flags = WEIR_REC_HERE };

	r.kind = any(50) == 0 ? WEIR_REC_DENIED : f->open ? WEIR_REC_CLOSED : WEIR_REC_OPENED;
	r.reason = r.kind == WEIR_REC_DENIED ? WEIR_NO_RULE : r.kind == WEIR_REC_CLOSED ? WEIR_END_REUSED : WEIR_ALLOWED;
	if (r.kind == WEIR_REC_CLOSED) {
		r.total.packets[0] = 12;
		r.total.bytes[0] = 4096;
		f->incarnation++;
	} else {
		r.packets = 1;
		r.bytes = 60;
	}
	if (r.kind != WEIR_REC_DENIED)
		f->open = !f->open;
	return r;
}

/* The ring as the kernel would have filled it. */
static unsigned int fill(struct ring_view *ring)
{
	unsigned long at = 0;
	unsigned int n = 0;
	char *data = (char *)ring->data;

	for (;;) {
		struct weir_record r = record_of(&flows[any(FLOWS)]);
		uint32_t size = r.kind == WEIR_REC_CLOSED ? sizeof(r) : WEIR_RECORD_SHORT;

		if (at + HEAD + size > ring->size)
			break;
		r.time = 1 + n;
		*(uint32_t *)(data + at) = size;
		memcpy(data + at + HEAD, &r, size);
		at += (HEAD + size + 7) & ~7ULL;
		n++;
	}
	*ring->consumer = 0;
	*(unsigned long *)ring->producer = at;
	return n;
}

static void prepare(void)
{
	struct ends_with with = { .cluster = "" };

	for (int i = 0; i < 2; i++) {
		struct ring_view *r = i ? &dp.denials : &dp.records;

		r->size = i ? WEIR_RING_DENIALS : WEIR_RING_RECORDS;
		r->data = memory(r->size * 2);
		r->consumer = memory(4096);
		r->producer = memory(4096);
	}
	dp.view.control = memory(4096);
	((struct weir_control *)dp.view.control)->agents = 1;
	dp.view.buckets = BUCKETS;
	dp.view.notes = BUCKETS * WEIR_WAYS;
	dp.view.note = memory(dp.view.notes * sizeof(struct weir_note));
	if (names_new(&names, "n1") || rules_open(&rules, NULL) || records_new(&records, RECORDS_DEFAULT) || quiet_new(&quiet))
		exit(2);
	names_share(names, quiet);
	with.names = names;
	with.quiet = quiet;
	if (ends_new(&ends, &with) || edges_new(&edges, ends, EDGES_DEFAULT) || counts_new(&counts) || notes_open(&notes, &dp))
		exit(2);
	for (uint32_t i = 0; i < PODS; i++)
		add_pod(i);
	make_flows();
}

static void forget(void *ctx, const struct counts_cell *cell)
{
}

static void measure(struct naming *n, double *ns, unsigned int rounds)
{
	struct flows *rings;
	struct flows_batch b;

	if (flows_open(&rings, &dp, NULL, NULL))
		exit(2);
	for (unsigned int r = 0; r < rounds; r++) {
		unsigned int had = fill(&dp.records), got = 0;
		double begin;

		begin = cpu_ns();
		naming_time(n, 0, 1700000000000000000ULL + r);
		while (flows_take(rings, &b)) {
			naming_batch(n, b.record, b.n);
			flows_done(rings, &b);
			got += b.n;
		}
		if (n->counts)
			counts_flush(n->counts, records_next(records));
		ns[r] = (cpu_ns() - begin) / got;
		if (n->counts)
			counts_take(n->counts, forget, NULL);
		if (got != had)
			exit(2);
	}
	flows_close(rings);
}

/* What a stream does with each record before it is filtered. */
static void measure_views(double *ns, unsigned int rounds)
{
	struct flow_views views = { .ends = ends, .rules = rules, .node = "n1", .node_number = 7 };
	uint64_t sum = 0;

	for (unsigned int r = 0; r < rounds; r++) {
		uint64_t first = records_first(records), next = records_next(records);
		struct record record;
		struct flow flow;
		double begin;

		begin = cpu_ns();
		for (uint64_t n = first; n < next; n++) {
			if (records_copy(records, n, &record))
				exit(2);
			flow_view(&views, &record, n, &flow);
			sum += flow.source->identity + flow.uuid[0];
		}
		ns[r] = (cpu_ns() - begin) / (next - first);
	}
	if (!sum)
		exit(2);
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 31;
	static struct report r;
	static double ns[ROUNDS_MOST];
	struct naming n;
	struct edges_counts e;

	if (argc < 2 || !rounds || rounds > ROUNDS_MOST)
		return 2;
	pin_to(1);
	prepare();
	n = (struct naming){ .ends = ends, .rules = rules, .records = records, .edges = edges, .notes = &notes };
	report_begin(&r, "naming", "ns of CPU a record: taken, named, noted, summed, stored; 10,000 live flows of 1,000 pods");
	measure(&n, ns, 3);
	measure(&n, ns, rounds);
	report_goal(&r, "decode, name, aggregate", "ns", ns, rounds, 100);
	report_fact(&r, "  that is", "%.2f M records/s", 1000 / ns[rounds / 2]);
	n.counts = counts;
	measure(&n, ns, rounds);
	report_row(&r, "and counted for the metrics", "ns", ns, rounds);
	measure_views(ns, rounds);
	report_row(&r, "copied from the history, as a flow", "ns", ns, rounds);
	edges_count(edges, &e);
	report_fact(&r, "  edges", "%u, refused %llu", e.edges, (unsigned long long)e.refused);
	return report_end(&r, argv[1]) || r.missed ? 1 : 0;
}
