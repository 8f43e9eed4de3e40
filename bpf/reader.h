/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The careful reader: whatever packet_plain leaves.  Bytes are copied out one header at a time, so it does not matter
 * where they lie; slow, and met seldom: options, extension headers, fragments, ICMP, tags, padding, nonsense.
 */
#ifndef WEIR_BPF_READER_H
#define WEIR_BPF_READER_H

#include "bpf/packet.h"

#define HEADERS_MAX 8		/* IPv6 extension headers */

/* A place in the packet: what is to be read next, and where the IP packet ends. */
struct cursor {
	struct __sk_buff *skb;
	__u32 at, end;
};

inline_fn int take(struct cursor *c, void *to, __u32 size)
{
	return c->at + size > c->end || bpf_skb_load_bytes(c->skb, c->at, to, size) ? -1 : 0;
}

/* IPv4 options make sense, and none routes by the source: that would be another receiver than the one judged. */
inline_fn enum weir_reason read_options(struct cursor c, __u32 end)
{
	for (int i = 0; i < 40 && c.at < end; i++) {
		__u8 option[2];

		if (bpf_skb_load_bytes(c.skb, c.at, option, 1) || option[0] == 0)
			return WEIR_UNDECIDED;
		if (option[0] == 1) {
			c.at++;
			continue;
		}
		if (c.at + 2 > end || bpf_skb_load_bytes(c.skb, c.at, option, 2) || option[1] < 2 ||
		    c.at + option[1] > end || option[0] == 131 || option[0] == 137)
			return WEIR_BAD_EXTENSION;
		c.at += option[1];
	}
	return WEIR_UNDECIDED;
}

/* IPv4 header at the cursor, which moves behind it.  A quoted packet may be cut short. */
inline_fn enum weir_reason read_v4(struct cursor *c, struct packet *p, struct weir_addr *src, struct weir_addr *dst,
				   __u32 *fragment, int quoted)
{
	struct iphdr ip;
	__u32 length;
	enum weir_reason why;

	if (take(c, &ip, sizeof(ip)))
		return WEIR_SHORT_IP;
	if (ip.version != 4)
		return WEIR_BAD_VERSION;
	length = ip.ihl * 4;
	if (length < sizeof(ip))
		return WEIR_BAD_LENGTH;
	if (c->at + length > c->end)
		return WEIR_SHORT_IP;
	if (!quoted && p->segments == 1) {
		__u32 total = bpf_ntohs(ip.tot_len);

		if (total < length || c->at + total > c->end)
			return WEIR_BAD_LENGTH;
		c->end = c->at + total;
	}
	why = length > sizeof(ip) ? read_options((struct cursor){ c->skb, c->at + sizeof(ip), c->end }, c->at + length) : 0;
	if (why)
		return why;
	*src = addr_v4(ip.saddr);
	*dst = addr_v4(ip.daddr);
	*fragment = bpf_ntohs(ip.frag_off) & 0x3fff;
	p->id = bpf_ntohs(ip.id);
	p->proto = ip.protocol;
	c->at += length;
	return WEIR_UNDECIDED;
}

/* One extension header: 1 it was one and is behind us, 0 it is the upper layer's, else -reason. */
inline_fn int read_extension(struct cursor *c, struct packet *p, __u32 *fragment, int nth)
{
	__u8 head[8];
	__u32 length;

	switch (p->proto) {
	case IPPROTO_HOPOPTS:
		if (nth)
			return -WEIR_BAD_EXTENSION;
		break;
	case IPPROTO_ROUTING: case IPPROTO_FRAGMENT: case IPPROTO_DSTOPTS: case IPPROTO_AH:
		break;
	default:
		return 0;
	}
	if (take(c, head, sizeof(head)))
		return -WEIR_BAD_EXTENSION;
	if (p->proto == IPPROTO_ROUTING && head[3])	/* more hops to go: another receiver than the one judged */
		return -WEIR_BAD_EXTENSION;
	length = p->proto == IPPROTO_FRAGMENT ? 8 : p->proto == IPPROTO_AH ? (head[1] + 2) * 4 : (head[1] + 1) * 8;
	if (p->proto == IPPROTO_FRAGMENT) {
		__u32 offset = head[2] << 8 | head[3];

		if (p->kind)
			return -WEIR_BAD_EXTENSION;
		*fragment = offset >> 3 | (offset & 1) << 13;
		p->id = (__u32)head[4] << 24 | head[5] << 16 | head[6] << 8 | head[7];
		p->kind = PACKET_FIRST;
	}
	if (c->at + length > c->end)
		return -WEIR_BAD_EXTENSION;
	p->proto = head[0];
	c->at += length;
	return 1;
}

/* IPv6 header and extension headers; a later fragment's end where its data begin. */
inline_fn enum weir_reason read_v6(struct cursor *c, struct packet *p, struct weir_addr *src, struct weir_addr *dst,
				   __u32 *fragment, __u8 *hops, int quoted)
{
	struct ipv6hdr ip;
	__u32 total;
	int r = 1;

	if (take(c, &ip, sizeof(ip)))
		return WEIR_SHORT_IP;
	if (ip.version != 6)
		return WEIR_BAD_VERSION;
	total = bpf_ntohs(ip.payload_len) + sizeof(ip);
	if (!quoted && p->segments == 1) {
		if (c->at + total > c->end)
			return WEIR_BAD_LENGTH;
		c->end = c->at + total;
	}
	__builtin_memcpy(src, &ip.saddr, sizeof(*src));
	__builtin_memcpy(dst, &ip.daddr, sizeof(*dst));
	if (addr_mapped(src) || addr_mapped(dst))
		return WEIR_MAPPED;
	*hops = ip.hop_limit;
	*fragment = 0;
	p->proto = ip.nexthdr;
	p->kind = PACKET_WHOLE;
	c->at += sizeof(ip);
	for (int i = 0; i <= HEADERS_MAX && r > 0 && !(*fragment & 0x1fff); i++) {
		if (i == HEADERS_MAX)
			return WEIR_BAD_EXTENSION;
		r = read_extension(c, p, fragment, i);
	}
	p->kind = PACKET_WHOLE;
	return r < 0 ? -r : WEIR_UNDECIDED;
}

/* The least that a protocol's header takes. */
inline_fn __u32 l4_least(__u8 proto)
{
	return proto == IPPROTO_TCP ? 20 : proto == IPPROTO_SCTP ? 12 : proto == IPPROTO_UDP ? 8 :
	       proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6 ? 8 : 0;
}

/* What a fragment must satisfy; 'f' is offset / 8 and the flag "more" above it. */
inline_fn enum weir_reason read_fragment(const struct cursor *c, struct packet *p, __u32 f)
{
	__u32 left = c->end - c->at, offset = (f & 0x1fff) * 8, more = f & 0x2000;

	if (!f)
		return WEIR_UNDECIDED;
	p->kind = offset ? PACKET_LATER : PACKET_FIRST;
	if (!left || (more && (left & 7)) || c->end - p->l3 + offset > 0xffff)
		return WEIR_BAD_FRAGMENT;
	if (offset ? offset < l4_least(p->proto) : left < l4_least(p->proto))
		return WEIR_BAD_FRAGMENT;
	return WEIR_UNDECIDED;
}

inline_fn int icmp_query(__u8 proto, __u8 type)
{
	if (proto == IPPROTO_ICMPV6)
		return type == 128 || type == 129;
	return type == 0 || type == 8 || (type >= 13 && type <= 18);
}
inline_fn int icmp_error(__u8 proto, __u8 type)
{
	if (proto == IPPROTO_ICMPV6)
		return type < 128;
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/* ICMP: queries go by their id, errors by what they quote, the rest by type and code. */
inline_fn enum weir_reason read_icmp(const __u8 *l4, struct packet *p, __u16 port[2], __u8 hops, int quoted)
{
	__u8 type = l4[0];

	port[0] = *(__u16 *)l4;
	port[1] = 0;
	if (icmp_query(p->proto, type)) {
		port[0] = port[1] = *(__u16 *)(l4 + 4);
		return WEIR_UNDECIDED;
	}
	if (icmp_error(p->proto, type)) {
		if (quoted)
			return WEIR_BAD_QUOTE;		/* nobody may answer an error by an error */
		p->kind = PACKET_ERROR;
		return WEIR_UNDECIDED;
	}
	if (p->proto != IPPROTO_ICMPV6 || quoted)
		return WEIR_UNDECIDED;
	if (type >= 133 && type <= 137) {
		if (hops != 255 || l4[1] || p->kind)
			return WEIR_BAD_L4;
		p->kind = PACKET_ND;
	} else if (((type >= 130 && type <= 132) || type == 143) && hops == 1) {	/* else it would be routed: judged as any other */
		p->kind = PACKET_ND;
	}
	return WEIR_UNDECIDED;
}

/* Ports, or what stands for them, of the L4 header at the cursor. */
inline_fn enum weir_reason read_l4(struct cursor *c, struct packet *p, __u16 port[2], __u8 hops, int quoted)
{
	__u8 l4[20] = {};
	__u32 left = c->end - c->at, head = 8;

	port[0] = port[1] = 0;
	if (!l4_least(p->proto) || p->proto == (p->six ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return WEIR_UNDECIDED;
	if (left < (quoted ? 8 : l4_least(p->proto)))
		return quoted ? WEIR_BAD_QUOTE : WEIR_SHORT_L4;
	if (p->proto == IPPROTO_TCP && !quoted ? take(c, l4, 20) : take(c, l4, 8))
		return WEIR_SHORT_L4;
	port[0] = *(__u16 *)l4;
	port[1] = *(__u16 *)(l4 + 2);
	switch (p->proto) {
	case IPPROTO_ICMP: case IPPROTO_ICMPV6:
		return read_icmp(l4, p, port, hops, quoted);
	case IPPROTO_TCP:
		if (quoted)
			return WEIR_UNDECIDED;
		head = l4[12] >> 4 << 2;
		p->tcp = l4[13];
		if (head < 20 || (head > left && p->kind == PACKET_WHOLE))
			return WEIR_BAD_L4;
		break;
	case IPPROTO_UDP:
		if (!quoted && p->kind == PACKET_WHOLE && p->segments == 1 &&
		    (bpf_ntohs(*(__u16 *)(l4 + 4)) < 8 || bpf_ntohs(*(__u16 *)(l4 + 4)) > left))
			return WEIR_BAD_L4;
	}
	if (!quoted)
		p->bytes += (p->segments - 1) * (c->at + head - p->l3);
	return WEIR_UNDECIDED;
}

/* The link header; the cursor moves behind it. */
inline_fn enum weir_reason read_link(struct cursor *c, struct packet *p, __u16 *type)
{
	c->at = 12;
	if (take(c, type, 2))
		return WEIR_SHORT_LINK;
	c->at = ETH_HLEN;
	if (*type != bpf_htons(ETH_P_8021Q) && *type != bpf_htons(ETH_P_8021AD))
		return WEIR_UNDECIDED;
	p->tagged = 1;
	c->at = 16;
	if (take(c, type, 2))
		return WEIR_SHORT_LINK;
	c->at = ETH_HLEN + 4;
	return WEIR_UNDECIDED;
}

/* UNDECIDED: p says all, save the ports of a later fragment and what an error quotes. */
__noinline int packet_read(struct __sk_buff *skb, struct packet *p)
{
	struct cursor c = { skb, 0, skb->len };
	struct weir_addr src = {}, dst = {};
	__u32 fragment = 0;
	__u16 type = 0, port[2] = {};
	__u16 me;
	__u8 hops = 0;
	int why;

	if (!p)
		return WEIR_SHORT_LINK;
	me = p->me;
	packet_blank(skb, p);
	p->me = me;
	why = read_link(&c, p, &type);
	if (why)
		return why;
	p->l3 = c.at;
	p->bytes = c.end - c.at;
	if (type == bpf_htons(ETH_P_ARP)) {
		p->kind = PACKET_ARP;
		return WEIR_UNDECIDED;
	}
	p->six = type == bpf_htons(ETH_P_IPV6);
	if (!p->six && type != bpf_htons(ETH_P_IP))
		return WEIR_ETHERTYPE;
	why = p->six ? read_v6(&c, p, &src, &dst, &fragment, &hops, 0) : read_v4(&c, p, &src, &dst, &fragment, 0);
	packet_ends(p, src, dst, 0, 0);
	if (why)
		return why;
	p->l4 = c.at;
	p->bytes = c.end - p->l3;
	why = read_fragment(&c, p, fragment);
	if (why || p->kind == PACKET_LATER)
		return why;
	why = read_l4(&c, p, port, hops, 0);
	packet_ends(p, src, dst, port[0], port[1]);
	return why;
}

/* The packet that an ICMP error quotes went the other way: its sender must be the error's receiver. */
__noinline int quote_read(struct __sk_buff *skb, struct packet *p)
{
	struct cursor c = { skb, 0, 0 };
	struct weir_addr src = {}, dst = {};
	__u32 fragment = 0;
	__u16 port[2] = {};
	__u8 hops = 0;
	int why, same;

	if (!p)
		return WEIR_BAD_QUOTE;
	c.at = p->l4 + 8;
	c.end = p->l3 + p->bytes;
	why = p->six ? read_v6(&c, p, &src, &dst, &fragment, &hops, 1) : read_v4(&c, p, &src, &dst, &fragment, 1);
	if (why)
		return why == WEIR_MAPPED ? WEIR_MAPPED : WEIR_BAD_QUOTE;
	same = addr_same(&src, packet_dst(p));
	if (fragment & 0x1fff)
		return WEIR_BAD_QUOTE;
	if (read_l4(&c, p, port, hops, 1))
		return WEIR_BAD_QUOTE;
	packet_ends(p, src, dst, port[0], port[1]);
	p->side = !p->side;
	p->kind = PACKET_ERROR;
	return same ? WEIR_UNDECIDED : WEIR_UNRELATED;
}

#endif
