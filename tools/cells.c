// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>

#include "lib/flow/words.h"
#include "tools/cells.h"

void cells_colour(struct text *t, const struct cells *how, enum cells_colour c)
{
	static const char *const code[] = {
		[CELLS_HOST] = "\033[36m", [CELLS_PORT] = "\033[33m", [CELLS_IDENTITY] = "\033[35m", [CELLS_GOOD] = "\033[32m",
		[CELLS_BAD] = "\033[31m", [CELLS_WARN] = "\033[33m", [CELLS_DIM] = "\033[2m",
	};

	if (how->colour)
		text_put(t, code[c]);
}

void cells_plain(struct text *t, const struct cells *how)
{
	if (how->colour)
		text_put(t, "\033[0m");
}

const char *cells_arrow(const Flow__Flow *f)
{
	return !f->is_reply ? "<>" : f->is_reply->value ? "<-" : "->";
}

bool cells_turned(const Flow__Flow *f)
{
	return f->is_reply && f->is_reply->value;
}

static uint32_t port_of(const Flow__Layer4 *l, bool source)
{
	if (!l)
		return 0;
	switch (l->protocol_case) {
	case FLOW__LAYER4__PROTOCOL_TCP:
		return source ? l->tcp->source_port : l->tcp->destination_port;
	case FLOW__LAYER4__PROTOCOL_UDP:
		return source ? l->udp->source_port : l->udp->destination_port;
	case FLOW__LAYER4__PROTOCOL_SCTP:
		return source ? l->sctp->source_port : l->sctp->destination_port;
	default:
		return 0;
	}
}

static void put_named(struct text *t, const char *ns, const char *name)
{
	if (*ns) {
		text_clean(t, ns);
		text_char(t, '/');
	}
	text_clean(t, name);
}

/* A pod, else a service, else what DNS calls it. */
static bool put_name(struct text *t, const Flow__Flow *f, bool source)
{
	const Flow__Endpoint *e = source ? f->source : f->destination;
	const Flow__Service *s = source ? f->source_service : f->destination_service;
	char **names = source ? f->source_names : f->destination_names;
	size_t n = source ? f->n_source_names : f->n_destination_names;

	if (e && *e->pod_name) {
		put_named(t, e->namespace_, e->pod_name);
		return true;
	}
	if (s && *s->name) {
		put_named(t, s->namespace_, s->name);
		return true;
	}
	for (size_t i = 0; i < n; i++) {
		if (i)
			text_char(t, ',');
		text_clean(t, names[i]);
	}
	return n;
}

static void put_host(struct text *t, const struct cells *how, const Flow__Flow *f, bool source, bool port)
{
	const char *mac = !f->ethernet ? "" : source ? f->ethernet->source : f->ethernet->destination;
	const char *ip = !f->ip ? "" : source ? f->ip->source : f->ip->destination;
	bool brackets;

	if (!how->numeric && put_name(t, f, source))
		return;
	brackets = port && strchr(ip, ':');
	if (brackets)
		text_char(t, '[');
	text_clean(t, *ip ? ip : mac);
	if (brackets)
		text_char(t, ']');
}

void cells_end(struct text *t, const struct cells *how, const Flow__Flow *f, bool source)
{
	uint32_t port = port_of(f->l4, source);

	cells_colour(t, how, CELLS_HOST);
	put_host(t, how, f, source, port);
	cells_plain(t, how);
	if (!port)
		return;
	text_char(t, ':');
	cells_colour(t, how, CELLS_PORT);
	text_uint(t, port);
	cells_plain(t, how);
}

void cells_identity(struct text *t, const struct cells *how, const Flow__Endpoint *e)
{
	uint32_t identity = e ? e->identity : 0;
	const char *name = flow_identity_text(identity);

	cells_colour(t, how, CELLS_IDENTITY);
	if (name) {
		text_char(t, '(');
		text_put(t, name);
	} else {
		text_put(t, "(ID:");
		text_uint(t, identity);
	}
	text_char(t, ')');
	cells_plain(t, how);
}

static const char *enum_name(const ProtobufCEnumDescriptor *d, int value)
{
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(d, value);

	return v ? v->name : "UNKNOWN";
}

/* "TO_ENDPOINT" as "to-endpoint" */
static void put_dashed(struct text *t, const char *name)
{
	for (; *name; name++)
		text_char(t, *name == '_' ? '-' : tolower((unsigned char)*name));
}

static void put_drop_reason(struct text *t, uint32_t reason)
{
	const char *name = flow_drop_text(reason);

	if (name)
		text_put(t, name);
	else
		text_uint(t, reason);
}

static void put_l7_type(struct text *t, const Flow__Layer7 *l)
{
	static const char *const of[] = {
		[0] = "l7", [1] = "dns", [2] = "http", [3] = "kafka",
	};
	unsigned int kind = l->record_case >= FLOW__LAYER7__RECORD_DNS ? l->record_case - FLOW__LAYER7__RECORD_DNS + 1 : 0;

	text_put(t, of[kind < 4 ? kind : 0]);
	text_char(t, '-');
	put_dashed(t, enum_name(&flow__l7_flow_type__descriptor, l->type));
	if (l->record_case == FLOW__LAYER7__RECORD_DNS && *l->dns->observation_source) {
		text_char(t, ' ');
		text_clean(t, l->dns->observation_source);
	}
}

static void put_policy_type(struct text *t, const Flow__Flow *f)
{
	const char *match = flow_match_text(f->policy_match_type);

	text_put(t, "policy-verdict:");
	if (match)
		text_put(t, match);
	else
		text_uint(t, f->policy_match_type);
	text_char(t, ' ');
	text_put(t, enum_name(&flow__traffic_direction__descriptor, f->traffic_direction));
}

static void put_sock_type(struct text *t, const Flow__Flow *f)
{
	static const char *const point[] = { "unknown", "pre-xlate-fwd", "post-xlate-fwd", "pre-xlate-rev", "post-xlate-rev" };
	unsigned int p = f->sock_xlate_point;

	text_put(t, point[p < sizeof(point) / sizeof(point[0]) ? p : 0]);
}

/* DBG_CAPTURE_FROM_LB as "from-lb" */
static void put_capture_type(struct text *t, const Flow__Flow *f)
{
	const char *name = enum_name(&flow__debug_capture_point__descriptor, f->debug_capture_point);

	put_dashed(t, name + (strncmp(name, "DBG_CAPTURE_", 12) ? 0 : 12));
}

void cells_type(struct text *t, const Flow__Flow *f)
{
	int32_t sub = f->event_type ? f->event_type->sub_type : 0;

	if (f->l7) {
		put_l7_type(t, f->l7);
		return;
	}
	switch (f->event_type ? f->event_type->type : 0) {
	case 1:
		put_drop_reason(t, f->drop_reason_desc ? (uint32_t)f->drop_reason_desc : (uint32_t)sub);
		return;
	case 3:
		put_capture_type(t, f);
		return;
	case 4:
		put_dashed(t, enum_name(&flow__trace_observation_point__descriptor, flow_trace_of_sub(sub)));
		return;
	case 5:
		put_policy_type(t, f);
		return;
	case 7:
		put_sock_type(t, f);
		return;
	default:
		text_put(t, "UNKNOWN");
	}
}

static enum cells_colour verdict_colour(Flow__Verdict v)
{
	switch (v) {
	case FLOW__VERDICT__FORWARDED:
	case FLOW__VERDICT__REDIRECTED:
		return CELLS_GOOD;
	case FLOW__VERDICT__DROPPED:
	case FLOW__VERDICT__ERROR:
		return CELLS_BAD;
	default:
		return CELLS_WARN;
	}
}

static bool is_policy(const Flow__Flow *f)
{
	return f->event_type && f->event_type->type == FLOW_EVENT_POLICY;
}

/* A policy's event says what policy said; every other what became of the packet. */
static const char *verdict_word(const Flow__Flow *f)
{
	if (is_policy(f)) {
		switch (f->verdict) {
		case FLOW__VERDICT__FORWARDED:
		case FLOW__VERDICT__REDIRECTED:
			return "ALLOWED";
		case FLOW__VERDICT__DROPPED:
		case FLOW__VERDICT__ERROR:
			return "DENIED";
		case FLOW__VERDICT__AUDIT:
			return "AUDITED";
		default:
			break;
		}
	}
	return enum_name(&flow__verdict__descriptor, f->verdict);
}

static void put_policies(struct text *t, const Flow__Flow *f)
{
	bool in = f->traffic_direction == FLOW__TRAFFIC_DIRECTION__INGRESS, denied = f->verdict == FLOW__VERDICT__DROPPED;
	Flow__Policy *const *p = denied ? (in ? f->ingress_denied_by : f->egress_denied_by) :
		(in ? f->ingress_allowed_by : f->egress_allowed_by);
	size_t n = denied ? (in ? f->n_ingress_denied_by : f->n_egress_denied_by) :
		(in ? f->n_ingress_allowed_by : f->n_egress_allowed_by);

	for (size_t i = 0; i < n; i++) {
		text_put(t, i ? ", " : " BY ");
		text_clean(t, p[i]->name);
		if (*p[i]->kind) {
			text_put(t, " (");
			text_clean(t, p[i]->kind);
			text_char(t, ')');
		}
	}
}

void cells_verdict(struct text *t, const struct cells *how, const Flow__Flow *f)
{
	cells_colour(t, how, verdict_colour(f->verdict));
	text_put(t, verdict_word(f));
	cells_plain(t, how);
	if (how->policies && is_policy(f))
		put_policies(t, f);
}

void cells_summary(struct text *t, const Flow__Flow *f)
{
	if (f->ip_trace_id && f->ip_trace_id->trace_id) {
		text_put(t, "IP Trace ID: ");
		text_uint(t, f->ip_trace_id->trace_id);
		text_put(t, "; ");
	}
	text_clean(t, f->summary);
	if (f->auth_type) {
		text_put(t, "; Auth: ");
		text_put(t, enum_name(&flow__auth_type__descriptor, f->auth_type));
	}
}
