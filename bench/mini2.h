/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the floor's program and its loader share. */
#ifndef WEIR_BENCH_MINI2_H
#define WEIR_BENCH_MINI2_H

#include <linux/types.h>

#define MINI_SLOTS (1 << 19)
#define MINI_EGRESS 1		/* flags of an endpoint: which directions are enforced, and */
#define MINI_INGRESS 2
#define MINI_IN_CLASSES(c) ((c) << 4)	/* which kinds of rule it has: 1 peer and port, 2 peer, 4 port, 8 any */
#define MINI_OUT_CLASSES(c) ((c) << 8)

struct mini_endpoint {
	__u32 ifindex, id;
	__u8 mac[6], gateway[6];
	__u32 flags;
};
struct mini_rule {
	__u32 endpoint_dir;	/* id << 1 | 1 for ingress */
	__u32 id;		/* of the peer */
	__u16 port;		/* network order */
	__u8 proto, pad;
};
struct mini_verdict {
	__u32 allow, rule;
};

#endif
