/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet without a flow: may its sender bear its address, does policy let it by (flow_enter), and is there room for
 * its slot (flow_open).
 */
#ifndef WEIR_BPF_OPEN_H
#define WEIR_BPF_OPEN_H

#include "bpf/known.h"
#include "bpf/victim.h"

inline_fn void verdict_begin(const struct packet *p, struct verdict *v)
{
	__builtin_memset(v, 0, sizeof(*v));
	v->opener = p->side;
	v->slot = ~0U;
	peer_slots(p, v);
}
inline_fn void verdict_ends(struct verdict *v, const struct packet *p, __u16 sender, __u16 receiver)
{
	v->ep[0] = p->side ? receiver : sender;
	v->ep[1] = p->side ? sender : receiver;
}
inline_fn __u64 word_src(const struct packet *p, const struct verdict *v) { return word_of(v, p->side); }
inline_fn __u64 word_dst(const struct packet *p, const struct verdict *v) { return word_of(v, !p->side); }

/* A pod and its own address, as a Service brings them together. */
inline_fn int hairpin(const struct packet *p, __u64 word)
{
	return addr_same(&p->addr[0], &p->addr[1]) && word_pod(word) == p->me;
}

inline_fn enum weir_reason enter_from(struct packet *p, struct verdict *v)
{
	__u64 word = word_dst(p, v);
	__u32 to = word_pod(word);
	const struct weir_endpoint *me = endpoint(p->me), *peer = endpoint(to);
	enum weir_reason why;

	verdict_ends(v, p, p->me, to ?: word_has(word, WEIR_WORD_HOST) ? WEIR_ENDPOINT_NODE : WEIR_ENDPOINT_OUTSIDE);
	why = peer_departure(p, word_src(p, v));
	if (why)
		return why;
	v->sides = WEIR_SIDE(WEIR_EGRESS);
	if (to && me && peer && ONCE(peer->ifindex) && may_hand_over(me, peer)) {
		p->to = to;
		v->sides |= WEIR_SIDE(WEIR_INGRESS);
	}
	if (hairpin(p, word)) {
		v->self = !control.hairpin;
		v->sides = v->self ? 0 : WEIR_SIDE(WEIR_EGRESS) | WEIR_SIDE(WEIR_INGRESS);
	}
	return WEIR_UNDECIDED;
}

/* What comes out at a pod for an address that is not its own (multicast, broadcast) may come out at many: each is judged
 * by itself and has no flow here. */
inline_fn enum weir_reason enter_to(struct __sk_buff *skb, struct packet *p, struct verdict *v)
{
	enum weir_reason why;
	__u16 sender = 0;

	why = peer_arrival(skb, packet_src(p), word_src(p, v), &sender);
	verdict_ends(v, p, sender, p->me);
	if (why)
		return why;
	v->aloof = !word_own(word_dst(p, v), p->me);
	p->elsewhere = number_is_pod(sender);
	if (word_has(word_dst(p, v), WEIR_WORD_RESTING))
		return WEIR_RESTING;
	v->self = sender == p->me && hairpin(p, word_dst(p, v)) && !control.hairpin;
	v->sides = v->self ? 0 : WEIR_SIDE(WEIR_INGRESS);
	return WEIR_UNDECIDED;
}

inline_fn int newly_armed(__u32 number)
{
	const struct weir_endpoint *ep = number_is_pod(number) ? endpoint(number) : NULL;

	return ep && bpf_ktime_get_ns() / 1000000000ULL - ep->armed < WEIR_PICK_UP;
}
/* Part of a connection that is older than the pod's arming: also taken as a reply, if policy allows what it replies to. */
inline_fn enum weir_reason pick_up(const struct packet *p, struct verdict *v, enum weir_reason why)
{
	struct weir_answer first = v->answer;
	__u8 sides = v->sides;

	if (p->proto != IPPROTO_TCP || (p->tcp & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		return why;
	if (!newly_armed(v->ep[0]) && !newly_armed(v->ep[1]))
		return why;
	v->opener = !p->side;
	if (sides != (WEIR_SIDE(WEIR_EGRESS) | WEIR_SIDE(WEIR_INGRESS)))
		v->sides = sides ^ (WEIR_SIDE(WEIR_EGRESS) | WEIR_SIDE(WEIR_INGRESS));
	if (judge(p, v) == WEIR_ALLOWED) {
		v->picked_up = 1;
		return WEIR_PICKED_UP;
	}
	v->opener = p->side;
	v->sides = sides;
	v->answer = first;
	return why;
}

/* Dropped before anybody asked who it is from: it goes on record as it travelled. */
inline_fn void verdict_blank(const struct packet *p, struct verdict *v, enum hook hook)
{
	v->opener = p->side;
	v->answer.side = hook == FROM_POD ? WEIR_EGRESS : WEIR_INGRESS;
	if (side_mine(p, hook))
		v->ep[1] = p->me;
	else
		v->ep[0] = p->me;
}

/* Whose hook runs, by the address of the pod's end if that is its own: a look-up less than by the interface. */
inline_fn enum weir_reason enter_self(struct __sk_buff *skb, struct packet *p, const struct verdict *v, enum hook hook)
{
	__u32 number = word_pod(hook == FROM_POD ? word_src(p, v) : word_dst(p, v));
	const struct weir_endpoint *me = endpoint(number);

	if (!number || !me || ONCE(me->ifindex) != skb->ifindex)
		return peer_self(skb, p, hook);
	p->me = number;
	return WEIR_UNDECIDED;
}

/* ALLOWED or PICKED_UP: to be opened, unless aloof.  Else why not. */
__noinline int flow_enter(struct __sk_buff *skb, struct packet *p, struct verdict *v, int to_pod)
{
	enum weir_reason why;

	if (!p || !v)
		return WEIR_UNARMED;
	verdict_begin(p, v);
	v->answer.side = to_pod ? WEIR_INGRESS : WEIR_EGRESS;
	why = p->me ? WEIR_UNDECIDED : enter_self(skb, p, v, to_pod ? TO_POD : FROM_POD);
	if (why) {
		verdict_blank(p, v, to_pod ? TO_POD : FROM_POD);
		return why;
	}
	why = to_pod ? enter_to(skb, p, v) : enter_from(p, v);
	if (why)
		return why;
	if (p->kind == PACKET_LATER && !v->aloof)
		return WEIR_ORPHAN;
	why = judge(p, v);
	if (v->self)
		v->answer.said[0].rule = v->answer.said[1].rule = WEIR_RULE_SELF;
	return why == WEIR_ALLOWED ? why : pick_up(p, v, why);
}

#define FRESH 2
/* 1: the slot is ours, FRESH: and was nobody's; 0: somebody was faster; else -reason.  *away is told where the slot is. */
inline_fn int claim(struct slot *f, const struct packet *p, __u32 payer, __u64 *away)
{
	__u32 over = usage_over(payer), why;
	int i;

	if (over)
		i = victim_of(place(p->hash, 0), place(p->hash, 1), p->now, payer << 1 | (over == WEIR_QUOTA_HALF));
	else
		i = victim(place(p->hash, 0), place(p->hash, 1), own_way(p->hash), p->now);
	if (i < 0)
		return over ? -over : -WEIR_NO_ROOM;
	f->ix = place(p->hash, i >= 8);
	f->b = bucket(f->ix);
	f->way = i & 7;
	*away = i >= 8 ? WEIR_TAG_AWAY : 0;
	if (!f->b)
		return -WEIR_NO_ROOM;
	f->t = slot_read(f);
	PAUSE();
	if (rank(f->t, p->now, 0) >= NEVER && !idle(f->t, p->now))
		return 0;			/* it has become established since */
	if (over && payer_of(ONCE(slot_hot(f)->gate), f->t) != payer)
		return 0;
	if (WEIR_TAG_PHASE(f->t) == WEIR_FREE)
		return slot_take(f, f->t) * FRESH;
	why = idle(f->t, p->now) ? WEIR_END_EXPIRED : WEIR_END_EVICTED;
	if (!slot_empty(f->ix, f->way, f->t, why_now(f->t, why)))
		return 0;
	if (why == WEIR_END_EVICTED)
		sum(WEIR_STAT_EVICTED, 1, 0);
	f->t = (__u64)(__u16)(WEIR_TAG_INC(f->t) + 1) << 8 | WEIR_BUSY;
	return 1;
}

inline_fn __u64 gate_of(const struct packet *p, const struct verdict *v)
{
	return (__u64)p->generation << 34 | gate_bits(v) | v->ep[0] | (__u64)v->ep[1] << 16;
}
inline_fn __u16 opened_flags(const struct packet *p, const struct verdict *v)
{
	int middle = p->proto == IPPROTO_TCP && (p->tcp & (TCP_SYN | TCP_ACK)) != TCP_SYN;

	return (middle ? WEIR_COLD_PARTIAL : 0) | (v->picked_up ? WEIR_COLD_PICKED_UP : 0) |
	       (v->answer.would_deny ? WEIR_COLD_WOULD_DENY : 0);
}
/* Ours: everything but the tag. */
inline_fn void slot_fill(struct slot *f, const struct packet *p, const struct verdict *v, int fresh)
{
	struct weir_hot *h = slot_hot(f);
	__u64 inc = (__u64)WEIR_TAG_INC(f->t) << 48, one = p->elsewhere ? 0 : ((__u64)p->segments << 32) + p->bytes;
	__u16 flags = opened_flags(p, v);

	h->addr[0] = p->addr[0];
	h->addr[1] = p->addr[1];
	*(__u32 *)h->port = *(const __u32 *)p->port;
	PAUSE();
	h->rule[0] = rule_of(v, v->opener ? WEIR_INGRESS : WEIR_EGRESS);
	h->rule[1] = rule_of(v, v->opener ? WEIR_EGRESS : WEIR_INGRESS);
	h->gate = gate_of(p, v);
	h->count[0] = inc + (p->side ? 0 : one);
	h->count[1] = inc + (p->side ? one : 0);
	if (fresh && p->proto == IPPROTO_TCP)
		timing_begin(f, p);	/* a full table has no time for its cold part */
	if (flags)
		cold_begin(f)->flags = flags;
	PAUSE();
}
inline_fn __u64 tag_first(const struct slot *f, const struct packet *p, const struct verdict *v, __u64 away)
{
	__u32 phase = p->side == v->opener ? WEIR_OPENED : WEIR_ANSWERED;

	if (p->proto == IPPROTO_TCP && (p->tcp & TCP_RST))
		phase = WEIR_ENDED;
	return tag_of(p) | away | (__u64)ticks(p->now) << 24 | (f->t & 0xffff00) | (v->opener ? WEIR_TAG_OPENER : 0) | phase;
}

/* Allowed: the flow gets its slot.  The reason it came with, or why there is no room. */
__noinline int flow_open(struct packet *p, struct verdict *v, __u32 reason)
{
	struct slot f = {};
	__u32 payer;
	__u64 away = 0, t;
	int r = 0;

	if (!p || !v)
		return WEIR_NO_ROOM;
	payer = payer_of(gate_of(p, v), v->opener ? WEIR_TAG_OPENER : 0);
	if (v->picked_up && usage_crowded(payer))
		return WEIR_QUOTA_HALF;
	for (int i = 0; i < 4 && !r; i++)
		r = claim(&f, p, payer, &away);
	if (r <= 0)
		return r ? -r : WEIR_NO_ROOM;
	slot_fill(&f, p, v, r == FRESH);
	if (away)
		away_add(p->hash, 1);
	t = tag_first(&f, p, v, away);
	usage_add(payer, 1, half_open(t));
	v->slot = WEIR_SLOT_OF(f.ix, f.way);
	v->incarnation = WEIR_TAG_INC(t);
	exchange(slot_tag(&f), t);
	f.t = t;
	SEEN(&f, p, gate_of(p, v));
	p->changed = 1;
	sum(WEIR_STAT_INSERTED, 1, 0);
	record_flow(p, v, WEIR_REC_OPENED, reason, opened_flags(p, v) & WEIR_COLD_PARTIAL ? WEIR_REC_PARTIAL : 0);
	return reason;
}

#endif
