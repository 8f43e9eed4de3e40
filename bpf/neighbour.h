/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ARP, neighbour discovery and MLD: let by on the link, but nobody speaks for another's address. */
#ifndef WEIR_BPF_NEIGHBOUR_H
#define WEIR_BPF_NEIGHBOUR_H

#include "bpf/peer.h"

struct arp_ipv4 {
	__u16 hardware, protocol;
	__u8 hardware_size, protocol_size;
	__u16 operation;
	__u8 sender_mac[ETH_ALEN], sender[4], target_mac[ETH_ALEN], target[4];
} __attribute__((packed));

enum { ND_ROUTER_SOLICIT = 133, ND_ROUTER = 134, ND_SOLICIT = 135, ND_ADVERT = 136, ND_REDIRECT = 137, MLD_QUERY = 130 };

/* At to_pod nobody but a local pod, by its own veth, bears its address, and nobody this pod's own. */
inline_fn int claims_foreign(struct __sk_buff *skb, const struct packet *p, __u64 word)
{
	__u32 pod = word_pod(word);

	return pod && (pod == p->me || !came_from(skb, pod));
}

inline_fn enum weir_reason arp(struct __sk_buff *skb, const struct packet *p, enum hook hook)
{
	struct arp_ipv4 a = {};
	struct weir_addr sender, target;
	__u32 be;
	__u64 word;

	if (bpf_skb_load_bytes(skb, p->l3, &a, sizeof(a)) || a.hardware != bpf_htons(1) ||
	    a.protocol != bpf_htons(ETH_P_IP) || a.hardware_size != ETH_ALEN || a.protocol_size != 4 ||
	    (a.operation != bpf_htons(1) && a.operation != bpf_htons(2)))
		return WEIR_BAD_ARP;
	__builtin_memcpy(&be, a.sender, 4);
	sender = addr_v4(be);
	__builtin_memcpy(&be, a.target, 4);
	target = addr_v4(be);
	word = peer_word(sender.w[1] >> 32 ? &sender : &target);	/* a probe asks for what it wants to bear */
	if (hook == FROM_POD)
		return word_own(word, p->me) ? WEIR_NEIGHBOUR : WEIR_SPOOFED_ARP;
	return sender.w[1] >> 32 && claims_foreign(skb, p, word) ? WEIR_SPOOFED_ARP : WEIR_NEIGHBOUR;
}

/* Whose link-local is whose nobody tells, but the node's and other pods' known ones are not this pod's: on a bridge the
 * first is everybody's next hop. */
inline_fn int nd_own(const struct packet *p, const struct weir_addr *a)
{
	__u64 word = peer_word(a);

	return word_own(word, p->me) || (addr_link_local(a) && !word_has(word, WEIR_WORD_HOST) && !word_pod(word));
}
/* Does it end on the pod's own link?  What the node would route is no neighbour's, whatever its type says. */
inline_fn int nd_on_link(const struct weir_addr *a)
{
	__u64 word;

	if (addr_link_local(a) || addr_link_group(a))
		return 1;
	word = peer_word(a);
	return word_has(word, WEIR_WORD_HOST) || word_pod(word);
}
/* Sent by the pod.  UNDECIDED: it goes beyond the link and is judged as any other packet. */
inline_fn enum weir_reason nd_from(const struct packet *p, __u8 type, const struct weir_addr *target)
{
	const struct weir_addr *src = packet_src(p);
	int nobody = !(src->w[0] | src->w[1]);

	if (type == ND_ROUTER || type == ND_REDIRECT || type == MLD_QUERY)
		return WEIR_ROUTER;
	if (!nobody && !nd_own(p, src))
		return WEIR_SPOOFED_ND;
	if ((type == ND_ADVERT || (type == ND_SOLICIT && nobody)) && !nd_own(p, target))
		return WEIR_SPOOFED_ND;
	return type < ND_ROUTER_SOLICIT || type > ND_REDIRECT || nd_on_link(packet_dst(p)) ? WEIR_NEIGHBOUR : WEIR_UNDECIDED;
}
inline_fn enum weir_reason nd(struct __sk_buff *skb, const struct packet *p, enum hook hook)
{
	__u8 type = (p->side ? p->port[1] : p->port[0]) & 0xff;
	struct weir_addr target = {};

	if ((type == ND_SOLICIT || type == ND_ADVERT) && bpf_skb_load_bytes(skb, p->l4 + 8, &target, sizeof(target)))
		return WEIR_SHORT_L4;
	if (addr_mapped(&target))
		return WEIR_MAPPED;
	if (hook == FROM_POD)
		return nd_from(p, type, &target);
	if (claims_foreign(skb, p, peer_word(packet_src(p))))
		return WEIR_SPOOFED_ND;
	if (type == ND_ADVERT && claims_foreign(skb, p, peer_word(&target)))
		return WEIR_SPOOFED_ND;
	return WEIR_NEIGHBOUR;
}

__noinline int neighbour(struct __sk_buff *skb, const struct packet *p, int hook)
{
	if (!p)
		return WEIR_BAD_ARP;
	if (p->kind == PACKET_ARP)
		return hook == FROM_POD ? arp(skb, p, FROM_POD) : arp(skb, p, TO_POD);
	return hook == FROM_POD ? nd(skb, p, FROM_POD) : nd(skb, p, TO_POD);
}

/* ICMPv4 by which routers speak: advertisement, redirect. */
inline_fn int plays_router(const struct packet *p)
{
	__u16 sport = p->side ? p->port[1] : p->port[0], dport = p->side ? p->port[0] : p->port[1];

	return p->proto == IPPROTO_ICMP && !dport && ((sport & 0xff) == 9 || (p->kind == PACKET_ERROR && (sport & 0xff) == 5));
}

#endif
