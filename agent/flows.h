/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel counted and recorded: both rings, the flow table, the counters.
 *
 *	flows_open(&f, dp, on_record, me);
 *	flows_drain(f, 65536);			on the reader thread, every few ms: denials first
 *	flow_table_each(dp, on_flow, me);	any thread: no lock, no system call
 *	datapath_counters(dp, sums);		any thread
 *
 * Programs wake nobody up: whoever drains does so by a timer.
 */
#ifndef WEIR_AGENT_FLOWS_H
#define WEIR_AGENT_FLOWS_H

#include "agent/datapath.h"

struct flows;

/* 'r' is a copy on the reader's stack, whole whatever the kind: what a short record lacks is zero. */
typedef void (*flows_record_fn)(void *ctx, const struct weir_record *r);

int flows_open(struct flows **out, struct datapath *dp, flows_record_fn fn, void *ctx);
void flows_close(struct flows *f);

/* Reads up to 'max' records of each ring.  Returns how many were read in all. */
unsigned int flows_drain(struct flows *f, unsigned int max);

/*
 * The same in batches, without a copy: flows_take() points at records where they lie, in the order of their time over
 * both rings; flows_done() gives their room back.  While the ring of denials is a quarter full it goes first.
 * A record has WEIR_RECORD_SHORT bytes unless its kind is CLOSED.
 */
#define FLOWS_BATCH 64
struct flows_batch {
	unsigned int n;
	const struct weir_record *record[FLOWS_BATCH];
	unsigned long at[2];		/* flows_done()'s: how far each ring is read */
};
unsigned int flows_take(struct flows *f, struct flows_batch *b);
void flows_done(struct flows *f, const struct flows_batch *b);

/* A mark is where the rings' writers are now.  It is passed once all before it has been given to 'fn'.  Any thread. */
struct flows_mark {
	uint64_t records, denials;
};
void flows_mark(const struct flows *f, struct flows_mark *mark);
bool flows_passed(const struct flows *f, const struct flows_mark *mark);

/* Bytes waiting in a ring, for gauges and for who would fill it. */
struct flows_fill {
	uint64_t records, records_size, denials, denials_size;
};
void flows_fill(const struct flows *f, struct flows_fill *out);

/* One live flow, whole: fields that belong together, however fast the slot changes hands.  Sides are in the
 * table's canonical order; 'opener' says which of them began. */
struct flow_snapshot {
	__u32 slot;			/* WEIR_SLOT_OF */
	__u16 incarnation;
	__u8 phase;			/* enum weir_phase */
	__u8 proto;
	__u8 opener;			/* side 0 or 1 */
	__u8 flags;			/* enum weir_cold_flag */
	__u16 to_port;
	__u64 tag, gate;
	struct weir_addr addr[2];
	__u16 port[2];			/* network order */
	__u16 rule[2];
	__u16 endpoint[2];
	__u64 packets[2], bytes[2];	/* by the side that sent */
	struct weir_addr to;
};
typedef int (*flow_table_fn)(void *ctx, const struct flow_snapshot *flow);	/* 0: go on */

/* Every published flow.  Returns how many were given to 'fn'; '*missed' (may be NULL) counts slots that would not
 * hold still. */
unsigned int flow_table_each(const struct datapath *dp, flow_table_fn fn, void *ctx, unsigned int *missed);
unsigned int flow_table_range(const struct datapath *dp, unsigned int bucket, unsigned int buckets, flow_table_fn fn, void *ctx,
			      unsigned int *missed);
int flow_table_slot(const struct datapath *dp, unsigned int slot, struct flow_snapshot *out);	/* -ENOENT, -EAGAIN */

/* How many slots are in which phase: tags only, under a millisecond for the default table. */
struct flow_table_use {
	unsigned int slots, phase[8];
};
void flow_table_use(const struct datapath *dp, struct flow_table_use *out);

/* Records that found no room, per CPU since the maps were made: [0] of flows, [1] of denials. */
int datapath_lost(const struct datapath *dp, uint64_t (*lost)[2], unsigned int cpus);	/* how many CPUs, or -errno */

/* Sums over CPUs: reasons by enum weir_reason, the rest by enum weir_stat. */
int datapath_counters(const struct datapath *dp, struct weir_sum out[WEIR_COUNTERS]);

/* Verdicts per rule, [WEIR_RULES]. */
int datapath_rule_hits(const struct datapath *dp, __u64 *hits);

/* Denied packets that no record tells of, by (endpoint, rule, reason).  'key' as in struct weir_denied_sum; element
 * 0 is what found no element of its own (key 0). */
typedef void (*denied_sum_fn)(void *ctx, unsigned int endpoint, unsigned int rule, unsigned int reason, __u64 packets);
void datapath_denied_sums(const struct datapath *dp, denied_sum_fn fn, void *ctx);

#endif
