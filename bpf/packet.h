/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a packet says: both ends in canonical order, so that both directions of a flow give the same key.
 *
 *	packet_plain(skb, &p)		most packets: IP without options, TCP or UDP, read in place
 *	packet_read(skb, &p, hook)	all others, byte by byte (reader.h)
 *
 * No pointer into the packet survives its reader.
 */
#ifndef WEIR_BPF_PACKET_H
#define WEIR_BPF_PACKET_H

#include "bpf/maps.h"

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

enum packet_kind {
	PACKET_WHOLE,
	PACKET_FIRST,		/* the first fragment of a datagram */
	PACKET_LATER,		/* another one: its ports are in the fragments table */
	PACKET_ERROR,		/* an ICMP error: the key is the quoted packet's, seen from the error's sender */
	PACKET_ARP,
	PACKET_ND,		/* neighbour discovery, MLD: port[0] is the ICMPv6 type */
};

/* The last sixteen bytes say what only the long way asks (packet_rest). */
struct packet {
	struct weir_addr addr[2];	/* side 0 and side 1 */
	__u16 port[2];			/* network order */
	__u8 proto;
	__u8 side;			/* who sent it */
	__u8 tcp;			/* TCP flags */
	__u8 six;			/* IPv6 */
	__u64 hash;
	__u32 bytes;			/* IP bytes of all its segments */
	__u32 segments;			/* at least 1 */
	__u32 now;			/* jiffies */
	__u32 generation;		/* read once, before the first look-up of policy */
	__u32 id;			/* of a fragment's datagram */
	__u16 l3, l4;			/* offsets of the headers */
	__u16 me;			/* the endpoint whose hook this is */
	__u16 to;			/* the endpoint it may be handed to, or 0 */
	__u8 kind;			/* enum packet_kind */
	__u8 tagged;			/* a VLAN tag stood in front */
	__u8 elsewhere;			/* the node's other hook counted it */
	__u8 changed;			/* a published tag was changed: settle */
};

inline_fn int addr_same(const struct weir_addr *a, const struct weir_addr *b)
{
	return !((a->w[0] ^ b->w[0]) | (a->w[1] ^ b->w[1]));
}

#define ADDR_MAPPED 0xffff0000ULL	/* low half of w[1] of ::ffff:a.b.c.d */
inline_fn int addr_mapped(const struct weir_addr *a)
{
	return !a->w[0] && (__u32)a->w[1] == ADDR_MAPPED;
}
inline_fn struct weir_addr addr_v4(__u32 be)
{
	return (struct weir_addr){ .w = { 0, (__u64)be << 32 | ADDR_MAPPED } };
}
inline_fn int addr_link_local(const struct weir_addr *a)
{
	return a->byte[0] == 0xfe && (a->byte[1] & 0xc0) == 0x80;
}

/* An IPv6 group that no router passes on. */
inline_fn int addr_link_group(const struct weir_addr *a)
{
	return a->byte[0] == 0xff && (a->byte[1] & 15) <= 2;
}

/* Side 0 is the smaller end, as numbers in memory. */
inline_fn void packet_ends(struct packet *p, struct weir_addr src, struct weir_addr dst, __u16 sport, __u16 dport)
{
	int swap = src.w[1] != dst.w[1] ? src.w[1] > dst.w[1] :
		   src.w[0] != dst.w[0] ? src.w[0] > dst.w[0] : sport > dport;

	if (swap) {
		p->addr[0] = dst;
		p->addr[1] = src;
		p->port[0] = dport;
		p->port[1] = sport;
	} else {
		p->addr[0] = src;
		p->addr[1] = dst;
		p->port[0] = sport;
		p->port[1] = dport;
	}
	p->side = swap;
}
inline_fn const struct weir_addr *packet_src(const struct packet *p)
{
	return p->side ? &p->addr[1] : &p->addr[0];
}
inline_fn const struct weir_addr *packet_dst(const struct packet *p)
{
	return p->side ? &p->addr[0] : &p->addr[1];
}

/* All that is no part of a header. */
inline_fn void packet_begin(struct __sk_buff *skb, struct packet *p)
{
	p->now = (__u32)bpf_jiffies64() + control.later;
	p->generation = ONCE(control.generation);
	p->tcp = 0;
	p->segments = 1;
}
/* How many packets this is.  Looked up only where it may be more than one: the answer lies in a line of its own. */
inline_fn __u32 packet_segments(struct __sk_buff *skb)
{
	__u32 n = skb->gso_segs;

	return n < 2 ? 1 : n > 0x7fff ? 0x7fff : n;
}
#define TCP_LEAST_SEGMENT 41	/* the least net.ipv4.tcp_min_snd_mss */
/* Nothing of its headers is known yet. */
inline_fn void packet_blank(struct __sk_buff *skb, struct packet *p)
{
	__builtin_memset(p, 0, sizeof(*p));
	packet_begin(skb, p);
	p->segments = packet_segments(skb);
	p->bytes = skb->len;
}
/* What a plain packet leaves to the long way. */
inline_fn void packet_rest(struct packet *p)
{
	p->id = 0;
	p->l3 = ETH_HLEN;
	p->l4 = p->me = p->to = 0;
	p->kind = PACKET_WHOLE;
	p->tagged = p->elsewhere = p->changed = 0;
}

/* TCP or UDP at l4: 'left' IP bytes are there.  0: something to look at closely. */
inline_fn int packet_plain_l4(struct __sk_buff *skb, struct packet *p, const __u8 *l4, void *end, __u32 head, __u32 left)
{
	if (p->proto == IPPROTO_TCP) {
		__u32 length;

		if ((void *)(l4 + 20) > end)
			return 0;
		length = l4[12] >> 4 << 2;
		if (length < 20 || length > left)
			return 0;
		p->tcp = l4[13];
		if (left - length <= TCP_LEAST_SEGMENT)
			return 1;
		p->segments = packet_segments(skb);
		p->bytes += (p->segments - 1) * (head + length);
		return 1;
	}
	if (p->proto != IPPROTO_UDP || bpf_ntohs(*(__u16 *)(l4 + 4)) != (__u16)left)
		return 0;
	p->segments = packet_segments(skb);
	p->bytes += (p->segments - 1) * (head + 8);
	return 1;
}

inline_fn int packet_plain_v4(struct __sk_buff *skb, struct packet *p, void *data, void *end)
{
	struct iphdr *ip = data + ETH_HLEN;
	const __u8 *l4 = (void *)(ip + 1);

	if (*(__u8 *)ip != 0x45 || (ip->frag_off & bpf_htons(0x3fff)))
		return 0;
	if (bpf_ntohs(ip->tot_len) != p->bytes && packet_segments(skb) == 1)
		return 0;
	p->proto = ip->protocol;
	p->six = 0;
	if (!packet_plain_l4(skb, p, l4, end, 20, p->bytes - 20))
		return 0;
	packet_ends(p, addr_v4(ip->saddr), addr_v4(ip->daddr), *(__u16 *)l4, *(__u16 *)(l4 + 2));
	return 1;
}

inline_fn int packet_plain_v6(struct __sk_buff *skb, struct packet *p, void *data, void *end)
{
	struct ipv6hdr *ip = data + ETH_HLEN;
	const struct weir_addr *src = (void *)&ip->saddr, *dst = (void *)&ip->daddr;
	const __u8 *l4 = (void *)(ip + 1);

	if ((void *)(l4 + 8) > end || (*(__u8 *)ip & 0xf0) != 0x60)
		return 0;
	if (bpf_ntohs(ip->payload_len) + 40U != p->bytes && packet_segments(skb) == 1)
		return 0;
	if (!src->w[0] || !dst->w[0])		/* mapped, unspecified */
		return 0;
	p->proto = ip->nexthdr;
	p->six = 1;
	if (!packet_plain_l4(skb, p, l4, end, 40, p->bytes - 40))
		return 0;
	packet_ends(p, *src, *dst, *(__u16 *)l4, *(__u16 *)(l4 + 2));
	return 1;
}

/* In network order.  Not through struct ethhdr: that is packed, and would be read byte by byte. */
inline_fn __u16 link_type(const void *data) { return *(const __u16 *)(data + 12); }

/* 1: all of it is read.  0: what it is, packet_read must tell. */
inline_fn int packet_plain(struct __sk_buff *skb, struct packet *p)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	packet_begin(skb, p);
	if (data + ETH_HLEN + 28 > end)
		return 0;
	p->bytes = skb->len - ETH_HLEN;
	if (link_type(data) == bpf_htons(ETH_P_IP))
		return packet_plain_v4(skb, p, data, end);
	if (link_type(data) == bpf_htons(ETH_P_IPV6))
		return packet_plain_v6(skb, p, data, end);
	return 0;
}

#endif
