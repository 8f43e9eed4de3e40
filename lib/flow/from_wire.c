// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/flow/from_wire.h"

#define DETAIL_TYPE "/weir.v1.FlowDetail"

/* Zero for what does not fit: cut off it would be another number. */
static uint8_t small8(uint64_t v) { return v <= UINT8_MAX ? (uint8_t)v : 0; }
static uint16_t small16(uint64_t v) { return v <= UINT16_MAX ? (uint16_t)v : 0; }

static const char *const *texts(char *const *list) { return (const char *const *)list; }

static uint64_t time_of(const Google__Protobuf__Timestamp *t)
{
	if (!t || t->seconds < 0 || t->seconds > 18446744072 || t->nanos < 0 || t->nanos > 999999999)
		return 0;
	return (uint64_t)t->seconds * 1000000000 + (uint64_t)t->nanos;
}

static struct weir_addr addr_of(const char *text)
{
	struct weir_addr a = { 0 };

	if (addr_parse(text, &a))
		memset(&a, 0, sizeof(a));
	return a;
}

static const struct flow_end nobody = {
	.ns = "", .pod = "", .workload = "", .workload_kind = "", .node = "", .cluster = "",
};

static void read_end(const Flow__Endpoint *e, struct flow_end *to, uint16_t *number)
{
	*to = nobody;
	if (!e)
		return;
	*number = small16(e->id);
	to->identity = e->identity;
	to->ns = e->namespace_;
	to->pod = e->pod_name;
	to->cluster = e->cluster_name;
	to->label = texts(e->labels);
	to->labels = (unsigned int)e->n_labels;
	if (e->n_workloads) {
		to->workload = e->workloads[0]->name;
		to->workload_kind = e->workloads[0]->kind;
	}
}

static uint8_t read_flags(const Flow__TCPFlags *f)
{
	if (!f)
		return 0;
	return (uint8_t)(f->fin | f->syn << 1 | f->rst << 2 | f->psh << 3 | f->ack << 4 | f->urg << 5 | f->ece << 6 |
			 f->cwr << 7);
}

static void read_ports(struct flow *f, uint8_t proto, uint32_t source, uint32_t destination)
{
	f->proto = proto;
	f->sport = small16(source);
	f->dport = small16(destination);
}

static void read_icmp(struct flow *f, uint8_t proto, uint32_t type, uint32_t code)
{
	f->proto = proto;
	f->icmp = true;
	f->sport = (uint16_t)(small8(type) << 8 | small8(code));
}

static void read_l4(const Flow__Layer4 *l4, struct flow *f)
{
	switch (l4 ? l4->protocol_case : FLOW__LAYER4__PROTOCOL__NOT_SET) {
	case FLOW__LAYER4__PROTOCOL_TCP:
		read_ports(f, 6, l4->tcp->source_port, l4->tcp->destination_port);
		f->tcp_flags = read_flags(l4->tcp->flags);
		return;
	case FLOW__LAYER4__PROTOCOL_UDP:
		read_ports(f, 17, l4->udp->source_port, l4->udp->destination_port);
		return;
	case FLOW__LAYER4__PROTOCOL_SCTP:
		read_ports(f, 132, l4->sctp->source_port, l4->sctp->destination_port);
		return;
	case FLOW__LAYER4__PROTOCOL_ICMPV4:
		read_icmp(f, 1, l4->icmpv4->type, l4->icmpv4->code);
		return;
	case FLOW__LAYER4__PROTOCOL_ICMPV6:
		read_icmp(f, 58, l4->icmpv6->type, l4->icmpv6->code);
		return;
	case FLOW__LAYER4__PROTOCOL_VRRP:
		f->proto = 112;
		return;
	case FLOW__LAYER4__PROTOCOL_IGMP:
		f->proto = 2;
		return;
	default:
		return;
	}
}

static void read_author(const Weir__V1__Decision *d, struct flow_author *to)
{
	*to = (struct flow_author){ .policy = "", .ns = "", .kind = "", .tier = "", .rule_name = "", .text = "" };
	if (!d)
		return;
	to->policy = d->policy;
	to->ns = d->namespace_;
	to->kind = d->kind;
	to->tier = d->tier;
	to->rule_name = d->rule_name;
	to->text = d->text;
	to->rule = d->rule;
}

static bool is_deny(const Weir__V1__Decision *d)
{
	return d && !strcmp(d->verdict, "deny");
}

/* Of another product: who decided is known by the lists alone. */
static void read_lists(const Flow__Flow *m, struct flow *f)
{
	const Flow__Policy *egress = m->n_egress_denied_by ? m->egress_denied_by[0] :
		m->n_egress_allowed_by ? m->egress_allowed_by[0] : NULL;
	const Flow__Policy *ingress = m->n_ingress_denied_by ? m->ingress_denied_by[0] :
		m->n_ingress_allowed_by ? m->ingress_allowed_by[0] : NULL;

	f->egress_denied = m->n_egress_denied_by;
	f->ingress_denied = m->n_ingress_denied_by;
	if (egress) {
		f->egress.policy = egress->name;
		f->egress.ns = egress->namespace_;
		f->egress.kind = egress->kind;
	}
	if (ingress) {
		f->ingress.policy = ingress->name;
		f->ingress.ns = ingress->namespace_;
		f->ingress.kind = ingress->kind;
	}
}

static uint8_t kind_of(const Weir__V1__FlowDetail *d, const struct flow *f)
{
	static const char *const word[] = { "", "opened", "again", "denied", "closed" };

	for (uint8_t i = 1; d && i < sizeof(word) / sizeof(*word); i++)
		if (!strcmp(d->kind, word[i]))
			return i;
	return f->verdict == FLOW_DROPPED ? FLOW_DENIED : f->event == FLOW_EVENT_POLICY ? FLOW_OPENED : 0;
}

static void read_detail(const Weir__V1__FlowDetail *d, struct flow *f)
{
	f->reason = *d->end ? d->end : d->reason;
	f->egress_denied = is_deny(d->egress);
	f->ingress_denied = is_deny(d->ingress);
	f->would_differ = d->would_egress || d->would_ingress;
	f->would_deny = is_deny(d->would_egress) || is_deny(d->would_ingress);
	f->isolating = texts(d->isolating);
	f->isolatings = (unsigned int)d->n_isolating;
	f->nearest = d->nearest_miss;
	f->packets[0] = d->packets;
	f->packets[1] = d->reply_packets;
	f->bytes[0] = d->bytes;
	f->bytes[1] = d->reply_bytes;
	f->duration = d->duration_ns;
	f->idle = d->idle_ns;
	f->ended = d->ended;
	f->handshake_us = d->handshake_us;
	f->repeats = d->repeats;
	f->at_least = d->at_least;
	f->partial = d->partial;
	f->picked_up = d->picked_up;
	f->cut = d->cut;
}

static void read_policy(const Flow__Flow *m, struct flow_wire *w)
{
	const Weir__V1__FlowDetail *d = w->detail;
	struct flow *f = &w->flow;

	read_author(d ? d->egress : NULL, &f->egress);
	read_author(d ? d->ingress : NULL, &f->ingress);
	read_author(d ? d->would_egress : NULL, &f->would_egress);
	read_author(d ? d->would_ingress : NULL, &f->would_ingress);
	if (d)
		read_detail(d, f);
	else
		read_lists(m, f);
	f->kind = kind_of(d, f);
	f->directions = (uint8_t)((*f->egress.policy || *f->egress.text) << FLOW_EGRESS |
				  (*f->ingress.policy || *f->ingress.text) << FLOW_INGRESS | 1 << f->direction);
	f->directions &= 1 << FLOW_EGRESS | 1 << FLOW_INGRESS;
}

static void read_http(const Flow__HTTP *h, struct flow_more *to)
{
	struct flow_header *header = h->n_headers ? calloc(h->n_headers, sizeof(*header)) : NULL;

	to->http_status = h->code;
	to->http_method = h->method;
	to->http_url = h->url;
	for (size_t i = 0; header && i < h->n_headers; i++)
		header[i] = (struct flow_header){ h->headers[i]->key, h->headers[i]->value };
	to->http_header = header;
	to->http_headers = header ? (unsigned int)h->n_headers : 0;
}

static void read_more(const Flow__Flow *m, struct flow_more *to)
{
	*to = (struct flow_more){ .trace_id = "", .http_method = "", .http_url = "", .dns_query = "" };
	if (m->ip && *m->ip->source_xlated)
		to->src_xlated = addr_of(m->ip->source_xlated);
	to->encrypted = m->ip && m->ip->encrypted;
	if (m->trace_context && m->trace_context->parent)
		to->trace_id = m->trace_context->parent->trace_id;
	if (m->ip_trace_id)
		to->ip_trace_id = m->ip_trace_id->trace_id;
	switch (m->l7 ? m->l7->record_case : FLOW__LAYER7__RECORD__NOT_SET) {
	case FLOW__LAYER7__RECORD_DNS:
		to->l7 = FLOW_L7_DNS;
		to->dns_query = m->l7->dns->query;
		return;
	case FLOW__LAYER7__RECORD_HTTP:
		to->l7 = FLOW_L7_HTTP;
		read_http(m->l7->http, to);
		return;
	case FLOW__LAYER7__RECORD_KAFKA:
		to->l7 = FLOW_L7_KAFKA;
		return;
	default:
		return;
	}
}

static uint8_t reply_of(const Flow__Flow *m)
{
	if (m->is_reply)
		return m->is_reply->value ? FLOW_REPLY_YES : FLOW_REPLY_NO;
	return m->reply ? FLOW_REPLY_YES : FLOW_REPLY_UNKNOWN;
}

static void read_numbers(const Flow__Flow *m, struct flow *f)
{
	f->verdict = small8((uint32_t)m->verdict);
	f->direction = (uint32_t)m->traffic_direction <= FLOW_EGRESS ? (uint8_t)m->traffic_direction : 0;
	f->reply = reply_of(m);
	f->match = small8(m->policy_match_type);
	f->trace_point = small8((uint32_t)m->trace_observation_point);
	f->trace_reason = small8((uint32_t)m->trace_reason);
	f->drop_reason = small16((uint32_t)m->drop_reason_desc ?: m->drop_reason);
	if (m->event_type) {
		f->event = small8((uint32_t)m->event_type->type);
		f->sub_event = small8((uint32_t)m->event_type->sub_type);
	}
}

static void read_places(const Flow__Flow *m, struct flow *f)
{
	f->node = m->node_name;
	f->node_label = texts(m->node_labels);
	f->node_labels = (unsigned int)m->n_node_labels;
	f->source_service = m->source_service ? m->source_service->name : "";
	f->source_service_ns = m->source_service ? m->source_service->namespace_ : "";
	f->destination_service = m->destination_service ? m->destination_service->name : "";
	f->destination_service_ns = m->destination_service ? m->destination_service->namespace_ : "";
	f->source_name = texts(m->source_names);
	f->source_names = (unsigned int)m->n_source_names;
	f->destination_name = texts(m->destination_names);
	f->destination_names = (unsigned int)m->n_destination_names;
	f->interface = m->interface ? m->interface->name : "";
	f->ifindex = m->interface ? m->interface->index : 0;
	snprintf(f->uuid, sizeof(f->uuid), "%s", m->uuid);
}

static Weir__V1__FlowDetail *detail_of(const Google__Protobuf__Any *any)
{
	const char *slash = any ? strrchr(any->type_url, '/') : NULL;

	if (!slash || strcmp(slash, DETAIL_TYPE))
		return NULL;
	return weir__v1__flow_detail__unpack(NULL, any->value.len, any->value.data);
}

void flow_from_wire(const Flow__Flow *message, struct flow_wire *to)
{
	struct flow *f = &to->flow;

	memset(to, 0, sizeof(*to));
	to->message = message;
	to->detail = detail_of(message->extensions);
	f->time = time_of(message->time);
	if (message->ip) {
		f->src = addr_of(message->ip->source);
		f->dst = addr_of(message->ip->destination);
	}
	f->reason = f->nearest = "";
	read_l4(message->l4, f);
	read_end(message->source, &to->source, &f->source_endpoint);
	read_end(message->destination, &to->destination, &f->destination_endpoint);
	f->source = &to->source;
	f->destination = &to->destination;
	read_numbers(message, f);
	read_places(message, f);
	read_policy(message, to);
	read_more(message, &to->more);
	f->more = &to->more;
}

void flow_wire_free(struct flow_wire *w)
{
	if (w->detail)
		weir__v1__flow_detail__free_unpacked(w->detail, NULL);
	free((void *)w->more.http_header);
	memset(w, 0, sizeof(*w));
}
