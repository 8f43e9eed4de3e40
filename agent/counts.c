// SPDX-License-Identifier: Apache-2.0
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <weir/endpoint.h>
#include <weir/flow.h>

#include "agent/counts.h"

#define WAYS 8				/* two keys that meet all the time would else leave all the time */
#define SETS 1024			/* a power of two: 512 KiB of cells */
#define CELLS (SETS * WAYS)
#define RING 8192			/* a power of two; so many cells twice a second are 7 % of a core to the loop */
#define COARSE (1 << 15)		/* kind 3 bits, reason 6, protocol 3, flags 3 */

#define COARSE_FLAGS (WEIR_REC_EGRESS | WEIR_REC_INGRESS | WEIR_REC_AUDIT | WEIR_REC_CUT)

/* A key as words that stay in registers: put together from its bytes in memory, it cost half of the whole. */
struct words {
	uint64_t w[4];
};
#define SHIFT(field) (8 * (offsetof(struct counts_key, field) % 8))
_Static_assert(sizeof(struct counts_key) == sizeof(struct words) && __BYTE_ORDER == __LITTLE_ENDIAN, "as words_of() has it");

struct cell {
	union {
		struct counts_key key;
		struct words words;
	};
	uint64_t records, repeats, last;
	uint64_t dirty;			/* is in the list */
} __attribute__((aligned(64)));

struct coarse {
	uint64_t records, repeats;
};

struct counts {
	/* the reader's */
	struct cell cell[CELLS];
	uint64_t tag[SETS][WAYS / 4];	/* 16 bits of each way's hash, 0: empty */
	uint8_t next[SETS];		/* the way that the next new key takes */
	uint16_t dirty[CELLS];
	unsigned int ndirty;
	uint64_t added, folded;		/* stored by the reader, read by all */

	/* between them: the reader puts, the loop takes */
	struct counts_cell ring[RING];
	struct coarse coarse[COARSE];
	uint64_t put, taken;		/* cells */
	uint64_t flushed;		/* all records before this one are in the ring */
	int wanted;			/* the loop took all and wants more */

	/* the loop's */
	struct coarse told[COARSE];	/* of 'coarse' */
	uint64_t told_folded;
	uint64_t oldest;
};

int counts_new(struct counts **out)
{
	struct counts *c = aligned_alloc(64, (sizeof(*c) + 63) & ~63UL);

	if (!c)
		return -ENOMEM;
	memset(c, 0, sizeof(*c));
	c->wanted = 1;
	*out = c;
	return 0;
}

void counts_free(struct counts *c)
{
	free(c);
}

static const uint8_t protocols[] = { 0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6 };

static unsigned int coarse_index(const struct counts_key *k)
{
	unsigned int flags = (k->flags & (WEIR_REC_EGRESS | WEIR_REC_INGRESS)) >> 1 | !!(k->flags & COARSE_FLAGS & ~6) << 2;
	unsigned int proto = 0;

	for (unsigned int i = 1; i < sizeof(protocols); i++)
		if (protocols[i] == k->proto)
			proto = i;
	return (k->kind & 7) << 12 | (k->reason & 63) << 6 | proto << 3 | flags;
}

/* One that is neither AUDIT nor CUT, or one of them: by its kind it is known which (an opening is not cut). */
static void coarse_key(unsigned int i, struct counts_key *k)
{
	memset(k, 0, sizeof(*k));
	k->kind = i >> 12;
	k->reason = i >> 6 & 63;
	k->proto = protocols[i >> 3 & 7];
	k->flags = (i & 3) << 1;
	if (i & 4)
		k->flags |= k->kind == WEIR_REC_CLOSED || k->reason >= WEIR_NO_RULE ? WEIR_REC_CUT : WEIR_REC_AUDIT;
}

static void add_relaxed(uint64_t *to, uint64_t n)
{
	__atomic_store_n(to, *to + n, __ATOMIC_RELAXED);	/* one writer */
}

/* A cell leaves the table: into the ring, or, if that is full, into what is known of it in short. */
static void pass_on(struct counts *c, struct cell *cell)
{
	uint64_t put = c->put;

	if (put - __atomic_load_n(&c->taken, __ATOMIC_ACQUIRE) < RING) {
		c->ring[put % RING] = (struct counts_cell){ .key = cell->key, .records = cell->records, .repeats = cell->repeats,
						       .last = cell->last };
		__atomic_store_n(&c->put, put + 1, __ATOMIC_RELEASE);
	} else {
		struct coarse *to = &c->coarse[coarse_index(&cell->key)];

		add_relaxed(&to->records, cell->records);
		add_relaxed(&to->repeats, cell->repeats);
		__atomic_store_n(&c->folded, c->folded + cell->records, __ATOMIC_RELEASE);
	}
	cell->records = cell->repeats = 0;
}

static unsigned int more_of(const struct record *r, bool audit)
{
	unsigned int dst = r->endpoint[WEIR_INGRESS] == WEIR_ENDPOINT_NODE ? 2 : r->endpoint[WEIR_INGRESS] ? 1 : 0;

	return (audit ? r->audit & 15 : 0) | dst << COUNTS_DST_SHIFT |
	       (r->src.w[0] || memcmp(r->src.byte + 8, "\0\0\xff\xff", 4) ? COUNTS_V6 : 0) |
	       (r->kind == WEIR_REC_CLOSED && r->total.packets[1] ? COUNTS_ANSWERED : 0);
}

/* A query's id is no type: it tells itself by being there twice. */
static unsigned int port_of(const struct record *r)
{
	if (r->proto != IPPROTO_ICMP && r->proto != IPPROTO_ICMPV6)
		return r->dport;
	return !r->dport && r->sport ? r->sport : r->proto == IPPROTO_ICMP ? 8 << 8 : 128 << 8;
}

static inline struct words words_of(const struct record *r)
{
	bool audit = r->flags & WEIR_REC_AUDIT && r->kind != WEIR_REC_CLOSED;
	struct words k;

	memcpy(&k.w[0], r->name, 8);
	memcpy(&k.w[1], r->rule, 8);
	k.w[2] = 0;
	if (audit)
		memcpy(&k.w[2], r->audit_rule, 8);
	k.w[3] = port_of(r) | (uint64_t)r->proto << SHIFT(proto) | (uint64_t)r->kind << SHIFT(kind) |
		 (uint64_t)r->reason << SHIFT(reason) | (uint64_t)r->flags << SHIFT(flags) |
		 (uint64_t)r->tcp_flags << SHIFT(tcp_flags) | (uint64_t)more_of(r, audit) << SHIFT(more);
	return k;
}

static inline bool same(const struct words *a, const struct words *b)
{
	return !((a->w[0] ^ b->w[0]) | (a->w[1] ^ b->w[1]) | (a->w[2] ^ b->w[2]) | (a->w[3] ^ b->w[3]));
}

static inline uint64_t hash_of(const struct words *k)
{
	uint64_t a = (k->w[0] ^ k->w[1] << 7) * 0x9e3779b97f4a7c15ULL, b = (k->w[3] ^ k->w[2] << 9) * 0xd6e8feb86659fd93ULL;

	return (a ^ a >> 32 ^ b) * 0xd6e8feb86659fd93ULL;
}

#define LANES 0x0001000100010001ULL

/* The cell of a key, or the one that it takes. */
static inline struct cell *cell_of(struct counts *c, const struct words *k)
{
	uint64_t hash = hash_of(k), tag = hash >> 32 & 0xffff ?: 1;
	unsigned int set = hash >> 54, way;
	struct cell *cell;

	_Static_assert(SETS == 1 << 10 && WAYS == 8, "as the hash is cut");
	for (unsigned int half = 0; half < WAYS / 4; half++) {
		uint64_t x = c->tag[set][half] ^ tag * LANES, zero = (x - LANES) & ~x & LANES << 15;

		for (; zero; zero &= zero - 1) {
			cell = &c->cell[set * WAYS + half * 4 + __builtin_ctzll(zero) / 16];
			if (same(&cell->words, k))
				return cell;
		}
	}
	way = c->next[set]++ % WAYS;
	cell = &c->cell[set * WAYS + way];
	if (cell->records)
		pass_on(c, cell);
	cell->words = *k;
	c->tag[set][way / 4] &= ~(0xffffULL << way % 4 * 16);
	c->tag[set][way / 4] |= tag << way % 4 * 16;
	return cell;
}

void counts_add(struct counts *c, const struct record *r, uint64_t number)
{
	struct words k = words_of(r);
	struct cell *cell = cell_of(c, &k);

	cell->records++;
	cell->last = number;
	if (r->kind == WEIR_REC_DENIED)
		cell->repeats += r->repeats;
	if (!cell->dirty) {
		cell->dirty = 1;
		c->dirty[c->ndirty++] = cell - c->cell;
	}
	add_relaxed(&c->added, 1);
}

void counts_flush(struct counts *c, uint64_t next)
{
	if (!__atomic_load_n(&c->wanted, __ATOMIC_ACQUIRE))
		return;
	for (unsigned int i = 0; i < c->ndirty; i++) {
		struct cell *cell = &c->cell[c->dirty[i]];

		if (cell->records)
			pass_on(c, cell);
		cell->dirty = 0;
	}
	c->ndirty = 0;
	__atomic_store_n(&c->flushed, next, __ATOMIC_RELEASE);
	__atomic_store_n(&c->wanted, 0, __ATOMIC_RELEASE);
}

/* What went on in short: the difference to what was told. */
static unsigned int take_coarse(struct counts *c, counts_fn fn, void *ctx)
{
	uint64_t folded = __atomic_load_n(&c->folded, __ATOMIC_ACQUIRE);
	unsigned int n = 0;

	if (folded == c->told_folded)
		return 0;
	for (unsigned int i = 0; i < COARSE; i++) {
		struct coarse now = { __atomic_load_n(&c->coarse[i].records, __ATOMIC_RELAXED),
				      __atomic_load_n(&c->coarse[i].repeats, __ATOMIC_RELAXED) };
		struct counts_cell cell = { .records = now.records - c->told[i].records,
					    .repeats = now.repeats - c->told[i].repeats, .other = true };

		if (!cell.records && !cell.repeats)
			continue;
		c->told[i] = now;
		coarse_key(i, &cell.key);
		fn(ctx, &cell);
		n++;
	}
	c->told_folded = folded;
	return n;
}

unsigned int counts_take(struct counts *c, counts_fn fn, void *ctx)
{
	bool all = !__atomic_load_n(&c->wanted, __ATOMIC_ACQUIRE);
	uint64_t flushed = __atomic_load_n(&c->flushed, __ATOMIC_ACQUIRE), at = c->taken;
	uint64_t put = __atomic_load_n(&c->put, __ATOMIC_ACQUIRE);
	unsigned int n = take_coarse(c, fn, ctx) + (put - at);

	for (; at < put; at++) {
		fn(ctx, &c->ring[at % RING]);
		__atomic_store_n(&c->taken, at + 1, __ATOMIC_RELEASE);
	}
	if (all) {
		__atomic_store_n(&c->oldest, flushed, __ATOMIC_RELEASE);
		__atomic_store_n(&c->wanted, 1, __ATOMIC_RELEASE);
	}
	return n;
}

uint64_t counts_oldest(const struct counts *c)
{
	return __atomic_load_n(&c->oldest, __ATOMIC_ACQUIRE);
}

void counts_count(const struct counts *c, struct counts_counts *out)
{
	out->added = __atomic_load_n(&c->added, __ATOMIC_RELAXED);
	out->folded = __atomic_load_n(&c->folded, __ATOMIC_RELAXED);
}
