// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include <weir/flow.h>

#include "agent/agent.h"
#include "lib/addr.h"

static const char *const reason_word[] = {
#define X(name, fate, word, text) [WEIR_##name] = word,
	WEIR_REASONS(X)
#undef X
};

const char *reason_text(unsigned int reason)
{
	return reason < WEIR_REASON_COUNT ? reason_word[reason] : "";
}

static const char *kind_word(uint8_t kind)
{
	static const char *const word[] = { [WEIR_REC_OPENED] = "opened", [WEIR_REC_AGAIN] = "again",
					    [WEIR_REC_DENIED] = "denied", [WEIR_REC_CLOSED] = "closed" };

	return kind < sizeof(word) / sizeof(*word) && word[kind] ? word[kind] : "";
}

static const char *end_word(uint8_t end)
{
	static const char *const word[] = { [WEIR_END_NONE] = "", [WEIR_END_EVICTED] = "evicted",
					    [WEIR_END_EXPIRED] = "expired", [WEIR_END_REUSED] = "reused",
					    [WEIR_END_MERGED] = "merged", [WEIR_END_LEFT] = "left" };

	return end < sizeof(word) / sizeof(*word) ? word[end] : "";
}

static void protocol_words(const struct record *r, struct record_words *w)
{
	switch (r->proto) {
	case 6:
		strcpy(w->protocol, "TCP");
		break;
	case 17:
		strcpy(w->protocol, "UDP");
		break;
	case 132:
		strcpy(w->protocol, "SCTP");
		break;
	case 1:
		strcpy(w->protocol, "ICMP");
		break;
	case 58:
		strcpy(w->protocol, "ICMPv6");
		break;
	default:
		snprintf(w->protocol, sizeof(w->protocol), "%u", r->proto);
	}
}

static void flag_words(uint8_t flags, char *to)
{
	static const char letter[] = "FSRPAUEC";

	for (int i = 0; i < 8; i++)
		if (flags & 1 << i)
			*to++ = letter[i];
	*to = '\0';
}

/* "namespace/policy", and the rule from 1; what fixed numbers say. */
static const struct rule_name *rule_words(const struct agent *a, uint32_t number, char *policy, size_t size, uint32_t *rule)
{
	const struct rule_name *name = rules_get(a->rules, number);

	*policy = '\0';
	*rule = 0;
	if (!name)
		return NULL;
	snprintf(policy, size, "%s%s%s", name->ns, *name->ns ? "/" : "", name->policy);
	*rule = name->index + 1;
	return name;
}

static bool is_denied(const struct record *r)
{
	return r->kind == WEIR_REC_DENIED || (r->kind == WEIR_REC_AGAIN && r->flags & WEIR_REC_CUT);
}

/* Which side's author is "the" author: the one that said no, else the receiver's, whose word is the last. */
static enum weir_dir author_side(const struct record *r)
{
	if (r->flags & WEIR_REC_EGRESS)
		return WEIR_EGRESS;
	if (r->flags & WEIR_REC_INGRESS)
		return WEIR_INGRESS;
	return r->rule[WEIR_INGRESS] && r->rule[WEIR_INGRESS] != WEIR_RULE_REMOTE ? WEIR_INGRESS : WEIR_EGRESS;
}

static void verdict_words(const struct agent *a, const struct record *r, struct record_words *w)
{
	Weir__V1__Record *out = &w->record;
	enum weir_dir side = author_side(r);
	const struct rule_name *name;

	rule_words(a, r->rule[WEIR_EGRESS], w->egress, sizeof(w->egress), &out->egress_rule);
	rule_words(a, r->rule[WEIR_INGRESS], w->ingress, sizeof(w->ingress), &out->ingress_rule);
	name = rule_words(a, r->rule[side], w->policy, sizeof(w->policy), &out->rule);
	out->egress_policy = w->egress;
	out->ingress_policy = w->ingress;
	out->policy = w->policy;
	out->rule_text = (char *)(name ? name->text : rules_fixed_text(r->rule[side]));
	out->direction = (char *)(side == WEIR_EGRESS ? "egress" : "ingress");
	out->verdict = (char *)(is_denied(r) ? "denied" : "allowed");
}

/* What audited policies would have said, if it is something else. */
static void audit_words(const struct agent *a, const struct record *r, struct record_words *w)
{
	Weir__V1__Record *out = &w->record;
	uint32_t rule;

	if (!(r->flags & WEIR_REC_AUDIT) || r->kind == WEIR_REC_CLOSED)
		return;
	for (int dir = WEIR_DIRS - 1; dir >= 0; dir--) {
		unsigned int said = r->audit >> (2 * dir) & 3;

		if (said != WEIR_DENY && !(is_denied(r) && said == WEIR_ALLOW))
			continue;
		out->would_be = (char *)(said == WEIR_DENY ? "denied" : "allowed");
		rule_words(a, r->audit_rule[dir], w->would_policy, sizeof(w->would_policy), &rule);
		out->would_be_policy = w->would_policy;
		if (!is_denied(r))
			out->verdict = (char *)"audit";
		return;
	}
}

static void count_words(const struct record *r, struct record_words *w)
{
	Weir__V1__Record *out = &w->record;
	struct record_span span;

	if (r->kind != WEIR_REC_CLOSED) {
		out->packets = r->packets;
		out->bytes = r->bytes;
		out->repeats = r->repeats;
		return;
	}
	out->packets = r->total.packets[0];
	out->bytes = r->total.bytes[0];
	out->reply_packets = r->total.packets[1];
	out->reply_bytes = r->total.bytes[1];
	span = record_span(r);
	out->duration_ms = span.ns / 1000000;
	out->duration_at_least = span.at_least;
	out->idle_ms = span.idle / 1000000;
	out->ended = span.ended;
}

void record_words(const struct agent *a, const struct record *r, struct record_words *w)
{
	Weir__V1__Record *out = &w->record;
	bool closed = r->kind == WEIR_REC_CLOSED;

	weir__v1__record__init(out);
	out->time_ns = r->time;
	out->kind = (char *)kind_word(r->kind);
	out->reason = (char *)(closed ? "" : reason_text(r->reason));
	out->end = (char *)(closed ? end_word(r->reason) : "");
	out->source = (char *)names_text(names_get(a->names, r->name[WEIR_EGRESS]), w->source, sizeof(w->source));
	out->destination = (char *)names_text(names_get(a->names, r->name[WEIR_INGRESS]), w->destination,
					      sizeof(w->destination));
	out->source_address = (char *)addr_text(&r->src, w->source_address);
	out->destination_address = (char *)addr_text(&r->dst, w->destination_address);
	out->source_port = r->sport;
	out->destination_port = r->dport;
	protocol_words(r, w);
	out->protocol = w->protocol;
	flag_words(r->tcp_flags, w->flags);
	out->tcp_flags = w->flags;
	out->partial = r->flags & WEIR_REC_PARTIAL;
	out->picked_up = r->flags & WEIR_REC_PICKED_UP;
	verdict_words(a, r, w);
	audit_words(a, r, w);
	count_words(r, w);
}
