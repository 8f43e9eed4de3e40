/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A local pod as the kernel knows it.  agent/endpoints.c writes, the programs read. */
#ifndef WEIR_ENDPOINT_H
#define WEIR_ENDPOINT_H

#include <weir/base.h>
#include <weir/policy.h>

/* Endpoint numbers have 15 bits: they live in a flow's gate. */
#define WEIR_ENDPOINTS		32768
#define WEIR_ENDPOINT_OUTSIDE	0		/* whoever is no pod of this node */
#define WEIR_ENDPOINT_NODE	32767		/* a socket of this node */

enum weir_endpoint_flag {
	WEIR_EP_REDIRECT_FROM = 1,	/* nothing foreign on the host side of its veth, ingress: may hand packets over */
	WEIR_EP_REDIRECT_TO = 2,	/* nothing foreign on the host side of its veth, either way: may be handed packets */
};

/*
 * Arming writes everything else first and 'ifindex' last; leaving clears 'ifindex' first.  While ifindex is 0
 * nothing passes.  'set' changes by one 8-byte store per direction.
 */
struct weir_endpoint {
	__u32 ifindex;		/* host end of its veth, in the agent's namespace */
	__u32 via;		/* the bridge that end is a port of, or 0 */
	struct weir_set set[WEIR_DIRS];
	__u8 mac[6];		/* the pod's own, for redirect; all zero: never redirected to */
	__u8 gateway[6];	/* of the host end: what the pod sees as the sender */
	__u32 flags;
	__u32 armed;		/* seconds of CLOCK_MONOTONIC when it was armed: 30 s of picked-up replies follow */
	__u32 quota;		/* flow slots it may pay for, 0: the default in weir_control */
	__u32 quota_half;	/* of which half-open */
	__u16 namespace_id;	/* for granted prefixes; 0: none */
	__u16 spare16;
	__u64 own;		/* WEIR_OWN of an IPv4 address of the pod: what 'addresses' says of it, at hand; or 0.  One store */
};
WEIR_SIZE(struct weir_endpoint, 64);

#define WEIR_OWN(addr, slot)	((addr)->w[1] >> 32 << 32 | (__u32)(slot))

/* What an endpoint pays for now.  Only programs write, by atomic adds; user space reads. */
struct weir_usage {
	__u32 slots;
	__u32 half_open;
};
WEIR_SIZE(struct weir_usage, 8);

#endif
