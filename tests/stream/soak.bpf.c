// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Packets for the soak: 'offer' sends, as pod number 'pod', the next packet of the next flow; one flow in 'deny_every' goes
 * to a port that nobody may reach.  What the programs made of each packet is counted here, apart from their own counters.
 */
#include "bpf/weir.bpf.c"

__u32 pod, pods = 64, deny_every, each = 1;	/* 'each': packets of a flow */
__u64 walked, passed, passed_bytes, dropped, dropped_bytes;

struct tcp {
	__u16 sport, dport;
	__u32 seq, ack;
	__u8 length, flags;
	__u16 window, check, urgent;
};

inline_fn int write_packet(struct __sk_buff *skb, __u64 flow, int first, int denied)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	struct tcp *tcp = data + ETH_HLEN + 20;

	if (data + 90 > end)
		return -1;
	((struct ethhdr *)data)->h_proto = bpf_htons(ETH_P_IP);
	__builtin_memset(ip, 0, sizeof(*ip));
	*(__u8 *)ip = 0x45;
	ip->tot_len = bpf_htons(skb->len - ETH_HLEN);
	ip->ttl = 64;
	ip->protocol = IPPROTO_TCP;
	ip->saddr = bpf_htonl(0x0a000001 + pod);
	ip->daddr = bpf_htonl(0x0a000001 + (__u32)(pod + 1 + flow % 7) % (pods ?: 1));
	tcp->sport = bpf_htons(1024 + flow % 60000);
	tcp->dport = bpf_htons(denied ? 9999 : 8000 + (flow / 60000) % 8);
	tcp->length = 0x50;
	tcp->flags = first ? TCP_SYN : TCP_ACK;
	return 0;
}

SEC("tc") int offer(struct __sk_buff *skb)
{
	__u64 i = walked++, flow = i / (each ?: 1);
	__u64 bytes = skb->len - ETH_HLEN;

	if (write_packet(skb, flow, i % (each ?: 1) == 0, deny_every && flow % (deny_every ?: 1) == 0))
		return 0;
	if (story(skb, FROM_POD) == TC_ACT_SHOT) {
		dropped++;
		dropped_bytes += bytes;
	} else {
		passed++;
		passed_bytes += bytes;
	}
	return 0;
}
