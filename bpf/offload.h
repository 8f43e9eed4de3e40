/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A checksum that the sender left to the card is written when the packet leaves the node: after we judged it, two bytes
 * at a place that a pod with a packet socket may choose.  Over a port or an IPv6 address, and the packet goes elsewhere
 * than judged.  So a pod's packet that does not go straight to another pod says where, and it must be behind what is judged.
 */
#ifndef WEIR_BPF_OFFLOAD_H
#define WEIR_BPF_OFFLOAD_H

#include "bpf/packet.h"

#include <bpf/bpf_core_read.h>

/* Of the kernel's own, whose places the loader knows. */
struct sk_buff___weir {
	unsigned char ip_summed : 2;
	__u16 csum_start, csum_offset, mac_header;
} __attribute__((preserve_access_index));

#define SUMMED_LATER 3		/* CHECKSUM_PARTIAL */
#define SKB_PART 72		/* from ip_summed to mac_header, in every kernel from 5.15 */

/* The first byte that a checksum may be written to. */
inline_fn __u32 offload_least(const struct packet *p)
{
	__u32 l4 = p->l4 ?: p->six ? ETH_HLEN + 40 : ETH_HLEN + 20;	/* plain ones do not say */

	if (p->kind == PACKET_ARP)
		return p->l3 + 28;
	return l4 + (p->kind == PACKET_ND ? 24 : 4);
}

/* 1: it would be written before 'least'.  What cannot be read is let by. */
__noinline int offload_odd(struct __sk_buff *skb, __u32 least)
{
	struct sk_buff___weir *s = NULL;
	__u32 from = __builtin_preserve_field_info(s->ip_summed, BPF_FIELD_BYTE_OFFSET);
	__u32 start = bpf_core_field_offset(s->csum_start) - from, offset = bpf_core_field_offset(s->csum_offset) - from;
	__u32 mac = bpf_core_field_offset(s->mac_header) - from;
	__u8 part[SKB_PART];
	__u16 a, b, c;
	__u64 summed = 0;

	if (!watch_offload || !bpf_core_field_exists(s->csum_start) || !bpf_core_field_exists(s->mac_header))
		return 0;
	if (start > SKB_PART - 2 || offset > SKB_PART - 2 || mac > SKB_PART - 2)
		return 0;
	if (bpf_probe_read_kernel(part, sizeof(part), (const void *)skb + from))
		return 0;
	__builtin_memcpy(&a, part + start, 2);
	__builtin_memcpy(&b, part + offset, 2);
	__builtin_memcpy(&c, part + mac, 2);
	__builtin_memcpy(&summed, part, 8);
	summed <<= __builtin_preserve_field_info(s->ip_summed, BPF_FIELD_LSHIFT_U64);
	summed >>= __builtin_preserve_field_info(s->ip_summed, BPF_FIELD_RSHIFT_U64);
	return summed == SUMMED_LATER && (__s32)(a + b) - c < (__s32)least;
}

/* From one pod's veth to another's nobody writes checksums; what bears a VLAN tag is not handed over. */
inline_fn int offload_watched(struct __sk_buff *skb, const struct packet *p, enum hook hook, int hand_over)
{
	return hook == FROM_POD && (!hand_over || p->tagged || skb->vlan_present);
}

#endif
