// SPDX-License-Identifier: Apache-2.0
/*
 * The flow table as memory.  Programs change it while it is read; a slot's copy is good if its tag names the same
 * flow and incarnation before and after, nobody held its lock, no counts moved, and both counts carry the tag's
 * incarnation.
 */
#include <errno.h>

#include "agent/datapath_inside.h"
#include "agent/flows.h"

#define TRIES 100
#define AHEAD 12		/* buckets whose lines are asked for before they are read: 2.3 -> 1.4 ms, half full */

static inline __u64 load(const __u64 *from)
{
	return __atomic_load_n(from, __ATOMIC_RELAXED);
}

static inline bool published(__u64 tag)
{
	return WEIR_TAG_PHASE(tag) > WEIR_BUSY;
}

enum copied { COPY_NONE, COPY_GOOD, COPY_MOVING };

/* The cold part is good only once counts were moved there or something rare was told of the flow: most slots never
 * have one, and half of the table's memory need not be read. */
static inline void copy_cold(const struct weir_cold *cold, struct flow_snapshot *s)
{
	if (!(s->gate & WEIR_GATE_MOVED)) {
		s->flags = s->to_port = s->to.w[0] = s->to.w[1] = 0;
		return;
	}
	for (int side = 0; side < 2; side++) {
		s->packets[side] += load(&cold->packets[side]);
		s->bytes[side] += load(&cold->bytes[side]);
	}
	s->flags = cold->flags;
	s->to_port = cold->to_port;
	s->to = cold->to;
}

static inline bool cold_still(const struct weir_cold *cold, __u64 gate, __u32 moves)
{
	return !(gate & WEIR_GATE_MOVED) ||
	       (!(moves & 1) && moves == __atomic_load_n(&cold->moves, __ATOMIC_RELAXED));
}

static inline bool held_still(const struct weir_bucket *b, int way, const struct flow_snapshot *s, const __u64 count[2])
{
	__u64 tag = load(&b->tag[way]);

	return !((tag ^ s->tag) & WEIR_TAG_ID) && !((tag | s->tag) & WEIR_TAG_LOCK) && load(&b->hot[way].gate) == s->gate &&
	       WEIR_COUNT_INC(count[0]) == WEIR_TAG_INC(tag) && WEIR_COUNT_INC(count[1]) == WEIR_TAG_INC(tag);
}

static inline enum copied copy_once(const struct weir_bucket *b, int way, struct flow_snapshot *s)
{
	const struct weir_hot *hot = &b->hot[way];
	const struct weir_cold *cold = &b->cold[way];
	__u64 count[2];
	__u32 moves = 0;

	s->tag = __atomic_load_n(&b->tag[way], __ATOMIC_ACQUIRE);
	if (!published(s->tag))
		return COPY_NONE;
	s->gate = load(&hot->gate);
	if (s->gate & WEIR_GATE_MOVED)
		moves = __atomic_load_n(&cold->moves, __ATOMIC_ACQUIRE);
	for (int side = 0; side < 2; side++) {
		s->addr[side].w[0] = load(&hot->addr[side].w[0]);
		s->addr[side].w[1] = load(&hot->addr[side].w[1]);
		s->port[side] = hot->port[side];
		s->rule[side] = hot->rule[side];
		s->endpoint[side] = WEIR_GATE_EP(s->gate, side);
		count[side] = load(&hot->count[side]);
		s->packets[side] = WEIR_COUNT_PACKETS(count[side]);
		s->bytes[side] = WEIR_COUNT_BYTES(count[side]);
	}
	copy_cold(cold, s);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return held_still(b, way, s, count) && cold_still(cold, s->gate, moves) ? COPY_GOOD : COPY_MOVING;
}

static inline enum copied copy_slot(const struct weir_bucket *b, unsigned int bucket, int way, struct flow_snapshot *s)
{
	enum copied c = COPY_MOVING;

	for (int i = 0; i < TRIES && c == COPY_MOVING; i++)
		c = copy_once(b, way, s);
	s->slot = WEIR_SLOT_OF(bucket, way);
	s->incarnation = WEIR_TAG_INC(s->tag);
	s->phase = WEIR_TAG_PHASE(s->tag);
	s->proto = WEIR_TAG_PROTO(s->tag);
	s->opener = !!(s->tag & WEIR_TAG_OPENER);
	return c;
}

/* Tags and hot parts.  A prefetch of what is not there does nothing, so the end of the table is no case. */
static inline void fetch_ahead(const struct weir_bucket *b)
{
	__builtin_prefetch(b->tag);
	for (int way = 0; way < WEIR_WAYS; way++)
		__builtin_prefetch(&b->hot[way]);
}

unsigned int flow_table_range(const struct datapath *dp, unsigned int first, unsigned int n, flow_table_fn fn, void *ctx,
			      unsigned int *missed)
{
	const struct weir_bucket *bucket = dp->view.bucket;
	unsigned int told = 0, moving = 0, end = dp->view.buckets - first > n ? first + n : dp->view.buckets;
	struct flow_snapshot s;

	for (unsigned int i = first; i < end; i++) {
		fetch_ahead(&bucket[i + AHEAD]);
		for (int way = 0; way < WEIR_WAYS; way++) {
			enum copied c;

			if (!published(load(&bucket[i].tag[way])))
				continue;
			c = copy_slot(&bucket[i], i, way, &s);
			moving += c == COPY_MOVING;
			if (c != COPY_GOOD)
				continue;
			told++;
			if (fn(ctx, &s))
				goto out;
		}
	}
out:
	if (missed)
		*missed = moving;
	return told;
}

unsigned int flow_table_each(const struct datapath *dp, flow_table_fn fn, void *ctx, unsigned int *missed)
{
	return flow_table_range(dp, 0, dp->view.buckets, fn, ctx, missed);
}

int flow_table_slot(const struct datapath *dp, unsigned int slot, struct flow_snapshot *out)
{
	enum copied c;

	if (slot >> 3 >= dp->view.buckets || (slot & 7) >= WEIR_WAYS)
		return -ENOENT;
	c = copy_slot(&dp->view.bucket[slot >> 3], slot >> 3, slot & 7, out);
	return c == COPY_GOOD ? 0 : c == COPY_MOVING ? -EAGAIN : -ENOENT;
}

/* Eight counts of eight bits in a word: 36 buckets cannot overflow them. */
#define USE_AT_ONCE 36

void flow_table_use(const struct datapath *dp, struct flow_table_use *out)
{
	const struct weir_bucket *bucket = dp->view.bucket, *end = bucket + dp->view.buckets;

	*out = (struct flow_table_use){ .slots = dp->view.buckets * WEIR_WAYS };
	while (bucket < end) {
		const struct weir_bucket *until = end - bucket > USE_AT_ONCE ? bucket + USE_AT_ONCE : end;
		__u64 counts = 0;

		for (; bucket < until; bucket++) {
			__builtin_prefetch(&bucket[16]);
			for (int way = 0; way < WEIR_WAYS; way++)
				counts += 1ULL << (load(&bucket->tag[way]) & 7) * 8;
		}
		for (int phase = 0; phase < 8; phase++)
			out->phase[phase] += counts >> phase * 8 & 0xff;
	}
}
