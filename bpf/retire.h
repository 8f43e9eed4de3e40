/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A slot's end: taken from its flow, which leaves one record with its totals. */
#ifndef WEIR_BPF_RETIRE_H
#define WEIR_BPF_RETIRE_H

#include "bpf/record.h"
#include "bpf/table.h"

/* [0] what the opener sent, [1] what it got. */
struct totals {
	__u64 packets[2], bytes[2];
};

/* Ours.  The exchange gives 'count' the new incarnation, so a packet of the old flow that is still on its way fails its
 * compare-and-swap and looks the flow up again: it is before the exchange, or not in this record. */
inline_fn void totals_take(struct slot *f, struct weir_hot *h, struct totals *t, __u32 opener)
{
	const struct weir_cold *c = slot_cold(f);
	__u64 inc = (__u64)WEIR_TAG_INC(f->t) << 48;

#pragma unroll
	for (__u32 i = 0; i < 2; i++) {
		__u32 side = (opener ^ i) & 1;
		__u64 x = exchange(&h->count[side], inc);

		t->packets[i] = WEIR_COUNT_PACKETS(x);
		t->bytes[i] = WEIR_COUNT_BYTES(x);
		if (h->gate & WEIR_GATE_MOVED) {
			t->packets[i] += c->packets[side];
			t->bytes[i] += c->bytes[side];
		}
	}
}

/* Silence is enough for a half-open flow of one packet: the record of its opening told all. */
inline_fn int ends_silently(const struct weir_hot *h, const struct totals *t, __u64 was, __u32 why)
{
	return silent_ends && (why == WEIR_END_EVICTED || why == WEIR_END_DENIED) && WEIR_TAG_PHASE(was) == WEIR_OPENED &&
	       !(h->gate & WEIR_GATE_MOVED) && t->packets[0] + t->packets[1] <= 1;
}
inline_fn __u8 closed_flags(const struct slot *f, const struct weir_hot *h, __u64 was, __u32 why)
{
	__u32 phase = WEIR_TAG_PHASE(was);
	__u8 flags = WEIR_REC_HERE;

	if (phase == WEIR_CUT_FLOW)
		flags |= WEIR_REC_CUT;
	if (why == WEIR_END_EVICTED && phase != WEIR_ENDED)
		flags |= WEIR_REC_PARTIAL;
	if (h->gate & WEIR_GATE_MOVED) {
		__u16 cold = slot_cold(f)->flags;

		flags |= cold & WEIR_COLD_PICKED_UP ? WEIR_REC_PICKED_UP : 0;
		flags |= cold & WEIR_COLD_PARTIAL ? WEIR_REC_PARTIAL : 0;
	}
	return flags;
}

/* How a connection ended, as far as its tag knows: FIN of either side; ended without both, by RST. */
inline_fn __u8 closed_tcp_flags(__u64 was)
{
	__u64 both = WEIR_TAG_FIN(0) | WEIR_TAG_FIN(1);
	int ended = WEIR_TAG_PHASE(was) == WEIR_ENDED;

	if (WEIR_TAG_PROTO(was) != IPPROTO_TCP)
		return 0;
	return (was & both ? WEIR_CLOSED_FIN : 0) | (ended ? WEIR_CLOSED_ENDED : 0) |
	       (ended && (was & both) != both ? WEIR_CLOSED_RST : 0);
}
/* Why a slot is emptied, and what its tag tells of the end: enum weir_end | 'tcp_flags' << 8 | 'audit' << 16 of the record.
 * Worked out beside slot_empty(), not in it: there a word more on the stack is more than 6.1 has. */
#define WHY_END(why) ((why) & 0xff)
__noinline int why_now(__u64 was, __u32 why)
{
	struct weir_time now = time_at((__u32)bpf_jiffies64() + control.later);
	__u32 silence = weir_silence(was, &now);

	return why | (closed_tcp_flags(was) | silence >> 8 << 3) << 8 | (silence & 0xff) << 16;
}

inline_fn void timing_told(const struct slot *f, __u64 was, struct weir_record *r)
{
	__u64 v = slot_cold(f)->timing;
	int ours = WEIR_TAG_PROTO(was) == IPPROTO_TCP && WEIR_TIMING_INC(v) == WEIR_TAG_INC(was), over = !!(v & WEIR_TIMING_OVER);

	r->total.handshake_us = ours && over ? WEIR_TIMING_US(v >> 24 & WEIR_TIMING_MASK) : 0;
	r->total.answer_us = ours ? WEIR_TIMING_US(v & (WEIR_TIMING_OVER - 1)) : 0;
}
inline_fn void record_closed(const struct slot *f, const struct weir_hot *h, const struct totals *t, __u64 was,
			    __u32 why)
{
	struct weir_record *r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);
	__u32 o = !!(was & WEIR_TAG_OPENER), other = o ^ 1;

	if (!r) {
		record_lost(WEIR_STAT_LOST_CLOSED, t->packets[0] + t->packets[1], t->bytes[0] + t->bytes[1]);
		return;
	}
	r->time = bpf_ktime_get_ns();
	r->src = h->addr[o & 1];
	r->dst = h->addr[other & 1];
	r->sport = h->port[o & 1];
	r->dport = h->port[other & 1];
	r->proto = WEIR_TAG_PROTO(was);
	r->kind = WEIR_REC_CLOSED;
	r->reason = WHY_END(why);
	r->flags = closed_flags(f, h, was, WHY_END(why));
	r->rule[WEIR_EGRESS] = h->rule[o & 1];
	r->rule[WEIR_INGRESS] = h->rule[other & 1];
	r->endpoint[WEIR_EGRESS] = WEIR_GATE_EP(h->gate, o);
	r->endpoint[WEIR_INGRESS] = WEIR_GATE_EP(h->gate, other);
	r->slot = WEIR_SLOT_OF(f->ix, f->way);
	r->incarnation = WEIR_TAG_INC(was);
	r->tcp_flags = why >> 8;
	r->audit = why >> 16;
	r->total.packets[0] = t->packets[0];
	r->total.packets[1] = t->packets[1];
	r->total.bytes[0] = t->bytes[0];
	r->total.bytes[1] = t->bytes[1];
	timing_told(f, was, r);
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
}

/* Take a slot from its flow if its tag is still 't': 1, and every byte is ours (BUSY), its payer paid back.  'why' is of why_now(). */
__noinline int slot_empty(__u32 ix, __u32 way, __u64 t, __u32 why)
{
	struct slot f = { .b = bucket(ix), .ix = ix, .way = way };
	struct totals totals;
	struct weir_hot *h;

	if (!f.b || way >= WEIR_WAYS || !slot_take(&f, t))
		return 0;
	if (WEIR_TAG_PHASE(t) == WEIR_FREE)
		return 1;
	h = &f.b->hot[slot_way(&f)];	/* ours: the swap stood between its tag and this */
	if (t & WEIR_TAG_AWAY)
		away_add(hash_ends(&h->addr[0], &h->addr[1], *(__u32 *)h->port, WEIR_TAG_PROTO(t)), -1ULL);
	usage_add(payer_of(h->gate, t), -1, -half_open(t));
	totals_take(&f, h, &totals, !!(t & WEIR_TAG_OPENER));	/* after the hash: fewer words live at once, and 6.1 counts every callee's stack */
	PAUSE();
	if (ends_silently(h, &totals, t, WHY_END(why)))
		sum(WEIR_STAT_SILENT, totals.packets[0] + totals.packets[1], totals.bytes[0] + totals.bytes[1]);
	else
		record_closed(&f, h, &totals, t, why);
	return 1;
}

/* The slot is nobody's any more; the incarnation stays. */
inline_fn int slot_retire(struct slot *f, __u64 t, __u32 why)
{
	if (!slot_empty(f->ix, f->way, t, why_now(t, why)))
		return 0;
	exchange(&f->b->tag[slot_way_anew(f)], (__u64)(__u16)(WEIR_TAG_INC(t) + 1) << 8 | WEIR_FREE);
	return 1;
}

/*
 * Two CPUs may both have inserted the flow.  Whoever has just changed a published tag (insert, state, unlock) looks,
 * and retires all but the first.  A retire that fails, fails because of somebody who will look after us.
 */
__noinline int settle(const struct packet *p)
{
	struct slot f = {};
	__u32 ix[2], m, seen = 0;
	struct weir_bucket *b[2];
	__u64 want;

	if (!p)
		return 0;
	PAUSE();
	want = tag_of(p);
	ix[0] = place(p->hash, 0);
	ix[1] = place(p->hash, 1);
	b[0] = bucket(ix[0]);
	b[1] = bucket(ix[1]);
	if (!b[0] || !b[1])
		return 0;
	m = matches(b[0], want);
	if (ONCE(b[0]->away) && ix[0] != ix[1])
		m |= matches(b[1], want) << 8;
	if (!(m & (m - 1)))
		return 0;
	for (__u32 i = 0; i < 16; i++) {
		if (!(m >> i & 1))
			continue;
		f.b = i < 8 ? b[0] : b[1];
		f.ix = i < 8 ? ix[0] : ix[1];
		f.way = i & 7;
		f.t = slot_read(&f);
		if ((f.t & WEIR_TAG_MATCH) != want || !same_key(slot_hot(&f), p))
			continue;
		if (seen && slot_retire(&f, f.t, WEIR_END_MERGED))
			sum(WEIR_STAT_MERGED, 1, 0);
		seen = 1;
	}
	return 1;
}

#endif
