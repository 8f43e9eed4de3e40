/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Handing a packet straight to the pod it is for: past the host's stack, so that is what MAC and TTL must look like. */
#ifndef WEIR_BPF_DELIVER_H
#define WEIR_BPF_DELIVER_H

#include "bpf/peer.h"

/* The hop counts down; 0: the stack shall answer (or drop) it. */
inline_fn int hop(void *data, void *end)
{
	struct iphdr *ip = data + ETH_HLEN;
	struct ipv6hdr *ip6 = data + ETH_HLEN;

	if (data + ETH_HLEN + 20 > end)
		return 0;
	if (link_type(data) == bpf_htons(ETH_P_IP)) {
		__u32 c = ip->check + bpf_htons(0x0100);

		if (ip->ttl < 2)
			return 0;
		ip->check = c + (c >= 0xffff);
		ip->ttl--;
		return 1;
	}
	if (ip6->hop_limit < 2)
		return 0;
	ip6->hop_limit--;
	return 1;
}

/* Both addresses lie in the endpoint as they do in the header: two stores instead of twelve. */
inline_fn void link_write(void *data, const struct weir_endpoint *to)
{
	const void *from = to;

	_Static_assert(offsetof(struct weir_endpoint, mac) == 24 && offsetof(struct weir_endpoint, gateway) == 30,
		       "an endpoint's addresses are a link header's");
	*(__u64 *)data = *(const __u64 *)(from + 24);
	*(__u32 *)(data + 8) = *(const __u32 *)(from + 32);
}

/* 'to' may be handed packets (may_hand_over).  What bears a VLAN tag is for an interface on the host. */
inline_fn int deliver(struct __sk_buff *skb, const struct weir_endpoint *to)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u32 ifindex = ONCE(to->ifindex);

	if (!ifindex || skb->vlan_present || !hop(data, end))
		return TC_ACT_UNSPEC;
	link_write(data, to);
	return bpf_redirect_peer(ifindex, 0);
}

#endif
