/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flow table: two candidate buckets of seven slots for a flow.  Who may do what:
 *
 *	anyone		matches a published tag, reads the slot, counts by compare-and-swap
 *	the owner	(tag swapped to BUSY) writes everything, then publishes the tag
 *	the locker	(tag swapped to |LOCK) rewrites gate and rules, or moves counts to the totals
 *
 * No store reaches a slot that may have changed hands, and programs always finish, so nothing stays held.
 *
 * Order of loads: a slot's line is read through an address made of its tag (after()), so key, gate and counts are
 * never older than the tag that named them; the swap of a count is a full barrier, so the gate was read before it.
 * Order of stores: tags are published by exchange, after everything else.
 */
#ifndef WEIR_BPF_TABLE_H
#define WEIR_BPF_TABLE_H

#include "bpf/packet.h"
#include "bpf/usage.h"

#include <weir/life.h>

#ifndef PAUSE
#define PAUSE()		/* the hammer waits here at random */
#endif

/* A slot as a program came to it: where it is, and its tag when it was read. */
struct slot {
	struct weir_bucket *b;
	__u64 t;
	__u32 ix, way;
};

inline_fn __u32 slot_way(const struct slot *f) { return f->way < WEIR_WAYS ? f->way : 0; }
inline_fn __u64 *slot_tag(const struct slot *f) { return &f->b->tag[slot_way(f)]; }
inline_fn __u64 slot_read(const struct slot *f) { return ONCE(*slot_tag(f)); }
inline_fn struct weir_hot *slot_hot(const struct slot *f)
{
	return (void *)&f->b->hot[slot_way(f)] + after(f->t);
}
/* The way is checked again behind the compiler's back: older verifiers (6.1) forget what was known of it. */
inline_fn __u32 slot_way_anew(const struct slot *f)
{
	__u32 way = f->way;

	asm volatile("" : "+r"(way));
	return way < WEIR_WAYS ? way : 0;
}
inline_fn struct weir_cold *slot_cold(const struct slot *f) { return &f->b->cold[slot_way_anew(f)]; }
inline_fn int same_hands(__u64 a, __u64 b) { return !((a ^ b) & WEIR_TAG_ID); }

/* The clock's two units (weir_control.clock). */
inline_fn __u16 ticks(__u32 now) { return now >> (control.clock & 15); }
inline_fn __u16 seconds(__u32 now) { return now >> ((control.clock & 15) + 4); }
inline_fn int in_seconds(__u64 t) { return weir_in_seconds(t); }
inline_fn struct weir_time time_at(__u32 now)
{
	return (struct weir_time){ .now = now, .hz = control.hz, .clock = control.clock };
}
inline_fn __u32 slot_age(__u64 t, __u32 now)
{
	struct weir_time at = time_at(now);

	return weir_age(t, &at);
}
inline_fn int slot_expired(__u64 t, __u32 now)
{
	struct weir_time at = time_at(now);

	return weir_expired(t, &at);
}

/* NH: sums and products of seeded halves, universal for whoever does not know the seed; the product with a secret odd
 * number brings the entropy to the top bits. */
inline_fn __u64 hash_ends(const struct weir_addr *a, const struct weir_addr *b, __u32 ports, __u32 proto)
{
	const __u32 *seed = control.seed;
	__u64 h;

	h = (__u64)(__u32)((__u32)a->w[0] + seed[0]) * (__u32)((__u32)(a->w[0] >> 32) + seed[1]);
	h += (__u64)(__u32)((__u32)a->w[1] + seed[2]) * (__u32)((__u32)(a->w[1] >> 32) + seed[3]);
	h += (__u64)(__u32)((__u32)b->w[0] + seed[4]) * (__u32)((__u32)(b->w[0] >> 32) + seed[5]);
	h += (__u64)(__u32)((__u32)b->w[1] + seed[6]) * (__u32)((__u32)(b->w[1] >> 32) + seed[7]);
	h += (__u64)(__u32)(ports + seed[8]) * (__u32)(proto + seed[9]);
	return h * control.seed_mul[0];
}
inline_fn __u64 packet_hash(const struct packet *p)
{
	return hash_ends(&p->addr[0], &p->addr[1], *(const __u32 *)p->port, p->proto);
}
inline_fn __u64 tag_of(const struct packet *p)
{
	return (__u64)p->proto << 56 | (p->hash >> 24 & 0xffff) << 40;
}
inline_fn __u32 place(__u64 hash, int second)
{
	return (second ? hash * control.seed_mul[1] : hash) >> 40 & control.bucket_mask;
}
/* A flow's own way in its first bucket, where it is unless that was taken: looked at alone, the branch is predicted and
 * the slot's line is fetched together with the tags'. */
inline_fn __u32 own_way(__u64 hash) { return ((__u32)hash >> 8 & 0xffff) * WEIR_WAYS >> 16; }
inline_fn struct weir_bucket *bucket(__u32 ix) { return bpf_map_lookup_elem(&flows, &ix); }

inline_fn int same_key(const struct weir_hot *h, const struct packet *p)
{
	return !((h->addr[0].w[0] ^ p->addr[0].w[0]) | (h->addr[0].w[1] ^ p->addr[0].w[1]) |
		 (h->addr[1].w[0] ^ p->addr[1].w[0]) | (h->addr[1].w[1] ^ p->addr[1].w[1]) |
		 (*(const __u32 *)h->port ^ *(const __u32 *)p->port));
}
/* A bit per slot whose tag matches: no branch to mispredict, and nothing for the verifier to fork on. */
inline_fn __u32 matches(const struct weir_bucket *b, __u64 want)
{
	__u64 m = 0;

#pragma unroll
	for (int i = 0; i < WEIR_WAYS; i++)
		m |= (((ONCE(b->tag[i]) ^ want) >> 40) - 1) >> 63 << i;
	return m;
}
inline_fn __u32 lowest(__u32 m)		/* the lowest bit of eight, by a de Bruijn product */
{
	return 0x56374210U >> (((m & -m) * 0x17 & 0xff) >> 5 << 2) & 7;
}
/* Where no tag matches, the way is none: WEIR_WAYS. */
inline_fn int find_in(struct slot *f, __u32 ix, struct weir_bucket *b, const struct packet *p, int tries)
{
	__u64 want = tag_of(p);
	__u32 m = matches(b, want);

	f->b = b;
	f->ix = ix;
	f->way = WEIR_WAYS;
	for (int i = 0; i < tries && m; i++, m &= m - 1) {
		f->way = lowest(m);
		f->t = slot_read(f);
		PAUSE();
		if ((f->t & WEIR_TAG_MATCH) == want && same_key(slot_hot(f), p))
			return 1;
	}
	return 0;
}
inline_fn int find_own(struct slot *f, __u32 ix, struct weir_bucket *b, const struct packet *p)
{
	*f = (struct slot){ .b = b, .ix = ix, .way = own_way(p->hash) };
	f->t = slot_read(f);
	PAUSE();
	return (f->t & WEIR_TAG_MATCH) == tag_of(p) && same_key(slot_hot(f), p);
}
inline_fn int find(struct slot *f, const struct packet *p)
{
	__u32 ix = place(p->hash, 0);
	struct weir_bucket *b = bucket(ix);

	if (!b)
		return 0;
	if (find_in(f, ix, b, p, 3))
		return 1;
	if (!ONCE(b->away))
		return 0;
	ix = place(p->hash, 1);
	b = bucket(ix);
	return b && find_in(f, ix, b, p, 3);
}

/* Is the slot still what it was found as, now that its gate has been read?  A count proves as much by itself; a hook that
 * does not count has nothing else to prove whose gate it read. */
inline_fn int slot_still(const struct slot *f, __u64 gate)
{
	return same_hands(ONCE(*(slot_tag(f) + after(gate))), f->t);
}

enum counted { COUNTED, GONE, CROWDED };

#ifndef COUNT_HIGH
#define COUNT_HIGH	(1ULL << 47 | 1ULL << 31)	/* half full: time to move the counts to the totals */
#endif

/*
 * The one instruction that says the packet belongs to the flow: it succeeds only while the slot is still the incarnation
 * whose tag, key and gate were read before; a slot that changed hands has another in 'count'.
 */
inline_fn enum counted count(struct slot *f, const struct packet *p, int last_try)
{
	struct weir_hot *h = slot_hot(f);
	__u64 *w = p->side ? &h->count[1] : &h->count[0], c = ONCE(*w);

	for (int i = 0; i < 4; i++) {
		__u64 was;

		if (WEIR_COUNT_INC(c) != WEIR_TAG_INC(f->t))
			return GONE;
		if (last_try ? WEIR_COUNT_PACKETS(c) + p->segments > 0xffff ||
			       (WEIR_COUNT_BYTES(c) + (__u64)p->bytes) >> 32 : c & COUNT_HIGH)
			return CROWDED;
		PAUSE();
		was = __sync_val_compare_and_swap(w, c, c + ((__u64)p->segments << 32) + p->bytes);
		if (was == c)
			return COUNTED;
		c = was;
	}
	return CROWDED;
}

inline_fn int slot_lock(struct slot *f)
{
	__u64 t = slot_read(f);

	return same_hands(t, f->t) && !(t & WEIR_TAG_LOCK) && swap_if(slot_tag(f), t, t | WEIR_TAG_LOCK);
}
inline_fn void slot_unlock(struct slot *f)
{
	__sync_fetch_and_and(slot_tag(f), ~WEIR_TAG_LOCK);
}

/* Locked or ours: from here on the cold part is good. */
inline_fn struct weir_cold *cold_begin(struct slot *f)
{
	struct weir_cold *c = slot_cold(f);
	struct weir_hot *h = slot_hot(f);

	if (!(h->gate & WEIR_GATE_MOVED)) {
		c->packets[0] = c->packets[1] = c->bytes[0] = c->bytes[1] = 0;
		c->flags = c->to_port = 0;
		h->gate |= WEIR_GATE_MOVED;
	}
	return c;
}
/* Locked: flags of the cold part.  Whoever reads it meanwhile tries again. */
inline_fn void cold_flags(struct slot *f, __u16 set, __u16 clear)
{
	struct weir_cold *c = slot_cold(f);
	__u32 m = c->moves;

	if (!set && !(slot_hot(f)->gate & WEIR_GATE_MOVED))
		return;
	exchange(&c->moves, m + 1);
	c = cold_begin(f);
	c->flags = (c->flags & ~clear) | set;
	exchange(&c->moves, m + 2);
}
/* Locked: counts to the totals.  Nobody can take the slot meanwhile, so nothing is added to a stranger's totals. */
inline_fn void move_counts(struct slot *f)
{
	struct weir_cold *c = slot_cold(f);
	__u32 m = c->moves;

	exchange(&c->moves, m + 1);
	cold_begin(f);
#pragma unroll
	for (int side = 0; side < 2; side++) {
		__u64 *w = &slot_hot(f)->count[side], v;

		for (int i = 0; i < 8; i++) {
			v = ONCE(*w);
			PAUSE();
			if (swap_if(w, v, v & 0xffffULL << 48)) {
				c->packets[side] += WEIR_COUNT_PACKETS(v);
				c->bytes[side] += WEIR_COUNT_BYTES(v);
				break;
			}
		}
	}
	exchange(&c->moves, m + 2);
	sum(WEIR_STAT_MOVED, 1, 0);
}
/* Take a slot from whoever has it, if its tag is still 't'; then every byte is ours. */
inline_fn int slot_take(struct slot *f, __u64 t)
{
	__u64 busy = (__u64)(__u16)(WEIR_TAG_INC(t) + 1) << 8 | WEIR_BUSY;

	if ((t & WEIR_TAG_LOCK) || WEIR_TAG_PHASE(t) == WEIR_BUSY || !swap_if(slot_tag(f), t, busy))
		return 0;
	f->t = busy;
	PAUSE();
	return 1;
}
/* How long the network and the peer take, by the handshake's three packets. */
inline_fn __u64 timing_now(void) { return bpf_ktime_get_ns() >> 12 & WEIR_TIMING_MASK; }

/* Ours.  What begins with anything but a SYN began before. */
inline_fn void timing_begin(struct slot *f, const struct packet *p)
{
	int first = (p->tcp & (TCP_SYN | TCP_ACK)) == TCP_SYN;

	slot_cold(f)->timing = (__u64)WEIR_TAG_INC(f->t) << 48 | (first ? timing_now() << 24 : WEIR_TIMING_OVER);
}
/* A published tag's phase was changed to 'n's: the slot may be another's by now, so the timing changes only from what it was. */
inline_fn void timing_step(struct slot *f, __u64 n)
{
	__u64 *at = &slot_cold(f)->timing, v = ONCE(*at), took;

	if (WEIR_TIMING_INC(v) != WEIR_TAG_INC(n) || v & WEIR_TIMING_OVER)
		return;
	took = timing_now() - (v >> 24) & WEIR_TIMING_MASK;
	took += !took;
	if (WEIR_TAG_PHASE(n) == WEIR_ANSWERED && !(v & WEIR_TIMING_MASK) && took < WEIR_TIMING_OVER)
		swap_if(at, v, v | took);
	else if (WEIR_TAG_PHASE(n) == WEIR_CONFIRMED)
		swap_if(at, v, (v & ~((__u64)WEIR_TIMING_MASK << 24)) | took << 24 | WEIR_TIMING_OVER);
}
inline_fn void away_add(__u64 hash, __u64 n)
{
	struct weir_bucket *b = bucket(place(hash, 0));

	if (b)
		__sync_fetch_and_add(&b->away, n);
}

#endif
