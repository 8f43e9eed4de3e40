/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the judge is asked, and what it answers. */
#ifndef WEIR_ANSWER_H
#define WEIR_ANSWER_H

#include <weir/base.h>
#include <weir/policy.h>

#define WEIR_SIDE(dir) (1U << (dir))

/* A connection as its opener began it. */
struct weir_question {
	__u64 opener, receiver;		/* what the addresses mean: WEIR_WORD */
	struct weir_set set[WEIR_DIRS];	/* [WEIR_EGRESS] the opener's, [WEIR_INGRESS] the receiver's */
	__u16 port;			/* destination, host order; 0 for what has no ports */
	__u8 proto;
	__u8 sides;			/* WEIR_SIDE of what is judged here */
	__u8 own_node;			/* a socket of the receiver's own node opened it */
	__u8 pad[3];
};

/* What one side's policy says. */
struct weir_said {
	__u16 rule, audit_rule;
	__u8 verdict, audit;		/* enum weir_verdict; UNSAID: not judged here */
	__u16 pad;
};

struct weir_answer {
	struct weir_said said[WEIR_DIRS];
	__u8 reason;			/* enum weir_reason */
	__u8 side;			/* which side said no: enum weir_dir */
	__u8 would_deny;		/* audited policies would drop it */
	__u8 pad;
};

#endif
