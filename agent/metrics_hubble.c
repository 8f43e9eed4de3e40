// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/metrics_hubble.h"
#include "lib/flow/words.h"
#include "lib/log.h"

#define OWN_LABELS 4
#define SERIES_MOST 10000		/* of each */

struct handler;

/* One of the metrics: its own labels come before those of its context. */
struct kind {
	const char *name, *metric, *help;
	const char *label[OWN_LABELS + 1];
	unsigned int keep;		/* labels that stay when a series is folded */
	void (*count)(const struct handler *h, const struct counted *c);
};

struct handler {
	const struct kind *kind;
	struct context context;
	struct metric *metric;
	const char *label[OWN_LABELS + CONTEXT_LABELS + 1];
};

struct hubble {
	struct handler handler[METRIC_LIST_MOST];
	unsigned int handlers;
};

static void count_flow(const struct handler *h, const struct counted *c);
static void count_drop(const struct handler *h, const struct counted *c);
static void count_policy(const struct handler *h, const struct counted *c);
static void count_tcp(const struct handler *h, const struct counted *c);
static void count_icmp(const struct handler *h, const struct counted *c);
static void count_port(const struct handler *h, const struct counted *c);
static void count_world(const struct handler *h, const struct counted *c);

static const struct kind kinds[] = {
	{ "flow", "hubble_flows_processed", "Flows, by what was told of them.", { "protocol", "type", "subtype", "verdict" }, 4,
	  count_flow },
	{ "drop", "hubble_drop", "Packets dropped.", { "reason", "protocol" }, 2, count_drop },
	{ "policy", "hubble_policy_verdicts", "Verdicts of policy, by side.", { "direction", "match", "action" }, 3, count_policy },
	{ "tcp", "hubble_tcp_flags", "TCP packets that open, answer or end a connection.", { "flag", "family" }, 2, count_tcp },
	{ "icmp", "hubble_icmp", "ICMP messages that opened a flow or were dropped.", { "family", "type" }, 2, count_icmp },
	{ "port-distribution", "hubble_port_distribution", "Flows allowed, by destination port.", { "protocol", "port" }, 1,
	  count_port },
	{ "flows-to-world", "hubble_flows_to_world", "Flows to whom the cluster does not know.", { "protocol", "verdict" }, 2,
	  count_world },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const char *const hubble_names[] = { "flow", "drop", "policy", "tcp", "icmp", "port-distribution", "flows-to-world",
				     "dns", "http", "httpV2", "kafka", NULL };

/* flows-to-world may have a label more. */
static void name_labels(struct handler *h)
{
	unsigned int n = 0;

	for (; h->kind->label[n]; n++)
		h->label[n] = h->kind->label[n];
	if (h->kind->count == count_world && h->context.port)
		h->label[n++] = "port";
	h->label[n + context_labels(&h->context, &h->label[n])] = NULL;
}

static int add(struct hubble *h, struct metrics *metrics, const struct metric_wanted *wanted)
{
	struct handler *one = &h->handler[h->handlers];
	unsigned int i = 0;

	while (i < KINDS && strcmp(kinds[i].name, wanted->name))
		i++;
	if (i == KINDS) {
		log_warn("metric '%s' (--metrics-enable) will have no series: weir does not look into packets yet", wanted->name);
		return 0;
	}
	one->kind = &kinds[i];
	one->context = wanted->context;
	name_labels(one);
	one->metric = metrics_add(metrics, &(struct metric_about){ .name = kinds[i].metric, .help = kinds[i].help,
								   .label = one->label, .keep = kinds[i].keep,
								   .most = SERIES_MOST });
	if (!one->metric)
		return -ENOMEM;
	h->handlers++;
	return 0;
}

int hubble_open(struct hubble **out, struct metrics *metrics, const char *list, struct complaint *why)
{
	struct hubble *h = calloc(1, sizeof(*h));
	struct metric_list wanted;
	int err = h ? metric_list_read(&wanted, list, hubble_names, why) : -ENOMEM;

	for (unsigned int i = 0; !err && i < wanted.metrics; i++)
		err = add(h, metrics, &wanted.metric[i]);
	if (err) {
		free(h);
		return err;
	}
	*out = h;
	return 0;
}

void hubble_close(struct hubble *h)
{
	free(h);
}

void hubble_count(struct hubble *h, const struct counted *c)
{
	for (unsigned int i = 0; i < h->handlers; i++)
		h->handler[i].kind->count(&h->handler[i], c);
}

/* 'own' are the values before the context's, 'n' counts. */
static void put(const struct handler *h, const struct counted *c, const char *const *own, uint64_t n)
{
	const char *value[OWN_LABELS + CONTEXT_LABELS];
	char text[2][CONTEXT_TEXT];
	uint64_t owner[2] = { 0, 0 };
	unsigned int i = 0;

	for (; own[i]; i++)
		value[i] = own[i];
	if (c->cell->other)
		for (; h->label[i]; i++)
			value[i] = METRICS_OTHER;
	else
		context_values(&h->context, c->flow->direction, c->end, text, &value[i], owner);
	series_count(metric_series(h->metric, value, owner), n);
}

static const char *protocol_of(const struct counted *c)
{
	switch (c->flow->proto) {
	case IPPROTO_TCP:	return "TCP";
	case IPPROTO_UDP:	return "UDP";
	case IPPROTO_SCTP:	return "SCTP";
	case IPPROTO_ICMP:	return "ICMPv4";
	case IPPROTO_ICMPV6:	return "ICMPv6";
	default:		return "Unknown L4";
	}
}

static bool is_v6(const struct counted *c)
{
	return c->cell->key.more & COUNTS_V6;
}

/* Dropped now, not a flow that was and has closed. */
static bool is_drop(const struct counted *c)
{
	return c->flow->verdict == FLOW_DROPPED && c->flow->kind != FLOW_CLOSED;
}

static uint64_t packets_of(const struct counted *c)
{
	return c->cell->records + c->cell->repeats;
}

static void count_flow(const struct handler *h, const struct counted *c)
{
	const struct flow *f = c->flow;
	char number[8];
	const char *type = f->event == FLOW_EVENT_TRACE ? "Trace" : f->event == FLOW_EVENT_DROP ? "Drop" : "PolicyVerdict";

	snprintf(number, sizeof(number), "%u", f->sub_event);
	put(h, c, (const char *[]){ protocol_of(c), type, f->event == FLOW_EVENT_TRACE ? flow_trace_text(f->trace_point) : number,
				    flow_verdict_name(f->verdict), NULL }, c->cell->records);
}

static void count_drop(const struct handler *h, const struct counted *c)
{
	if (is_drop(c))
		put(h, c, (const char *[]){ flow_drop_name(c->flow->drop_reason) ?: "DROP_REASON_UNKNOWN", protocol_of(c), NULL },
		    packets_of(c));
}

static const char *lower(const char *word, char buf[32])
{
	size_t n = 0;

	for (; word && word[n] && n < 31; n++)
		buf[n] = word[n] >= 'A' && word[n] <= 'Z' ? word[n] + 32 : word[n];
	buf[n] = '\0';
	return buf;
}

/* Each side that was judged here has its say, but for the one that a node's own packets have. */
static void count_policy(const struct handler *h, const struct counted *c)
{
	const struct flow *f = c->flow;
	char match[32], action[32];

	if (f->event != FLOW_EVENT_POLICY || (!c->cell->other && f->source->identity == FLOW_ID_HOST))
		return;
	for (int dir = 0; dir < WEIR_DIRS; dir++) {
		unsigned int way = dir == WEIR_EGRESS ? FLOW_EGRESS : FLOW_INGRESS;
		bool says_no = dir == WEIR_EGRESS ? f->egress_denied : f->ingress_denied;

		if (!(f->directions & 1U << way) || (is_drop(c) && !says_no))
			continue;
		put(h, c, (const char *[]){ way == FLOW_EGRESS ? "egress" : "ingress",
					    lower(flow_match_text(c->match[dir]), match),
					    lower(flow_verdict_name(f->verdict), action), NULL }, c->cell->records);
	}
}

static void put_flag(const struct handler *h, const struct counted *c, const char *flag, uint64_t n)
{
	put(h, c, (const char *[]){ flag, is_v6(c) ? "IPv6" : "IPv4", NULL }, n);
}

/* No packet of a connection is looked at for its flags but those that a record tells of: what opened or was denied, and
 * at the end whether it was answered and how it ended. */
static void count_tcp(const struct handler *h, const struct counted *c)
{
	const struct counts_key *k = &c->cell->key;

	if (c->flow->proto != IPPROTO_TCP)
		return;
	if (k->kind == WEIR_REC_OPENED || k->kind == WEIR_REC_DENIED) {
		if (k->tcp_flags & TH_SYN)
			put_flag(h, c, k->tcp_flags & TH_ACK ? "SYN-ACK" : "SYN", packets_of(c));
	} else if (k->kind == WEIR_REC_CLOSED && k->more & COUNTS_ANSWERED && !(k->flags & (WEIR_REC_PICKED_UP | WEIR_REC_PARTIAL))) {
		put_flag(h, c, "SYN-ACK", c->cell->records);
	}
	if (k->tcp_flags & TH_FIN)
		put_flag(h, c, "FIN", packets_of(c));
	if (k->tcp_flags & TH_RST)
		put_flag(h, c, "RST", packets_of(c));
}

static const char *icmp_type(bool v6, unsigned int type, char buf[16])
{
	static const struct { uint8_t v6, type; const char *text; } names[] = {
		{ 0, 0, "EchoReply" }, { 0, 3, "DestinationUnreachable" }, { 0, 4, "SourceQuench" }, { 0, 5, "Redirect" },
		{ 0, 8, "EchoRequest" }, { 0, 9, "RouterAdvertisement" }, { 0, 10, "RouterSolicitation" },
		{ 0, 11, "TimeExceeded" }, { 0, 12, "ParameterProblem" }, { 0, 13, "TimestampRequest" },
		{ 0, 14, "TimestampReply" }, { 1, 1, "DestinationUnreachable" }, { 1, 2, "PacketTooBig" },
		{ 1, 3, "TimeExceeded" }, { 1, 4, "ParameterProblem" }, { 1, 128, "EchoRequest" }, { 1, 129, "EchoReply" },
		{ 1, 133, "RouterSolicitation" }, { 1, 134, "RouterAdvertisement" }, { 1, 135, "NeighborSolicitation" },
		{ 1, 136, "NeighborAdvertisement" }, { 1, 137, "Redirect" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].v6 == v6 && names[i].type == type)
			return names[i].text;
	snprintf(buf, 16, "%u", type);
	return buf;
}

static void count_icmp(const struct handler *h, const struct counted *c)
{
	bool v6 = c->flow->proto == IPPROTO_ICMPV6;
	char buf[16];

	if ((!v6 && c->flow->proto != IPPROTO_ICMP) || c->flow->kind == FLOW_CLOSED || c->flow->kind == FLOW_AGAIN)
		return;
	put(h, c, (const char *[]){ v6 ? "IPv6" : "IPv4", icmp_type(v6, c->cell->key.port >> 8, buf), NULL }, packets_of(c));
}

static const char *port_text(const struct counted *c, char buf[8])
{
	if (c->cell->other)
		return METRICS_OTHER;
	snprintf(buf, 8, "%u", c->flow->icmp ? 0 : c->cell->key.port);
	return buf;
}

static void count_port(const struct handler *h, const struct counted *c)
{
	char port[8];

	if (c->flow->kind == FLOW_OPENED)
		put(h, c, (const char *[]){ protocol_of(c), port_text(c, port), NULL }, c->cell->records);
}

static bool is_world(const struct flow_end *end)
{
	return end->identity == FLOW_ID_WORLD || end->identity == FLOW_ID_WORLD_4 || end->identity == FLOW_ID_WORLD_6;
}

/* Of denials those by policy, unless all are wanted.  Whose end is not known is not told to be the world's. */
static void count_world(const struct handler *h, const struct counted *c)
{
	const struct flow *f = c->flow;
	char port[8];
	bool forwarded = f->kind == FLOW_OPENED, denied = f->kind == FLOW_DENIED;

	if (c->cell->other || (!forwarded && !denied))
		return;
	if (!is_world(f->destination) || is_world(f->source))
		return;
	if (denied && !h->context.any_drop && f->event != FLOW_EVENT_POLICY)
		return;
	if (h->context.syn_only && f->proto == IPPROTO_TCP && (c->cell->key.tcp_flags & (TH_SYN | TH_ACK)) != TH_SYN)
		return;
	put(h, c, (const char *[]){ protocol_of(c), flow_verdict_name(f->verdict), h->context.port ? port_text(c, port) : NULL,
				    NULL }, c->cell->records);
}
