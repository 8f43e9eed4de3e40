// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The entry points, and a packet's story in its order.  The section's plain name is what libbpf 1.1 loads for tcx links
 * and for clsact alike.
 */
#include "bpf/open.h"
#include "bpf/denied.h"
#include "bpf/fragments.h"
#include "bpf/neighbour.h"
#include "bpf/reader.h"

/* The reader's last word: a packet that may belong to a flow, or its fate. */
inline_fn int packet_sort(struct __sk_buff *skb, struct packet *p, enum hook hook)
{
	int why = packet_read(skb, p);

	if (why)
		return why;
	if (p->kind == PACKET_ARP || p->kind == PACKET_ND)
		return neighbour(skb, p, hook);
	if (hook == FROM_POD && plays_router(p))
		return WEIR_ROUTER;
	if (p->kind == PACKET_LATER)
		return fragment_find(p);
	return p->kind == PACKET_ERROR ? error_sender(skb, p, hook) ?: quote_read(skb, p) : WEIR_UNDECIDED;
}

/* Everything that is not a plain packet of a confirmed flow. */
inline_fn int story_long(struct __sk_buff *skb, struct packet *p, enum hook hook, int plain, int absent)
{
	struct verdict v = { .slot = ~0U };
	const struct weir_endpoint *to;
	int why = 0;

	packet_rest(p);
	if (!absent)
		why = peer_self(skb, p, hook);
	if (!why && !plain) {
		why = packet_sort(skb, p, hook);
		p->hash = packet_hash(p);
	}
	if (why == WEIR_NEIGHBOUR && hook == FROM_POD && offload_odd(skb, offload_least(p)))
		why = WEIR_BAD_L4;
	if (why)
		verdict_blank(p, &v, hook);
	if (!why && !absent)
		why = flow_known(skb, p, &v, hook);
	if (!why)
		why = flow_enter(skb, p, &v, hook);
	if ((why == WEIR_ALLOWED || why == WEIR_PICKED_UP) && offload_watched(skb, p, hook, p->to) &&
	    offload_odd(skb, offload_least(p)))
		why = WEIR_BAD_L4;
	if ((why == WEIR_ALLOWED || why == WEIR_PICKED_UP) && !v.aloof)
		why = flow_open(p, &v, why);
	if (p->changed)
		settle(p);
	if (reason_drops(why)) {
		deny(skb, p, &v, why);
		return control.observe_only ? TC_ACT_UNSPEC : TC_ACT_SHOT;
	}
	if (!p->elsewhere)
		sum(why & 63, p->segments, p->bytes);
	if (p->kind == PACKET_FIRST)
		fragment_remember(p);
	if (hook == TO_POD || !p->to || p->tagged)
		return TC_ACT_UNSPEC;
	to = endpoint(p->to);
	return to ? deliver(skb, to) : TC_ACT_UNSPEC;
}

inline_fn int story(struct __sk_buff *skb, enum hook hook)
{
	const struct weir_endpoint *to = NULL;
	int what = 0, plain;
	struct packet p;

	plain = packet_plain(skb, &p);
	if (plain) {
		p.hash = packet_hash(&p);
		to = flow_fast(skb, &p, hook, &what);
	} else {
		packet_blank(skb, &p);
	}
	if (!to)
		return story_long(skb, &p, hook, plain, what & FAST_ABSENT);
	return hook == FROM_POD && (what & FAST_HAND_OVER) ? deliver(skb, to) : TC_ACT_UNSPEC;
}

SEC("tc") int from_pod(struct __sk_buff *skb)
{
	return story(skb, FROM_POD);
}

SEC("tc") int to_pod(struct __sk_buff *skb)
{
	return story(skb, TO_POD);
}

/* One slot that user space saw idle, or of an endpoint that left.  The tag it saw is the proof. */
__noinline int expire_one(__u32 i)
{
	const struct weir_ask *ask = bpf_map_lookup_elem(&asked, &i);
	struct slot f = {};
	__u64 t;

	if (!ask)
		return -1;
	t = ONCE(ask->tag);
	f.ix = ask->bucket;
	f.b = bucket(f.ix);
	f.way = ask->way;
	if (!t)
		return -1;
	if (!f.b || f.way >= WEIR_WAYS || WEIR_TAG_PHASE(t) < WEIR_OPENED)
		return 0;
	if (!slot_retire(&f, t, ask->why == WEIR_END_LEFT ? WEIR_END_LEFT : WEIR_END_EXPIRED))
		return 0;
	sum(WEIR_STAT_EXPIRED, 1, 0);
	return 1;
}

SEC("tc") int expire(struct __sk_buff *skb)
{
	int done = 0;

	for (__u32 i = 0; i < WEIR_ASKS; i++) {
		int r = expire_one(i);

		if (r < 0)
			break;
		done += r;
	}
	return done;
}

/* The clock that programs see, for whoever reads ticks and seconds in the tables. */
SEC("tc") int clock(struct __sk_buff *skb)
{
	return (__u32)bpf_jiffies64() + control.later;
}

char licence[] SEC("license") = "Dual BSD/GPL";
