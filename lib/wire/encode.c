// SPDX-License-Identifier: Apache-2.0
#include "lib/flow/summary.h"
#include "lib/wire/detail.h"
#include "lib/wire/encode.h"
#include "lib/wire/flow_fields.h"
#include "lib/wire/flow_inside.h"
#include "lib/wire/writer.h"

#define WANTS(field) wire_mask_wants(m, WIRE_FIELD_##field)
#define BELOW(field) wire_mask_below(m, WIRE_FIELD_##field)

/* Below, a field of a nested message has the bit of its number less one: their numbers have no gaps. */
#define PART(number) wire_mask_wants(part, (number) - 1)

static void write_time(struct writer *w, const struct wire_mask *part, uint64_t ns)
{
	uint8_t *mark = w->at;

	if (!part || !ns) {
		writer_time(w, WIRE_FLOW_TIME, ns);
		return;
	}
	writer_uint(w, 2, PART(2) ? ns % 1000000000 : 0);
	writer_uint(w, 1, PART(1) ? ns / 1000000000 : 0);
	writer_message(w, WIRE_FLOW_TIME, mark);
}

static void write_ip(struct writer *w, const struct wire_mask *part, const struct flow *f)
{
	char text[TEXT_ADDR_SIZE];
	uint8_t *mark = w->at;

	if (PART(3))
		writer_uint(w, 3, wire_ip_version(f));
	if (PART(2))
		writer_data(w, 2, text, text_addr(&f->dst, text));
	if (PART(1))
		writer_data(w, 1, text, text_addr(&f->src, text));
	writer_message(w, WIRE_FLOW_IP, mark);
}

static void write_flags(struct writer *w, const struct wire_mask *part, unsigned int flags)
{
	uint8_t *mark = w->at;

	if (!flags)
		return;
	for (unsigned int i = 8; i-- > 0; )
		if (flags & wire_tcp_flag[i] && PART(i + 1))
			writer_uint_always(w, i + 1, 1);
	writer_message(w, 3, mark);
}

static void write_ports(struct writer *w, const struct wire_mask *part, const struct flow *f)
{
	if (PART(2))
		writer_uint(w, 2, f->dport);
	if (PART(1))
		writer_uint(w, 1, f->sport);
}

static void write_l4_member(struct writer *w, const struct wire_mask *part, const struct flow *f, enum wire_l4 member)
{
	switch (member) {
	case WIRE_L4_TCP:
		if (PART(3))
			write_flags(w, wire_mask_below(part, 2), f->tcp_flags);
		write_ports(w, part, f);
		return;
	case WIRE_L4_UDP:
	case WIRE_L4_SCTP:
		write_ports(w, part, f);
		return;
	case WIRE_L4_ICMP4:
	case WIRE_L4_ICMP6:
		if (PART(2))
			writer_uint(w, 2, wire_icmp_code(f));
		if (PART(1))
			writer_uint(w, 1, wire_icmp_type(f));
		return;
	default:		/* nothing is known of it but that it is there */
		return;
	}
}

static void write_l4(struct writer *w, const struct wire_mask *part, const struct flow *f)
{
	enum wire_l4 member = wire_l4_of(f);
	uint8_t *outer = w->at;

	if (!member)
		return;
	if (PART(member)) {
		write_l4_member(w, wire_mask_below(part, member - 1), f, member);
		writer_message(w, member, outer);
	}
	writer_message(w, WIRE_FLOW_L4, outer);
}

/* An Endpoint's fields but its ID. */
static void write_end(struct writer *w, const struct wire_mask *part, const struct flow_end *e)
{
	if (PART(7))
		writer_text(w, 7, e->cluster);
	if (PART(6) && (*e->workload || *e->workload_kind)) {
		uint8_t *mark = w->at;

		writer_text(w, 2, e->workload_kind);
		writer_text(w, 1, e->workload);
		writer_message(w, 6, mark);
	}
	if (PART(5))
		writer_text(w, 5, e->pod);
	if (PART(4))
		for (unsigned int i = e->labels; i-- > 0; )
			writer_item(w, 4, e->label[i]);
	if (PART(3))
		writer_text(w, 3, e->ns);
	if (PART(2))
		writer_uint(w, 2, e->identity);
}

static void write_endpoint(struct writer *w, const struct wire_mask *part, uint32_t field, const struct flow_end *e,
			   unsigned int id)
{
	uint8_t *mark = w->at;

	if (e->wire && !part)
		writer_bytes(w, e->wire, e->wire_size);
	else
		write_end(w, part, e);
	if (PART(1))
		writer_uint(w, 1, id);
	writer_message(w, field, mark);
}

static void write_service(struct writer *w, const struct wire_mask *part, uint32_t field, const char *name, const char *ns)
{
	uint8_t *mark = w->at;

	if (!*name && !*ns)
		return;
	if (PART(2))
		writer_text(w, 2, ns);
	if (PART(1))
		writer_text(w, 1, name);
	writer_message(w, field, mark);
}

static void write_items(struct writer *w, uint32_t field, const char *const *item, unsigned int n)
{
	while (n-- > 0)
		writer_item(w, field, item[n]);
}

static void write_is_reply(struct writer *w, const struct wire_mask *part, const struct flow *f)
{
	uint8_t *mark = w->at;

	if (f->reply == FLOW_REPLY_UNKNOWN)
		return;
	if (PART(1))
		writer_uint(w, 1, f->reply == FLOW_REPLY_YES);
	writer_message(w, WIRE_FLOW_IS_REPLY, mark);
}

static void write_event(struct writer *w, const struct wire_mask *part, const struct flow *f)
{
	uint8_t *mark = w->at;

	if (!f->event)
		return;
	if (PART(2))
		writer_uint(w, 2, f->sub_event);
	if (PART(1))
		writer_uint(w, 1, f->event);
	writer_message(w, WIRE_FLOW_EVENT_TYPE, mark);
}

static void write_interface(struct writer *w, const struct wire_mask *part, const struct flow *f)
{
	uint8_t *mark = w->at;

	if (!f->ifindex && !*f->interface)
		return;
	if (PART(2))
		writer_text(w, 2, f->interface);
	if (PART(1))
		writer_uint(w, 1, f->ifindex);
	writer_message(w, WIRE_FLOW_INTERFACE, mark);
}

static void write_emitter(struct writer *w, const struct wire_mask *part)
{
	uint8_t *mark = w->at;

	if (PART(2))
		writer_literal(w, 2, WEIR_VERSION);
	if (PART(1))
		writer_literal(w, 1, WIRE_EMITTER);
	writer_message(w, WIRE_FLOW_EMITTER, mark);
}

static void write_extensions(struct writer *w, const struct wire_mask *part, const struct flow *f)
{
	uint8_t *mark = w->at;

	if (PART(2)) {
		detail_write(w, f);
		if (w->at != mark)
			writer_message(w, 2, mark);
	}
	if (PART(1))
		writer_literal(w, 1, WIRE_DETAIL_TYPE);
	writer_message(w, WIRE_FLOW_EXTENSIONS, mark);
}

/* Numbers from 19 to 41. */
static void write_middle(struct writer *w, const struct wire_mask *m, const struct flow *f)
{
	if (WANTS(EMITTER))
		write_emitter(w, BELOW(EMITTER));
	if (WANTS(NODE_LABELS))
		write_items(w, WIRE_FLOW_NODE_LABELS, f->node_label, f->node_labels);
	if (WANTS(TRACE_REASON))
		writer_uint(w, WIRE_FLOW_TRACE_REASON, f->trace_reason);
	if (WANTS(UUID))
		writer_text(w, WIRE_FLOW_UUID, f->uuid);
	if (WANTS(INTERFACE))
		write_interface(w, BELOW(INTERFACE), f);
	if (WANTS(IS_REPLY))
		write_is_reply(w, BELOW(IS_REPLY), f);
	if (WANTS(DROP_REASON_DESC))
		writer_uint(w, WIRE_FLOW_DROP_REASON_DESC, f->drop_reason);
	if (WANTS(TRACE_POINT))
		writer_uint(w, WIRE_FLOW_TRACE_POINT, f->trace_point);
	if (WANTS(POLICY_MATCH_TYPE))
		writer_uint(w, WIRE_FLOW_POLICY_MATCH_TYPE, f->match);
	if (WANTS(TRAFFIC_DIRECTION))
		writer_uint(w, WIRE_FLOW_TRAFFIC_DIRECTION, f->direction);
	if (WANTS(DESTINATION_SERVICE))
		write_service(w, BELOW(DESTINATION_SERVICE), WIRE_FLOW_DESTINATION_SERVICE, f->destination_service,
			      f->destination_service_ns);
	if (WANTS(SOURCE_SERVICE))
		write_service(w, BELOW(SOURCE_SERVICE), WIRE_FLOW_SOURCE_SERVICE, f->source_service, f->source_service_ns);
	if (WANTS(EVENT_TYPE))
		write_event(w, BELOW(EVENT_TYPE), f);
}

/* Numbers from 1 to 16. */
static void write_first(struct writer *w, const struct wire_mask *m, const struct flow *f)
{
	if (WANTS(REPLY))
		writer_uint(w, WIRE_FLOW_REPLY, f->reply == FLOW_REPLY_YES);
	if (WANTS(DESTINATION_NAMES))
		write_items(w, WIRE_FLOW_DESTINATION_NAMES, f->destination_name, f->destination_names);
	if (WANTS(SOURCE_NAMES))
		write_items(w, WIRE_FLOW_SOURCE_NAMES, f->source_name, f->source_names);
	if (WANTS(NODE_NAME))
		writer_text(w, WIRE_FLOW_NODE_NAME, f->node);
	if (WANTS(TYPE))
		writer_uint(w, WIRE_FLOW_TYPE, WIRE_L3_L4);
	if (WANTS(DESTINATION))
		write_endpoint(w, BELOW(DESTINATION), WIRE_FLOW_DESTINATION, f->destination, f->destination_endpoint);
	if (WANTS(SOURCE))
		write_endpoint(w, BELOW(SOURCE), WIRE_FLOW_SOURCE, f->source, f->source_endpoint);
	if (WANTS(L4))
		write_l4(w, BELOW(L4), f);
	if (WANTS(IP) && wire_has_ip(f))
		write_ip(w, BELOW(IP), f);
	if (WANTS(DROP_REASON))
		writer_uint(w, WIRE_FLOW_DROP_REASON, f->drop_reason);
	if (WANTS(VERDICT))
		writer_uint(w, WIRE_FLOW_VERDICT, f->verdict);
	if (WANTS(TIME))
		write_time(w, BELOW(TIME), f->time);
}

static void write_flow(struct writer *w, const struct wire_mask *m, const struct flow *f)
{
	if (WANTS(EXTENSIONS))
		write_extensions(w, BELOW(EXTENSIONS), f);
	if (WANTS(SUMMARY)) {
		char line[FLOW_SUMMARY_SIZE];

		writer_span(w, WIRE_FLOW_SUMMARY, line, flow_summary(f, line));
	}
	if (WANTS(INGRESS_DENIED_BY))
		policies_write(w, WIRE_FLOW_INGRESS_DENIED_BY, f, FLOW_INGRESS, true);
	if (WANTS(EGRESS_DENIED_BY))
		policies_write(w, WIRE_FLOW_EGRESS_DENIED_BY, f, FLOW_EGRESS, true);
	if (WANTS(INGRESS_ALLOWED_BY))
		policies_write(w, WIRE_FLOW_INGRESS_ALLOWED_BY, f, FLOW_INGRESS, false);
	if (WANTS(EGRESS_ALLOWED_BY))
		policies_write(w, WIRE_FLOW_EGRESS_ALLOWED_BY, f, FLOW_EGRESS, false);
	write_middle(w, m, f);
	write_first(w, m, f);
}

static size_t written(const struct writer *w)
{
	return w->full ? 0 : writer_size(w);
}

static void write_envelope(struct writer *w, const char *node, uint64_t time)
{
	writer_time(w, 1001, time);
	writer_text(w, 1000, node);
}

size_t wire_flow_response(const struct flow *f, const struct wire_mask *mask, uint8_t *buf, size_t size)
{
	struct writer w;
	uint8_t *mark;

	writer_begin(&w, buf, size);
	write_envelope(&w, f->node, f->time);
	mark = w.at;
	write_flow(&w, mask, f);
	writer_message(&w, 1, mark);
	return written(&w);
}

size_t wire_flow(const struct flow *f, const struct wire_mask *mask, uint8_t *buf, size_t size)
{
	struct writer w;

	writer_begin(&w, buf, size);
	write_flow(&w, mask, f);
	return written(&w);
}

size_t wire_lost_response(const struct wire_loss *loss, const char *node, uint64_t time, uint8_t *buf, size_t size)
{
	struct writer w;
	uint8_t *mark, *inner;

	writer_begin(&w, buf, size);
	write_envelope(&w, node, time);
	mark = w.at;
	writer_time(&w, 5, loss->last);
	writer_time(&w, 4, loss->first);
	if (loss->cpu >= 0) {
		inner = w.at;
		writer_int(&w, 1, loss->cpu);
		writer_message(&w, 3, inner);
	}
	writer_uint(&w, 2, loss->count);
	writer_uint(&w, 1, loss->where);
	writer_message(&w, 3, mark);
	return written(&w);
}

size_t wire_node_status_response(const struct wire_node_status *status, const char *node, uint64_t time,
				 uint8_t *buf, size_t size)
{
	struct writer w;
	uint8_t *mark;

	writer_begin(&w, buf, size);
	write_envelope(&w, node, time);
	mark = w.at;
	writer_text(&w, 3, status->message);
	write_items(&w, 2, status->node, status->nodes);
	writer_uint(&w, 1, status->state);
	writer_message(&w, 2, mark);
	return written(&w);
}

size_t wire_mark_response(const char *node, uint64_t time, uint8_t *buf, size_t size)
{
	struct writer w;

	writer_begin(&w, buf, size);
	write_envelope(&w, node, time);
	return written(&w);
}

size_t wire_end(const struct flow_end *end, uint8_t *buf, size_t size)
{
	struct writer w;

	writer_begin(&w, buf, size);
	write_end(&w, NULL, end);
	return written(&w);
}
