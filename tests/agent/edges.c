// SPDX-License-Identifier: Apache-2.0
/* Edges: who counts what, the cap on ports, what finds no room, what was idle, what changed; copies beside a writer. */
#include <pthread.h>
#include <stdlib.h>

#include <weir/flow.h>

#include "agent/edges.h"
#include "agent/notes.h"
#include "lib/addr.h"
#include "tests/check.h"

static struct names *names;
static struct quiet *quiet;
static struct ends *ends;
static struct edges *edges;
static uint64_t now = 1000;

static struct weir_addr addr(const char *text)
{
	struct weir_addr a = { 0 };

	addr_parse(text, &a);
	return a;
}

static void put(const char *name, const char *address, const char *node)
{
	struct weir_addr a = addr(address);
	struct object o = { .kind = OBJECT_POD, .ns = "shop", .name = name,
			    .pod = { .node = node, .addr = &a, .naddr = 1, .interface = "", .stack = "", .owner_kind = "StatefulSet",
				     .owner_name = name, .phase = POD_RUNNING } };

	CHECK_EQ(names_put(names, &o, 0), 0, "put '%s'", name);
}

static void begin(unsigned int capacity)
{
	struct ends_with with = { .cluster = "" };

	CHECK(!names_new(&names, "n1") && !quiet_new(&quiet), "parts");
	names_share(names, quiet);
	with.names = names;
	with.quiet = quiet;
	CHECK(!ends_new(&ends, &with) && !edges_new(&edges, ends, capacity), "edges");
	put("web", "10.0.0.1", "n1");
	put("db", "10.0.0.2", "n1");
	put("far", "10.0.1.1", "n2");
}

static void end(void)
{
	edges_free(edges);
	ends_free(ends);
	names_free(names);
	quiet_free(quiet);
}

static uint32_t name_at(const char *address)
{
	struct weir_addr a = addr(address);

	return ends_name(ends, 0, &a, 0);
}

static void tell(uint8_t kind, const char *from, const char *to, uint16_t port, uint64_t bytes)
{
	struct record r = { .kind = kind, .proto = 6, .dport = port, .reason = kind == WEIR_REC_DENIED ? WEIR_NO_RULE : 0,
			    .flags = kind == WEIR_REC_DENIED ? WEIR_REC_INGRESS : 0 };
	struct edge_traffic t = { .packets = { 1 }, .bytes = { bytes } };

	r.name[WEIR_EGRESS] = name_at(from);
	r.name[WEIR_INGRESS] = name_at(to);
	r.endpoint[WEIR_EGRESS] = !strcmp(from, "10.0.0.1") ? 1 : 0;
	r.rule[WEIR_INGRESS] = WEIR_RULE_ISOLATED;
	if (kind == WEIR_REC_DENIED) {
		r.packets = 1;
		r.repeats = 4;
	}
	edges_records(edges, &r, &t, 1, now);
}

/* The edge from one workload to another; all zero if there is none. */
static struct edge edge_of(const char *from, const char *to, uint16_t port)
{
	struct edge e;

	for (unsigned int i = 0; i < edges_end(edges); i++)
		if (edges_copy(edges, i, 0, &e) && !strcmp(e.source.workload, from) && !strcmp(e.destination.workload, to) &&
		    e.port == port)
			return e;
	return (struct edge){ .port = 0 };
}

static void who_counts(void)
{
	struct edges_counts c;
	struct edge e;

	begin(64);
	tell(WEIR_REC_OPENED, "10.0.0.1", "10.0.0.2", 80, 60);
	tell(WEIR_REC_CLOSED, "10.0.0.1", "10.0.0.2", 80, 1000);
	tell(WEIR_REC_DENIED, "10.0.0.1", "10.0.0.2", 80, 0);
	e = edge_of("web", "db", 80);
	CHECK(e.sums.opened == 1 && e.sums.closed == 1 && e.sums.bytes[0] == 1060, "a local pod's flow is counted here");
	CHECK_EQ(e.sums.denied, 5, "a denial and its repeats");
	CHECK_EQ(e.sums.denied_rule, WEIR_RULE_ISOLATED, "and who denied last");
	CHECK_TEXT(e.source.kind, "StatefulSet", "by workload");
	tell(WEIR_REC_OPENED, "10.0.1.1", "10.0.0.2", 80, 60);
	tell(WEIR_REC_DENIED, "10.0.1.1", "10.0.0.2", 80, 60);
	e = edge_of("far", "db", 80);
	CHECK(!e.sums.opened && !e.sums.bytes[0], "another node's pod: its node counts it");
	CHECK_EQ(e.sums.denied, 5, "but who denies counts the denial");
	edges_count(edges, &c);
	CHECK(c.elsewhere_opened == 1 && c.elsewhere_bytes == 60, "what is counted elsewhere is known");
	tell(WEIR_REC_OPENED, "93.1.2.3", "10.0.0.2", 80, 60);
	e = edge_of("world", "db", 80);
	CHECK_EQ(e.sums.opened, 1, "the world has no node: the receiver's counts");
	end();
}

static void bounds(void)
{
	struct edge all, other;
	uint64_t opened = 0;
	struct edges_counts c;
	unsigned int n = 0;

	begin(100);
	for (unsigned int i = 0; i < 1000; i++)
		tell(WEIR_REC_OPENED, "10.0.0.1", "10.0.0.2", 1000 + i, 60);
	for (unsigned int i = 0; i < edges_end(edges); i++) {
		if (edges_copy(edges, i, 0, &all)) {
			opened += all.sums.opened;
			n++;
		}
	}
	CHECK_EQ(n, EDGES_PORTS + 1, "a pair has so many ports");
	CHECK_EQ(edge_of("web", "db", 0).sums.opened, 1000 - EDGES_PORTS, "what is beyond has port 0");
	CHECK_EQ(opened, 1000, "and nothing is missed");
	for (unsigned int i = 0; i < 200; i++)
		tell(WEIR_REC_OPENED, "10.0.0.2", "93.1.2.3", 1 + i, 60);
	edges_count(edges, &c);
	CHECK_EQ(c.edges, 100, "so many edges there may be");
	other = edge_of("other", "other", 0);
	CHECK_EQ(other.sums.opened, c.refused, "what finds no room goes to 'other'");
	CHECK(c.refused > 0, "some did");
	end();
}

static void idle_and_changed(void)
{
	struct edge_flow live = { .proto = 6, .port = 443, .source_endpoint = 1, .live = true }, silent;
	uint64_t since, removed, later;
	struct edge e;
	unsigned int n = 0;

	begin(64);
	tell(WEIR_REC_OPENED, "10.0.0.1", "10.0.0.2", 80, 60);
	tell(WEIR_REC_OPENED, "10.0.0.1", "10.0.0.2", 443, 60);
	edges_version(edges);
	since = edges_version(edges);
	tell(WEIR_REC_CLOSED, "10.0.0.1", "10.0.0.2", 443, 60);
	for (unsigned int i = 0; i < edges_end(edges); i++)
		n += edges_copy(edges, i, since, &e);
	CHECK_EQ(n, 1, "one has changed since");
	live.name[WEIR_EGRESS] = name_at("10.0.0.1");
	live.name[WEIR_INGRESS] = name_at("10.0.0.2");
	removed = edges_removed(edges);
	later = now + (EDGES_IDLE_S + 1) * 1000000000ULL;
	edges_live_begin(edges);
	edges_live(edges, &live, later);
	silent = live;
	silent.live = false;		/* one that only keeps its slot */
	edges_live(edges, &silent, later);
	silent.port = 80;
	edges_live(edges, &silent, later);
	edges_live_end(edges, later);
	CHECK_EQ(edge_of("web", "db", 443).sums.live, 1, "one with a live flow stays");
	CHECK_EQ(edge_of("web", "db", 80).version, 0, "an idle one goes, whoever keeps its slot there");
	CHECK(edges_removed(edges) != removed, "and whoever keeps a list is told");
	e = edge_of("other", "other", 0);
	CHECK(e.sums.opened == 1 && e.sums.bytes[0] == 60, "its sums go on under 'other'");
	tell(WEIR_REC_OPENED, "10.0.0.1", "10.0.0.2", 80, 60);
	CHECK_EQ(edge_of("web", "db", 80).sums.opened, 1, "and it begins anew");
	silent.traffic.bytes[0] = 40;
	edges_live(edges, &silent, later);
	CHECK_EQ(edge_of("web", "db", 80).sums.bytes[0], 100, "what a silent flow has carried counts all the same");
	end();
}

static int done;

/* Bytes are a hundred times the flows in every whole copy. */
static void *copy_all(void *ctx)
{
	unsigned long *torn = ctx;
	struct edge e;

	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
		for (unsigned int i = EDGES_FIRST; i < edges_end(edges); i++)
			if (edges_copy(edges, i, 0, &e))
				*torn += e.sums.bytes[0] != e.sums.opened * 100;
	}
	return NULL;
}

static void beside_a_writer(void)
{
	unsigned long torn = 0;
	pthread_t reader;

	begin(64);
	pthread_create(&reader, NULL, copy_all, &torn);
	for (int i = 0; i < 300000; i++)
		tell(WEIR_REC_OPENED, "10.0.0.1", "10.0.0.2", 80 + i % 3, 100);
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	pthread_join(reader, NULL);
	CHECK_EQ(torn, 0, "a copy is whole");
	end();
}

/* Counts go on where a note ends, over the edge of its bits; a flow's age does so, too. */
static void notes(void)
{
	struct note_totals all = { { (1ULL << 32) - 5, 7 }, { (1ULL << 48) - 100, 9 } }, rest;
	struct weir_note note = { .first = 0 };

	notes_report(&note, &all, &rest);
	CHECK(rest.packets[0] == 0xfffffffb && rest.bytes[0] == (1ULL << 48) - 100 && rest.packets[1] == 7, "the first report");
	all.packets[0] += 10;
	all.bytes[0] += 1000;
	notes_report(&note, &all, &rest);
	CHECK(rest.packets[0] == 10 && rest.bytes[0] == 1000 && !rest.packets[1] && !rest.bytes[1], "what came since");
	CHECK_EQ(notes_age(&note, 5000000000), 0, "since when is not known");
	note.first = 3000000ULL << 16;
	CHECK_EQ(notes_age(&note, 5000000000) / 1000, 2000000, "two seconds");
	CHECK_EQ(notes_age(&note, 1000000000), 1, "a clock that was set back");
}

int main(void)
{
	who_counts();
	bounds();
	idle_and_changed();
	beside_a_writer();
	notes();
	return check_done();
}
