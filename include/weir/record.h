/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel tells: 64 bytes that every record has, then what its kind adds.  Programs write, in two
 * rings ('denials' takes DENIED and nothing else, 'records' the rest); agent/flows.c reads.
 */
#ifndef WEIR_RECORD_H
#define WEIR_RECORD_H

#include <weir/base.h>

enum weir_kind {
	WEIR_REC_OPENED = 1,	/* a new flow, with verdict and rule: 80 bytes */
	WEIR_REC_AGAIN,		/* judged again under a newer generation, and its rule or would-be verdict changed: 80 */
	WEIR_REC_DENIED,	/* a packet dropped: 80 */
	WEIR_REC_CLOSED,	/* a flow left its slot, with its totals: 104 */
	WEIR_REC_PAYLOAD,	/* kept for the head of an inspected flow's payload */
};

/* Why a flow left its slot. */
enum weir_end {
	WEIR_END_NONE,
	WEIR_END_EVICTED,	/* somebody else needed the room */
	WEIR_END_EXPIRED,	/* silent for its lifetime */
	WEIR_END_REUSED,	/* a SYN on an ended flow */
	WEIR_END_MERGED,	/* two CPUs had inserted it */
	WEIR_END_LEFT,		/* an endpoint it names is gone */
	WEIR_END_DENIED,	/* opened at the sender's hook, and the receiver's side never let it in */
};

enum weir_rec_flag {
	WEIR_REC_REPLY = 1,	/* the packet that caused the record went from dst to src */
	WEIR_REC_EGRESS = 2,	/* DENIED: the source's side said no */
	WEIR_REC_INGRESS = 4,	/* DENIED: the destination's side said no */
	WEIR_REC_AUDIT = 8,	/* a would-be verdict differs: audit_* say how */
	WEIR_REC_PICKED_UP = 16,
	WEIR_REC_PARTIAL = 32,	/* evicted while in use: more of this flow may follow */
	WEIR_REC_CUT = 64,	/* AGAIN: policy cut the flow; CLOSED: it was cut */
	WEIR_REC_HERE = 128,	/* this hook counted the packet (the other hook of the node did not) */
};

/* 'tcp_flags' of CLOSED.  The upper five bits, and behind them all of 'audit', tell for how long nothing had been heard of the
 * flow when it left its slot (<weir/life.h>, weir_silence); programs that do not tell leave 0 there. */
enum weir_closed_flag {
	WEIR_CLOSED_FIN = 1,	/* of either side */
	WEIR_CLOSED_ENDED = 2,	/* it ended: RST, or FIN from both sides */
	WEIR_CLOSED_RST = 4,
	WEIR_CLOSED_FLAGS = 7,
};
#define WEIR_CLOSED_SILENCE(r) ((__u32)((r)->tcp_flags & ~WEIR_CLOSED_FLAGS & 0xff) << 5 | (r)->audit)

struct weir_record {
	__u64 time;			/* CLOCK_MONOTONIC, nanoseconds */
	struct weir_addr src, dst;	/* as the flow's opener began it; DENIED: as far as is known */
	__u16 sport, dport;		/* network order; ICMP echo: id, id; else ICMP: type and code in sport */
	__u8 proto;
	__u8 kind;			/* enum weir_kind */
	__u8 reason;			/* enum weir_reason; CLOSED: enum weir_end */
	__u8 flags;			/* enum weir_rec_flag */
	__u16 rule[WEIR_DIRS];		/* who decided, by enum weir_dir */
	__u16 endpoint[WEIR_DIRS];	/* [WEIR_EGRESS] is src's, [WEIR_INGRESS] dst's; 0 outside, 32767 a socket of the node */
	__u32 slot;			/* WEIR_SLOT_OF, ~0 if the flow has none */
	__u16 incarnation;
	__u8 tcp_flags;			/* of the packet; CLOSED: WEIR_CLOSED_* */
	__u8 audit;			/* would-be verdicts: bits 0-1 ingress, 2-3 egress, as enum weir_verdict; CLOSED: of its silence */
	union {
		struct {		/* OPENED, AGAIN, DENIED: of the packet that caused it */
			__u16 audit_rule[WEIR_DIRS];
			__u32 bytes;
			__u32 generation;
			__u16 packets;
			__u16 repeats;	/* DENIED: equal packets since the last record, this one apart; 65535: that or more */
		};
		struct {		/* CLOSED: [0] src to dst, [1] dst to src */
			__u64 packets[2], bytes[2];
			__u32 handshake_us;	/* TCP: from the SYN to the opener's ACK; 0: not seen whole */
			__u32 answer_us;	/* TCP: from the SYN to the SYN-ACK: there and back */
		} total;
	};
};
WEIR_SIZE(struct weir_record, 104);
#define WEIR_RECORD_SHORT 80

#define WEIR_RING_RECORDS (4 << 20)
#define WEIR_RING_DENIALS (1 << 20)

#endif
