/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the hammer's program and its user space share: 64 flows between three pods and one end outside.
 *
 * Flow i has the client port 30000 + i and the server port 80 + i % 5; policy goes by port: class 0 is never allowed,
 * class 1 comes and goes, the others are always allowed.  A packet that opens a flow from the server's side meets port
 * 30000 + i, whose range says the same.
 */
#ifndef WEIR_TESTS_HAMMER_H
#define WEIR_TESTS_HAMMER_H

#include <linux/types.h>

#define FLOWS		64
#define ENDS		4			/* 0: outside; 1 to 3: pods, and their endpoint numbers */
#define CLASSES		5
#define CLIENT_PORT	30000
#define SERVER_PORT	80
#define PERMISSION(i)	((i) % CLASSES)		/* enum permission */
enum permission { NEVER, SOMETIMES };
#define RULE(i)		(100 + PERMISSION(i))	/* the author, whichever port decided */

/* Unordered pairs of ends, and which of them is flow i's client. */
#define PAIRS		6
#define PAIR(i)		((i) % PAIRS)
#define PAIR_LOW(p)	((p) < 3 ? 0 : (p) < 5 ? 1 : 2)
#define PAIR_HIGH(p)	((p) < 3 ? (p) + 1 : (p) < 5 ? (p) - 1 : 3)
#define CLIENT(i)	((i) / PAIRS & 1 ? PAIR_HIGH(PAIR(i)) : PAIR_LOW(PAIR(i)))
#define SERVER(i)	((i) / PAIRS & 1 ? PAIR_LOW(PAIR(i)) : PAIR_HIGH(PAIR(i)))
#define IS_SIX(i)	((i) & 1)
#define IS_UDP(i)	((i) % 7 == 3)

/* A batch of packets: from one end to another, at one of the two hooks; in skb->mark. */
#define MARK(from, to, to_pod) ((from) | (to) << 8 | (to_pod) << 16)

/* What came of the packets, per CPU and flow; [0] client to server, [1] back. */
struct hammer_sent {
	__u64 packets[2], bytes[2];	/* said to belong to the flow and to be counted here */
	__u64 passed, dropped;
};

/* What went wrong, and must be 0. */
#define HAMMER_FAULTS(X)								\
	X(GATE,    "packets through a gate that was another flow's")			\
	X(NEVER,   "packets passed that no policy ever allowed")			\
	X(DENIED,  "packets passed while policy denied them")				\
	X(CUT,     "packets dropped by policy while it allowed them")			\
	X(UNSEEN,  "packets passed that no flow counted")				\
	X(COUNTED, "packets dropped that a flow counted, without being cut")
enum hammer_fault {
#define X(id, text) FAULT_##id,
	HAMMER_FAULTS(X)
#undef X
	FAULT_KINDS
};

#endif
