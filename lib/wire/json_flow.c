// SPDX-License-Identifier: Apache-2.0
#include "lib/flow/summary.h"
#include "lib/flow/words.h"
#include "lib/wire/flow_fields.h"
#include "lib/wire/flow_inside.h"
#include "lib/wire/json_flow.h"
#include "lib/wire/json_out.h"
#include "lib/wire/json_detail.h"

#define WANTS(field) wire_mask_wants(m, WIRE_FIELD_##field)
#define BELOW(field) wire_mask_below(m, WIRE_FIELD_##field)
#define PART(number) wire_mask_wants(part, (number) - 1)	/* numbers below have no gaps */

/* A flow's time is said twice and put into letters once. */
struct moment {
	size_t size;			/* 0: none */
	char text[TEXT_TIME_SIZE];
};

static void moment_of(struct moment *t, uint64_t ns)
{
	t->size = ns ? text_stamp((int64_t)(ns / 1000000000), (uint32_t)(ns % 1000000000), t->text) : 0;
}

static void put_moment(struct json_line *o, const struct moment *t)
{
	if (t->size)
		line_quoted(o, LINE_KEY("time"), t->text, t->size);
}

static void put_time(struct json_line *o, const struct wire_mask *part, const struct moment *t, uint64_t ns)
{
	if (!part)
		put_moment(o, t);
	else if (ns)
		line_time(o, LINE_KEY("time"), PART(1) ? ns / 1000000000 : 0, PART(2) ? (uint32_t)(ns % 1000000000) : 0);
}

static void put_ip(struct json_line *o, const struct wire_mask *part, const struct flow *f)
{
	line_open(o, LINE_KEY("IP"));
	if (PART(1))
		line_addr(o, LINE_KEY("source"), &f->src);
	if (PART(2))
		line_addr(o, LINE_KEY("destination"), &f->dst);
	if (PART(3))
		line_word(o, LINE_KEY("ipVersion"), wire_ip_version(f) == 1 ? "IPv4" : "IPv6");
	line_close(o);
}

static void put_flags(struct json_line *o, const struct wire_mask *part, unsigned int flags)
{
	static const char *const key[] = { "\"FIN\":", "\"SYN\":", "\"RST\":", "\"PSH\":", "\"ACK\":", "\"URG\":",
					   "\"ECE\":", "\"CWR\":" };

	if (!flags)
		return;
	line_open(o, LINE_KEY("flags"));
	for (unsigned int i = 0; i < 8; i++)
		if (flags & wire_tcp_flag[i] && PART(i + 1))
			line_bool(o, key[i], 6, true);
	line_close(o);
}

static void put_l4_member(struct json_line *o, const struct wire_mask *part, const struct flow *f, enum wire_l4 member)
{
	bool icmp = member == WIRE_L4_ICMP4 || member == WIRE_L4_ICMP6;

	if (member == WIRE_L4_VRRP || member == WIRE_L4_IGMP)
		return;
	if (icmp) {
		if (PART(1))
			line_uint(o, LINE_KEY("type"), wire_icmp_type(f));
		if (PART(2))
			line_uint(o, LINE_KEY("code"), wire_icmp_code(f));
		return;
	}
	if (PART(1))
		line_uint(o, LINE_KEY("source_port"), f->sport);
	if (PART(2))
		line_uint(o, LINE_KEY("destination_port"), f->dport);
	if (member == WIRE_L4_TCP && PART(3))
		put_flags(o, wire_mask_below(part, 2), f->tcp_flags);
}

static void put_l4(struct json_line *o, const struct wire_mask *part, const struct flow *f)
{
	static const char *const key[] = { "", "\"TCP\":", "\"UDP\":", "\"ICMPv4\":", "\"ICMPv6\":", "\"SCTP\":", "\"VRRP\":",
					   "\"IGMP\":" };
	enum wire_l4 member = wire_l4_of(f);

	if (!member)
		return;
	line_open(o, LINE_KEY("l4"));
	if (PART(member)) {
		line_open(o, key[member], strlen(key[member]));
		put_l4_member(o, wire_mask_below(part, member - 1), f, member);
		line_close(o);
	}
	line_close(o);
}

static void put_end(struct json_line *o, const struct wire_mask *part, const struct flow_end *e, unsigned int id)
{
	if (PART(1))
		line_uint(o, LINE_KEY("ID"), id);
	if (PART(2))
		line_uint(o, LINE_KEY("identity"), e->identity);
	if (PART(3))
		line_text(o, LINE_KEY("namespace"), e->ns);
	if (PART(4))
		line_texts(o, LINE_KEY("labels"), e->label, e->labels);
	if (PART(5))
		line_text(o, LINE_KEY("pod_name"), e->pod);
	if (PART(6) && (*e->workload || *e->workload_kind)) {
		line_put(o, LINE_KEY("workloads"));
		line_put(o, "[{", 2);
		line_text(o, LINE_KEY("name"), e->workload);
		line_text(o, LINE_KEY("kind"), e->workload_kind);
		line_close(o);
		line_close_list(o);
	}
	if (PART(7))
		line_text(o, LINE_KEY("cluster_name"), e->cluster);
	line_close(o);
}

static void put_service(struct json_line *o, const struct wire_mask *part, const char *name, const char *ns)
{
	if (PART(1))
		line_text(o, LINE_KEY("name"), name);
	if (PART(2))
		line_text(o, LINE_KEY("namespace"), ns);
	line_close(o);
}

static void put_event(struct json_line *o, const struct wire_mask *part, const struct flow *f)
{
	if (!f->event)
		return;
	line_open(o, LINE_KEY("event_type"));
	if (PART(1))
		line_uint(o, LINE_KEY("type"), f->event);
	if (PART(2))
		line_uint(o, LINE_KEY("sub_type"), f->sub_event);
	line_close(o);
}

static void put_interface(struct json_line *o, const struct wire_mask *part, const struct flow *f)
{
	if (!f->ifindex && !*f->interface)
		return;
	line_open(o, LINE_KEY("interface"));
	if (PART(1))
		line_uint(o, LINE_KEY("index"), f->ifindex);
	if (PART(2))
		line_text(o, LINE_KEY("name"), f->interface);
	line_close(o);
}

static void put_emitter(struct json_line *o, const struct wire_mask *part)
{
	line_open(o, LINE_KEY("emitter"));
	if (PART(1))
		line_word(o, LINE_KEY("name"), WIRE_EMITTER);
	if (PART(2))
		line_word(o, LINE_KEY("version"), WEIR_VERSION);
	line_close(o);
}

/* An Any without its type says nothing that could be read. */
static void put_extensions(struct json_line *o, const struct wire_mask *part, const struct flow *f)
{
	line_open(o, LINE_KEY("extensions"));
	if (PART(1)) {
		line_word(o, LINE_KEY("@type"), WIRE_DETAIL_TYPE);
		if (PART(2))
			line_detail(o, f);
	}
	line_close(o);
}

static void put_first(struct json_line *o, const struct wire_mask *m, const struct flow *f)
{
	if (WANTS(UUID))
		line_text(o, LINE_KEY("uuid"), f->uuid);
	if (WANTS(EMITTER))
		put_emitter(o, BELOW(EMITTER));
	if (WANTS(VERDICT))
		line_enum(o, LINE_KEY("verdict"), f->verdict, flow_verdict_name(f->verdict));
	if (WANTS(DROP_REASON))
		line_uint(o, LINE_KEY("drop_reason"), f->drop_reason);
	if (WANTS(IP) && wire_has_ip(f))
		put_ip(o, BELOW(IP), f);
	if (WANTS(L4))
		put_l4(o, BELOW(L4), f);
	if (WANTS(SOURCE)) {
		line_open(o, LINE_KEY("source"));
		put_end(o, BELOW(SOURCE), f->source, f->source_endpoint);
	}
	if (WANTS(DESTINATION)) {
		line_open(o, LINE_KEY("destination"));
		put_end(o, BELOW(DESTINATION), f->destination, f->destination_endpoint);
	}
	if (WANTS(TYPE))
		line_word(o, LINE_KEY("Type"), "L3_L4");
}

static void put_names(struct json_line *o, const struct wire_mask *m, const struct flow *f)
{
	if (WANTS(NODE_NAME))
		line_text(o, LINE_KEY("node_name"), f->node);
	if (WANTS(NODE_LABELS))
		line_texts(o, LINE_KEY("node_labels"), f->node_label, f->node_labels);
	if (WANTS(SOURCE_NAMES))
		line_texts(o, LINE_KEY("source_names"), f->source_name, f->source_names);
	if (WANTS(DESTINATION_NAMES))
		line_texts(o, LINE_KEY("destination_names"), f->destination_name, f->destination_names);
	if (WANTS(SOURCE_SERVICE) && (*f->source_service || *f->source_service_ns)) {
		line_open(o, LINE_KEY("source_service"));
		put_service(o, BELOW(SOURCE_SERVICE), f->source_service, f->source_service_ns);
	}
	if (WANTS(DESTINATION_SERVICE) && (*f->destination_service || *f->destination_service_ns)) {
		line_open(o, LINE_KEY("destination_service"));
		put_service(o, BELOW(DESTINATION_SERVICE), f->destination_service, f->destination_service_ns);
	}
}

static void put_kind(struct json_line *o, const struct wire_mask *m, const struct flow *f)
{
	if (WANTS(REPLY) && f->reply == FLOW_REPLY_YES)
		line_bool(o, LINE_KEY("reply"), true);
	if (WANTS(EVENT_TYPE))
		put_event(o, BELOW(EVENT_TYPE), f);
	if (WANTS(TRAFFIC_DIRECTION))
		line_enum(o, LINE_KEY("traffic_direction"), f->direction, flow_direction_name(f->direction));
	if (WANTS(POLICY_MATCH_TYPE))
		line_uint(o, LINE_KEY("policy_match_type"), f->match);
	if (WANTS(TRACE_POINT))
		line_enum(o, LINE_KEY("trace_observation_point"), f->trace_point, flow_trace_name(f->trace_point));
	if (WANTS(TRACE_REASON))
		line_enum(o, LINE_KEY("trace_reason"), f->trace_reason, flow_trace_reason_name(f->trace_reason));
	if (WANTS(DROP_REASON_DESC))
		line_enum(o, LINE_KEY("drop_reason_desc"), f->drop_reason, flow_drop_name(f->drop_reason));
	if (WANTS(IS_REPLY) && f->reply != FLOW_REPLY_UNKNOWN)
		line_bool(o, LINE_KEY("is_reply"), f->reply == FLOW_REPLY_YES);
	if (WANTS(INTERFACE))
		put_interface(o, BELOW(INTERFACE), f);
}

static void put_policy(struct json_line *o, const struct wire_mask *m, const struct flow *f)
{
	if (WANTS(EGRESS_ALLOWED_BY))
		line_policies(o, LINE_KEY("egress_allowed_by"), f, FLOW_EGRESS, false);
	if (WANTS(INGRESS_ALLOWED_BY))
		line_policies(o, LINE_KEY("ingress_allowed_by"), f, FLOW_INGRESS, false);
	if (WANTS(EGRESS_DENIED_BY))
		line_policies(o, LINE_KEY("egress_denied_by"), f, FLOW_EGRESS, true);
	if (WANTS(INGRESS_DENIED_BY))
		line_policies(o, LINE_KEY("ingress_denied_by"), f, FLOW_INGRESS, true);
}

static void put_aggregate(struct json_line *o, const struct wire_mask *part, const struct wire_aggregate *of)
{
	line_open(o, LINE_KEY("aggregate"));
	if (PART(1))
		line_uint(o, LINE_KEY("ingress_flow_count"), of->flows[FLOW_INGRESS]);
	if (PART(2))
		line_uint(o, LINE_KEY("egress_flow_count"), of->flows[FLOW_EGRESS]);
	if (PART(3))
		line_uint(o, LINE_KEY("unknown_direction_flow_count"), of->flows[FLOW_DIRECTION_UNKNOWN]);
	line_close(o);
}

static void put_flow(struct json_line *o, const struct wire_mask *m, const struct flow *f, const struct moment *t,
		     const struct wire_aggregate *of)
{
	line_open(o, LINE_KEY("flow"));
	if (WANTS(TIME))
		put_time(o, BELOW(TIME), t, f->time);
	put_first(o, m, f);
	put_names(o, m, f);
	put_kind(o, m, f);
	put_policy(o, m, f);
	if (of && WANTS(AGGREGATE))
		put_aggregate(o, BELOW(AGGREGATE), of);
	if (WANTS(SUMMARY)) {
		char line[FLOW_SUMMARY_SIZE];

		line_put(o, LINE_KEY("Summary"));
		line_span(o, line, flow_summary(f, line));
	}
	if (WANTS(EXTENSIONS))
		put_extensions(o, BELOW(EXTENSIONS), f);
	line_close(o);
}

static size_t finish(struct json_line *o, const char *begin, const char *node, const struct moment *t)
{
	line_text(o, LINE_KEY("node_name"), node);
	put_moment(o, t);
	return line_end(o, begin);
}

size_t wire_json_aggregate(const struct flow *f, const struct wire_aggregate *of, const struct wire_mask *mask,
			   char *buf, size_t size)
{
	struct json_line o;
	struct moment t;

	moment_of(&t, f->time);
	line_begin(&o, buf, size);
	put_flow(&o, mask, f, &t, of);
	return finish(&o, buf, f->node, &t);
}

size_t wire_json_flow(const struct flow *f, const struct wire_mask *mask, char *buf, size_t size)
{
	return wire_json_aggregate(f, NULL, mask, buf, size);
}

size_t wire_json_lost(const struct wire_loss *loss, const char *node, uint64_t time, char *buf, size_t size)
{
	static const char *const where[] = { "UNKNOWN_LOST_EVENT_SOURCE", "PERF_EVENT_RING_BUFFER", "OBSERVER_EVENTS_QUEUE",
					     "HUBBLE_RING_BUFFER" };
	struct json_line o;
	struct moment t;

	moment_of(&t, time);
	line_begin(&o, buf, size);
	line_open(&o, LINE_KEY("lost_events"));
	line_enum(&o, LINE_KEY("source"), loss->where, loss->where < 4 ? where[loss->where] : NULL);
	line_long(&o, LINE_KEY("num_events_lost"), loss->count);
	if (loss->cpu >= 0)
		line_number(&o, LINE_KEY("cpu"), (uint64_t)loss->cpu);
	if (loss->first)
		line_time(&o, LINE_KEY("first"), loss->first / 1000000000, (uint32_t)(loss->first % 1000000000));
	if (loss->last)
		line_time(&o, LINE_KEY("last"), loss->last / 1000000000, (uint32_t)(loss->last % 1000000000));
	line_close(&o);
	return finish(&o, buf, node, &t);
}
