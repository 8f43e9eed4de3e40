/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What policy says.  The compiler decides the numbers, agent/datapath.c stores them, verdict.h reads
 * (kernel, agent, CLI, tests).
 *
 *	address --(hash; else longest prefix)--> slot --(array)--> word: classes, endpoint, flags
 *	interface --(hash)--> endpoint --(array)--> its two sets
 *	(set, class) --(array: cell set.base + class)--> table
 *	table: sorted ranges --(binary search)--> verdict and author, would-be verdict and author
 *
 * No cell, range or table that a packet can reach is ever rewritten; what changes while packets run is a
 * whole 8-byte store: a slot's word, an endpoint's set.
 */
#ifndef WEIR_POLICY_H
#define WEIR_POLICY_H

#include <weir/base.h>

enum weir_verdict { WEIR_UNSAID, WEIR_ALLOW, WEIR_DENY };

/* One port range of a table.  Ranges are sorted by (proto, first), disjoint, and leave no gap in any of the
 * four lanes (0: whatever has no ports, TCP, UDP, SCTP): a default, too, has an author. */
struct weir_range {
	__u16 first, last;	/* destination ports, host order */
	__u16 rule;		/* who decided, by its number on this node (enum weir_rule, or a policy's) */
	__u16 audit_rule;	/* who would, if audited policies counted */
	__u8 proto;		/* IPPROTO_TCP, _UDP, _SCTP, or 0 for what has no ports */
	__u8 verdict;		/* enum weir_verdict: ALLOW or DENY */
	__u8 audit;		/* the would-be verdict, likewise */
	__u8 pad[5];		/* a mapped array's stride is a multiple of 8 */
};
WEIR_SIZE(struct weir_range, 16);
#define WEIR_RANGES 262144

/* Rule numbers below WEIR_RULE_FIRST say which default, or which fixed rule, decided. */
enum weir_rule {
	WEIR_RULE_NONE,		/* this side was not judged here */
	WEIR_RULE_OPEN,		/* no policy isolates the pod in this direction, and no tier objects */
	WEIR_RULE_ISOLATED,	/* policies isolate the pod, and no rule of theirs matches */
	WEIR_RULE_CLOSED,	/* mode default-deny: nobody allows it */
	WEIR_RULE_NODE,		/* a pod's own node is always let in */
	WEIR_RULE_REMOTE,	/* the other side is no pod of this node: judged where it lives */
	WEIR_RULE_SELF,		/* a pod and its own address: never blocked (weir_control.hairpin judges it) */
	WEIR_RULE_FIRST = 16,
};
#define WEIR_RULES 65536

/* A cell names a table: the first of its ranges and how many.  0 is a missing row: a drop with a reason of
 * its own, whose counter must stay at zero.  Range 0 is never used. */
#define WEIR_CELL(first, count)	((__u32)(first) << 14 | (__u32)(count))
#define WEIR_CELL_FIRST(cell)	((cell) >> 14)
#define WEIR_CELL_COUNT(cell)	((cell) & 0x3fff)
#define WEIR_TABLE_MAX		0x3fff		/* ranges of one table */

/* The array of cells is mapped in lines of sixteen: an array map rounds each value up to 8 bytes. */
#define WEIR_CELLS_LINE 16
struct weir_cells {
	__u32 cell[WEIR_CELLS_LINE];
};
WEIR_SIZE(struct weir_cells, 64);
#define WEIR_CELLS (1024 * 1024)

/* The policies that select an endpoint in one direction, as one 8-byte word so that it changes in one store. */
struct weir_set {
	__u32 base;		/* its cell of class 0 */
	__u32 limit;		/* classes it has cells for; a class beyond is a missing row.  0: no set, nothing passes */
} __attribute__((aligned(8)));
WEIR_SIZE(struct weir_set, 8);

/* Classes: what no rule on this node can tell apart, numbered for each direction apart. */
enum weir_class {
	WEIR_CLASS_NONE,	/* nobody said anything about the address: a missing row */
	WEIR_CLASS_STRANGER,	/* under a pod prefix, pod not yet known: only a set that is open has a cell for it */
	WEIR_CLASS_OVER,	/* no class left for the address: dropped with a reason of its own */
	WEIR_CLASS_FIRST = 8,
};
#define WEIR_CLASSES 16384	/* per direction */

/* What an address means, in one 8-byte word, so that the class of an old pod never meets the endpoint of a
 * new one.  Addresses and prefixes name a slot once; the word in the slot is what changes.
 *   63..48 flags | 47..32 endpoint (or, with WEIR_WORD_GRANT, the namespace it is granted to)
 *   31..16 class for egress sets (the address is the receiver) | 15..0 class for ingress sets (the opener) */
#define WEIR_WORD(in, out, ep, flags)	((__u64)(flags) << 48 | (__u64)(ep) << 32 | (__u64)(out) << 16 | (__u64)(in))
#define WEIR_WORD_CLASS(word, dir)	((__u16)((dir) == WEIR_EGRESS ? (word) >> 16 : (word)))
#define WEIR_WORD_ENDPOINT(word)	((__u16)((word) >> 32) & 0x7fff)
#define WEIR_WORD_FLAGS(word)		((__u16)((word) >> 48))
enum weir_word_flag {
	WEIR_WORD_SET = 1,	/* the slot is in use: an empty word is an unknown address */
	WEIR_WORD_HOST = 2,	/* an address of this node itself */
	WEIR_WORD_POD = 4,	/* a pod's, here or on another node */
	WEIR_WORD_RESTING = 8,	/* the address changed hands, and what named its old owner is not gone yet: closed */
	WEIR_WORD_GRANT = 16,	/* a prefix that the pods of one namespace may send from */
	WEIR_WORD_PREFIX = 32,	/* the word of a prefix, not of an address */
};
#define WEIR_SLOTS 163840	/* 131,072 addresses and 32,768 prefixes */
#define WEIR_ADDRESSES 131072
#define WEIR_PREFIXES 32768

/* The value of an address's hash entry, written once: slot | tag << 32, the tag being weir_addr_tag().  An
 * element of a hash map can be reused under a reader's feet; a tag that does not fit is an unknown address. */
static inline __u32 weir_addr_tag(const struct weir_addr *a)
{
	__u64 x = (a->w[0] ^ 0x9e3779b97f4a7c15ULL) * 0xff51afd7ed558ccdULL;

	x = (x ^ (x >> 31) ^ a->w[1]) * 0xc4ceb9fe1a85ec53ULL;
	return (__u32)(x >> 32) | 1;
}

#endif
