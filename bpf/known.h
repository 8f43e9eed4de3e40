/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet of a flow that has a slot.
 *
 *	flow_fast()	judged under this generation, confirmed or one-way, nothing special: two cache lines and a swap
 *	flow_known()	all else: judged again, cut, ended, expired, ICMP errors about it
 *
 * The gate's endpoint numbers stay as they were when the flow began, and so does what its opener was: whichever end sent
 * the packet, the flow is judged as its opener began it.
 */
#ifndef WEIR_BPF_KNOWN_H
#define WEIR_BPF_KNOWN_H

#include "bpf/deliver.h"
#include "bpf/offload.h"
#include "bpf/retire.h"

#ifndef SEEN
#define SEEN(f, p, gate)	/* the hammer compares what came out with what it sent */
#endif

/* A flow between two pods of this node passes both hooks when the kernel routes; its sender's hook counts. */
inline_fn int counts_here(__u64 gate, const struct packet *p, enum hook hook)
{
	return hook == FROM_POD || !number_is_pod(p->side ? WEIR_GATE_EP(gate, 1) : WEIR_GATE_EP(gate, 0));
}
/* The side of the pod at whose veth we are. */
inline_fn __u32 side_mine(const struct packet *p, enum hook hook) { return p->side ^ (hook == TO_POD); }

/*
 * At to_pod: a known packet came in as its sender's must.  A pod's: by its veth.  A socket of this node: by none.  One
 * from outside: by one that is no pod's.  A reply to a flow that this pod opened may have been translated on its way
 * back (a Service whose backend is a pod or a socket of this node), so only a pod's own address ties it to a veth.
 */
inline_fn int arrived_well(struct __sk_buff *skb, const struct packet *p, __u64 gate, __u64 t)
{
	__u32 in = skb->ingress_ifindex, sender = p->side ? WEIR_GATE_EP(gate, 1) : WEIR_GATE_EP(gate, 0);

	if (number_is_pod(sender))
		return came_from(skb, sender);
	if (p->side != !!(t & WEIR_TAG_OPENER))
		return 1;
	if (sender == WEIR_ENDPOINT_NODE)
		return !in;
	return in && !pod_by_interface(in);
}

/* By a pod's veth, yet from an address of this node: a pod spoke to the node, or to a Service by it, and was masqueraded on its
 * way back.  The first packet was let in as such; rare, and looked at last. */
inline_fn int masqueraded(struct __sk_buff *skb, const struct packet *p, __u64 gate)
{
	return skb->ingress_ifindex && !(p->side ? WEIR_GATE_EP(gate, 1) : WEIR_GATE_EP(gate, 0)) &&
	       word_has(peer_word(packet_src(p)), WEIR_WORD_HOST);
}

/*
 * What the packet makes of the flow's phase.  CONFIRMED is "the opener spoke again after the answer": a flood against a
 * listening pod is answered too.  Data after a reset: the reset was not the flow's own.  A cut flow ends only when both
 * ends gave up, for the end that goes on would else begin it anew, the other way round.
 */
inline_fn __u32 next_phase(const struct packet *p, __u64 t)
{
	__u32 phase = WEIR_TAG_PHASE(t), opener = !!(t & WEIR_TAG_OPENER), tcp = p->proto == IPPROTO_TCP;
	int finished = (t & (WEIR_TAG_FIN(0) | WEIR_TAG_FIN(1))) == (WEIR_TAG_FIN(0) | WEIR_TAG_FIN(1));

	if (phase == WEIR_CUT_FLOW)
		return finished ? WEIR_ENDED : WEIR_CUT_FLOW;
	if (tcp && ((p->tcp & TCP_RST) || finished))
		return WEIR_ENDED;
	if (phase == WEIR_OPENED && p->side != opener)
		return WEIR_ANSWERED;
	if (phase == WEIR_ANSWERED && p->side == opener && (!tcp || (p->tcp & (TCP_ACK | TCP_SYN)) == TCP_ACK))
		return WEIR_CONFIRMED;
	if (phase == WEIR_ENDED && !(p->tcp & (TCP_SYN | TCP_FIN)))
		return WEIR_ANSWERED;
	return phase;
}
inline_fn __u64 next_tag(const struct packet *p, __u64 t)
{
	__u8 ends = WEIR_TAG_PHASE(t) == WEIR_CUT_FLOW ? TCP_FIN | TCP_RST : TCP_FIN;
	__u64 n = t;

	if (p->proto == IPPROTO_TCP && (p->tcp & ends))
		n |= p->side ? WEIR_TAG_FIN(1) : WEIR_TAG_FIN(0);
	return (n & ~7ULL) | next_phase(p, n);
}
inline_fn __u64 tag_when(__u64 t, __u32 now)
{
	return (t & ~(0xffffULL << 24)) | (__u64)(in_seconds(t) ? seconds(now) : ticks(now)) << 24;
}
/* A packet may change the flow's state, and tells that the flow is alive.  1: a published tag was changed. */
inline_fn int advance(struct slot *f, const struct packet *p, __u64 gate)
{
	__u64 t = f->t;

	for (int i = 0; i < 4; i++) {
		__u64 n = next_tag(p, t);

		if (n == t && slot_age(t, p->now) < (in_seconds(t) ? 1 : 16))
			return 0;
		n = tag_when(n, p->now);
		if (swap_if(slot_tag(f), t, n)) {
			if (half_open(t) != half_open(n))
				usage_add(payer_of(gate, t), 0, half_open(n) - half_open(t));
			if (p->proto == IPPROTO_TCP && WEIR_TAG_PHASE(n) != WEIR_TAG_PHASE(t))
				timing_step(f, n);
			return 1;
		}
		t = slot_read(f);
		if (!same_hands(t, f->t))
			return 0;
	}
	return 0;
}

/* The endpoint that a packet of this gate may be handed to, and whether the gate is open at this hook.  NULL: look closely. */
inline_fn const struct weir_endpoint *gate_open(struct __sk_buff *skb, const struct packet *p, __u64 gate, enum hook hook,
						int *hand_over)
{
	__u32 mine = side_mine(p, hook), need;
	const struct weir_endpoint *me = endpoint(mine ? WEIR_GATE_EP(gate, 1) : WEIR_GATE_EP(gate, 0)), *to = me;

	if (!me || ONCE(me->ifindex) != skb->ifindex || WEIR_GATE_GEN(gate) != p->generation)
		return NULL;
	if (hook == FROM_POD) {
		to = endpoint(mine ? WEIR_GATE_EP(gate, 0) : WEIR_GATE_EP(gate, 1));
		if (!to)
			return NULL;
	}
	*hand_over = hook == FROM_POD && may_hand_over(me, to);
	need = 1 << mine | (*hand_over ? 3 : 0);
	return ((__u32)(gate >> 32) & need) == need ? to : NULL;
}

/* Will the packet change nothing of its flow but counts and the time?  So it is with confirmed flows, and with one-way
 * traffic, which nobody ever answers.  'stale': the time, too. */
inline_fn int changes_nothing(const struct packet *p, __u64 t, int *stale)
{
	__u32 phase = WEIR_TAG_PHASE(t);

	if (p->tcp & (TCP_FIN | TCP_SYN | TCP_RST))
		return 0;
	if (phase == WEIR_CONFIRMED) {
		*stale = seconds(p->now) != WEIR_TAG_WHEN(t);
		return !*stale || slot_age(t, p->now) <= 16;
	}
	return phase == WEIR_OPENED && p->side == !!(t & WEIR_TAG_OPENER) && slot_age(t, p->now) < 16;
}

/* Once a second per flow: it is alive. */
__noinline int flow_touch(const struct packet *p, __u32 slot, __u64 t, __u64 gate)
{
	struct slot f = { .ix = slot >> 3, .way = slot & 7, .t = t };

	f.b = bucket(f.ix);
	return p && f.b && advance(&f, p, gate) ? settle(p) : 0;
}

enum fast { FAST_HAND_OVER = 1, FAST_ABSENT = 2 };

/* The common case.  The receiver's endpoint, or NULL: nothing has happened yet, and ABSENT if no slot can be the flow's. */
inline_fn const struct weir_endpoint *flow_fast(struct __sk_buff *skb, struct packet *p, enum hook hook, int *what)
{
	const struct weir_endpoint *to;
	__u32 ix = place(p->hash, 0);
	int hand_over = 0, stale = 0;
	struct slot f;
	__u64 gate;

	f.b = bucket(ix);
	if (!f.b)
		return NULL;
	if (!find_own(&f, ix, f.b, p) && !find_in(&f, ix, f.b, p, 1)) {
		*what = f.way >= WEIR_WAYS && !ONCE(f.b->away) ? FAST_ABSENT : 0;
		return NULL;
	}
	if (!changes_nothing(p, f.t, &stale))
		return NULL;
	PAUSE();
	gate = ONCE(slot_hot(&f)->gate);
	PAUSE();
	to = gate_open(skb, p, gate, hook, &hand_over);
	if (!to || (hook == TO_POD && !(slot_still(&f, gate) && arrived_well(skb, p, gate, f.t))))
		return NULL;
	if (hook == FROM_POD && (!hand_over || skb->vlan_present) && offload_odd(skb, ETH_HLEN + (p->six ? 44 : 24)))
		return NULL;
	if (counts_here(gate, p, hook) && count(&f, p, 0) != COUNTED)
		return NULL;
	SEEN(&f, p, gate);
	if (stale) {
		packet_rest(p);		/* 6.1 hands no memory to a function that is not all written */
		flow_touch(p, WEIR_SLOT_OF(ix, f.way), f.t, gate);
	}
	*what = hand_over;
	return to;
}

/* Which sides are judged: this hook's, under a newer generation what was judged before, and for a cut flow all there are,
 * so that it lives again only if nobody objects. */
inline_fn __u8 sides_again(const struct slot *f, const struct packet *p, const struct verdict *v, __u64 gate, __u32 mine,
			   int all)
{
	const struct weir_hot *h = slot_hot(f);
	__u8 sides = 0;

#pragma unroll
	for (__u32 side = 0; side < 2; side++) {
		__u32 rule = ONCE(h->rule[side]);

		if (!number_is_pod(v->ep[side]))
			continue;
		if (WEIR_GATE_GEN(gate) == p->generation && (gate & WEIR_GATE_OK(side)))
			continue;
		if (all || side == mine || rule != WEIR_RULE_NONE)
			sides |= WEIR_SIDE(side == v->opener ? WEIR_EGRESS : WEIR_INGRESS);
	}
	return sides;
}
/* The flow as its opener began it, to be judged again. */
inline_fn void verdict_again(const struct slot *f, const struct packet *p, struct verdict *v, __u64 gate, enum hook hook,
			     int hand_over)
{
	__builtin_memset(v, 0, sizeof(*v));
	v->opener = !!(f->t & WEIR_TAG_OPENER);
	v->slot = WEIR_SLOT_OF(f->ix, f->way);
	v->incarnation = WEIR_TAG_INC(f->t);
	v->ep[0] = WEIR_GATE_EP(gate, 0);
	v->ep[1] = WEIR_GATE_EP(gate, 1);
	peer_slots(p, v);
	v->self = addr_same(&p->addr[0], &p->addr[1]) && v->ep[0] == v->ep[1] && number_is_pod(v->ep[0]) && !control.hairpin;
	if (!v->self)
		v->sides = sides_again(f, p, v, gate, side_mine(p, hook),
				       hand_over || WEIR_TAG_PHASE(f->t) == WEIR_CUT_FLOW);
}
inline_fn __u64 gate_bits(const struct verdict *v)
{
	__u64 bits = 0;

	if (v->self)
		return WEIR_GATE_OK(0) | WEIR_GATE_OK(1);
	if (v->sides & WEIR_SIDE(WEIR_EGRESS))
		bits |= v->opener ? WEIR_GATE_OK(1) : WEIR_GATE_OK(0);
	if (v->sides & WEIR_SIDE(WEIR_INGRESS))
		bits |= v->opener ? WEIR_GATE_OK(0) : WEIR_GATE_OK(1);
	return bits;
}

#define GATE_KEPT (~0ULL >> 32)		/* endpoints and MOVED stay */

/* Locked: the slot learns what was said.  1: a record shall tell, once per generation: an author changed, or an audited
 * policy would object. */
inline_fn int remember_again(struct slot *f, const struct packet *p, const struct verdict *v, int denied)
{
	struct weir_hot *h = slot_hot(f);
	__u64 had, bits = denied ? 0 : gate_bits(v);
	int fresh, changed = 0;

	cold_flags(f, (v->answer.would_deny ? WEIR_COLD_WOULD_DENY : 0) |
		      (denied && v->answer.side == WEIR_EGRESS ? WEIR_COLD_CUT_EGRESS : 0),
		   WEIR_COLD_WOULD_DENY | WEIR_COLD_CUT_EGRESS);
	had = h->gate;
	fresh = WEIR_GATE_GEN(had) != p->generation;
	PAUSE();
#pragma unroll
	for (int side = 0; side < 2; side++) {
		__u16 rule = v->answer.said[side == v->opener ? WEIR_EGRESS : WEIR_INGRESS].rule;

		if (!rule || rule == h->rule[side])
			continue;
		changed |= h->rule[side] != WEIR_RULE_NONE;
		ONCE(h->rule[side]) = rule;
	}
	if (!fresh && !denied)
		bits |= had & (WEIR_GATE_OK(0) | WEIR_GATE_OK(1));
	ONCE(h->gate) = (had & GATE_KEPT) | bits | (__u64)p->generation << 34;
	if (fresh && changed)
		return 1;
	return denied ? WEIR_TAG_PHASE(f->t) != WEIR_CUT_FLOW : v->answer.would_deny || WEIR_TAG_PHASE(f->t) == WEIR_CUT_FLOW;
}
/* Locked: from CUT to alive or the other way, or just unlocked. */
inline_fn void unlock_as(struct slot *f, const struct packet *p, __u64 gate, __u32 phase)
{
	for (int i = 0; i < 4; i++) {
		__u64 t = slot_read(f), n = (t & ~7ULL & ~WEIR_TAG_LOCK) | phase;

		n = tag_when(n, p->now);
		if (!swap_if(slot_tag(f), t, n))
			continue;
		if (half_open(t) != half_open(n))
			usage_add(payer_of(gate, t), 0, half_open(n) - half_open(t));
		f->t = n;
		return;
	}
	slot_unlock(f);
}

enum mark { UNMARKED, MARKED, MARKED_TELL, STILL_CUT, NEVER_BEEN };

/* What was said goes into the slot, if it can be locked.  Denied where it was let in before: cut.  Denied at the second
 * hook of a flow that only the first has let pass: it shall never have been.  A function of its own: the judge's frame is
 * gone then, and 6.1 adds up the stacks of a chain of calls. */
__noinline int flow_mark(const struct packet *p, const struct verdict *v, __u64 t, __u32 denied)
{
	struct slot f = { .t = t };
	__u32 was_cut, side, tell;
	__u64 gate;

	if (!p || !v)
		return UNMARKED;
	f.ix = v->slot >> 3;
	f.way = v->slot & 7;
	f.b = bucket(f.ix);
	if (!f.b)
		return UNMARKED;
	side = v->answer.side == WEIR_EGRESS ? v->opener : !v->opener;
	if (denied && ONCE(slot_hot(&f)->rule[side & 1]) == WEIR_RULE_NONE)
		return NEVER_BEEN;
	if (!slot_lock(&f))
		return UNMARKED;
	f.t = slot_read(&f);		/* it may have been cut, or live again, since it was found; not any more */
	was_cut = WEIR_TAG_PHASE(f.t) == WEIR_CUT_FLOW;
	gate = slot_hot(&f)->gate;
	if (!denied && was_cut && WEIR_GATE_GEN(gate) == p->generation) {
		slot_unlock(&f);	/* by the other hook, under this policy */
		return STILL_CUT;
	}
	tell = remember_again(&f, p, v, denied);
	if (denied && !was_cut) {
		sum(WEIR_STAT_CUT_FLOWS, 1, 0);
		unlock_as(&f, p, gate, WEIR_CUT_FLOW);
	} else if (!denied && was_cut) {
		unlock_as(&f, p, gate, WEIR_ANSWERED);
	} else {
		slot_unlock(&f);
	}
	return tell ? MARKED_TELL : MARKED;
}

/* Whoever was not asked now has said what the slot says. */
inline_fn void said_before(const struct slot *f, struct verdict *v)
{
	const struct weir_hot *h = slot_hot(f);

	if (!v->answer.said[WEIR_EGRESS].rule)
		v->answer.said[WEIR_EGRESS].rule = v->opener ? ONCE(h->rule[1]) : ONCE(h->rule[0]);
	if (!v->answer.said[WEIR_INGRESS].rule)
		v->answer.said[WEIR_INGRESS].rule = v->opener ? ONCE(h->rule[0]) : ONCE(h->rule[1]);
}

/* Cut, and nobody is asked again under this generation: who said no is in the slot. */
inline_fn enum weir_reason still_cut(const struct slot *f, struct verdict *v)
{
	int cold = !!(slot_hot(f)->gate & WEIR_GATE_MOVED);

	said_before(f, v);
	v->answer.side = cold && (slot_cold(f)->flags & WEIR_COLD_CUT_EGRESS) ? WEIR_EGRESS : WEIR_INGRESS;
	return WEIR_CUT;
}

/* Judge again; the verdict is this packet's even if the slot cannot be locked. */
inline_fn enum weir_reason flow_again(struct slot *f, struct packet *p, struct verdict *v)
{
	enum weir_reason why = judge(p, v);
	__u64 t;
	int mark;

	if (!v->sides && !v->self)
		return WEIR_UNARMED;	/* the pod is leaving under our feet */
	said_before(f, v);
	mark = flow_mark(p, v, f->t, why != WEIR_ALLOWED);

	sum(WEIR_STAT_REJUDGED, 1, 0);
	if (mark == NEVER_BEEN) {
		slot_retire(f, f->t, WEIR_END_DENIED);
		v->slot = ~0U;
		return why;
	}
	t = slot_read(f);
	if (same_hands(t, f->t))
		f->t = t;
	if (mark == MARKED_TELL)
		record_again(p, v, why != WEIR_ALLOWED);
	p->changed |= mark != UNMARKED;
	if (mark == STILL_CUT)
		return WEIR_CUT;
	return why == WEIR_ALLOWED ? WEIR_UNDECIDED : WEIR_CUT;
}

/* Taken for a reply to something older than us, but a SYN replies to nothing: who presumed that opened a door to a closed
 * pod, for whoever sent a packet that it drops in silence, and then a SYN. */
inline_fn int presumed(const struct slot *f, const struct packet *p, __u64 gate)
{
	return p->side != !!(f->t & WEIR_TAG_OPENER) && (gate & WEIR_GATE_MOVED) &&
	       (ONCE(slot_cold(f)->flags) & WEIR_COLD_PICKED_UP);
}
/* What a slot that was found cannot serve: it is retired, and the packet is new. */
inline_fn int flow_over(struct slot *f, const struct packet *p, __u64 gate)
{
	if (slot_expired(f->t, p->now))
		return WEIR_END_EXPIRED;
	if (p->proto == IPPROTO_TCP && (p->tcp & (TCP_SYN | TCP_ACK)) == TCP_SYN &&
	    (WEIR_TAG_PHASE(f->t) == WEIR_ENDED || presumed(f, p, gate)))
		return WEIR_END_REUSED;
	return 0;
}

/* Is this pod's end of the slot another's?  0: it is ours; LEFT: the slot must go; -1: the packet makes no flow. */
inline_fn int flow_foreign(const struct packet *p, __u64 gate, enum hook hook)
{
	__u32 mine = side_mine(p, hook);
	const struct weir_addr *a = mine ? &p->addr[1] : &p->addr[0];

	if ((mine ? WEIR_GATE_EP(gate, 1) : WEIR_GATE_EP(gate, 0)) == p->me)
		return 0;
	if (hook == FROM_POD)
		return packet_dhcp(p) || word_own(peer_word(a), p->me) ? WEIR_END_LEFT : -1;
	return word_pod(peer_word(a)) == p->me ? WEIR_END_LEFT : -1;
}

/* The quoted packet's sender must have sent something. */
inline_fn int has_sent(const struct slot *f, __u32 side)
{
	const struct weir_hot *h = slot_hot(f);

	return (ONCE(h->gate) & WEIR_GATE_MOVED) || WEIR_COUNT_PACKETS(side ? ONCE(h->count[1]) : ONCE(h->count[0]));
}

/* Counts move to the totals, and whoever looks next finds room. */
inline_fn void make_room(struct slot *f, struct packet *p)
{
	if (!slot_lock(f))
		return;
	move_counts(f);
	slot_unlock(f);
	p->changed = 1;
}

/* UNDECIDED: it has no slot that could serve.  Else the packet's fate; p->to: whom it is handed to. */
__noinline int flow_known(struct __sk_buff *skb, struct packet *p, struct verdict *v, int to_pod)
{
	enum hook hook = to_pod ? TO_POD : FROM_POD;

	if (!p || !v)
		return WEIR_NO_ROOM;
	for (int i = 0; i < 3; i++) {
		const struct weir_endpoint *to;
		enum weir_reason why = WEIR_UNDECIDED;
		int hand_over = 0, over, wrong;
		enum counted r;
		struct slot f;
		__u64 gate;

		if (!find(&f, p))
			break;
		PAUSE();
		gate = ONCE(slot_hot(&f)->gate);
		if (!slot_still(&f, gate)) {
			sum(WEIR_STAT_RETRIED, 1, 0);
			continue;
		}
		over = flow_over(&f, p, gate) ?: flow_foreign(p, gate, hook);
		if (over < 0)
			break;
		if (over) {
			if (slot_retire(&f, f.t, over) && over == WEIR_END_EXPIRED)
				sum(WEIR_STAT_EXPIRED, 1, 0);
			continue;
		}
		if (p->kind != PACKET_ERROR)
			p->elsewhere = !counts_here(gate, p, hook);
		wrong = hook == TO_POD && p->kind != PACKET_ERROR && !arrived_well(skb, p, gate, f.t) &&
			!masqueraded(skb, p, gate);
		to = gate_open(skb, p, gate, hook, &hand_over);
		if (!to || wrong) {
			verdict_again(&f, p, v, gate, hook, hand_over);
			if (wrong) {
				v->opener = p->side;
				return WEIR_WRONG_WAY;
			}
			why = WEIR_TAG_PHASE(f.t) == WEIR_CUT_FLOW && WEIR_GATE_GEN(gate) == p->generation ?
			      still_cut(&f, v) : flow_again(&f, p, v);
			if (why != WEIR_UNDECIDED && why != WEIR_CUT)
				return why;
		}
		if (offload_watched(skb, p, hook, hand_over) && offload_odd(skb, offload_least(p))) {
			verdict_again(&f, p, v, gate, hook, hand_over);
			v->opener = p->side;
			v->answer.side = WEIR_EGRESS;
			return WEIR_BAD_L4;
		}
		if (hand_over)
			p->to = p->side ? WEIR_GATE_EP(gate, 0) : WEIR_GATE_EP(gate, 1);
		if (p->kind == PACKET_ERROR)
			return why ?: has_sent(&f, !p->side) ? WEIR_RELATED : WEIR_UNRELATED;
		r = p->elsewhere ? COUNTED : count(&f, p, i == 2);
		if (r == CROWDED && i < 2) {
			make_room(&f, p);
			continue;
		}
		if (r == GONE) {
			sum(WEIR_STAT_RETRIED, 1, 0);
			continue;
		}
		if (r == CROWDED)	/* the flow is known and open, only its counter is contended */
			sum(WEIR_STAT_STRAY, p->segments, p->bytes);
		SEEN(&f, p, gate);
		if (advance(&f, p, gate))
			p->changed = 1;
		return why ?: p->kind == PACKET_LATER ? WEIR_FRAGMENT : WEIR_KNOWN;
	}
	return p->kind == PACKET_ERROR ? WEIR_UNRELATED : WEIR_UNDECIDED;
}

#endif
