// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * mini2, the floor: the least that connection tracking, identity, policy of both sides, one event per flow and delivery
 * can cost.  It is what weir's programs are measured against, not something to run: IPv4, TCP and UDP only, no fragments,
 * options or ICMP, counts that two CPUs can lose, flows that two CPUs can open twice, live flows evicted when a window of
 * eight slots is full, addresses taken on trust, no quotas.
 *
 * One 64-byte slot serves both directions of a flow; the slots lie in one array, open addressing, a window of eight.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#include "bench/mini2.h"

#define WINDOW 8
#define inline_fn static __always_inline

struct key {
	__u32 a, b;
	__u16 port_a, port_b;
	__u8 proto, hook;
	__u16 pad;
};
struct slot {
	__u64 tag;
	struct key key;
	__u32 last;
	__u16 generation, flags;
	__u32 packets[2];
	__u64 bytes[2];
	__u32 out[2];
};
struct event {
	__u64 time;
	__u32 src, dst;
	__u16 sport, dport;
	__u8 proto, verdict, hook, why;
	__u32 src_id, dst_id, rule, bytes, ifindex, endpoint;
	__u8 flags, pad[7];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MINI_SLOTS);
	__type(key, __u32);
	__type(value, struct slot);
} slots SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct mini_endpoint);
} endpoints SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct mini_rule);
	__type(value, struct mini_verdict);
} rules SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64[2]);
} counters SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} events SEC(".maps");

const volatile __u64 salt = 0x5851f42d4c957f2dULL;
const volatile __u32 generation = 1;

inline_fn void count(__u32 what, __u32 bytes)
{
	__u64 *c = bpf_map_lookup_elem(&counters, &what);

	if (c) {
		c[0]++;
		c[1] += bytes;
	}
}

inline_fn __u64 hash(const struct key *k)
{
	const __u64 *q = (const void *)k;
	__u64 x = (q[0] ^ salt) * 0x9E3779B97F4A7C15ULL, y = (q[1] + salt) * 0xC2B2AE3D27D4EB4FULL;

	x ^= x >> 32;
	y ^= y >> 29;
	x = (x + y) * 0xD6E8FEB86659FD93ULL;
	return x ^ (x >> 32);
}

inline_fn struct slot *slot_at(__u32 ix)
{
	ix &= MINI_SLOTS - 1;
	return bpf_map_lookup_elem(&slots, &ix);
}

inline_fn struct slot *find(const struct key *k, __u64 h)
{
	const __u64 *want = (const void *)k;

#pragma unroll
	for (int i = 0; i < WINDOW; i++) {
		struct slot *s = slot_at(h + i);
		const __u64 *have;

		if (!s)
			return 0;
		have = (const void *)&s->key;
		if (s->tag == (h | 1)) {
			if (have[0] == want[0] && have[1] == want[1])
				return s;
		} else if (!s->tag) {
			return 0;
		}
	}
	return 0;
}

/* The first free slot of the window, else the one idle longest, taken by compare-and-swap. */
inline_fn struct slot *put(const struct key *k, __u64 h, __u32 now)
{
	__u32 best = h & (MINI_SLOTS - 1), age = 0;
	struct slot *s;
	__u64 old = 0;

#pragma unroll
	for (int i = 0; i < WINDOW; i++) {
		s = slot_at(h + i);
		if (!s)
			return 0;
		if (!s->tag) {
			best = h + i;
			old = 0;
			break;
		}
		if (now - s->last >= age) {
			age = now - s->last;
			best = h + i;
			old = s->tag;
		}
	}
	s = slot_at(best);
	if (!s || __sync_val_compare_and_swap(&s->tag, old, 2) != old)
		return 0;
	*(struct key *)&s->key = *k;
	s->last = now;
	s->generation = s->flags = 0;
	s->packets[0] = s->packets[1] = 0;
	s->bytes[0] = s->bytes[1] = 0;
	s->out[0] = s->out[1] = 0;
	__sync_lock_test_and_set(&s->tag, h | 1);
	return s;
}

/* Only the kinds of rule that this endpoint has are looked for. */
inline_fn int allowed(__u32 endpoint_dir, __u32 kinds, __u32 id, __u16 port, __u8 proto)
{
	struct mini_rule k = { .endpoint_dir = endpoint_dir, .id = id, .port = port, .proto = proto };
	struct mini_verdict *v = 0;

	if (kinds & 1)
		v = bpf_map_lookup_elem(&rules, &k);
	if (!v && (kinds & 2)) {
		k.port = k.proto = 0;
		v = bpf_map_lookup_elem(&rules, &k);
	}
	if (!v && (kinds & 4)) {
		k.id = 0;
		k.port = port;
		k.proto = proto;
		v = bpf_map_lookup_elem(&rules, &k);
	}
	if (!v && (kinds & 8)) {
		k.id = k.port = k.proto = 0;
		v = bpf_map_lookup_elem(&rules, &k);
	}
	return v && v->allow;
}

inline_fn int deliver(struct ethhdr *eth, struct iphdr *ip, __u32 ifindex)
{
	__u32 c = ip->check + bpf_htons(0x0100);

	eth->h_dest[0] = 2;		/* the bench's own MACs: 02::N by the last octet, gateway 02::fe */
	eth->h_dest[1] = eth->h_dest[2] = eth->h_dest[3] = eth->h_dest[4] = 0;
	eth->h_dest[5] = ip->daddr >> 24;
	eth->h_source[0] = 2;
	eth->h_source[1] = eth->h_source[2] = eth->h_source[3] = eth->h_source[4] = 0;
	eth->h_source[5] = 0xfe;
	ip->check = c + (c >= 0xffff);
	ip->ttl--;
	return bpf_redirect_peer(ifindex, 0);
}

inline_fn int run(struct __sk_buff *skb, int to_pod, int redirect)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + ETH_HLEN;
	__u8 *l4 = (void *)(ip + 1), flags = 0;
	__u32 bytes = skb->len, now = bpf_jiffies64();
	struct slot *s;
	__u64 h;
	int forward, dir;

	if ((void *)(ip + 1) > end)
		return TC_ACT_SHOT;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return TC_ACT_UNSPEC;
	if (ip->ihl != 5 || (ip->frag_off & bpf_htons(0x3fff)) || (void *)(l4 + 8) > end)
		return TC_ACT_SHOT;
	if (ip->protocol == IPPROTO_TCP) {
		if ((void *)(l4 + 20) > end)
			return TC_ACT_SHOT;
		flags = l4[13];
	}
	__u32 src = ip->saddr, dst = ip->daddr;
	__u16 sport = *(__u16 *)l4, dport = *(__u16 *)(l4 + 2);
	__u8 proto = ip->protocol;

	forward = src < dst || (src == dst && sport < dport);
	dir = !forward;
	struct key k = { .a = forward ? src : dst, .b = forward ? dst : src, .port_a = forward ? sport : dport,
			 .port_b = forward ? dport : sport, .proto = proto, .hook = to_pod };

	h = hash(&k);
	s = find(&k, h);
	if (!s || s->generation != (__u16)generation) {
		struct mini_endpoint *from = bpf_map_lookup_elem(&endpoints, &src), *to = bpf_map_lookup_elem(&endpoints, &dst);
		__u32 src_id = from ? from->id : 2, dst_id = to ? to->id : 2;
		struct event *e;
		int ok = 1;

		if ((!to_pod || redirect) && from && (from->flags & MINI_EGRESS))
			ok = allowed(src_id << 1, from->flags >> 8, dst_id, dport, proto);
		if (ok && (to_pod || redirect) && to && (to->flags & MINI_INGRESS))
			ok = allowed(dst_id << 1 | 1, to->flags >> 4, src_id, dport, proto);
		e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
		if (e) {
			*e = (struct event){ .time = bpf_ktime_get_ns(), .src = src, .dst = dst, .sport = sport, .dport = dport,
				.proto = proto, .verdict = ok, .hook = to_pod, .src_id = src_id, .dst_id = dst_id,
				.bytes = bytes, .ifindex = skb->ifindex, .flags = flags };
			bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
		} else {
			count(3, bytes);
		}
		if (!ok) {
			count(1, bytes);
			return TC_ACT_SHOT;
		}
		if (!s)
			s = put(&k, h, now);
		if (!s)
			return TC_ACT_UNSPEC;
		s->out[dir & 1] = to ? to->ifindex : 0;
		s->out[(dir ^ 1) & 1] = from ? from->ifindex : 0;
		s->generation = generation;
	}
	s->last = now;
	s->packets[dir & 1]++;
	s->bytes[dir & 1] += bytes;
	if (flags & 5)
		s->flags |= flags;
	if (redirect && s->out[dir & 1] && ip->ttl > 1)
		return deliver(eth, ip, s->out[dir & 1]);
	return TC_ACT_UNSPEC;
}

SEC("tc") int mini_from_pod(struct __sk_buff *skb) { return run(skb, 0, 0); }
SEC("tc") int mini_to_pod(struct __sk_buff *skb) { return run(skb, 1, 0); }
SEC("tc") int mini_redirect(struct __sk_buff *skb) { return run(skb, 0, 1); }
char licence[] SEC("license") = "Dual BSD/GPL";
