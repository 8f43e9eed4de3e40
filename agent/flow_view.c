// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <string.h>

#include <weir/endpoint.h>
#include <weir/flow.h>

#include "agent/flow_view.h"

/* The wire's DropReason of our reasons, the nearest there is. */
enum {
	DROP_POLICY = 133, DROP_POLICY_DENY = 181, DROP_SOURCE = 132, DROP_PACKET = 134, DROP_L4 = 135, DROP_STALE = 151,
	DROP_NO_ROOM = 155, DROP_EXTENSION = 156, DROP_FRAGMENT = 157, DROP_STATE = 163, DROP_NO_CONFIG = 165,
	DROP_L2 = 166, DROP_IDENTITY = 171, DROP_NO_FRAGMENT = 175, DROP_ICMP6 = 176, DROP_RATE = 198, DROP_NOT_READY = 203,
};
static const uint8_t drop_reason[WEIR_REASON_COUNT] = {
	[WEIR_NO_RULE] = DROP_POLICY, [WEIR_DENIED] = DROP_POLICY_DENY, [WEIR_CLOSED] = DROP_POLICY, [WEIR_CUT] = DROP_POLICY,
	[WEIR_STRANGER] = DROP_IDENTITY, [WEIR_NO_CLASS] = DROP_NO_CONFIG, [WEIR_NO_ROW] = DROP_NO_CONFIG,
	[WEIR_RESTING] = DROP_STALE, [WEIR_UNARMED] = DROP_NOT_READY, [WEIR_SPOOFED] = DROP_SOURCE,
	[WEIR_SPOOFED_ARP] = DROP_SOURCE, [WEIR_SPOOFED_ND] = DROP_SOURCE, [WEIR_ROUTER] = DROP_ICMP6,
	[WEIR_WRONG_WAY] = DROP_SOURCE, [WEIR_NO_ROOM] = DROP_NO_ROOM, [WEIR_QUOTA] = DROP_RATE,
	[WEIR_QUOTA_HALF] = DROP_RATE, [WEIR_ORPHAN] = DROP_NO_FRAGMENT, [WEIR_UNRELATED] = DROP_STATE,
	[WEIR_ETHERTYPE] = DROP_L2, [WEIR_SHORT_LINK] = DROP_PACKET, [WEIR_SHORT_IP] = DROP_PACKET,
	[WEIR_BAD_VERSION] = DROP_PACKET, [WEIR_BAD_LENGTH] = DROP_PACKET, [WEIR_BAD_EXTENSION] = DROP_EXTENSION,
	[WEIR_SHORT_L4] = DROP_L4, [WEIR_BAD_L4] = DROP_L4, [WEIR_BAD_FRAGMENT] = DROP_FRAGMENT,
	[WEIR_BAD_QUOTE] = DROP_PACKET, [WEIR_MAPPED] = DROP_SOURCE, [WEIR_BAD_ARP] = DROP_PACKET,
};

static const char *const reason_word[WEIR_REASON_COUNT] = {
#define X(name, fate, word, text) [WEIR_##name] = word,
	WEIR_REASONS(X)
#undef X
};
static const char *const end_word[] = {
	[WEIR_END_NONE] = "", [WEIR_END_EVICTED] = "evicted", [WEIR_END_EXPIRED] = "expired", [WEIR_END_REUSED] = "reused",
	[WEIR_END_MERGED] = "merged", [WEIR_END_LEFT] = "left", [WEIR_END_DENIED] = "denied",
};

enum { POINT_TO_HOST = 2, POINT_TO_NETWORK = 11, POINT_TO_ENDPOINT = 101 };
enum { MATCH_NONE, MATCH_ALL = 4 };

static bool is_policy(unsigned int reason)
{
	return reason == WEIR_NO_RULE || reason == WEIR_DENIED || reason == WEIR_CLOSED || reason == WEIR_CUT;
}

static bool is_dropped(const struct record *r)
{
	return r->kind == WEIR_REC_DENIED || (r->kind == WEIR_REC_AGAIN && r->flags & WEIR_REC_CUT);
}

static bool judged_here(uint32_t rule)
{
	return rule != WEIR_RULE_NONE && rule != WEIR_RULE_REMOTE;
}

/* A rule as the author of one side.  Returns how far it narrows. */
static unsigned int author(const struct flow_views *v, uint32_t number, struct flow_author *out)
{
	static const char *const tier[] = { "admin", "networkpolicy", "baseline" };
	const struct rule_name *name = judged_here(number) ? rules_get(v->rules, number) : NULL;

	*out = (struct flow_author){ .policy = "", .ns = "", .kind = "", .tier = "", .rule_name = "", .text = "", .number = number };
	if (!judged_here(number)) {
		out->number = 0;
		return MATCH_NONE;
	}
	if (!name) {
		out->tier = "default";
		out->text = rules_fixed_text(number);
		return number == WEIR_RULE_ISOLATED || number == WEIR_RULE_CLOSED ? MATCH_NONE : MATCH_ALL;
	}
	out->policy = name->policy;
	out->ns = name->ns;
	out->kind = name->tier == TIER_NETPOL ? "NetworkPolicy" : "ClusterNetworkPolicy";
	out->tier = name->tier < sizeof(tier) / sizeof(*tier) ? tier[name->tier] : "";
	out->rule_name = name->name;
	out->text = name->text;
	out->rule = name->index + 1;
	return name->match;
}

/* Does a side's rule say no? */
static bool says_no(const struct flow_views *v, uint32_t number)
{
	const struct rule_name *name;

	if (number == WEIR_RULE_ISOLATED || number == WEIR_RULE_CLOSED)
		return true;
	name = number >= WEIR_RULE_FIRST ? rules_get(v->rules, number) : NULL;
	return name && name->denies;
}

/* Whose word decided: who said no, else the receiver's, which is the last. */
static enum weir_dir deciding_side(const struct flow_views *v, const struct record *r)
{
	if (r->flags & WEIR_REC_EGRESS)
		return WEIR_EGRESS;
	if (r->flags & WEIR_REC_INGRESS)
		return WEIR_INGRESS;
	if (is_dropped(r) && judged_here(r->rule[WEIR_EGRESS]) && says_no(v, r->rule[WEIR_EGRESS]))
		return WEIR_EGRESS;
	return judged_here(r->rule[WEIR_INGRESS]) || !judged_here(r->rule[WEIR_EGRESS]) ? WEIR_INGRESS : WEIR_EGRESS;
}

/* Of a default deny: if it is known, and all of them. */
static void view_isolating(const struct flow_views *v, const struct record *r, enum weir_dir side, struct flow *f)
{
	const struct isolators_who *who = r->rule[side] == WEIR_RULE_ISOLATED ? isolators_get(v->isolators, r->name[side], side) : NULL;

	if (!who || who->more)
		return;
	f->isolating = who->policy;
	f->isolatings = who->named;
}

static void view_verdict(const struct flow_views *v, const struct record *r, struct flow *f)
{
	enum weir_dir side = deciding_side(v, r);
	unsigned int match[WEIR_DIRS];
	bool dropped = is_dropped(r);

	match[WEIR_EGRESS] = author(v, r->rule[WEIR_EGRESS], &f->egress);
	match[WEIR_INGRESS] = author(v, r->rule[WEIR_INGRESS], &f->ingress);
	f->direction = side == WEIR_EGRESS ? FLOW_EGRESS : FLOW_INGRESS;
	f->directions = judged_here(r->rule[WEIR_EGRESS]) << FLOW_EGRESS | judged_here(r->rule[WEIR_INGRESS]) << FLOW_INGRESS;
	if (!f->directions)
		f->directions = 1 << f->direction;
	f->verdict = dropped || (r->kind == WEIR_REC_CLOSED && r->flags & WEIR_REC_CUT) ? FLOW_DROPPED : FLOW_FORWARDED;
	if (!dropped)
		return;
	f->drop_reason = drop_reason[r->reason < WEIR_REASON_COUNT ? r->reason : 0];
	if (r->reason == WEIR_CUT && says_no(v, r->rule[side]) && r->rule[side] >= WEIR_RULE_FIRST)
		f->drop_reason = DROP_POLICY_DENY;
	f->egress_denied = side == WEIR_EGRESS;
	f->ingress_denied = side == WEIR_INGRESS;
	f->match = match[side];
	view_isolating(v, r, side, f);
}

/* With audited policies in force.  A flow's end says nothing of it: its opening did. */
static void view_would(const struct flow_views *v, const struct record *r, struct flow *f)
{
	bool denied = is_dropped(r);

	for (int dir = 0; dir < WEIR_DIRS; dir++) {
		unsigned int said = r->audit >> (2 * dir) & 3;
		struct flow_author *would = dir == WEIR_EGRESS ? &f->would_egress : &f->would_ingress;

		if (said == WEIR_UNSAID || (said == WEIR_DENY) == (dir == WEIR_EGRESS ? f->egress_denied : f->ingress_denied))
			continue;
		author(v, r->audit_rule[dir], would);
		f->would_differ = true;
		f->would_deny |= said == WEIR_DENY && !denied;
	}
	if (f->would_deny)
		f->verdict = FLOW_AUDIT;
}

static void view_event(const struct record *r, struct flow *f)
{
	if (r->kind == WEIR_REC_CLOSED) {
		f->event = FLOW_EVENT_TRACE;
		f->reply = FLOW_REPLY_NO;
		f->trace_point = r->endpoint[WEIR_INGRESS] == WEIR_ENDPOINT_NODE ? POINT_TO_HOST :
				 r->endpoint[WEIR_INGRESS] ? POINT_TO_ENDPOINT : POINT_TO_NETWORK;
		f->sub_event = f->trace_point == POINT_TO_ENDPOINT ? 0 : f->trace_point;
		return;
	}
	if (r->kind == WEIR_REC_DENIED && !is_policy(r->reason)) {
		f->event = FLOW_EVENT_DROP;
		f->sub_event = f->drop_reason;
		return;
	}
	f->event = FLOW_EVENT_POLICY;
	f->reply = r->kind == WEIR_REC_DENIED ? FLOW_REPLY_UNKNOWN : FLOW_REPLY_NO;
}

static void view_counts(const struct record *r, struct flow *f)
{
	int side = !!(r->flags & WEIR_REC_REPLY);

	if (r->kind == WEIR_REC_CLOSED) {
		struct record_span span = record_span(r);

		memcpy(f->packets, r->total.packets, sizeof(f->packets));
		memcpy(f->bytes, r->total.bytes, sizeof(f->bytes));
		f->duration = span.ns;
		f->idle = span.idle;
		f->at_least = span.at_least;
		f->ended = span.ended;
		f->handshake_us = r->handshake_us;
		return;
	}
	f->packets[side] = r->packets;
	f->bytes[side] = r->bytes;
	if (r->kind == WEIR_REC_DENIED)
		f->repeats = r->repeats;
}

/* Queries go by their id, twice, and open with a request; all else has type and code where the port is. */
static void view_icmp(const struct record *r, struct flow *f)
{
	f->icmp = true;
	if (r->dport || !r->sport)
		f->sport = (r->proto == IPPROTO_ICMPV6 ? 128 : 8) << 8;
	f->dport = 0;
}

static void view_service(const struct flow_end *end, const char **name, const char **ns)
{
	bool service = end->workload_kind[0] == 'S' && !strcmp(end->workload_kind, "Service");

	*name = service ? end->workload : "";
	*ns = service ? end->ns : "";
}

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93ULL;
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93ULL;
	return x ^ x >> 32;
}

/* Of node, addresses, ports, slot and incarnation: the same for all that is told of a flow.  A denied packet has no slot:
 * its time stands for it. */
static void view_uuid(const struct flow_views *v, const struct record *r, char out[40])
{
	static const char hex[] = "0123456789abcdef";
	uint64_t flow = r->slot == ~0U ? r->time : (uint64_t)r->slot << 16 | r->incarnation;
	uint64_t a = mix(v->node_number ^ r->src.w[1] ^ mix(r->dst.w[1] ^ ((uint64_t)r->sport << 16 | r->dport)));
	uint64_t b = mix(flow ^ r->src.w[0] ^ mix(r->dst.w[0] ^ r->proto) ^ a);
	uint8_t byte[16];

	memcpy(byte, &a, 8);
	memcpy(byte + 8, &b, 8);
	byte[6] = (byte[6] & 0x0f) | 0x80;	/* version 8: of the maker's own */
	byte[8] = (byte[8] & 0x3f) | 0x80;
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = hex[byte[i] >> 4];
		*out++ = hex[byte[i] & 15];
	}
	*out = '\0';
}

void flow_view(const struct flow_views *v, const struct record *r, uint64_t number, struct flow *f)
{
	static const struct flow_author nobody = { "", "", "", "", "", "", 0, 0 };

	memset(f, 0, sizeof(*f));
	f->time = r->time;
	f->record = number;
	f->src = r->src;
	f->dst = r->dst;
	f->sport = r->sport;
	f->dport = r->dport;
	f->proto = r->proto;
	f->tcp_flags = r->tcp_flags;
	f->kind = r->kind;
	f->would_egress = f->would_ingress = nobody;
	f->reason = r->kind != WEIR_REC_CLOSED ? reason_word[r->reason < WEIR_REASON_COUNT ? r->reason : 0] :
		    r->reason < sizeof(end_word) / sizeof(*end_word) ? end_word[r->reason] : "";
	f->node = v->node;
	f->node_label = v->node_label;
	f->node_labels = v->node_labels;
	f->source = ends_get(v->ends, r->name[WEIR_EGRESS]);
	f->destination = ends_get(v->ends, r->name[WEIR_INGRESS]);
	f->source_endpoint = r->endpoint[WEIR_EGRESS] == WEIR_ENDPOINT_NODE ? 0 : r->endpoint[WEIR_EGRESS];
	f->destination_endpoint = r->endpoint[WEIR_INGRESS] == WEIR_ENDPOINT_NODE ? 0 : r->endpoint[WEIR_INGRESS];
	view_service(f->source, &f->source_service, &f->source_service_ns);
	view_service(f->destination, &f->destination_service, &f->destination_service_ns);
	f->nearest = "";
	f->partial = !!(r->flags & WEIR_REC_PARTIAL);
	f->picked_up = !!(r->flags & WEIR_REC_PICKED_UP);
	f->cut = !!(r->flags & WEIR_REC_CUT);
	view_verdict(v, r, f);
	f->interface = ends_interface(v->ends, r->name[f->direction == FLOW_EGRESS ? WEIR_EGRESS : WEIR_INGRESS], &f->ifindex);
	if (r->flags & WEIR_REC_AUDIT && r->kind != WEIR_REC_CLOSED)
		view_would(v, r, f);
	view_event(r, f);
	view_counts(r, f);
	if (r->proto == IPPROTO_ICMP || r->proto == IPPROTO_ICMPV6)
		view_icmp(r, f);
	view_uuid(v, r, f->uuid);
}
