/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flow table's memory, the reasons, the lifetimes.  Kernel programs alone write the table; user space
 * reads it as mapped memory and asks a program (weir_ask) to free what it saw idle.
 */
#ifndef WEIR_FLOW_H
#define WEIR_FLOW_H

#include <weir/base.h>

/* Why a packet met its fate.  One row serves the kernel's enum, the counters, the CLI's word and the manual's
 * sentence.  UNDECIDED goes on to the next step.  A packet of a known flow is counted in the flow; under KNOWN only those
 * are summed up that were more than that (openings, ends, judged again). */
#define WEIR_REASONS(X)										\
	X(UNDECIDED,     PASS, "undecided",      "no step has decided yet")				\
	X(ALLOWED,       PASS, "allowed",        "a rule, or an open default, allows it")		\
	X(KNOWN,         PASS, "known",          "belongs to a flow already allowed")		\
	X(RELATED,       PASS, "related",        "an ICMP error about a known flow")		\
	X(FRAGMENT,      PASS, "fragment",       "a later fragment of a datagram that passed")	\
	X(NEIGHBOUR,     PASS, "neighbour",      "ARP or neighbour discovery for the pod's own addresses") \
	X(PICKED_UP,     PASS, "picked-up",      "a connection older than the pod's arming")	\
	X(NOT_OURS,      PASS, "not-ours",       "an interface that weir does not guard")		\
	X(NO_RULE,       DROP, "no-rule",        "the pod is isolated, and no rule allows it")	\
	X(DENIED,        DROP, "denied",         "a rule denies it")				\
	X(CLOSED,        DROP, "closed",         "mode default-deny, and no rule allows it")	\
	X(CUT,           DROP, "cut",            "belongs to a flow that policy has cut")		\
	X(STRANGER,      DROP, "stranger",       "the peer is in a pod network, but no pod known here") \
	X(NO_CLASS,      DROP, "no-class",       "too many kinds of peer: this one has no class")	\
	X(NO_ROW,        DROP, "no-row",         "nobody said anything about this peer: a fault of weir") \
	X(RESTING,       DROP, "resting",        "the address changed hands a moment ago")		\
	X(UNARMED,       DROP, "unarmed",        "the pod's policy is not in force yet")		\
	X(SPOOFED,       DROP, "spoofed",        "the source address is not the sender's own")	\
	X(SPOOFED_ARP,   DROP, "spoofed-arp",    "ARP that claims another's address")		\
	X(SPOOFED_ND,    DROP, "spoofed-nd",     "neighbour discovery that claims another's address") \
	X(ROUTER,        DROP, "router",         "a pod plays router: advertisement or redirect")	\
	X(WRONG_WAY,     DROP, "wrong-way",      "came in by an interface that is not its sender's")	\
	X(NO_ROOM,       DROP, "no-room",        "the flow table has no room among live flows")	\
	X(QUOTA,         DROP, "quota",          "the pod has all the flows it may have")		\
	X(QUOTA_HALF,    DROP, "quota-half-open", "the pod has all the half-open flows it may have")	\
	X(ORPHAN,        DROP, "orphan-fragment", "a later fragment whose first was not seen, or was denied") \
	X(UNRELATED,     DROP, "unrelated",      "an ICMP error about a packet its receiver never sent")	\
	X(ETHERTYPE,     DROP, "ethertype",      "neither IP nor ARP")				\
	X(SHORT_LINK,    DROP, "short-link",     "cut short in the link header")			\
	X(SHORT_IP,      DROP, "short-ip",       "cut short in the IP header")			\
	X(BAD_VERSION,   DROP, "bad-version",    "the IP version disagrees with the ethertype")	\
	X(BAD_LENGTH,    DROP, "bad-length",     "the IP header's lengths make no sense")		\
	X(BAD_EXTENSION, DROP, "bad-extension",  "IPv6 extension headers too many, too long or out of order") \
	X(SHORT_L4,      DROP, "short-l4",       "cut short in the TCP, UDP, SCTP or ICMP header")	\
	X(BAD_L4,        DROP, "bad-l4",         "the TCP, UDP, SCTP or ICMP header makes no sense")	\
	X(BAD_FRAGMENT,  DROP, "bad-fragment",   "a fragment too small, overlapping its ports, or beyond 64 KiB") \
	X(BAD_QUOTE,     DROP, "bad-quote",      "an ICMP error that quotes too little or nonsense")	\
	X(MAPPED,        DROP, "mapped",         "an IPv6 header with an IPv4-mapped address")	\
	X(BAD_ARP,       DROP, "bad-arp",        "ARP that is not Ethernet and IPv4, or makes no sense")

enum weir_reason {
#define X(name, fate, word, text) WEIR_##name,
	WEIR_REASONS(X)
#undef X
	WEIR_REASON_COUNT,
};

/* Where a flow is in its life. */
enum weir_phase {
	WEIR_FREE,		/* nobody's; the tag keeps its incarnation */
	WEIR_BUSY,		/* one CPU owns every byte of the slot */
	WEIR_OPENED,		/* the opener spoke */
	WEIR_ANSWERED,		/* the other side spoke too */
	WEIR_CONFIRMED,		/* the opener went on after the answer */
	WEIR_ENDED,		/* RST, or FIN from both sides */
	WEIR_CUT_FLOW,		/* policy cut it: packets of either end are dropped and counted here */
};

/* How long a silent flow lives, seconds.  An expired slot is absent for the kernel. */
#define WEIR_LIFE_OPENED	60
#define WEIR_LIFE_OPENED_UDP	30
#define WEIR_LIFE_ANSWERED	60
#define WEIR_LIFE_STREAM	21600	/* confirmed TCP and SCTP; a cut one from the last packet of either end */
#define WEIR_LIFE_OTHER		180	/* confirmed UDP and others */
#define WEIR_LIFE_ICMP		30
#define WEIR_LIFE_ENDED		60	/* may be taken after 1 s, is gone after this */
#define WEIR_PICK_UP		30	/* after arming, a TCP packet without SYN may be a reply */

/*
 * A bucket is 960 bytes: seven slots, whose tags share one line with a word about them.  An odd number of lines: with
 * sixteen, the tags of all buckets would compete for a sixteenth of the cache (measured: a known flow among 32,768 +15 %).
 *
 * Tag: 63..56 protocol | 55..40 fingerprint | 39..24 when | 23..8 incarnation | 7..0 state
 *   state: 7 away | 6 lock | 5..4 FIN seen, a bit per side | 3 opener's side | 2..0 phase
 * Protocol and fingerprint are 0 unless the slot is published, so one masked compare finds a flow.  'when' is
 * the last time seen: in seconds once CONFIRMED or CUT, in ticks of 1/16 s before (weir_control.clock tells
 * how jiffies become both; "second" and "tick" are 1.024 s and 64 ms or near it).
 */
#define WEIR_WAYS 7
#define WEIR_TAG_MATCH		0xffffff0000000000ULL
#define WEIR_TAG_ID		0xffffff0000ffff00ULL	/* whose slot it is: match and incarnation */
#define WEIR_TAG_PROTO(t)	((__u8)((t) >> 56))
#define WEIR_TAG_WHEN(t)	((__u16)((t) >> 24))
#define WEIR_TAG_INC(t)		((__u16)((t) >> 8))
#define WEIR_TAG_PHASE(t)	((__u32)(t) & 7)
#define WEIR_TAG_OPENER		0x08ULL
#define WEIR_TAG_FIN(side)	(0x10ULL << (side))
#define WEIR_TAG_LOCK		0x40ULL
#define WEIR_TAG_AWAY		0x80ULL

/* Gate: 63..34 generation | 33..32 judged under it, a bit per side | 31 spare | 30..16 endpoint of side 1 |
 *   15 counts have been moved to the totals | 14..0 endpoint of side 0 */
#define WEIR_GATE_EP(g, side)	((__u32)((g) >> ((side) * 16)) & 0x7fff)
#define WEIR_GATE_MOVED		(1ULL << 15)
#define WEIR_GATE_SPARE		(1ULL << 31)
#define WEIR_GATE_OK(side)	(1ULL << (32 + (side)))
#define WEIR_GATE_GEN(g)	((__u32)((g) >> 34))
#define WEIR_GEN_MASK		0x3fffffffU

/* Counts of one direction, changed by compare-and-swap: 63..48 incarnation | 47..32 packets | 31..0 bytes. */
#define WEIR_COUNT_INC(c)	((__u16)((c) >> 48))
#define WEIR_COUNT_PACKETS(c)	(((c) >> 32) & 0xffff)
#define WEIR_COUNT_BYTES(c)	((__u32)(c))

struct weir_hot {		/* the line a packet touches, beside the tags' */
	__u64 gate;
	struct weir_addr addr[2];	/* canonical order: side 0 is the smaller (w[1], w[0], port), as numbers in memory */
	__u16 port[2];		/* network order; ICMP echo: its id, twice */
	__u16 rule[2];		/* what judged each side, by its number on this node */
	__u64 count[2];		/* by the side that sent */
};
WEIR_SIZE(struct weir_hot, 64);

enum weir_cold_flag {
	WEIR_COLD_PICKED_UP = 1,	/* taken over from before the arming */
	WEIR_COLD_WOULD_DENY = 2,	/* audited policies would cut it */
	WEIR_COLD_PARTIAL = 4,		/* evicted in use before: its beginning is lost */
	WEIR_COLD_CUT_EGRESS = 8,	/* of a cut flow: its opener's side said no */
};

struct weir_cold {		/* not touched until a count fills or something rare happens */
	__u64 packets[2], bytes[2];	/* good only with WEIR_GATE_MOVED */
	__u32 moves;		/* odd while counts move here: a reader tries again */
	__u16 flags;		/* enum weir_cold_flag */
	__u16 to_port;		/* destination before or after translation, network order; 0: none */
	struct weir_addr to;
	__u64 timing;		/* of a TCP handshake: see below */
};
WEIR_SIZE(struct weir_cold, 64);

/* Timing, in 4.096 us, changed by compare-and-swap: 63..48 incarnation | 47..24 when it was opened, then how long the
 * handshake took | 23 it is over | 22..0 how long the answer took. */
#define WEIR_TIMING_INC(v)	((__u16)((v) >> 48))
#define WEIR_TIMING_MASK	0xffffffU
#define WEIR_TIMING_OVER	(1U << 23)
#define WEIR_TIMING_US(units)	((__u32)(((__u64)(units) << 12) / 1000))

struct weir_bucket {
	__u64 away;		/* flows that belong here first and live in their second bucket */
	__u64 tag[WEIR_WAYS];
	struct weir_hot hot[WEIR_WAYS];
	struct weir_cold cold[WEIR_WAYS];
};
WEIR_SIZE(struct weir_bucket, 960);
#define WEIR_BUCKETS 32768		/* by default; a power of two, from the node's memory */

/* A flow's slot number: bucket * 8 + way.  It stays with the flow for its life. */
#define WEIR_SLOT_OF(bucket, way) ((__u32)(bucket) * 8 + (way))

/* User space asks for a slot to be freed; the tag it saw is the proof.  The list ends at the first tag that is 0;
 * the program 'expire' returns how many it freed. */
struct weir_ask {
	__u32 bucket;
	__u8 way;
	__u8 why;		/* enum weir_end: EXPIRED or LEFT */
	__u16 pad;
	__u64 tag;
};
WEIR_SIZE(struct weir_ask, 16);
#define WEIR_ASKS 1024		/* at a time */

#endif
