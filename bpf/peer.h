/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who a packet is from: what an address means (one word), whose hook runs, and whether the sender may bear its address.
 *
 * Policy is read in the order generation, set, class, cell, range (judge.h reads words again after the sets).  What the agent changes under a packet is one 8-byte
 * word each time; on CPUs that reorder loads it waits for running programs between the steps of a commit (OP_FENCE),
 * so no barrier stands here.
 */
#ifndef WEIR_BPF_PEER_H
#define WEIR_BPF_PEER_H

#include "bpf/packet.h"
#include "bpf/usage.h"

inline_fn const struct weir_endpoint *endpoint(__u32 number) { return bpf_map_lookup_elem(&endpoints, &number); }

inline_fn __u64 word_at(__u32 slot)
{
	__u64 *w = bpf_map_lookup_elem(&slots, &slot);

	return w ? ONCE(*w) : 0;
}
inline_fn int word_has(__u64 word, __u32 flag) { return !!(WEIR_WORD_FLAGS(word) & flag); }

#define NO_SLOT (~0U)

/* Where the word of an address is: its own slot, else its longest prefix's.  An element of the hash whose tag is another
 * address's was reused while we looked: the address is not there. */
inline_fn __u32 peer_slot(const struct weir_addr *a)
{
	struct weir_prefix key = { .length = 128, .addr = *a };
	__u64 *v = bpf_map_lookup_elem(&addresses, &key.addr);	/* a key on the stack: 6.1 takes no other memory */

	if (v) {
		__u64 named = ONCE(*v);

		if (named >> 32 == weir_addr_tag(a) && word_has(word_at(named), WEIR_WORD_SET))
			return named;
	}
	v = bpf_map_lookup_elem(&prefixes, &key);
	return v ? (__u32)ONCE(*v) : NO_SLOT;
}
/* The same of an end of a packet, which may be the pod's own address ('own' of its endpoint), at hand. */
inline_fn __u32 end_slot(__u64 own, const struct weir_addr *a)
{
	if (own && addr_mapped(a) && own >> 32 == WEIR_OWN(a, 0) >> 32 && word_has(word_at((__u32)own), WEIR_WORD_SET))
		return own;
	return peer_slot(a);
}
/* What an address means now; 0: nobody said anything. */
inline_fn __u64 peer_word(const struct weir_addr *a) { return word_at(peer_slot(a)); }

/* The local pod that a word names, or 0. */
inline_fn __u32 word_pod(__u64 word)
{
	__u32 number = WEIR_WORD_ENDPOINT(word);

	return !word_has(word, WEIR_WORD_SET) || word_has(word, WEIR_WORD_GRANT | WEIR_WORD_PREFIX) ||
	       !number_is_pod(number) ? 0 : number;
}
/* May pod 'number' send from the address, and receive at it? */
inline_fn int word_own(__u64 word, __u32 number)
{
	const struct weir_endpoint *ep;

	if (word_pod(word) == number)
		return 1;
	if (!word_has(word, WEIR_WORD_GRANT))
		return 0;
	ep = endpoint(number);
	return ep && ep->namespace_id && ep->namespace_id == WEIR_WORD_ENDPOINT(word);
}

/* Whose hook runs: p->me.  NOT_OURS only where packets come out: a way in that nobody armed is shut. */
inline_fn enum weir_reason peer_self(struct __sk_buff *skb, struct packet *p, enum hook hook)
{
	__u32 ifindex = skb->ifindex, *number = bpf_map_lookup_elem(&interfaces, &ifindex);
	const struct weir_endpoint *me;

	if (!number)
		return hook == TO_POD ? WEIR_NOT_OURS : WEIR_UNARMED;
	me = endpoint(*number);
	if (!me || ONCE(me->ifindex) != ifindex)
		return WEIR_UNARMED;
	p->me = *number;
	return WEIR_UNDECIDED;
}

/* Did the packet come in by this pod's veth, or the bridge that is a port of? */
inline_fn int came_from(struct __sk_buff *skb, __u32 number)
{
	const struct weir_endpoint *ep = endpoint(number);
	__u32 in = skb->ingress_ifindex;

	return in && ep && (in == ONCE(ep->ifindex) || in == ep->via);
}
inline_fn __u32 pod_by_interface(__u32 in)
{
	__u32 *number = bpf_map_lookup_elem(&interfaces, &in);

	return number ? *number : 0;
}

/*
 * At to_pod: which endpoint sent it, by its address and the interface it came in by.  What came in by a pod's veth passed
 * from_pod there; if it bears another address now, the node translated it: only its own address is taken for that.
 */
inline_fn enum weir_reason peer_arrival(struct __sk_buff *skb, const struct weir_addr *src, __u64 word, __u16 *number)
{
	__u32 in = skb->ingress_ifindex, pod = word_pod(word), by;

	*number = pod;
	if (pod)
		return came_from(skb, pod) ? WEIR_UNDECIDED : WEIR_WRONG_WAY;
	if (!in) {
		*number = WEIR_ENDPOINT_NODE;
		return word_has(word, WEIR_WORD_HOST) || addr_link_local(src) ? WEIR_UNDECIDED : WEIR_SPOOFED;
	}
	by = pod_by_interface(in);
	if (!by || word_has(word, WEIR_WORD_HOST))
		return WEIR_UNDECIDED;
	*number = by;
	return word_own(word, by) ? WEIR_UNDECIDED : WEIR_WRONG_WAY;
}

/* DHCP speaks before it has an address, and to all on the link: to nobody in particular, who would take it for a stranger's. */
inline_fn int packet_dhcp(const struct packet *p)
{
	const struct weir_addr *src = packet_src(p), *dst = packet_dst(p);
	__u16 sport = bpf_ntohs(p->side ? p->port[1] : p->port[0]), dport = bpf_ntohs(p->side ? p->port[0] : p->port[1]);

	if (p->proto != IPPROTO_UDP)
		return 0;
	if (addr_mapped(src))
		return !(src->w[1] >> 32) && !(__u32)~(dst->w[1] >> 32) && sport == 68 && dport == 67;
	return addr_link_local(src) && addr_link_group(dst) && sport == 546 && dport == 547;
}

/* At from_pod: may the pod send from this address? */
inline_fn enum weir_reason peer_departure(const struct packet *p, __u64 word)
{
	if (!word_own(word, p->me))
		return packet_dhcp(p) ? WEIR_UNDECIDED : WEIR_SPOOFED;
	return word_has(word, WEIR_WORD_RESTING) ? WEIR_RESTING : WEIR_UNDECIDED;
}

/* Who sends an ICMP error is no end of the flow it is about, but must be somebody. */
__noinline int error_sender(struct __sk_buff *skb, struct packet *p, int to_pod)
{
	__u16 number = 0;
	__u64 word;
	int why;

	if (!p)
		return WEIR_SPOOFED;
	word = peer_word(packet_src(p));
	why = to_pod ? peer_arrival(skb, packet_src(p), word, &number) : peer_departure(p, word);
	p->elsewhere = number_is_pod(number);
	return why;
}

/* Packets are handed over between two veths that weir made and nothing foreign watches. */
inline_fn int may_hand_over(const struct weir_endpoint *from, const struct weir_endpoint *to)
{
	_Static_assert(WEIR_EP_REDIRECT_FROM == 1 && WEIR_EP_REDIRECT_TO == 2, "one bit above the other");
	return from->flags & to->flags >> 1 & 1 & allow_redirect;
}

#endif
