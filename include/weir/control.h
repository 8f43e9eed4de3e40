/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What agent and programs tell each other beside policy and flows: one block of settings, counters, and the
 * small tables behind denials and fragments.
 */
#ifndef WEIR_CONTROL_H
#define WEIR_CONTROL_H

#include <weir/base.h>
#include <weir/flow.h>

/* One element.  The agent writes, by whole stores; programs read.  It is pinned with the flow table, so that
 * the next agent finds flows again: what a hash was made with stays. */
struct weir_control {
	__u32 abi;
	__u32 generation;	/* 30 bits, never 0; read once per packet, before the first policy look-up */
	__u32 bucket_mask;	/* buckets - 1 */
	__u32 hz;		/* jiffies a second of this kernel: 1e9 / clock_getres(CLOCK_MONOTONIC_COARSE) */
	__u32 seed[10];		/* of the flow hash: random at first load, adopted with the table */
	__u64 seed_mul[2];
	__u32 quota;		/* flow slots per payer: a quarter of the table */
	__u32 quota_half;	/* of which half-open: a sixteenth of the table */
	__u32 observe_only;	/* 1: judge, record, drop nothing */
	__u32 hairpin;		/* 1: a pod's packet to itself through a Service is judged like any other; 0: allowed */
	__u32 clock;		/* a tick is 1 << clock jiffies, the power of two nearest to 1/16 s: weir_clock(hz) */
	__u32 later;		/* jiffies added to the programs' clock: 0 save in tests of lifetimes */
	__u32 agents;		/* how many have run: tells whose names a note has */
	__u32 spare[3];
};
WEIR_SIZE(struct weir_control, 112);

/* Ticks are what a tag's 'when' counts before a flow is CONFIRMED or CUT; after, "seconds" of sixteen ticks. */
static inline __u32 weir_clock(__u32 hz)
{
	__u32 shift = 0;

	while (shift < 8 && (3u << shift) * 8 <= hz)
		shift++;
	return shift;
}

/* Per reason and CPU: packets are segments, bytes are IP bytes. */
struct weir_sum {
	__u64 packets, bytes;
};
WEIR_SIZE(struct weir_sum, 16);

/* Counters that are no reason, in the same per-CPU array behind the reasons.  LOST_* keep the node's sums
 * exact when a ring is full. */
#define WEIR_STATS(X)							\
	X(INSERTED,     "flows opened")					\
	X(EVICTED,      "flows evicted")				\
	X(EXPIRED,      "flows expired")				\
	X(MERGED,       "flows that two CPUs had opened at once")	\
	X(RETRIED,      "packets that met a slot changing hands")	\
	X(MOVED,        "counts moved to totals")			\
	X(REJUDGED,     "flows judged again")				\
	X(CUT_FLOWS,    "flows cut by policy")				\
	X(SILENT,       "half-open flows of one packet that ended without a record") \
	X(STRAY,        "packets of a known flow whose counter was contended") \
	X(LOST_OPENED,  "opened records that did not fit the ring")	\
	X(LOST_AGAIN,   "judged-again records that did not fit the ring") \
	X(LOST_CLOSED,  "closed records that did not fit the ring: packets and bytes are the flows' totals") \
	X(LOST_DENIED,  "denied records that did not fit the ring")	\
	X(REPEATED,     "denied packets counted as repeats of a record") \
	X(WOULD_DENY,   "packets that audited policies would have dropped when judged") \
	X(LOST_RECORDS, "records of flows that did not fit the ring, whatever they stood for") \
	X(LOST_DENIALS, "records of denials that did not fit their ring")
enum weir_stat {
	WEIR_STAT_BASE = 63,
#define X(name, text) WEIR_STAT_##name,
	WEIR_STATS(X)
#undef X
	WEIR_COUNTERS = 128,
};
_Static_assert(WEIR_REASON_COUNT <= 64, "reasons run into the other counters");

/* A denied flow, so that repeats are counted, not recorded.  It never answers a packet. */
struct weir_denied {
	__u64 key;		/* hash of 5-tuple, interface and reason; 0: empty, 1: changes hands */
	__u32 since;		/* jiffies of the last record */
	__u8 proto;
	__u8 reason;
	__u16 pad;
	struct weir_addr src, dst;
	__u16 sport, dport;
	__u16 endpoint;		/* of the side that said no */
	__u16 rule;
	__u64 repeats;		/* low half of the key << 32 | packets since that record: changes by compare-and-swap */
};
WEIR_SIZE(struct weir_denied, 64);
#define WEIR_DENIED_SLOTS 16384

/* What evicted entries of the denied table, and denials that found no room in the ring, leave behind. */
struct weir_denied_sum {
	__u64 key;		/* endpoint << 32 | rule << 8 | reason, + 1; 0: empty.  Taken once, by compare-and-swap */
	__u64 packets;
};
WEIR_SIZE(struct weir_denied_sum, 16);
#define WEIR_DENIED_SUMS 8192		/* element 0 takes what finds no element of its own */

/* A datagram whose first fragment passed: later ones have no ports. */
struct weir_fragment {
	__u64 key;		/* hash of addresses, id, protocol; written last */
	struct weir_addr src, dst;
	__u32 id;
	__u32 until;		/* jiffies */
	__u16 sport, dport;
	__u8 proto;
	__u8 pad[3];
	__u64 spare;
};
WEIR_SIZE(struct weir_fragment, 64);
#define WEIR_FRAGMENTS 8192

/*
 * What the agent keeps per flow slot (a pinned map of the agent's own; programs never touch it): names, first seen, and
 * what was last reported, so that nothing is told twice, nor by the next agent.  The reader's thread writes.  Seven for
 * each bucket: WEIR_NOTE_OF a slot's number.
 */
struct weir_note {
	__u64 first;		/* 63..16 microseconds of CLOCK_REALTIME (their low 48 bits), all 0: not known from its
				 * beginning | 15..0 whose names these are: weir_control.agents; 0: no flow's note */
	__u16 incarnation;
	__u16 bytes_high[2];	/* with 'bytes': 48 bits each */
	__u16 spare;
	__u32 name[2];		/* the agent's name numbers, by enum weir_dir */
	__u32 packets[2];	/* last reported, low bits: [0] what the opener sent */
	__u32 bytes[2];
};
WEIR_SIZE(struct weir_note, 40);
#define WEIR_NOTE_OF(slot) ((slot) - ((slot) >> 3))

/* Behind the notes, in the room of two: what of the kernel's own counts of losses has been told. */
struct weir_ledger {
	__u64 records, denials;		/* lost in the rings */
	__u64 opened;			/* of the records: openings, packets */
	__u64 denied;			/* packets that no record tells of */
	__u64 packets, bytes;		/* of flows whose last record was lost, or that ended silently, less 'twice' */
	__u64 twice_packets, twice_bytes;	/* of them: what had been reported while they lived; grows at once */
	__u64 begun;			/* 1: an agent has written all this */
	__u64 spare;
};
WEIR_SIZE(struct weir_ledger, 80);
#define WEIR_LEDGER_NOTES (sizeof(struct weir_ledger) / sizeof(struct weir_note))

#endif
