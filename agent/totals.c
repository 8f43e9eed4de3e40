// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "agent/totals.h"

enum stage { IDLE, TABLE, RINGS };

/* Looked at again after the rings' mark. */
struct later {
	uint32_t slot;
	uint16_t incarnation;
	bool flow;			/* a flow without a note; else a note without a flow */
};

struct totals {
	const struct datapath *dp;	/* not ours */
	struct flows *flows;		/* not ours */
	struct naming *naming;		/* not ours */
	enum stage stage;
	uint64_t due, each;		/* CLOCK_MONOTONIC, nanoseconds */
	unsigned int bucket;		/* TABLE: where it goes on */
	struct flows_mark mark;
	uint64_t began, from;		/* records_next() when this reading began, and the last whole one */
	unsigned int live;
	struct weir_time now;		/* the programs' clock when this reading began; .hz 0: not known */
	double us;
	unsigned int nlater;
	struct totals_counts counts;
	struct later later[TOTALS_LATER];
};

static void first_losses(struct totals *r);
static void tell_losses(struct totals *r);

int totals_open(struct totals **out, const struct datapath *dp, struct flows *flows, struct naming *naming,
		unsigned int each_ms)
{
	struct totals *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->dp = dp;
	r->flows = flows;
	r->naming = naming;
	r->each = (each_ms ?: TOTALS_MS) * 1000000ULL;
	first_losses(r);
	*out = r;
	return 0;
}

void totals_close(struct totals *r)
{
	free(r);
}

uint64_t totals_from(const struct totals *r)
{
	return __atomic_load_n(&r->from, __ATOMIC_ACQUIRE);
}

void totals_count(const struct totals *r, struct totals_counts *out)
{
	*out = r->counts;
}

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void look_later(struct totals *r, uint32_t slot, uint16_t incarnation, bool flow)
{
	if (r->nlater < TOTALS_LATER)
		r->later[r->nlater++] = (struct later){ slot, incarnation, flow };
}

static void name_again(struct totals *r, const struct flow_snapshot *s, uint32_t name[WEIR_DIRS])
{
	int o = s->opener;

	name[WEIR_EGRESS] = ends_name(r->naming->ends, s->endpoint[o], &s->addr[o], r->began);
	name[WEIR_INGRESS] = ends_name(r->naming->ends, s->endpoint[!o], &s->addr[!o], r->began);
}

static bool is_live(const struct totals *r, const struct flow_snapshot *s)
{
	return !r->now.hz || weir_live(s->tag, &r->now);
}

/* What the flow has carried since it was last reported. */
static void tell(struct totals *r, const struct flow_snapshot *s, struct weir_note *note)
{
	int o = s->opener;
	struct note_totals all = { { s->packets[o], s->packets[!o] }, { s->bytes[o], s->bytes[!o] } }, rest;
	struct edge_flow f = { .name = { note->name[0], note->name[1] }, .source_endpoint = s->endpoint[o],
			       .port = ntohs(s->port[!o]), .proto = s->proto, .cut = s->phase == WEIR_CUT_FLOW,
			       .live = is_live(r, s) };

	notes_report(note, &all, &rest);
	for (int i = 0; i < 2; i++) {
		f.traffic.packets[i] = rest.packets[i];
		f.traffic.bytes[i] = rest.bytes[i];
	}
	if (r->naming->edges)
		edges_live(r->naming->edges, &f, r->naming->now);
}

static int on_flow(void *ctx, const struct flow_snapshot *s)
{
	struct totals *r = ctx;
	struct notes *notes = r->naming->notes;
	struct weir_note *note = notes_at(notes, s->slot);

	r->live += is_live(r, s);
	if (!notes_fits(note, s->incarnation)) {
		look_later(r, s->slot, s->incarnation, true);
		return 0;
	}
	if (!notes_ours(notes, note)) {		/* an earlier agent's: who it is now, but since when and how much as noted */
		uint32_t name[WEIR_DIRS];

		name_again(r, s, name);
		notes_begin(notes, s->slot, s->incarnation, 0, name);
	}
	for (int dir = 0; dir < WEIR_DIRS; dir++)
		ends_touch(r->naming->ends, note->name[dir], r->began);
	tell(r, s, note);
	return 0;
}

/* A slot that is free, or another flow's, has told of the one before it: the record lies before the mark. */
static void look_at_notes(struct totals *r, unsigned int bucket)
{
	const struct weir_bucket *b = &datapath_view(r->dp)->bucket[bucket];
	uint8_t noted = r->naming->notes->noted[bucket];

	for (int way = 0; way < WEIR_WAYS; way++) {
		__u64 tag;
		uint16_t incarnation;

		if (!(noted >> way & 1))
			continue;
		tag = __atomic_load_n(&b->tag[way], __ATOMIC_ACQUIRE);
		incarnation = r->naming->notes->note[bucket * WEIR_WAYS + way].incarnation;
		if (WEIR_TAG_PHASE(tag) == WEIR_FREE || (WEIR_TAG_PHASE(tag) > WEIR_BUSY && WEIR_TAG_INC(tag) != incarnation))
			look_later(r, WEIR_SLOT_OF(bucket, way), incarnation, false);
	}
}

static void begin(struct totals *r)
{
	r->stage = TABLE;
	r->bucket = r->live = r->nlater = 0;
	r->us = 0;
	r->now = datapath_time(r->dp);
	r->began = records_next(r->naming->records);
	if (r->naming->edges)
		edges_live_begin(r->naming->edges);
}

static void read_part(struct totals *r)
{
	unsigned int end = datapath_view(r->dp)->buckets, first = r->bucket, missed;

	r->bucket = end - first > TOTALS_BUCKETS ? first + TOTALS_BUCKETS : end;
	flow_table_range(r->dp, first, r->bucket - first, on_flow, r, &missed);
	r->counts.missed += missed;
	for (unsigned int b = first; b < r->bucket; b++)
		if (r->naming->notes->noted[b])
			look_at_notes(r, b);
	if (r->bucket < end)
		return;
	flows_mark(r->flows, &r->mark);
	r->stage = RINGS;
}

static void adopt(struct totals *r, const struct later *l)
{
	struct weir_note *note = notes_at(r->naming->notes, l->slot);
	struct flow_snapshot s;
	uint32_t name[WEIR_DIRS];

	if (notes_fits(note, l->incarnation) || flow_table_slot(r->dp, l->slot, &s) || s.incarnation != l->incarnation)
		return;			/* its record came, or it is over: then that record comes */
	name_again(r, &s, name);
	notes_begin(r->naming->notes, l->slot, l->incarnation, 0, name);
	tell(r, &s, note);
	r->counts.adopted++;
}

static void release(struct totals *r, const struct later *l)
{
	if (!notes_fits(notes_at(r->naming->notes, l->slot), l->incarnation))
		return;			/* its last record came */
	notes_release(r->naming->notes, l->slot);
	r->counts.released++;
}

static void finish(struct totals *r)
{
	for (unsigned int i = 0; i < r->nlater; i++)
		(r->later[i].flow ? adopt : release)(r, &r->later[i]);
	if (r->naming->edges)
		edges_live_end(r->naming->edges, r->naming->now);
	tell_losses(r);
	r->stage = IDLE;
	r->counts.readings++;
	r->counts.live = r->live;
	__atomic_store_n(&r->from, r->began, __ATOMIC_RELEASE);
}

void totals_step(struct totals *r, uint64_t now)
{
	double cpu;

	if (r->stage == IDLE && now < r->due)
		return;
	cpu = cpu_us();
	if (r->stage == IDLE) {
		r->due = now + r->each;
		begin(r);
	}
	if (r->stage == TABLE)
		read_part(r);
	else if (flows_passed(r->flows, &r->mark))
		finish(r);
	r->us += cpu_us() - cpu;
	if (r->stage == IDLE)
		r->counts.last_us = r->us;
}

void totals_whole(struct totals *r)
{
	struct flows_batch b;

	r->due = 0;
	do {
		while (flows_take(r->flows, &b)) {
			naming_batch(r->naming, b.record, b.n);
			flows_done(r->flows, &b);
		}
		totals_step(r, 1);
	} while (r->stage != IDLE);
}

/* Packets that no record tells of: what found no room, and repeats of what nobody remembers any more. */
static void add_denied(void *ctx, unsigned int endpoint, unsigned int rule, unsigned int reason, __u64 packets)
{
	*(uint64_t *)ctx += packets;
}

struct lost {
	uint64_t opened, denied, packets, bytes, records, denials;
};

/* What the kernel has counted without a record, less what was reported of those flows while they lived. */
static int lost_now(const struct totals *r, struct lost *out)
{
	const struct weir_ledger *l = r->naming->notes->ledger;
	struct weir_sum now[WEIR_COUNTERS];
	int err = datapath_counters(r->dp, now);

	*out = (struct lost){ 0 };
	if (err)
		return err;
	datapath_denied_sums(r->dp, add_denied, &out->denied);
	out->records = now[WEIR_STAT_LOST_RECORDS].packets;
	out->denials = now[WEIR_STAT_LOST_DENIALS].packets;
	out->opened = now[WEIR_STAT_LOST_OPENED].packets;
	out->packets = now[WEIR_STAT_LOST_CLOSED].packets + now[WEIR_STAT_SILENT].packets - l->twice_packets;
	out->bytes = now[WEIR_STAT_LOST_CLOSED].bytes + now[WEIR_STAT_SILENT].bytes - l->twice_bytes;
	return 0;
}

static void write_down(struct weir_ledger *l, const struct lost *now)
{
	l->opened = now->opened;
	l->denied = now->denied;
	l->packets = now->packets;
	l->bytes = now->bytes;
}

/* The first agent begins with what is; another where the one before it ended. */
static void first_losses(struct totals *r)
{
	struct weir_ledger *l = r->naming->notes->ledger;
	struct lost now;

	if (l->begun || lost_now(r, &now))
		return;
	l->records = now.records;
	l->denials = now.denials;
	write_down(l, &now);
	l->begun = 1;
}

/* What was not yet told is added; a flow that was told of as lost, and whose report is found now, takes from it. */
static void tell_losses(struct totals *r)
{
	struct weir_ledger *l = r->naming->notes->ledger;
	struct lost now;

	if (!r->naming->edges || lost_now(r, &now))
		return;
	edges_lost(r->naming->edges, now.opened - l->opened, now.denied - l->denied, now.packets - l->packets,
		   now.bytes - l->bytes, r->naming->now);
	write_down(l, &now);
}
