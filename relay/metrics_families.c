// SPDX-License-Identifier: Apache-2.0
/* Which metrics the relay has, and how each is read from a look. */
#include <errno.h>
#include <netinet/in.h>

#include "lib/http/tls.h"
#include "lib/rpc/credentials.h"
#include "relay/access.h"
#include "relay/feed.h"
#include "relay/metrics_inside.h"
#include "relay/relay.h"

#define PAIRS_MOST 10000		/* series of each family of pairs of workloads */
#define WORKLOADS_MOST 1000		/* of handshakes */
#define HANDSHAKE_FIRST_US 64

static const struct look *look_of(void *ctx)
{
	return &((struct meters *)ctx)->look;
}

static void read_build(void *ctx, struct metric *to)
{
	metric_put(to, (const char *[]){ WEIR_VERSION }, 1);
}

static void read_peers(void *ctx, struct metric *to)
{
	for (unsigned int i = 0; i <= PEER_UNAVAILABLE; i++)
		metric_put(to, (const char *[]){ peer_state_word(i) }, look_of(ctx)->peers_counts.state[i]);
}

/* By the states of Hubble's relay, which are gRPC's. */
static void read_pool(void *ctx, struct metric *to)
{
	static const char *const word[] = { [PEER_CONNECTING] = "CONNECTING", [PEER_CONNECTED] = "READY",
					    [PEER_UNAVAILABLE] = "TRANSIENT_FAILURE" };

	for (unsigned int i = 0; i <= PEER_UNAVAILABLE; i++)
		metric_put(to, &word[i], look_of(ctx)->peers_counts.state[i]);
}

#define PER_PEER(what, condition, put, value)							\
static void read_peer_##what(void *ctx, struct metric *to)					\
{												\
	const struct look *l = look_of(ctx);							\
												\
	for (unsigned int i = 0; i < l->peers; i++) {						\
		const struct look_peer *p = &l->peer[i];					\
		const char *name = p->name;							\
												\
		if (condition)									\
			put(to, &name, value);							\
	}											\
}
PER_PEER(up, true, metric_put, p->state == PEER_CONNECTED)
PER_PEER(offset, p->clock_known, metric_put, p->clock_offset / 1e9)
PER_PEER(round_trip, p->clock_known, metric_put, p->round_trip / 1e9)
PER_PEER(flows, true, metric_put_count, p->passed)
PER_PEER(late, true, metric_put_count, p->late)
PER_PEER(lost, true, metric_put_count, p->lost)
PER_PEER(garbage, true, metric_put_count, p->garbage)
PER_PEER(connects, true, metric_put_count, p->connects)

#define ONE(what, put, value)									\
static void read_##what(void *ctx, struct metric *to)						\
{												\
	const struct look *l = look_of(ctx);							\
												\
	put(to, NULL, value);									\
}
ONE(streams, metric_put, l->flows_counts.streams)
ONE(streams_most, metric_put, l->flows_counts.streams_most)
ONE(asked, metric_put_count, l->flows_counts.asked)
ONE(refused, metric_put_count, l->flows_counts.refused)
ONE(sent, metric_put_count, l->flows_counts.flows)
ONE(sent_bytes, metric_put_count, l->flows_counts.bytes)
ONE(short_answers, metric_put_count, l->flows_counts.cut)
ONE(dropped_messages, metric_put_count, l->flows_counts.dropped)
ONE(queued, metric_put, l->flows_counts.queued)
ONE(queued_most, metric_put, l->flows_counts.queued_most)
ONE(folded, metric_put_count, l->edges_counts.folded)
ONE(unnoted, metric_put_count, l->edges_counts.unnoted)
ONE(restarts, metric_put_count, l->edges_counts.restarts)

static void read_used(void *ctx, struct metric *to)
{
	const struct look *l = look_of(ctx);

	metric_put(to, (const char *[]){ "edges" }, l->edges_counts.edges);
	metric_put(to, (const char *[]){ "notes" }, l->edges_counts.notes);
	metric_put(to, (const char *[]){ "peers" }, l->peers_counts.peers);
}

static void read_size(void *ctx, struct metric *to)
{
	const struct look *l = look_of(ctx);

	metric_put(to, (const char *[]){ "edges" }, l->edges_counts.capacity);
	metric_put(to, (const char *[]){ "notes" }, l->edges_counts.notes_capacity);
	metric_put(to, (const char *[]){ "peers" }, PEERS_MOST);
}

static void read_lost(void *ctx, struct metric *to)
{
	const struct look *l = look_of(ctx);

	/* agents name a stage once it has lost something; who waits for the first loss needs the zero before it */
	metric_put_count(to, (const char *[]){ "ring" }, 0);
	metric_put_count(to, (const char *[]){ "denials" }, 0);
	for (unsigned int i = 0; i < l->losts; i++)
		metric_put_count(to, (const char *[]){ l->lost[i].where }, l->lost[i].events);
}

static void read_expiry(void *ctx, struct metric *to)
{
	const struct relay *relay = ((struct meters *)ctx)->relay;
	struct certs_state s;

	if (relay->server_tls) {
		rpc_server_tls_state(relay->server_tls, &s);
		metric_put(to, (const char *[]){ "server" }, s.expires);
		metric_put(to, (const char *[]){ "client-ca" }, s.ca_expires);
	}
	if (relay->client_tls) {
		rpc_client_tls_state(relay->client_tls, &s);
		if (s.expires)
			metric_put(to, (const char *[]){ "client" }, s.expires);
		if (s.ca_expires)
			metric_put(to, (const char *[]){ "server-ca" }, s.ca_expires);
	}
	if (relay->access && access_tls(relay->access)) {
		http_tls_state(access_tls(relay->access), &s);
		metric_put(to, (const char *[]){ "page" }, s.expires);
		if (s.ca_expires)
			metric_put(to, (const char *[]){ "page-client-ca" }, s.ca_expires);
	}
}

/* -- the page: the main thread's own -- */

static void read_failures(void *ctx, struct metric *to)
{
	const struct relay *relay = ((struct meters *)ctx)->relay;
	struct access_counts c = { 0 };
	struct certs_state s = { 0 };

	if (!relay->access)
		return;
	access_count(relay->access, &c);
	metric_put_count(to, (const char *[]){ "page-token" }, c.file_failures);
	if (access_tls(relay->access)) {
		http_tls_state(access_tls(relay->access), &s);
		metric_put_count(to, (const char *[]){ "page" }, s.failures);
	}
}

static void read_page(void *ctx, struct metric *to)
{
	const struct relay *relay = ((struct meters *)ctx)->relay;
	struct access_counts c;
	struct http_counts h;

	if (!relay->page_http)
		return;
	access_count(relay->access, &c);
	http_count(relay->page_http, &h);
	metric_put_count(to, (const char *[]){ "unknown" }, c.unknown);
	metric_put_count(to, (const char *[]){ "wrong-token" }, c.wrong);
	metric_put_count(to, (const char *[]){ "too-many-wrong" }, c.waited);
	metric_put_count(to, (const char *[]){ "other-site" }, c.foreign);
	metric_put_count(to, (const char *[]){ "handshake" }, h.unshaken);
	metric_put_count(to, (const char *[]){ "slow" }, h.slow);
	metric_put_count(to, (const char *[]){ "full" }, h.full);
	metric_put_count(to, (const char *[]){ "nonsense" }, h.nonsense);
}

static void read_sessions(void *ctx, struct metric *to)
{
	const struct relay *relay = ((struct meters *)ctx)->relay;
	struct access_counts c;

	if (!relay->access)
		return;
	access_count(relay->access, &c);
	metric_put(to, NULL, c.sessions);
}

static void read_sign_ins(void *ctx, struct metric *to)
{
	const struct relay *relay = ((struct meters *)ctx)->relay;
	struct access_counts c;

	if (!relay->access)
		return;
	access_count(relay->access, &c);
	metric_put_count(to, NULL, c.signed_in);
}

static void read_connections(void *ctx, struct metric *to)
{
	const struct relay *relay = ((struct meters *)ctx)->relay;
	struct http_counts h;

	if (!relay->page_http)
		return;
	http_count(relay->page_http, &h);
	metric_put(to, NULL, h.connections);
}

#define FEEDS(what, put)									\
static void read_page_##what(void *ctx, struct metric *to)					\
{												\
	const struct relay *relay = ((struct meters *)ctx)->relay;				\
	struct feeds_counts c;									\
												\
	if (!relay->page_feeds)									\
		return;										\
	feeds_count(relay->page_feeds, &c);							\
	put(to, NULL, c.what);									\
}
FEEDS(feeds, metric_put)
FEEDS(readers, metric_put)
FEEDS(missed, metric_put_count)

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

static void put_edge(struct metric *to, const struct look_edge *e, const char *way, uint64_t n)
{
	const char *value[] = { protocol_text(e->proto), e->source.ns, e->source.workload, e->destination.ns,
				e->destination.workload, way };

	if (n)
		metric_put_count(to, value, n);
}

static void put_sums(void *ctx, struct metric *to, enum edge_sum there, enum edge_sum back)
{
	const struct look *l = look_of(ctx);

	for (unsigned int i = 0; i < l->edges; i++) {
		put_edge(to, &l->edge[i], "there", l->edge[i].sum[there]);
		if (back != there)
			put_edge(to, &l->edge[i], "back", l->edge[i].sum[back]);
	}
}

static void read_opened(void *ctx, struct metric *to) { put_sums(ctx, to, EDGE_OPENED, EDGE_OPENED); }
static void read_closed(void *ctx, struct metric *to) { put_sums(ctx, to, EDGE_CLOSED, EDGE_CLOSED); }
static void read_denied(void *ctx, struct metric *to) { put_sums(ctx, to, EDGE_DENIED, EDGE_DENIED); }
static void read_dropped(void *ctx, struct metric *to) { put_sums(ctx, to, EDGE_DROPPED, EDGE_DROPPED); }
static void read_would(void *ctx, struct metric *to) { put_sums(ctx, to, EDGE_WOULD_DENY, EDGE_WOULD_DENY); }
static void read_packets(void *ctx, struct metric *to) { put_sums(ctx, to, EDGE_PACKETS, EDGE_REPLY_PACKETS); }
static void read_bytes(void *ctx, struct metric *to) { put_sums(ctx, to, EDGE_BYTES, EDGE_REPLY_BYTES); }

static void read_answers(void *ctx, struct metric *to) { put_sums(ctx, to, EDGE_ANSWERS, EDGE_ANSWERS); }

static void read_rtt(void *ctx, struct metric *to)
{
	const struct look *l = look_of(ctx);

	for (unsigned int i = 0; i < l->edges; i++) {
		const struct look_edge *e = &l->edge[i];
		const char *value[] = { protocol_text(e->proto), e->source.ns, e->source.workload, e->destination.ns,
					e->destination.workload };

		if (e->sum[EDGE_ANSWERS])
			metric_put(to, value, e->sum[EDGE_ANSWER_US] / 1e6);
	}
}

static void read_live(void *ctx, struct metric *to)
{
	const struct look *l = look_of(ctx);

	for (unsigned int i = 0; i < l->edges; i++)
		put_edge(to, &l->edge[i], NULL, l->edge[i].live);
}

static void read_handshakes(void *ctx, struct metric *to)
{
	const struct look *l = look_of(ctx);

	for (unsigned int i = 0; i < l->edges; i++) {
		const struct look_edge *e = &l->edge[i];

		if (e->sum[EDGE_HANDSHAKES])
			metric_put_histogram(to, (const char *[]){ e->destination.ns, e->destination.workload }, e->bucket,
					     e->sum[EDGE_HANDSHAKE_US] / 1e6);
	}
}

static const char *const version_label[] = { "version", NULL }, *const state_label[] = { "state", NULL };
static const char *const status_label[] = { "status", NULL }, *const peer_label[] = { "peer", NULL };
static const char *const table_label[] = { "table", NULL }, *const stage_label[] = { "stage", NULL };
static const char *const use_label[] = { "use", NULL }, *const reason_label[] = { "reason", NULL };
static const char *const pair_label[] = { "protocol", "source_namespace", "source_workload", "destination_namespace",
					  "destination_workload", NULL };
static const char *const way_label[] = { "protocol", "source_namespace", "source_workload", "destination_namespace",
					 "destination_workload", "way", NULL };
static const char *const workload_label[] = { "destination_namespace", "destination_workload", NULL };

static const struct metric_about families[] = {
	{ .name = "weir_relay_build_info", .help = "What this is: always 1.", .type = METRIC_GAUGE, .label = version_label,
	  .read = read_build },
	{ .name = "weir_relay_peers", .help = "Nodes' agents, by the state of the connection.", .type = METRIC_GAUGE,
	  .label = state_label, .read = read_peers },
	{ .name = "hubble_relay_pool_peer_connection_status", .help = "The same by gRPC's states.", .type = METRIC_GAUGE,
	  .label = status_label, .read = read_pool },
	{ .name = "weir_relay_peer_up", .help = "1: this agent is connected.", .type = METRIC_GAUGE, .label = peer_label,
	  .most = PEERS_MOST, .read = read_peer_up },
	{ .name = "weir_relay_peer_clock_offset_seconds", .help = "An agent's clock less the relay's.", .unit = "seconds",
	  .type = METRIC_GAUGE, .label = peer_label, .most = PEERS_MOST, .read = read_peer_offset },
	{ .name = "weir_relay_peer_round_trip_seconds", .help = "A question to an agent and its answer.", .unit = "seconds",
	  .type = METRIC_GAUGE, .label = peer_label, .most = PEERS_MOST, .read = read_peer_round_trip },
	{ .name = "weir_relay_peer_flows", .help = "Flows of an agent that went on to clients.", .label = peer_label,
	  .most = PEERS_MOST, .read = read_peer_flows },
	{ .name = "weir_relay_peer_late_flows", .help = "Of them those that went on after younger ones.", .label = peer_label,
	  .most = PEERS_MOST, .read = read_peer_late },
	{ .name = "weir_relay_peer_lost_events", .help = "Events that an agent said to have lost, in streams of clients.",
	  .label = peer_label, .most = PEERS_MOST, .read = read_peer_lost },
	{ .name = "weir_relay_peer_garbage", .help = "Messages of an agent that made no sense.", .label = peer_label,
	  .most = PEERS_MOST, .read = read_peer_garbage },
	{ .name = "weir_relay_peer_connects", .help = "Connections made to an agent.", .label = peer_label, .most = PEERS_MOST,
	  .read = read_peer_connects },
	{ .name = "weir_relay_streams", .help = "Clients that are being sent flows.", .type = METRIC_GAUGE,
	  .read = read_streams },
	{ .name = "weir_relay_streams_limit", .help = "How many there may be.", .type = METRIC_GAUGE, .read = read_streams_most },
	{ .name = "weir_relay_streams_asked", .help = "Streams of flows begun.", .read = read_asked },
	{ .name = "weir_relay_streams_refused", .help = "Streams refused, there being too many.", .read = read_refused },
	{ .name = "weir_relay_flows", .help = "Flows sent to clients.", .read = read_sent },
	{ .name = "weir_relay_flow_bytes", .help = "Bytes of them.", .unit = "bytes", .read = read_sent_bytes },
	{ .name = "weir_relay_short_answers", .help = "Answers to 'the last N' that were cut short for want of room.",
	  .read = read_short_answers },
	{ .name = "weir_relay_dropped_messages", .help = "Messages dropped for want of memory.", .read = read_dropped_messages },
	{ .name = "weir_relay_queued_bytes", .help = "Bytes that wait to be put in order, or to be read.", .unit = "bytes",
	  .type = METRIC_GAUGE, .read = read_queued },
	{ .name = "weir_relay_queue_limit_bytes", .help = "How many there may be with so many streams and nodes.",
	  .unit = "bytes", .type = METRIC_GAUGE, .read = read_queued_most },
	{ .name = "weir_relay_table_used", .help = "How much of a bounded thing is used.", .type = METRIC_GAUGE,
	  .label = table_label, .read = read_used },
	{ .name = "weir_relay_table_size", .help = "How much of it there is.", .type = METRIC_GAUGE, .label = table_label,
	  .read = read_size },
	{ .name = "weir_relay_edges_folded", .help = "Edges without room, told under the edge \"other\".", .read = read_folded },
	{ .name = "weir_relay_edges_unnoted", .help = "Totals that could not even be noted: they are in no sum.",
	  .read = read_unnoted },
	{ .name = "weir_relay_agent_restarts", .help = "Agents that began anew.", .read = read_restarts },
	{ .name = "weir_relay_certificate_expiry_timestamp_seconds", .help = "When a certificate runs out, in seconds since 1970.",
	  .unit = "seconds", .type = METRIC_GAUGE, .label = use_label, .read = read_expiry },
	{ .name = "weir_relay_certificate_failures", .help = "Changed files of certificates or tokens of the page that were not taken.",
	  .label = use_label, .read = read_failures },
	{ .name = "weir_relay_page_connections", .help = "Connections to the page now.", .type = METRIC_GAUGE, .read = read_connections },
	{ .name = "weir_relay_page_readers", .help = "Pages that are being sent flows.", .type = METRIC_GAUGE, .read = read_page_readers },
	{ .name = "weir_relay_page_feeds", .help = "Streams of flows that pages read.", .type = METRIC_GAUGE, .read = read_page_feeds },
	{ .name = "weir_relay_page_missed_flows", .help = "Flows that pages were told to have missed, being slow.", .read = read_page_missed },
	{ .name = "weir_relay_page_sessions", .help = "Browsers that are signed in to the page.", .type = METRIC_GAUGE, .read = read_sessions },
	{ .name = "weir_relay_page_sign_ins", .help = "Sign-ins to the page.", .read = read_sign_ins },
	{ .name = "weir_relay_page_refused", .help = "Requests to the page, or connections, that were refused, by why.",
	  .label = reason_label, .read = read_page },
	{ .name = "weir_cluster_lost_events", .help = "Events that agents said to have lost, by where.", .label = stage_label,
	  .read = read_lost },
	{ .name = "weir_cluster_flows_opened", .help = "Flows opened between two workloads of the cluster.", .label = pair_label,
	  .read = read_opened },
	{ .name = "weir_cluster_flows_closed", .help = "Flows closed between two workloads.", .label = pair_label,
	  .read = read_closed },
	{ .name = "weir_cluster_flows_live", .help = "Flows between two workloads that go on, as each node counts them.", .type = METRIC_GAUGE,
	  .label = pair_label, .read = read_live },
	{ .name = "weir_cluster_denied_packets", .help = "Packets between two workloads that policy denied.", .label = pair_label,
	  .read = read_denied },
	{ .name = "weir_cluster_dropped_packets", .help = "Packets between two workloads dropped for another reason.",
	  .label = pair_label, .read = read_dropped },
	{ .name = "weir_cluster_would_deny_flows", .help = "Flows between two workloads that audited policies would deny.",
	  .label = pair_label, .read = read_would },
	{ .name = "weir_cluster_packets", .help = "Packets between two workloads, there and back.", .label = way_label,
	  .read = read_packets },
	{ .name = "weir_cluster_bytes", .help = "Bytes between two workloads, of IP, there and back.", .unit = "bytes",
	  .label = way_label, .read = read_bytes },
	{ .name = "weir_cluster_answers", .help = "TCP openings between two workloads whose SYN-ACK was seen.",
	  .label = pair_label, .read = read_answers },
	{ .name = "weir_cluster_rtt_seconds", .help = "Round trips of these, from SYN to SYN-ACK: their sum.", .unit = "seconds",
	  .label = pair_label, .read = read_rtt },
	{ .name = "weir_cluster_handshake_seconds", .help = "TCP handshakes, by who was asked.", .unit = "seconds",
	  .type = METRIC_HISTOGRAM, .label = workload_label, .most = WORKLOADS_MOST, .read = read_handshakes },
};

int meters_add(struct meters *m)
{
	for (unsigned int i = 0; i < EDGES_BUCKETS - 1; i++)
		m->bound[i] = (HANDSHAKE_FIRST_US << i) / 1e6;
	for (unsigned int i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		struct metric_about about = families[i];

		about.ctx = m;
		about.keep = about.label == pair_label || about.label == way_label;
		if (about.keep)
			about.most = PAIRS_MOST;
		if (about.type == METRIC_HISTOGRAM) {
			about.bound = m->bound;
			about.bounds = EDGES_BUCKETS - 1;
		}
		if (!metrics_add(m->metrics, &about))
			return -ENOMEM;
	}
	return metrics_add_process(m->metrics);
}
