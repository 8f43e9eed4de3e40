// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The real programs under test, with random waits between the steps of the flow table's protocol: every run is a packet
 * of one of a few flows in a tiny table.  What is counted here must come out of the table again, flow by flow.
 */
#include "tests/hammer/hammer.h"

/* Now and then, a chain of divisions: some 100 ns.  No call and no helper, for the programs are near the end of their
 * stack; the state is anybody's, and who writes it last does not matter. */
extern unsigned long long pause_state;
#ifndef NO_PAUSE
#define PAUSE() do {								\
	pause_state += 0x9e3779b97f4a7c15ULL;					\
	if (pause_state < ~0ULL / 16)						\
		asm volatile("r0 = 7\n.rept 64\nr0 /= 1\n.endr" ::: "r0");	\
} while (0)
/* For a broken build whose gap is narrow. */
#define PAUSE_LONG() asm volatile("r0 = 7\n.rept 600\nr0 /= 1\n.endr" ::: "r0")
#endif
struct packet;
int hammer_seen(const struct packet *p, unsigned long long gate);
#define SEEN(f, p, gate) hammer_seen(p, gate)

#include "bpf/weir.bpf.c"

/* What the packet under way is about, on this CPU. */
struct now {
	__u32 flow, counted_here, seen, allowed;
	__u64 epoch, before;
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct now);
} now SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FLOWS);
	__type(key, __u32);
	__type(value, struct hammer_sent);
} sent SEC(".maps");

unsigned long long pause_state = 1;
__u64 faults[FAULT_KINDS];
__u64 epoch;			/* odd while policy changes */
__u32 allowed_now = 1;		/* class SOMETIMES */

inline_fn void fault(enum hammer_fault what) { __sync_fetch_and_add(&faults[what], 1); }
inline_fn struct now *now_here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&now, &zero);
}
inline_fn __u32 number_of(__u32 end) { return end ? end : WEIR_ENDPOINT_OUTSIDE; }

/* The step that says "this packet belongs to that slot": called where the programs have counted it. */
__noinline int hammer_seen(const struct packet *p, unsigned long long gate)
{
	struct now *n = now_here();
	struct hammer_sent *s;
	__u32 flow, back, side;

	if (!p || !n || n->flow >= FLOWS)
		return 0;
	flow = n->flow;
	s = bpf_map_lookup_elem(&sent, &flow);
	if (!s)
		return 0;
	n->seen = 1;
	side = p->side & 1;
	back = (side ? p->port[1] : p->port[0]) != bpf_htons(CLIENT_PORT + flow);
	if (WEIR_GATE_EP(gate, side) != number_of(back ? SERVER(flow) : CLIENT(flow)) ||
	    WEIR_GATE_EP(gate, !side) != number_of(back ? CLIENT(flow) : SERVER(flow)))
		fault(FAULT_GATE);
	if (!n->counted_here)
		return 0;
	if (back) {
		s->packets[1] += p->segments;
		s->bytes[1] += p->bytes;
	} else {
		s->packets[0] += p->segments;
		s->bytes[0] += p->bytes;
	}
	return 0;
}

inline_fn void write_ip4(void *data, __u32 proto, __u32 src, __u32 dst, __u32 bytes)
{
	struct iphdr *ip = data + ETH_HLEN;

	((struct ethhdr *)data)->h_proto = bpf_htons(ETH_P_IP);
	__builtin_memset(ip, 0, sizeof(*ip));
	*(__u8 *)ip = 0x45;
	ip->tot_len = bpf_htons(bytes);
	ip->ttl = 64;
	ip->protocol = proto;
	ip->saddr = bpf_htonl(0x0a000000 + src);
	ip->daddr = bpf_htonl(0x0a000000 + dst);
}
inline_fn void write_ip6(void *data, __u32 proto, __u32 src, __u32 dst, __u32 bytes)
{
	struct ipv6hdr *ip = data + ETH_HLEN;

	((struct ethhdr *)data)->h_proto = bpf_htons(ETH_P_IPV6);
	__builtin_memset(ip, 0, sizeof(*ip));
	*(__u8 *)ip = 0x60;
	ip->payload_len = bpf_htons(bytes - 40);
	ip->hop_limit = 64;
	ip->nexthdr = proto;
	ip->saddr.in6_u.u6_addr8[0] = ip->daddr.in6_u.u6_addr8[0] = 0xfd;
	ip->saddr.in6_u.u6_addr8[15] = src;
	ip->daddr.in6_u.u6_addr8[15] = dst;
}
/* Half of a flow's packets carry data; some open, some end it. */
inline_fn __u8 flags_of(__u32 r, __u32 back)
{
	if (r < 5)
		return back ? TCP_SYN | TCP_ACK : TCP_SYN;
	return r == 5 ? TCP_RST : r < 8 ? TCP_FIN | TCP_ACK : TCP_ACK;
}
inline_fn int write_packet(struct __sk_buff *skb, __u32 flow, __u32 from, __u32 to, __u32 back, __u32 random)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u32 bytes = skb->len - ETH_HLEN, proto = IS_UDP(flow) ? IPPROTO_UDP : IPPROTO_TCP;
	__u16 client = bpf_htons(CLIENT_PORT + flow), server = bpf_htons(SERVER_PORT + PERMISSION(flow)), *l4;

	if (data + 90 > end)
		return -1;
	if (IS_SIX(flow)) {
		write_ip6(data, proto, from + 1, to + 1, bytes);
		l4 = data + ETH_HLEN + 40;
		bytes -= 40;
	} else {
		write_ip4(data, proto, from + 1, to + 1, bytes);
		l4 = data + ETH_HLEN + 20;
		bytes -= 20;
	}
	__builtin_memset(l4, 0, 20);
	l4[0] = back ? server : client;
	l4[1] = back ? client : server;
	if (proto == IPPROTO_UDP) {
		l4[2] = bpf_htons(bytes);
	} else {
		((__u8 *)l4)[12] = 0x50;
		((__u8 *)l4)[13] = flags_of(random & 31, back);
	}
	return 0;
}

/* By policy, so far on this CPU. */
inline_fn __u64 dropped_by_policy(void)
{
	static const __u32 reasons[] = { WEIR_NO_RULE, WEIR_DENIED, WEIR_CUT };
	__u64 n = 0;

	for (int i = 0; i < 3; i++) {
		__u32 reason = reasons[i];
		struct weir_sum *s = bpf_map_lookup_elem(&counters, &reason);

		n += s ? s->packets : 0;
	}
	return n;
}

/* Any flow between the two ends, from either side of it. */
inline_fn __u32 choose(__u32 from, __u32 to, __u32 random, __u32 *back)
{
	__u32 low = from < to ? from : to, high = from < to ? to : from;
	__u32 pair = low == 0 ? high - 1 : low + high, flow = pair + random % ((FLOWS - pair + PAIRS - 1) / PAIRS) * PAIRS;

	*back = CLIENT(flow) != from;
	return flow < FLOWS ? flow : pair;
}

/* Functions of their own, so that their stack is not the story's too. */
__noinline int hammer_begin(struct __sk_buff *skb)
{
	__u32 from = skb->mark & 3, to = skb->mark >> 8 & 3, random = bpf_get_prandom_u32(), back, flow;
	struct now *n = now_here();

	flow = choose(from, to, random >> 8, &back);
	if (!n || write_packet(skb, flow, from, to, back, random))
		return 0;
	n->flow = flow;
	n->counted_here = !(skb->mark >> 16) || !from;
	n->seen = 0;
	n->epoch = *(volatile __u64 *)&epoch;
	n->allowed = *(volatile __u32 *)&allowed_now;
	n->before = dropped_by_policy();
	return 1;
}

/* The packet had its fate: was it the right one?  'steady': policy did not change meanwhile. */
__noinline int hammer_end(int verdict)
{
	struct now *n = now_here();
	__u32 flow = n ? n->flow : FLOWS, class = PERMISSION(flow);
	struct hammer_sent *s = bpf_map_lookup_elem(&sent, &flow);
	int passed = verdict != TC_ACT_SHOT, by_policy, steady;

	if (!n || !s)
		return 0;
	by_policy = dropped_by_policy() != n->before;
	steady = n->epoch == *(volatile __u64 *)&epoch && !(n->epoch & 1);
	if (passed)
		s->passed++;
	else
		s->dropped++;
	if (passed && class == NEVER)
		fault(FAULT_NEVER);
	if (passed && class == SOMETIMES && steady && !n->allowed)
		fault(FAULT_DENIED);
	if (by_policy && (class > SOMETIMES || (class == SOMETIMES && steady && n->allowed)))
		fault(FAULT_CUT);
	if (passed && !n->seen)
		fault(FAULT_UNSEEN);
	if (!passed && n->seen && !by_policy)
		fault(FAULT_COUNTED);
	return 0;
}

inline_fn int hammer(struct __sk_buff *skb, enum hook hook)
{
	int verdict;

	if (!hammer_begin(skb))
		return TC_ACT_SHOT;
	verdict = story(skb, hook);
	hammer_end(verdict);
	return verdict;
}
SEC("tc") int hammer_from(struct __sk_buff *skb) { return hammer(skb, FROM_POD); }
SEC("tc") int hammer_to(struct __sk_buff *skb) { return hammer(skb, TO_POD); }
