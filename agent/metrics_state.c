// SPDX-License-Identifier: Apache-2.0
/* What is read when somebody asks: the kernel's counters, how full everything is, what was refused, the agent itself. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/answers.h"
#include "agent/flows.h"
#include "agent/metrics_inside.h"

#define GAUGES_MOST 96
#define REJECTED_MOST 100		/* named one by one */

/* One look at all of it, for the families that are then written. */
struct meters_state {
	struct weir_sum sum[WEIR_COUNTERS];
	uint64_t untold[WEIR_REASON_COUNT];
	struct flow_table_use use;
	struct { char name[64]; uint64_t used, size; } gauge[GAUGES_MOST];
	unsigned int gauges;
	uint64_t own_bytes, map_bytes;
	unsigned int pods, policies;
	double apply_bound[POLICIES_APPLY_BOUNDS];
};

static const char *const no_value[] = { NULL };

#define PASS 0
#define DROP 1
static const struct { const char *word; bool drop; } reasons[WEIR_REASON_COUNT] = {
#define X(name, fate, word, text) [WEIR_##name] = { word, fate },
	WEIR_REASONS(X)
#undef X
};
static const char *const stats[] = {
#define X(name, text) #name,
	WEIR_STATS(X)
#undef X
};

static void read_build(void *ctx, struct metric *to)
{
	const struct agent *a = ((struct meters *)ctx)->a;
	char abi[12];

	snprintf(abi, sizeof(abi), "%u", WEIR_ABI);
	metric_put(to, (const char *[]){ WEIR_VERSION, abi, a->settings.node ?: "", settings_mode_text(&a->settings),
					 attach_hook_word(attach_hook(a->attach)) }, 1);
}

static void read_enforcing(void *ctx, struct metric *to)
{
	metric_put(to, no_value, !((struct meters *)ctx)->a->settings.observe_only);
}

static void read_dropped(void *ctx, struct metric *to)
{
	const struct meters_state *s = ((struct meters *)ctx)->state;

	for (unsigned int r = 1; r < WEIR_REASON_COUNT; r++)
		if (reasons[r].drop)
			metric_put_count(to, &reasons[r].word, s->sum[r].packets);
}

static void read_dropped_bytes(void *ctx, struct metric *to)
{
	const struct meters_state *s = ((struct meters *)ctx)->state;

	for (unsigned int r = 1; r < WEIR_REASON_COUNT; r++)
		if (reasons[r].drop)
			metric_put_count(to, &reasons[r].word, s->sum[r].bytes);
}

static void read_passed(void *ctx, struct metric *to)
{
	const struct meters_state *s = ((struct meters *)ctx)->state;

	for (unsigned int r = 1; r < WEIR_REASON_COUNT; r++)
		if (!reasons[r].drop)
			metric_put_count(to, &reasons[r].word, s->sum[r].packets);
}

static void read_untold(void *ctx, struct metric *to)
{
	const struct meters_state *s = ((struct meters *)ctx)->state;

	for (unsigned int r = 1; r < WEIR_REASON_COUNT; r++)
		if (reasons[r].drop)
			metric_put_count(to, &reasons[r].word, s->untold[r]);
}

/* "LOST_OPENED" as "lost-opened". */
static void read_events(void *ctx, struct metric *to)
{
	const struct meters_state *s = ((struct meters *)ctx)->state;

	for (unsigned int i = 0; i < sizeof(stats) / sizeof(stats[0]); i++) {
		char word[32];
		size_t n = 0;

		for (; stats[i][n] && n < sizeof(word) - 1; n++)
			word[n] = stats[i][n] == '_' ? '-' : tolower((unsigned char)stats[i][n]);
		word[n] = '\0';
		metric_put_count(to, (const char *[]){ word }, s->sum[WEIR_STAT_BASE + 1 + i].packets);
	}
}

static void read_flows(void *ctx, struct metric *to)
{
	static const char *const phase[] = { "free", "busy", "opened", "answered", "confirmed", "ended", "cut" };
	const struct meters_state *s = ((struct meters *)ctx)->state;

	for (unsigned int i = WEIR_OPENED; i <= WEIR_CUT_FLOW; i++)
		metric_put(to, &phase[i], s->use.phase[i]);
}

static void read_used(void *ctx, struct metric *to)
{
	const struct meters_state *s = ((struct meters *)ctx)->state;

	for (unsigned int i = 0; i < s->gauges; i++)
		if (s->gauge[i].size)
			metric_put(to, (const char *[]){ s->gauge[i].name }, s->gauge[i].used);
}

static void read_size(void *ctx, struct metric *to)
{
	const struct meters_state *s = ((struct meters *)ctx)->state;

	for (unsigned int i = 0; i < s->gauges; i++)
		if (s->gauge[i].size)
			metric_put(to, (const char *[]){ s->gauge[i].name }, s->gauge[i].size);
}

static void read_maps(void *ctx, struct metric *to)
{
	struct datapath_map map[64];
	unsigned int n = datapath_maps(((struct meters *)ctx)->a->datapath, map, 64);

	for (unsigned int i = 0; i < n && i < 64; i++)
		metric_put(to, &map[i].name, map[i].bytes);
}

static void count_state(void *ctx, const struct endpoint_info *info)
{
	((unsigned int *)ctx)[info->state]++;
}

static void read_endpoints(void *ctx, struct metric *to)
{
	unsigned int n[ENDPOINT_REFUSED + 1] = { 0 };

	endpoints_each(((struct meters *)ctx)->a->endpoints, count_state, n);
	for (unsigned int i = 0; i <= ENDPOINT_REFUSED; i++)
		metric_put(to, (const char *[]){ endpoint_state_word(i) }, n[i]);
}

static void read_pods(void *ctx, struct metric *to)
{
	metric_put(to, no_value, ((struct meters *)ctx)->state->pods);
}

static void read_policies(void *ctx, struct metric *to)
{
	metric_put(to, no_value, ((struct meters *)ctx)->state->policies);
}

static void read_apply(void *ctx, struct metric *to)
{
	struct policies_counts c;

	policies_count(((struct meters *)ctx)->a->policies, &c);
	metric_put_histogram(to, no_value, c.apply_bucket, c.apply_sum_us / 1e6);
}

static void read_refused(void *ctx, struct metric *to)
{
	struct policies_counts c;

	policies_count(((struct meters *)ctx)->a->policies, &c);
	metric_put_count(to, no_value, c.refused);
}

static void count_rejected(void *ctx, const struct state_reject *r)
{
	((unsigned int *)ctx)[r->last_good]++;
}

static void read_rejected(void *ctx, struct metric *to)
{
	unsigned int n[2] = { 0, 0 };

	rejected_each(((struct meters *)ctx)->a, count_rejected, n);
	metric_put(to, (const char *[]){ "nothing" }, n[0]);
	metric_put(to, (const char *[]){ "last-good" }, n[1]);
}

static void name_rejected(void *ctx, const struct state_reject *r)
{
	metric_put(ctx, (const char *[]){ r->object, r->last_good ? "last-good" : "nothing" }, 1);
}

static void read_rejected_names(void *ctx, struct metric *to)
{
	rejected_each(((struct meters *)ctx)->a, name_rejected, to);
}

static void read_records(void *ctx, struct metric *to)
{
	struct reader_counts c;

	reader_count(((struct meters *)ctx)->a->reader, &c);
	metric_put_count(to, no_value, c.read);
}

static void read_unnamed(void *ctx, struct metric *to)
{
	struct reader_counts c;

	reader_count(((struct meters *)ctx)->a->reader, &c);
	metric_put_count(to, no_value, c.unnamed_rules);
}

static void read_counted_short(void *ctx, struct metric *to)
{
	struct counts_counts c;

	counts_count(((struct meters *)ctx)->a->counts, &c);
	metric_put_count(to, no_value, c.folded);
}

static void read_own(void *ctx, struct metric *to)
{
	metric_put(to, no_value, ((struct meters *)ctx)->state->own_bytes);
}

static void read_map_bytes(void *ctx, struct metric *to)
{
	metric_put(to, no_value, ((struct meters *)ctx)->state->map_bytes);
}

static const char *const reason_label[] = { "reason", NULL };
static const char *const table_label[] = { "table", NULL };
static const char *const build_label[] = { "version", "abi", "node", "mode", "hook", NULL };
static const char *const event_label[] = { "event", NULL }, *const phase_label[] = { "phase", NULL };
static const char *const map_label[] = { "map", NULL }, *const state_label[] = { "state", NULL };
static const char *const rejected_label[] = { "in_force", NULL }, *const object_label[] = { "object", "in_force", NULL };

static const struct metric_about families[] = {
	{ .name = "weir_build_info", .help = "What this is: always 1.", .type = METRIC_GAUGE, .label = build_label,
	  .read = read_build },
	{ .name = "weir_enforcing", .help = "1: what policy denies is dropped; 0: it is recorded and passes (--observe-only).",
	  .type = METRIC_GAUGE, .read = read_enforcing },
	{ .name = "weir_dropped_packets", .help = "Packets dropped, as the kernel counts them.", .label = reason_label,
	  .read = read_dropped },
	{ .name = "weir_dropped_bytes", .help = "Bytes of packets dropped.", .unit = "bytes", .label = reason_label,
	  .read = read_dropped_bytes },
	{ .name = "weir_passed_packets", .help = "Packets that passed and were more than the next packet of a known flow.",
	  .label = reason_label, .read = read_passed },
	{ .name = "weir_untold_denied_packets", .help = "Packets dropped of which no record tells: repeats whose record was the "
	  "last, and records that did not fit.", .label = reason_label, .read = read_untold },
	{ .name = "weir_flow_table_events", .help = "What happened in the flow table and to its records.", .label = event_label,
	  .read = read_events },
	{ .name = "weir_flow_table_flows", .help = "Flows in the table, by where they are in their life.", .type = METRIC_GAUGE,
	  .label = phase_label, .read = read_flows },
	{ .name = "weir_table_used", .help = "How much of a bounded thing is used, in its own unit.", .type = METRIC_GAUGE,
	  .label = table_label, .read = read_used },
	{ .name = "weir_table_size", .help = "How much of it there is.", .type = METRIC_GAUGE, .label = table_label,
	  .read = read_size },
	{ .name = "weir_map_memory_bytes", .help = "Memory of each kernel map.", .unit = "bytes", .type = METRIC_GAUGE,
	  .label = map_label, .read = read_maps },
	{ .name = "weir_endpoints", .help = "Pods of this node, by the state of their interface.", .type = METRIC_GAUGE,
	  .label = state_label, .read = read_endpoints },
	{ .name = "weir_pods", .help = "Pods known in the cluster.", .type = METRIC_GAUGE, .read = read_pods },
	{ .name = "weir_policies", .help = "Policies in force.", .type = METRIC_GAUGE, .read = read_policies },
	{ .name = "weir_policy_apply_seconds", .help = "From the first change of a commit, read, to its enforcement.",
	  .unit = "seconds", .type = METRIC_HISTOGRAM, .read = read_apply },
	{ .name = "weir_policy_refused", .help = "Objects that did not fit, or made no sense to the compiler.",
	  .read = read_refused },
	{ .name = "weir_rejected_objects", .help = "Objects that are not in force as they are written, by what is in their place.",
	  .type = METRIC_GAUGE, .label = rejected_label, .read = read_rejected },
	{ .name = "weir_rejected_object_info", .help = "Which they are: always 1.", .type = METRIC_GAUGE, .label = object_label,
	  .most = REJECTED_MOST, .read = read_rejected_names },
	{ .name = "weir_records_read", .help = "Records read from the kernel's rings.", .read = read_records },
	{ .name = "weir_records_unnamed", .help = "Of them those with a rule that nobody knows.", .read = read_unnamed },
	{ .name = "weir_records_counted_short", .help = "Records counted in metrics without their ends, for want of room.",
	  .read = read_counted_short },
	{ .name = "weir_own_memory_bytes", .help = "Resident memory without what is mapped of kernel maps.", .unit = "bytes",
	  .type = METRIC_GAUGE, .read = read_own },
	{ .name = "weir_maps_memory_bytes", .help = "Memory of all kernel maps.", .unit = "bytes", .type = METRIC_GAUGE,
	  .read = read_map_bytes },
};

int meters_state_open(struct meters *m)
{
	struct meters_state *s = calloc(1, sizeof(*s));

	m->state = s;
	if (!s)
		return -ENOMEM;
	for (unsigned int i = 0; i < POLICIES_APPLY_BOUNDS; i++)
		s->apply_bound[i] = policies_apply_bound_us[i] / 1e6;
	for (unsigned int i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		struct metric_about about = families[i];

		about.ctx = m;
		if (about.type == METRIC_HISTOGRAM) {
			about.bound = s->apply_bound;
			about.bounds = POLICIES_APPLY_BOUNDS;
		}
		if (!metrics_add(m->metrics, &about))
			return -ENOMEM;
	}
	return 0;
}

void meters_state_close(struct meters *m)
{
	free(m->state);
}

static void on_untold(void *ctx, unsigned int endpoint, unsigned int rule, unsigned int reason, __u64 packets)
{
	struct meters_state *s = ctx;

	if (reason < WEIR_REASON_COUNT)
		s->untold[reason] += packets;
}

static int on_status(void *ctx, const ProtobufCMessage *part, bool last)
{
	const Weir__V1__Status *status = (const void *)part;
	struct meters_state *s = ctx;

	for (size_t i = 0; i < status->n_gauges && s->gauges < GAUGES_MOST; i++) {
		const Weir__V1__Gauge *g = status->gauges[i];

		snprintf(s->gauge[s->gauges].name, sizeof(s->gauge[0].name), "%s", g->name);
		s->gauge[s->gauges].used = g->used;
		s->gauge[s->gauges++].size = g->size;
	}
	if (status->rss_bytes) {
		s->own_bytes = status->rss_bytes;
		s->map_bytes = status->map_bytes;
		s->pods = status->pods;
		s->policies = status->policies;
	}
	return 0;
}

void meters_state_refresh(struct meters *m)
{
	struct meters_state *s = m->state;

	s->gauges = 0;
	memset(s->untold, 0, sizeof(s->untold));
	datapath_counters(m->a->datapath, s->sum);
	datapath_denied_sums(m->a->datapath, on_untold, s);
	flow_table_use(m->a->datapath, &s->use);
	answer_status(m->a, on_status, s);
}
