// SPDX-License-Identifier: Apache-2.0
/* How the agent is: every bounded thing, every counter, what was refused. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/answers.h"
#include "agent/serve.h"

#define GAUGES_MOST 64
#define MAPS_MOST 32
#define COUNTERS_MOST 192
#define REJECTED_MOST 200		/* listed in one answer */

struct answer {
	Weir__V1__Status status;
	Weir__V1__Gauge gauge[GAUGES_MOST], *gauges[GAUGES_MOST];
	Weir__V1__Counter counter[COUNTERS_MOST], *reasons[COUNTERS_MOST], *stats[COUNTERS_MOST];
	unsigned int ncounter;
	Weir__V1__Rejected rejected[REJECTED_MOST], *rejecteds[REJECTED_MOST];
	char *text[2 * REJECTED_MOST];	/* to be freed */
	unsigned int ntext;
	struct datapath_map map[MAPS_MOST];
	char map_name[MAPS_MOST][40];
};

static void gauge(struct answer *to, const char *name, uint64_t used, uint64_t size)
{
	Weir__V1__Gauge *g = &to->gauge[to->status.n_gauges];

	if (to->status.n_gauges == GAUGES_MOST)
		return;
	weir__v1__gauge__init(g);
	g->name = (char *)name;
	g->used = used;
	g->size = size;
	to->gauges[to->status.n_gauges++] = g;
}

static Weir__V1__Counter *counter(struct answer *to, const char *name, const char *text, uint64_t packets, uint64_t bytes)
{
	Weir__V1__Counter *c;

	if (to->ncounter == COUNTERS_MOST)
		return NULL;
	c = &to->counter[to->ncounter++];
	weir__v1__counter__init(c);
	c->name = (char *)name;
	c->text = (char *)text;
	c->packets = packets;
	c->bytes = bytes;
	return c;
}

static void reason(struct answer *to, const char *word, const char *text, bool drop, const struct weir_sum *sum)
{
	Weir__V1__Counter *c = sum->packets ? counter(to, word, text, sum->packets, sum->bytes) : NULL;

	if (!c)
		return;
	c->drop = drop;
	to->reasons[to->status.n_reasons++] = c;
}

static void stat(struct answer *to, const char *name, const char *text, uint64_t packets, uint64_t bytes)
{
	Weir__V1__Counter *c = packets ? counter(to, name, text, packets, bytes) : NULL;

	if (c)
		to->stats[to->status.n_stats++] = c;
}

static void kernel_counters(const struct agent *a, struct answer *to)
{
	struct weir_sum sum[WEIR_COUNTERS] = { 0 };

	if (datapath_counters(a->datapath, sum))
		return;
#define PASS 0
#define DROP 1
#define X(name, fate, word, text) reason(to, word, text, fate, &sum[WEIR_##name]);
	WEIR_REASONS(X)
#undef X
#undef PASS
#undef DROP
#define X(name, text) stat(to, #name, text, sum[WEIR_STAT_##name].packets, sum[WEIR_STAT_##name].bytes);
	WEIR_STATS(X)
#undef X
}

static void agent_counters(const struct agent *a, struct answer *to)
{
	struct server_counts s = { 0 };
	struct reader_counts r;
	struct policies_counts p;
	struct sweep_counts w;

	server_count(a->server, &s);
	reader_count(a->reader, &r);
	policies_count(a->policies, &p);
	sweep_count(a->sweep, &w);
	stat(to, "records-read", "records read from the rings", r.read, 0);
	stat(to, "records-unnamed", "records with a rule that nobody knows", r.unnamed_rules, 0);
	stat(to, "commits", "changes brought into the kernel", p.commits, 0);
	stat(to, "refused", "objects that did not fit", p.refused, 0);
	stat(to, "swept", "flows freed because their pod left", w.left, 0);
	stat(to, "clients-turned-away", "clients of the control socket that found no place", s.turned_away, 0);
	stat(to, "clients-slow", "clients cut because they did not read", s.slow, 0);
	stat(to, "requests-nonsense", "requests that made no sense", s.nonsense, 0);
	stat(to, "requests-refused", "requests of users who may not", s.refused, 0);
}

static void policy_gauges(const struct agent *a, struct answer *to)
{
	struct compile_counts c;
	struct names_count n;

	compile_count(policies_compiler(a->policies), &c);
	names_count(a->names, &n);
	gauge(to, "addresses", c.addresses, WEIR_ADDRESSES);
	gauge(to, "prefixes", c.prefixes, WEIR_PREFIXES);
	gauge(to, "ingress classes", c.classes[WEIR_INGRESS], WEIR_CLASSES);
	gauge(to, "egress classes", c.classes[WEIR_EGRESS], WEIR_CLASSES);
	gauge(to, "cells", c.cells, WEIR_CELLS);
	gauge(to, "ranges", c.ranges, WEIR_RANGES);
	gauge(to, "rules", c.rules, WEIR_RULES);
	gauge(to, "sets", c.sets, 0);
	gauge(to, "endpoints", c.endpoints, WEIR_ENDPOINTS - 2);
	gauge(to, "compiler bytes", c.bytes, 0);
	gauge(to, "names", n.names, 1 << 20);
	to->status.pods = c.pods;
	to->status.local_pods = c.endpoints;
	to->status.policies = c.policies;
}

static void stream_gauges(const struct serve *s, struct answer *to)
{
	struct rpc_server_stats rpc;
	struct serve_counts c;

	serve_count(s, &c);
	rpc_server_stats(serve_server(s), &rpc);
	gauge(to, "flow streams", c.streams, 0);
	gauge(to, "calls", rpc.live_calls, SERVE_CALLS);
	gauge(to, "connections", rpc.live_connections, 0);
	stat(to, "hints-refused", "denials told without a hint, for want of time", c.hints_refused, 0);
	stat(to, "calls-refused", "gRPC calls beyond a limit", rpc.refused_calls, 0);
	stat(to, "connections-refused", "gRPC connections beyond a limit, or of users who may not", rpc.refused_connections, 0);
	stat(to, "connections-cut", "gRPC connections cut for a flood of resets", rpc.cut_connections, 0);
}

static void flow_gauges(const struct agent *a, struct answer *to)
{
	struct flow_table_use use;
	struct flows_fill fill;
	struct server_counts s = { 0 };
	struct reader_counts reader;
	uint64_t next = records_next(a->records);
	unsigned int capacity = records_capacity(a->records);

	flow_table_use(a->datapath, &use);
	flows_fill(reader_flows(a->reader), &fill);
	server_count(a->server, &s);
	gauge(to, "flows", use.slots - use.phase[WEIR_FREE], use.slots);
	reader_count(a->reader, &reader);
	gauge(to, "live flows", reader.totals.live, 0);
	gauge(to, "half-open flows", use.phase[WEIR_OPENED], use.slots);
	gauge(to, "record ring bytes", fill.records, fill.records_size);
	gauge(to, "denial ring bytes", fill.denials, fill.denials_size);
	gauge(to, "records", next < capacity ? next : capacity, capacity);
	gauge(to, "clients", s.clients, CONTROL_CLIENTS);
	if (a->serve)
		stream_gauges(a->serve, to);
}

static void map_gauges(const struct agent *a, struct answer *to)
{
	unsigned int n = datapath_maps(a->datapath, to->map, MAPS_MOST);

	for (unsigned int i = 0; i < n && i < MAPS_MOST; i++) {
		snprintf(to->map_name[i], sizeof(to->map_name[i]), "map %s", to->map[i].name);
		gauge(to, to->map_name[i], to->map[i].bytes, 0);
	}
	to->status.map_bytes = datapath_bytes(a->datapath);
}

static void on_rejected(void *ctx, const struct state_reject *r)
{
	struct answer *to = ctx;
	Weir__V1__Rejected *one = &to->rejected[to->status.n_rejected];

	if (to->status.n_rejected == REJECTED_MOST)
		return;
	weir__v1__rejected__init(one);
	one->object = to->text[to->ntext++] = strdup(r->object);
	one->why = to->text[to->ntext++] = strdup(r->why ? r->why : "");
	one->last_good = r->last_good;
	if (one->object && one->why)
		to->rejecteds[to->status.n_rejected++] = one;
}

/* Resident memory without what is mapped from the kernel's maps, which is counted apart. */
static uint64_t own_memory(void)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	uint64_t kib = 0, n;
	bool ours = true;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		if (strchr("0123456789abcdef", line[0]))
			ours = !strstr(line, "bpf-map") && !strstr(line, "bpf_ringbuf");
		else if (ours && sscanf(line, "Rss: %lu", &n) == 1)
			kib += n;
	}
	if (f)
		fclose(f);
	return kib * 1024;
}

static void fill_in(const struct agent *a, struct answer *to)
{
	Weir__V1__Status *s = &to->status;
	struct policies_counts p;

	weir__v1__status__init(s);
	s->gauges = to->gauges;
	s->reasons = to->reasons;
	s->stats = to->stats;
	s->rejected = to->rejecteds;
	s->node = (char *)(a->settings.node ? a->settings.node : "");
	s->version = (char *)WEIR_VERSION;
	s->abi = WEIR_ABI;
	s->mode = (char *)settings_mode_text(&a->settings);
	s->hook = (char *)attach_hook_word(attach_hook(a->attach));
	s->generation = datapath_view(a->datapath)->control->generation;
	s->uptime_ms = (agent_now() - a->started) / 1000000;
	s->adopted = datapath_adopted(a->datapath);
	s->rss_bytes = own_memory();
	policies_count(a->policies, &p);
	s->apply_last_us = p.apply_last_us;
	flow_gauges(a, to);
	policy_gauges(a, to);
	map_gauges(a, to);
	kernel_counters(a, to);
	agent_counters(a, to);
	rejected_each(a, on_rejected, to);
}

int answer_status(struct agent *a, answer_fn fn, void *ctx)
{
	struct answer *to = calloc(1, sizeof(*to));
	int err;

	if (!to)
		return -ENOMEM;
	fill_in(a, to);
	err = fn(ctx, &to->status.base, true);
	for (unsigned int i = 0; i < to->ntext; i++)
		free(to->text[i]);
	free(to);
	return err;
}
