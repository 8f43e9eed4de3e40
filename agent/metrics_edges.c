// SPDX-License-Identifier: Apache-2.0
/* Traffic between workloads, from the edges: exact totals, whatever records were lost.  Ports are summed up. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/edges.h"
#include "agent/metrics_inside.h"

#define PAIRS_MOST 4000			/* series of each family */
#define WORKLOADS_MOST 500		/* of handshakes, which have 18 lines each */
#define HANDSHAKE_FIRST_US 64		/* the first bucket's bound; each further is twice as wide */

/* One look at all edges, for the families that are then written.  Strings are the edges', good for this turn. */
struct meters_edges {
	struct edge *edge;
	unsigned int edges, room;
	double bound[EDGES_BUCKETS - 1];
};

static const char *protocol_text(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:	return "TCP";
	case IPPROTO_UDP:	return "UDP";
	case IPPROTO_SCTP:	return "SCTP";
	case IPPROTO_ICMP:	return "ICMPv4";
	case IPPROTO_ICMPV6:	return "ICMPv6";
	default:		return "Unknown L4";
	}
}

enum what { OPENED, CLOSED, LIVE, DENIED, DROPPED, WOULD, PACKETS, BYTES, ANSWERS };

static void put_one(struct metric *to, const struct edge *e, const char *way, uint64_t n)
{
	const char *value[] = { protocol_text(e->proto), e->source.ns, e->source.workload, e->destination.ns,
				e->destination.workload, way };

	if (n)
		metric_put_count(to, value, n);
}

static void put_all(const struct meters *m, struct metric *to, enum what what)
{
	for (unsigned int i = 0; i < m->edges->edges; i++) {
		const struct edge *e = &m->edges->edge[i];
		const struct edge_sums *s = &e->sums;

		switch (what) {
		case OPENED:	put_one(to, e, NULL, s->opened); break;
		case CLOSED:	put_one(to, e, NULL, s->closed); break;
		case LIVE:	put_one(to, e, NULL, s->live); break;
		case DENIED:	put_one(to, e, NULL, s->denied); break;
		case DROPPED:	put_one(to, e, NULL, s->dropped); break;
		case WOULD:	put_one(to, e, NULL, s->would_deny); break;
		case PACKETS:	put_one(to, e, "there", s->packets[0]); put_one(to, e, "back", s->packets[1]); break;
		case ANSWERS:	put_one(to, e, NULL, s->answers); break;
		case BYTES:	put_one(to, e, "there", s->bytes[0]); put_one(to, e, "back", s->bytes[1]); break;
		}
	}
}

/* Round trips, summed: with the answers, a mean for every pair at the price of two series. */
static void read_rtt(void *ctx, struct metric *to)
{
	const struct meters *m = ctx;

	for (unsigned int i = 0; i < m->edges->edges; i++) {
		const struct edge *e = &m->edges->edge[i];
		const char *value[] = { protocol_text(e->proto), e->source.ns, e->source.workload, e->destination.ns,
					e->destination.workload };

		if (e->sums.answers)
			metric_put(to, value, e->sums.answer_us / 1e6);
	}
}

static void read_opened(void *ctx, struct metric *to) { put_all(ctx, to, OPENED); }
static void read_closed(void *ctx, struct metric *to) { put_all(ctx, to, CLOSED); }
static void read_live(void *ctx, struct metric *to) { put_all(ctx, to, LIVE); }
static void read_denied(void *ctx, struct metric *to) { put_all(ctx, to, DENIED); }
static void read_dropped(void *ctx, struct metric *to) { put_all(ctx, to, DROPPED); }
static void read_would(void *ctx, struct metric *to) { put_all(ctx, to, WOULD); }
static void read_packets(void *ctx, struct metric *to) { put_all(ctx, to, PACKETS); }
static void read_bytes(void *ctx, struct metric *to) { put_all(ctx, to, BYTES); }
static void read_answers(void *ctx, struct metric *to) { put_all(ctx, to, ANSWERS); }

static void read_handshakes(void *ctx, struct metric *to)
{
	const struct meters *m = ctx;

	for (unsigned int i = 0; i < m->edges->edges; i++) {
		const struct edge *e = &m->edges->edge[i];
		uint64_t bucket[EDGES_BUCKETS];

		if (!e->sums.handshakes)
			continue;
		for (unsigned int b = 0; b < EDGES_BUCKETS; b++)
			bucket[b] = e->sums.handshake_bucket[b];
		metric_put_histogram(to, (const char *[]){ e->destination.ns, e->destination.workload }, bucket,
				     e->sums.handshake_us / 1e6);
	}
}

static void read_refused(void *ctx, struct metric *to)
{
	struct edges_counts c;

	edges_count(((struct meters *)ctx)->a->edges, &c);
	metric_put_count(to, NULL, c.refused);
}

static const char *const pair_label[] = { "protocol", "source_namespace", "source_workload", "destination_namespace",
					  "destination_workload", NULL };
static const char *const way_label[] = { "protocol", "source_namespace", "source_workload", "destination_namespace",
					 "destination_workload", "way", NULL };
static const char *const workload_label[] = { "destination_namespace", "destination_workload", NULL };

static const struct metric_about families[] = {
	{ .name = "weir_workload_flows_opened", .help = "Flows opened between two workloads, told by the source's node.",
	  .label = pair_label, .read = read_opened },
	{ .name = "weir_workload_flows_closed", .help = "Flows closed between two workloads.", .label = pair_label,
	  .read = read_closed },
	{ .name = "weir_workload_flows_live",
	  .help = "Flows between two workloads that go on: neither ended nor cut, and heard of in the last half minute, a connection "
		  "in the last two hours.",
	  .type = METRIC_GAUGE, .label = pair_label, .read = read_live },
	{ .name = "weir_workload_denied_packets", .help = "Packets between two workloads that policy denied on this node.",
	  .label = pair_label, .read = read_denied },
	{ .name = "weir_workload_dropped_packets", .help = "Packets between two workloads dropped for another reason.",
	  .label = pair_label, .read = read_dropped },
	{ .name = "weir_workload_would_deny_flows", .help = "Flows between two workloads that audited policies would deny.",
	  .label = pair_label, .read = read_would },
	{ .name = "weir_workload_packets", .help = "Packets between two workloads, from source to destination and back.",
	  .label = way_label, .read = read_packets },
	{ .name = "weir_workload_bytes", .help = "Bytes between two workloads, of IP, from source to destination and back.",
	  .unit = "bytes", .label = way_label, .read = read_bytes },
	{ .name = "weir_workload_answers", .help = "TCP openings between two workloads whose SYN-ACK was seen, told as they close.",
	  .label = pair_label, .read = read_answers },
	{ .name = "weir_workload_rtt_seconds", .help = "Round trips of these, from the node's SYN to the SYN-ACK: their sum.",
	  .unit = "seconds", .label = pair_label, .read = read_rtt },
	{ .name = "weir_handshake_seconds", .help = "TCP handshakes, from SYN to the opener's ACK, by who was asked.",
	  .unit = "seconds", .type = METRIC_HISTOGRAM, .label = workload_label, .most = WORKLOADS_MOST,
	  .read = read_handshakes },
	{ .name = "weir_edges_refused", .help = "Records and readings told under the edge \"other\" for want of room.",
	  .read = read_refused },
};

int meters_edges_open(struct meters *m)
{
	struct meters_edges *s = calloc(1, sizeof(*s));

	m->edges = s;
	if (!s)
		return -ENOMEM;
	for (unsigned int i = 0; i < EDGES_BUCKETS - 1; i++)
		s->bound[i] = (HANDSHAKE_FIRST_US << i) / 1e6;
	for (unsigned int i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		struct metric_about about = families[i];

		about.ctx = m;
		if (!about.most)
			about.most = PAIRS_MOST;
		about.keep = about.label == pair_label || about.label == way_label;
		if (about.type == METRIC_HISTOGRAM) {
			about.bound = s->bound;
			about.bounds = EDGES_BUCKETS - 1;
		}
		if (!metrics_add(m->metrics, &about))
			return -ENOMEM;
	}
	return 0;
}

void meters_edges_close(struct meters *m)
{
	if (m->edges)
		free(m->edges->edge);
	free(m->edges);
}

void meters_edges_refresh(struct meters *m)
{
	struct meters_edges *s = m->edges;
	unsigned int end = edges_end(m->a->edges);

	s->edges = 0;
	if (end > s->room) {
		struct edge *more = realloc(s->edge, (end + end / 2) * sizeof(*more));

		if (!more)
			return;
		s->edge = more;
		s->room = end + end / 2;
	}
	for (unsigned int i = 0; i < end; i++)
		s->edges += edges_copy(m->a->edges, i, 0, &s->edge[s->edges]);
}
