// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>

#include "agent/naming.h"

_Static_assert(FLOWS_BATCH <= EDGES_BATCH, "a batch of records is one of edges, too");

/* A batch on its way: the records, and of openings and closings the traffic that nobody has counted yet. */
struct batch {
	unsigned int n;
	uint64_t first;			/* number of the first of them */
	const struct weir_record *from[FLOWS_BATCH];
	struct record to[FLOWS_BATCH];
	struct edge_traffic traffic[FLOWS_BATCH];
};

void naming_time(struct naming *n, uint64_t monotonic, uint64_t real)
{
	n->to_real = real - monotonic;
	n->now = real;
	ends_now(n->ends, real);
}

static uint32_t rule_of(struct naming *n, uint16_t kernel)
{
	uint32_t number = rules_number(n->rules, kernel);

	n->unnamed_rules += kernel && !number;
	return number;
}

static void decode(struct naming *n, const struct weir_record *from, struct record *to)
{
	*to = (struct record){
		.time = from->time + n->to_real, .src = from->src, .dst = from->dst, .sport = ntohs(from->sport),
		.dport = ntohs(from->dport), .proto = from->proto, .kind = from->kind, .reason = from->reason,
		.flags = from->flags, .incarnation = from->incarnation,
		.slot = from->slot, .endpoint = { from->endpoint[0], from->endpoint[1] },
	};
	for (int dir = 0; dir < WEIR_DIRS; dir++)
		to->rule[dir] = rule_of(n, from->rule[dir]);
	if (from->kind == WEIR_REC_CLOSED) {
		for (int side = 0; side < 2; side++) {
			to->total.packets[side] = from->total.packets[side];
			to->total.bytes[side] = from->total.bytes[side];
		}
		to->handshake_us = from->total.handshake_us;
		to->tcp_flags = from->tcp_flags & (WEIR_CLOSED_FIN | WEIR_CLOSED_RST);
		return;
	}
	to->tcp_flags = from->tcp_flags;
	to->audit = from->audit;
	to->packets = from->packets;
	to->bytes = from->bytes;
	to->repeats = from->repeats;
	for (int dir = 0; dir < WEIR_DIRS; dir++)
		to->audit_rule[dir] = from->audit_rule[dir] ? rule_of(n, from->audit_rule[dir]) : 0;
}

static void name(struct naming *n, const struct weir_record *from, struct record *to, uint64_t number)
{
	to->name[WEIR_EGRESS] = ends_name(n->ends, from->endpoint[WEIR_EGRESS], &from->src, number);
	to->name[WEIR_INGRESS] = ends_name(n->ends, from->endpoint[WEIR_INGRESS], &from->dst, number);
}

/* Whoever tells of it will want to know who isolates the pod, if no rule has decided. */
static void denied(struct naming *n, const struct record *to)
{
	enum weir_dir side = to->flags & WEIR_REC_EGRESS ? WEIR_EGRESS : WEIR_INGRESS;

	if (to->rule[side] == WEIR_RULE_ISOLATED && (to->kind == WEIR_REC_DENIED || to->flags & WEIR_REC_CUT))
		isolators_want(n->isolators, to->name[side], side);
}

/* A flow opens: who its ends are, and since when it is known, stays with its slot.  Its first packet is counted now. */
static void opened(struct naming *n, const struct record *to, struct edge_traffic *traffic)
{
	struct note_totals first = { .packets = { 0 } }, rest;
	int side = !!(to->flags & WEIR_REC_REPLY);

	if (!n->notes || !notes_begin(n->notes, to->slot, to->incarnation, to->time, to->name))
		return;
	if (to->flags & WEIR_REC_HERE) {
		first.packets[side] = to->packets;
		first.bytes[side] = to->bytes;
	}
	notes_report(notes_at(n->notes, to->slot), &first, &rest);
	for (int i = 0; i < 2; i++) {
		traffic->packets[i] = rest.packets[i];
		traffic->bytes[i] = rest.bytes[i];
	}
}

/* Up to its last packet; 'age': from its beginning to now, 0 if that was not seen. */
static uint64_t span_of(const struct naming *n, const struct weir_record *from, uint64_t age)
{
	struct record_span s = { .idle = weir_silence_ticks(WEIR_CLOSED_SILENCE(from)) * n->tick, .at_least = !age,
				 .ended = from->tcp_flags & WEIR_CLOSED_ENDED };

	/* the slot notes its last packet to the second: what one packet lasted is known better */
	if (from->total.packets[0] + from->total.packets[1] > 1 && age && age - 1 > s.idle)
		s.ns = age - 1 - s.idle;
	return record_span_word(&s);
}

/* A flow closes: its ends are who they were when it opened, and what was not yet counted of its traffic is now. */
static void closed(struct naming *n, const struct weir_record *from, struct record *to, struct edge_traffic *traffic,
		   uint64_t number)
{
	struct weir_note *note = n->notes ? notes_at(n->notes, from->slot) : NULL;
	struct note_totals all, rest;
	uint64_t age = 0;

	for (int i = 0; i < 2; i++) {
		all.packets[i] = to->total.packets[i];
		all.bytes[i] = to->total.bytes[i];
	}
	rest = all;
	if (note && notes_taken(note) && note->incarnation != from->incarnation)
		notes_release(n->notes, from->slot);
	if (note && notes_taken(note)) {
		age = notes_age(note, to->time);
		notes_report(note, &all, &rest);
	}
	if (note && notes_taken(note) && notes_ours(n->notes, note)) {
		for (int dir = 0; dir < WEIR_DIRS; dir++) {
			to->name[dir] = note->name[dir];
			ends_touch(n->ends, note->name[dir], number);
		}
	} else {
		name(n, from, to, number);
	}
	if (note && notes_taken(note))
		notes_end(n->notes, from->slot);
	to->span = span_of(n, from, age);
	traffic->answer_us = from->total.answer_us;
	for (int i = 0; i < 2; i++) {
		traffic->packets[i] = rest.packets[i];
		traffic->bytes[i] = rest.bytes[i];
	}
}

/* Those of kinds that we know, and their notes asked for. */
static void take(struct naming *n, struct batch *b, const struct weir_record *const *from, unsigned int count)
{
	b->n = 0;
	for (unsigned int i = 0; i < count; i++) {
		const struct weir_record *r = from[i];
		const struct weir_note *note;

		if (r->kind < WEIR_REC_OPENED || r->kind > WEIR_REC_CLOSED) {
			n->senseless++;
			if (n->losses)
				losses_add(n->losses, LOSS_READER, 1);
			continue;
		}
		note = n->notes ? notes_at(n->notes, r->slot) : NULL;
		if (note) {		/* two lines, as often as not */
			__builtin_prefetch(note, 1);
			__builtin_prefetch((const char *)(note + 1) - 1, 1);
		}
		b->from[b->n++] = r;
	}
}

void naming_batch(struct naming *n, const struct weir_record *const *from, unsigned int count)
{
	struct batch b;

	take(n, &b, from, count);
	b.first = records_next(n->records);
	for (unsigned int i = 0; i < b.n; i++)
		decode(n, b.from[i], &b.to[i]);
	for (unsigned int i = 0; i < b.n; i++) {
		b.traffic[i] = (struct edge_traffic){ .packets = { 0 } };
		if (b.from[i]->kind == WEIR_REC_CLOSED) {
			closed(n, b.from[i], &b.to[i], &b.traffic[i], b.first + i);
			continue;
		}
		name(n, b.from[i], &b.to[i], b.first + i);
		if (b.from[i]->kind == WEIR_REC_OPENED)
			opened(n, &b.to[i], &b.traffic[i]);
		else
			denied(n, &b.to[i]);
	}
	if (n->edges)
		edges_records(n->edges, b.to, b.traffic, b.n, n->now);
	for (unsigned int i = 0; i < b.n; i++)
		records_add(n->records, &b.to[i]);
	for (unsigned int i = 0; n->counts && i < b.n; i++)
		counts_add(n->counts, &b.to[i], b.first + i);
}
