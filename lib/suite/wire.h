/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames for tests: one packet of any protocol, from the Ethernet header on, with right lengths and checksums.
 *
 *	struct wire f = { .src = a, .dst = b, .proto = IPPROTO_TCP, .sport = 40000, .dport = 80, .flags = WIRE_SYN };
 *	n = wire_build(&f, buf, sizeof(buf));
 *
 * The token travels in the IPv4 id or the IPv6 flow label; wire_read() reads it on the other side.
 */
#ifndef WEIR_LIB_SUITE_WIRE_H
#define WEIR_LIB_SUITE_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/base.h>

#define WIRE_MAX 2048
enum wire_flag { WIRE_FIN = 1, WIRE_SYN = 2, WIRE_RST = 4, WIRE_PSH = 8, WIRE_ACK = 16 };

struct wire {
	__u8 to_mac[6], from_mac[6];
	struct weir_addr src, dst;
	__u8 proto;
	__u8 flags;			/* TCP: WIRE_* */
	__u8 ttl;			/* 0: 64 */
	__u8 icmp_type, icmp_code;	/* 0: an echo request of the family; its id is 'sport' */
	bool icmp_set;			/* the two above count even if 0 */
	__u16 sport, dport;
	__u16 token;
	__u32 seq, ack;
	__u32 icmp_info;		/* ICMP: bytes 4-7 when icmp_set (an MTU) */
	const void *data;		/* behind the header; NULL: 'size' zero bytes */
	__u16 size;
	__u16 fragment;			/* offset in bytes, a multiple of 8 */
	bool more;			/* more fragments follow */
	__u32 fragment_id;		/* not 0: it is a fragment; IPv4: in place of the token */
};

size_t wire_build(const struct wire *f, __u8 *out, size_t max);	/* bytes; 0: does not fit */

/* What a frame says of itself.  False: no IP. */
struct wire_seen {
	struct weir_addr src, dst;
	__u8 proto;
	__u8 flags;			/* TCP */
	__u8 icmp_type;
	bool later;			/* a fragment, not the first: no ports */
	__u16 sport, dport;
	__u16 token;
	__u32 seq, ack;
	const __u8 *data;		/* behind the transport header */
	size_t size;
};
bool wire_read(const __u8 *frame, size_t size, struct wire_seen *out);

#endif
