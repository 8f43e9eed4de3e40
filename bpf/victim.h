/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which slot a new flow should have.  Only tags are read, unless its payer is over a quota: then only slots of the same
 * payer will do, so a flood, or two pods in league, thrash only themselves.  A flow that is confirmed or cut is a victim
 * only when silent beyond its life.
 */
#ifndef WEIR_BPF_VICTIM_H
#define WEIR_BPF_VICTIM_H

#include "bpf/table.h"

/* How good a victim: order << 20 | freshness << 4 | way, lower is better, order 15 is never.
 * Free 0, ended for a second 1, half-open 2, answered 3, just ended 4. */
#define NEVER (15U << 20)
inline_fn __u32 rank(__u64 t, __u32 now, __u32 way)
{
	__u16 age = ticks(now) - WEIR_TAG_WHEN(t);
	__u32 phase = WEIR_TAG_PHASE(t), order = 0xff1f32f0U >> (phase * 4) & 15;

	if (phase == WEIR_ENDED && age < 16)
		order = 4;
	order |= (t >> 6 & 1) * 15;
	return order << 20 | (__u32)(__u16)~age << 4 | way;
}
/* The best victim of a bucket, and above it (<< 24) how many of its slots are free. */
inline_fn __u32 weigh(const struct weir_bucket *b, __u32 now)
{
	__u32 best = ~0U >> 8, n = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < WEIR_WAYS; i++) {
		__u64 t = ONCE(b->tag[i]);
		__u32 r = rank(t, now, i);

		n += (__u32)(((t & 7) - 1) >> 63);
		best = r < best ? r : best;
	}
	return n << 24 | best;
}
inline_fn int idle(__u64 t, __u32 now)
{
	return in_seconds(t) && !(t & WEIR_TAG_LOCK) && slot_expired(t, now);
}

/* The way (8 and above: in the second bucket), or -1.  A flood stays in its first bucket: no half-open flow is pushed
 * out by one from elsewhere. */
__noinline int victim(__u32 ix0, __u32 ix1, __u32 own, __u32 now)
{
	struct weir_bucket *b0 = bucket(ix0), *b1 = bucket(ix1);
	__u32 r0, r1;

	if (!b0 || !b1)
		return -1;
	if (own < WEIR_WAYS && WEIR_TAG_PHASE(ONCE(b0->tag[own])) == WEIR_FREE)
		return own;
	r0 = weigh(b0, now);
	if (r0 >> 24 >= 3)
		return r0 & 7;
	r1 = weigh(b1, now);
	if (r1 >> 24 > r0 >> 24 || ((r0 & 0xffffff) >= NEVER && (r1 & 0xffffff) < NEVER))
		r0 = r1 | 8;
	if ((r0 & 0xffffff) < NEVER)
		return r0 & 15;
	for (__u32 i = 0; i < 16; i++) {
		struct slot f = { .b = i < 8 ? b0 : b1, .way = i & 7 };

		if (f.way < WEIR_WAYS && idle(slot_read(&f), now))
			return i;
	}
	return -1;
}

/* How good a victim for a payer over its quota, ~0: none.  'who' is payer << 1 | "half-open ones only". */
__noinline int suits(__u32 ix, __u32 way, __u32 now, __u32 who)
{
	struct slot f = { .b = bucket(ix), .ix = ix, .way = way };
	__u32 r;

	if (!f.b || way >= WEIR_WAYS)
		return ~0U;
	f.t = slot_read(&f);
	r = idle(f.t, now) ? 0 : rank(f.t, now, 0);
	if (WEIR_TAG_PHASE(f.t) == WEIR_FREE || r >= NEVER || ((who & 1) && !half_open(f.t)))
		return ~0U;
	return payer_of(ONCE(slot_hot(&f)->gate), f.t) == who >> 1 ? r : ~0U;
}

/* Over a quota: the way of a slot of the same payer, or -1. */
__noinline int victim_of(__u32 ix0, __u32 ix1, __u32 now, __u32 who)
{
	__u32 best = ~0U;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < 16; i++) {
		__u32 r = suits(i < 8 ? ix0 : ix1, i & 7, now, who);

		r = r == ~0U ? r : (r & ~15U) | i;
		best = r < best ? r : best;
	}
	return best == ~0U ? -1 : best & 15;
}

#endif
