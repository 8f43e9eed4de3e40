// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs of the bench itself.  'wrap_*' are run by test-run: they restore what a datapath changed in the packet (MAC,
 * TTL), choose the flow by its ports, and hand over to the datapath by a tail call; 'pass' is the empty datapath that is
 * subtracted.  'peer' only redirects: the least that a delivery without the host's stack can cost.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#include "bench/wrap.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 4);
} datapath SEC(".maps");

/* User space sets these between runs. */
__u32 mask;			/* flows - 1 */
__u32 back;			/* the packet goes from the server to the client */
__u32 peers;			/* 'wrap_peers': the client is one of so many addresses */
__u64 counter, random_state = 88172645463325252ULL;

enum what { ONE, RANDOM, ALL, NEW, DENIED };

static __always_inline __u64 random_next(void)
{
	__u64 x = random_state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return random_state = x;
}

/* The client's and the server's port; the server's is 99 where a denial is wanted. */
static __always_inline __u32 ports_of(enum what what, __u64 c)
{
	if (what == RANDOM)
		c = random_next() >> 9;
	if (what == RANDOM || what == ALL)
		c &= mask;
	if (what == ONE)
		return 4000U << 16 | 80;
	return (1024 + (c & 0x7fff)) << 16 |
	       (what == DENIED ? 99 : what == NEW ? 20000 + (c >> 15 & 0x3fff) : 1000 + (c >> 15));
}

static __always_inline int wrap(struct __sk_buff *skb, enum what what)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u32 ports = ports_of(what, counter++);
	__u16 client = bpf_htons(ports >> 16), server = bpf_htons((__u16)ports), *port;
	struct ethhdr *eth = data;

	if (data + 74 > end)
		return TC_ACT_SHOT;
	eth->h_dest[5] = 1;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		((struct iphdr *)(eth + 1))->ttl = 64;
		port = data + ETH_HLEN + 20;
	} else {
		((struct ipv6hdr *)(eth + 1))->hop_limit = 64;
		port = data + ETH_HLEN + 40;
	}
	port[0] = back ? server : client;
	port[1] = back ? client : server;
	bpf_tail_call_static(skb, &datapath, 0);
	return TC_ACT_SHOT;
}

SEC("tc") int wrap_one(struct __sk_buff *skb) { return wrap(skb, ONE); }
SEC("tc") int wrap_random(struct __sk_buff *skb) { return wrap(skb, RANDOM); }
SEC("tc") int wrap_all(struct __sk_buff *skb) { return wrap(skb, ALL); }
SEC("tc") int wrap_new(struct __sk_buff *skb) { return wrap(skb, NEW); }
SEC("tc") int wrap_denied(struct __sk_buff *skb) { return wrap(skb, DENIED); }

/* New flows to peers at random, IPv4: 10.64.0.0 and the next so many. */
SEC("tc") int wrap_peers(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + ETH_HLEN;

	if (data + 74 > end)
		return TC_ACT_SHOT;
	ip->daddr = bpf_htonl(0x0a400000 + (random_next() >> 20) % (peers ?: 1));
	return wrap(skb, NEW);
}

SEC("tc") int pass(struct __sk_buff *skb) { return TC_ACT_UNSPEC; }

/* Interfaces of the two pods and the MAC of each, by the interface a packet came in by. */
struct wrap_peer peer_of[2];
SEC("tc") int peer(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	const struct wrap_peer *p = skb->ifindex == peer_of[0].in ? &peer_of[0] : &peer_of[1];
	struct ethhdr *eth = data;

	if (data + ETH_HLEN + 40 > end || (eth->h_proto != bpf_htons(ETH_P_IP) && eth->h_proto != bpf_htons(ETH_P_IPV6)))
		return TC_ACT_UNSPEC;
	__builtin_memcpy(eth->h_dest, p->mac, 6);
	__builtin_memcpy(eth->h_source, p->gateway, 6);
	return bpf_redirect_peer(p->out, 0);
}

char licence[] SEC("license") = "Dual BSD/GPL";
