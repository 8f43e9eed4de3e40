// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Packets for the flood: 'open', 'answer' and 'confirm' walk through the established flows, 'known' picks one of them at
 * random, 'flood' opens a new half-open one.  A packet of an established flow must pass and never open a flow anew.
 */
#include "bpf/weir.bpf.c"

#define ESTABLISHED_MAX 131072

/* User space sets 'established'; counters are added to by two CPUs. */
__u32 established = 1;
__u64 walked, flooded, known_packets, missed, refused, flood_refused;

struct tcp {
	__u16 sport, dport;
	__u32 seq, ack;
	__u8 length, flags;
	__u16 window, check, urgent;
};

inline_fn int write_packet(struct __sk_buff *skb, __u32 i, int back, __u8 flags, __u16 server)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u32 a = bpf_htonl(0x0a000001), b = bpf_htonl(0x0a000002);
	__u16 client = bpf_htons(1024 + (i & 0x7fff));
	struct iphdr *ip = data + ETH_HLEN;
	struct tcp *tcp = data + ETH_HLEN + 20;

	if (data + 90 > end)
		return -1;
	server = bpf_htons(server + (i >> 15));
	((struct ethhdr *)data)->h_proto = bpf_htons(ETH_P_IP);
	__builtin_memset(ip, 0, sizeof(*ip));
	*(__u8 *)ip = 0x45;
	ip->tot_len = bpf_htons(skb->len - ETH_HLEN);
	ip->ttl = 64;
	ip->protocol = IPPROTO_TCP;
	ip->saddr = back ? b : a;
	ip->daddr = back ? a : b;
	tcp->sport = back ? server : client;
	tcp->dport = back ? client : server;
	tcp->length = 0x50;
	tcp->flags = flags;
	return 0;
}

inline_fn __u64 opened(void)
{
	__u32 what = WEIR_STAT_INSERTED;
	struct weir_sum *s = bpf_map_lookup_elem(&counters, &what);

	return s ? s->packets : 0;
}

inline_fn int walk(struct __sk_buff *skb, int back, __u8 flags)
{
	if (write_packet(skb, walked++ % (established ?: 1), back, flags, 80))
		return 0;
	if (story(skb, FROM_POD) == TC_ACT_SHOT)
		__sync_fetch_and_add(&refused, 1);
	return 0;
}
SEC("tc") int flow_opens(struct __sk_buff *skb) { return walk(skb, 0, TCP_SYN); }
SEC("tc") int flow_answers(struct __sk_buff *skb) { return walk(skb, 1, TCP_SYN | TCP_ACK); }
SEC("tc") int flow_confirms(struct __sk_buff *skb) { return walk(skb, 0, TCP_ACK); }

inline_fn int known(struct __sk_buff *skb, __u32 i)
{
	__u64 before = opened();

	if (write_packet(skb, i, 0, TCP_ACK, 80))
		return 0;
	if (story(skb, FROM_POD) == TC_ACT_SHOT || opened() != before)
		__sync_fetch_and_add(&missed, 1);
	__sync_fetch_and_add(&known_packets, 1);
	return 0;
}
SEC("tc") int known_random(struct __sk_buff *skb) { return known(skb, bpf_get_prandom_u32() % (established ?: 1)); }
SEC("tc") int known_each(struct __sk_buff *skb) { return known(skb, walked++ % (established ?: 1)); }

SEC("tc") int flood(struct __sk_buff *skb)
{
	if (write_packet(skb, flooded++, 0, TCP_SYN, 20000))
		return 0;
	if (story(skb, FROM_POD) == TC_ACT_SHOT)
		__sync_fetch_and_add(&flood_refused, 1);
	return 0;
}
