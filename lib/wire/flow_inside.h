/* SPDX-License-Identifier: Apache-2.0 */
/* What both encoders of a flow, protobuf and JSON, must see alike; nobody else's. */
#ifndef WEIR_LIB_WIRE_FLOW_INSIDE_H
#define WEIR_LIB_WIRE_FLOW_INSIDE_H

#include <stdbool.h>

#include "lib/flow/flow.h"

#define WIRE_EMITTER "weir"
#define WIRE_DETAIL_TYPE "type.googleapis.com/weir.v1.FlowDetail"
#define WIRE_L3_L4 1		/* FlowType */

/* The members of Layer4's oneof, by number. */
enum wire_l4 { WIRE_L4_NONE, WIRE_L4_TCP, WIRE_L4_UDP, WIRE_L4_ICMP4, WIRE_L4_ICMP6, WIRE_L4_SCTP, WIRE_L4_VRRP, WIRE_L4_IGMP };

static inline enum wire_l4 wire_l4_of(const struct flow *f)
{
	switch (f->proto) {
	case 6: return WIRE_L4_TCP;
	case 17: return WIRE_L4_UDP;
	case 1: return WIRE_L4_ICMP4;
	case 58: return WIRE_L4_ICMP6;
	case 132: return WIRE_L4_SCTP;
	case 112: return WIRE_L4_VRRP;
	case 2: return WIRE_L4_IGMP;
	}
	return WIRE_L4_NONE;
}

/* Type and code; of an echo that tells its id instead, the request's. */
static inline unsigned int wire_icmp_type(const struct flow *f)
{
	return f->icmp ? f->sport >> 8 : f->proto == 58 ? 128 : 8;
}

static inline unsigned int wire_icmp_code(const struct flow *f)
{
	return f->icmp ? f->sport & 0xff : 0;
}

static inline unsigned int wire_ip_version(const struct flow *f)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return __builtin_memcmp(f->src.byte, mapped, sizeof(mapped)) ? 2 : 1;
}

/* A packet that was dropped before its headers were read has no addresses, and no IP is told of it. */
static inline bool wire_has_ip(const struct flow *f)
{
	return f->src.w[0] | f->src.w[1] | f->dst.w[0] | f->dst.w[1];
}

static inline bool wire_author_there(const struct flow_author *a)
{
	return *a->policy || *a->text;
}

/* The bit of TCPFlags' field 1 + i in a header's flags; NS is not among those eight. */
static const unsigned char wire_tcp_flag[8] = { 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80 };

static inline const char *wire_kind_word(const struct flow *f)
{
	static const char *const word[] = { "", "opened", "again", "denied", "closed" };

	return f->kind < sizeof(word) / sizeof(*word) ? word[f->kind] : "";
}

#endif
