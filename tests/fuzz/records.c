// SPDX-License-Identifier: Apache-2.0
// fuzz-links: lib agent
/*
 * Any bytes as records of the kernel, a batch at a time, through the agent's reading half: named, noted, summed, stored, shown as
 * flows, encoded.  The kernel is trusted; its memory may still be another build's.  Whatever comes: each record of a kind that
 * we know is in the history, the others are counted; openings at the edges are as many as came; every flow can be encoded.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datapath_inside.h"
#include "agent/flow_view.h"
#include "agent/naming.h"
#include "lib/wire/encode.h"

#define REQUIRE(cond) do { if (!(cond)) abort(); } while (0)
#define BUCKETS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct weir_note table[BUCKETS * WEIR_WAYS];
static struct weir_control control = { .agents = 1 };
static struct datapath dp = { .view = { .control = &control, .note = table, .notes = BUCKETS * WEIR_WAYS, .buckets = BUCKETS } };
static struct names *names;
static struct quiet *quiet;
static struct ends *ends;
static struct edges *edges;
static struct rules *rules;
static struct records *records;
static struct losses *losses;
static struct notes notes;
static struct naming naming;
static uint64_t opened;

static void add_pod(const char *name, uint8_t last, unsigned int endpoint)
{
	struct weir_addr a = { .byte = { [10] = 0xff, [11] = 0xff, 10, 0, 0, last } };
	struct label label = { "app", "web" };
	struct object o = { .kind = OBJECT_POD, .ns = "shop", .name = name, .labels = { &label, 1 },
			    .pod = { .node = endpoint ? "n1" : "n2", .addr = &a, .naddr = 1, .interface = "", .stack = "",
				     .owner_kind = "StatefulSet", .owner_name = "web", .phase = POD_RUNNING } };

	REQUIRE(!names_put(names, &o, 0));
	names_endpoint(names, endpoint, names_find(names, NAME_POD, "shop", name)->number);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct compile_rule rule = { .tier = TIER_NETPOL, .ns = "shop", .policy = "web", .name = "", .text = "from app=web: TCP 80" };
	struct ends_with with = { .cluster = "" };

	REQUIRE(!names_new(&names, "n1") && !quiet_new(&quiet) && !rules_open(&rules, NULL) && !records_new(&records, 256) &&
		!losses_new(&losses) && !rules_publish(rules, 100, &rule, 0));
	names_share(names, quiet);
	with.names = names;
	with.quiet = quiet;
	REQUIRE(!ends_new(&ends, &with) && !edges_new(&edges, ends, 64) && !notes_open(&notes, &dp));
	add_pod("a", 1, 1);
	add_pod("b", 2, 2);
	add_pod("far", 3, 0);
	naming = (struct naming){ .ends = ends, .rules = rules, .records = records, .edges = edges, .losses = losses, .notes = &notes,
				  .tick = 64000000 };
	return 0;
}

static void show(uint64_t first, uint64_t next)
{
	struct flow_views views = { .ends = ends, .rules = rules, .node = "n1", .node_number = 7 };
	static uint8_t buf[WIRE_RESPONSE_MAX];
	struct record record;
	struct flow flow;

	for (; first < next; first++) {
		REQUIRE(!records_copy(records, first, &record));
		flow_view(&views, &record, first, &flow);
		REQUIRE(flow.source && flow.destination && strlen(flow.uuid) == 36);
		REQUIRE(wire_flow_response(&flow, NULL, buf, sizeof(buf)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct weir_record from[FLOWS_BATCH];
	const struct weir_record *at[FLOWS_BATCH];
	uint64_t first = records_next(records), senseless = naming.senseless, told = 0;
	unsigned int n = 0;
	struct edges_counts c;
	struct edge e;

	for (; n < FLOWS_BATCH && size >= sizeof(*from); n++, data += sizeof(*from), size -= sizeof(*from)) {
		memcpy(&from[n], data, sizeof(*from));
		at[n] = &from[n];
		opened += from[n].kind == WEIR_REC_OPENED;
	}
	quiet_point(quiet, QUIET_READER);
	naming_time(&naming, 5, 1700000000000000000ULL + first);
	naming_batch(&naming, at, n);
	REQUIRE(records_next(records) - first + naming.senseless - senseless == n);
	show(first, records_next(records));
	for (unsigned int i = 0; i < edges_end(edges); i++)
		told += edges_copy(edges, i, 0, &e) ? e.sums.opened : 0;
	edges_count(edges, &c);
	REQUIRE(told + c.elsewhere_opened == opened);
	return 0;
}
