// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <weir/endpoint.h>

#include "lib/policy/compile.h"
#include "lib/policy/image.h"
#include "lib/policy/image_inside.h"

struct weir_view {
	const struct image *image;
};

static inline __u32 weir_view_cell(const struct weir_view *v, __u32 index)
{
	return index < WEIR_CELLS ? v->image->cell[index] : 0;
}

static inline const struct weir_range *weir_view_range(const struct weir_view *v, __u32 index)
{
	return index < WEIR_RANGES ? &v->image->range[index] : NULL;
}

#include <weir/verdict.h>

int image_new(struct image **out)
{
	struct image *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->word = calloc(WEIR_SLOTS, sizeof(*m->word));
	m->cell = calloc(WEIR_CELLS, sizeof(*m->cell));
	m->range = calloc(WEIR_RANGES, sizeof(*m->range));
	m->set = calloc(WEIR_ENDPOINTS, sizeof(*m->set));
	m->epoch = 1;
	if (!m->word || !m->cell || !m->range || !m->set) {
		image_free(m);
		return -ENOMEM;
	}
	*out = m;
	return 0;
}

void image_free(struct image *m)
{
	if (!m)
		return;
	free(m->word);
	free(m->cell);
	free(m->range);
	free(m->set);
	free(m->bucket);
	free(m->entry);
	free(m->prefix);
	free(m->adopted);
	image_check_free(m);
	free(m);
}

void image_grace(struct image *m)
{
	m->epoch++;
}

void image_watch(struct image *m, int (*each)(void *ctx, const struct op *op), void *ctx)
{
	m->each = each;
	m->each_ctx = ctx;
}

void image_breach(struct image *m, const char *format, ...)
{
	va_list args;

	if (*m->error)
		return;
	va_start(args, format);
	vsnprintf(m->error, sizeof(m->error), format, args);
	va_end(args);
}

const char *image_error(const struct image *m)
{
	return *m->error ? m->error : NULL;
}

/* addresses: chained by bucket; a removed entry is filled from the end */
static __u32 bucket_of(const struct image *m, const struct weir_addr *a)
{
	return weir_addr_tag(a) >> 1 & m->mask;
}

static struct image_entry *entry_find(const struct image *m, const struct weir_addr *a)
{
	for (__u32 i = m->bucket ? m->bucket[bucket_of(m, a)] : 0; i; i = m->entry[i].next)
		if (!memcmp(&m->entry[i].addr, a, sizeof(*a)))
			return &m->entry[i];
	return NULL;
}

static int entries_grow(struct image *m)
{
	__u32 cap = m->cap ? m->cap * 2 : 64;
	struct image_entry *e = realloc(m->entry, cap * sizeof(*e));
	__u32 *b = e ? calloc(cap, sizeof(*b)) : NULL;

	if (e)
		m->entry = e;
	if (!b)
		return -ENOMEM;
	free(m->bucket);
	m->bucket = b;
	m->cap = cap;
	m->mask = cap - 1;
	for (__u32 i = 1; i <= m->nentry; i++) {
		m->entry[i].next = b[bucket_of(m, &m->entry[i].addr)];
		b[bucket_of(m, &m->entry[i].addr)] = i;
	}
	return 0;
}

static int address_add(struct image *m, const struct op *op)
{
	struct weir_addr a = op->prefix.addr;
	struct image_entry *e = entry_find(m, &a);

	if (e) {
		image_breach(m, "the value of a hash entry is updated (slot %u to %u)", e->slot, op->first);
		e->slot = op->first;
		return 0;
	}
	if (m->nentry + 1 >= m->cap && entries_grow(m))
		return -ENOMEM;
	e = &m->entry[++m->nentry];
	*e = (struct image_entry){ .addr = a, .slot = op->first, .next = m->bucket[bucket_of(m, &a)] };
	m->bucket[bucket_of(m, &a)] = m->nentry;
	return 0;
}

static void entry_unlink(struct image *m, __u32 i)
{
	__u32 *p = &m->bucket[bucket_of(m, &m->entry[i].addr)];

	while (*p != i)
		p = &m->entry[*p].next;
	*p = m->entry[i].next;
}

static void address_gone(struct image *m, const struct op *op)
{
	struct weir_addr a = op->prefix.addr;
	struct image_entry *e = entry_find(m, &a);
	__u32 i = e - m->entry;

	if (!e) {
		image_breach(m, "removes an address that is not there (slot %u)", op->first);
		return;
	}
	entry_unlink(m, i);
	if (i != m->nentry) {
		entry_unlink(m, m->nentry);
		m->entry[i] = m->entry[m->nentry];
		m->entry[i].next = m->bucket[bucket_of(m, &m->entry[i].addr)];
		m->bucket[bucket_of(m, &m->entry[i].addr)] = i;
	}
	m->nentry--;
}

/* prefixes: a list, the longest first */
static bool covers(const struct weir_prefix *p, const struct weir_addr *a)
{
	struct weir_addr x = p->addr;
	unsigned int bytes = p->length / 8, bits = p->length % 8;

	return !memcmp(x.byte, a->byte, bytes) && (!bits || !((x.byte[bytes] ^ a->byte[bytes]) >> (8 - bits)));
}

static __u32 prefix_place(const struct image *m, __u32 length)
{
	__u32 i = 0;

	while (i < m->nprefix && m->prefix[i].prefix.length > length)
		i++;
	return i;
}

static struct image_prefix *prefix_find(const struct image *m, const struct weir_prefix *p)
{
	for (__u32 i = prefix_place(m, p->length); i < m->nprefix && m->prefix[i].prefix.length == p->length; i++)
		if (!memcmp(&m->prefix[i].prefix, p, sizeof(*p)))
			return &m->prefix[i];
	return NULL;
}

static int prefix_add(struct image *m, const struct op *op)
{
	struct image_prefix *p = prefix_find(m, &op->prefix);
	__u32 i;

	if (p) {
		image_breach(m, "the value of a prefix is updated (slot %u to %u)", p->slot, op->first);
		p->slot = op->first;
		return 0;
	}
	if (m->nprefix == m->cprefix) {
		__u32 cap = m->cprefix * 2 + 16;

		p = realloc(m->prefix, cap * sizeof(*p));
		if (!p)
			return -ENOMEM;
		m->prefix = p;
		m->cprefix = cap;
	}
	i = prefix_place(m, op->prefix.length);
	memmove(m->prefix + i + 1, m->prefix + i, (m->nprefix - i) * sizeof(*p));
	m->prefix[i] = (struct image_prefix){ op->prefix, op->first };
	m->nprefix++;
	return 0;
}

static void prefix_gone(struct image *m, const struct op *op)
{
	struct image_prefix *p = prefix_find(m, &op->prefix);
	__u32 i = p - m->prefix;

	if (!p) {
		image_breach(m, "removes a prefix that is not there (slot %u)", op->first);
		return;
	}
	memmove(p, p + 1, (m->nprefix - i - 1) * sizeof(*p));
	m->nprefix--;
}

static int store(struct image *m, const struct op *op)
{
	switch (op->kind) {
	case OP_RANGES:
		memcpy(m->range + op->first, op->range, op->count * sizeof(*op->range));
		return 0;
	case OP_CELLS:
		memcpy(m->cell + op->first, op->cell, op->count * sizeof(*op->cell));
		return 0;
	case OP_WORD:
		m->word[op->first] = op->word;
		return 0;
	case OP_ADDRESS:
		return address_add(m, op);
	case OP_PREFIX:
		return prefix_add(m, op);
	case OP_SET:
		m->set[op->first].dir[op->dir] = op->set;
		return 0;
	case OP_GENERATION:
		m->generation++;
		return 0;
	case OP_ADDRESS_GONE:
		address_gone(m, op);
		return 0;
	case OP_PREFIX_GONE:
		prefix_gone(m, op);
		return 0;
	case OP_GRACE:
		image_grace(m);
		return 0;
	default:
		return 0;
	}
}

static bool in_bounds(const struct op *op)
{
	switch (op->kind) {
	case OP_RANGES:
		return op->first && op->first + op->count <= WEIR_RANGES;
	case OP_CELLS:
		return op->first + op->count <= WEIR_CELLS;
	case OP_WORD:
	case OP_ADDRESS:
	case OP_PREFIX:
		return op->first < WEIR_SLOTS;
	case OP_SET:
		return op->first < WEIR_ENDPOINTS;
	default:
		return true;
	}
}

int image_op(void *image, const struct op *op)
{
	struct image *m = image;
	int err;

	if (!in_bounds(op)) {
		image_breach(m, "operation %d is out of bounds (%u, %u)", op->kind, op->first, op->count);
		return -ERANGE;
	}
	if (m->strict)
		image_check(m, op);
	err = store(m, op);
	if (!err && m->strict)
		image_checked(m, op);
	return err ? err : m->each ? m->each(m->each_ctx, op) : 0;
}

__u64 image_word(const struct image *m, const struct weir_addr *a)
{
	const struct image_entry *e = entry_find(m, a);

	if (e)
		return m->word[e->slot];
	for (__u32 i = 0; i < m->nprefix; i++)
		if (covers(&m->prefix[i].prefix, a))
			return m->word[m->prefix[i].slot];
	return 0;
}

struct weir_set image_set(const struct image *m, unsigned int endpoint, enum weir_dir dir)
{
	return endpoint < WEIR_ENDPOINTS ? m->set[endpoint].dir[dir] : (struct weir_set){ 0, 0 };
}

static __u32 endpoint_of(__u64 word)
{
	return WEIR_WORD_FLAGS(word) & WEIR_WORD_POD ? WEIR_WORD_ENDPOINT(word) : 0;
}

enum weir_reason image_judge(const struct image *m, const struct weir_addr *src, const struct weir_addr *dst, __u8 proto,
			     __u16 port, unsigned int sides, struct weir_answer *answer)
{
	struct weir_view v = { m };
	struct weir_question q = { .opener = image_word(m, src), .receiver = image_word(m, dst), .proto = proto, .port = port };
	__u32 from = endpoint_of(q.opener), to = endpoint_of(q.receiver);

	memset(answer, 0, sizeof(*answer));
	q.sides = sides & ((from ? WEIR_SIDE(WEIR_EGRESS) : 0) | (to ? WEIR_SIDE(WEIR_INGRESS) : 0));
	q.set[WEIR_EGRESS] = m->set[from].dir[WEIR_EGRESS];
	q.set[WEIR_INGRESS] = m->set[to].dir[WEIR_INGRESS];
	return weir_judge(&v, &q, answer);
}

enum weir_reason image_says(const struct image *m, unsigned int endpoint, enum weir_dir dir,
			    const struct weir_addr *peer, __u8 proto, __u16 port, struct weir_said *said)
{
	struct weir_view v = { m };
	struct weir_set set = image_set(m, endpoint, dir);
	__u64 word = image_word(m, peer);

	memset(said, 0, sizeof(*said));
	if (WEIR_WORD_FLAGS(word) & WEIR_WORD_RESTING)
		return WEIR_RESTING;
	return weir_set_says(&v, &set, WEIR_WORD_CLASS(word, dir), weir_lane(proto), port, said);
}

void image_adopted(struct image *m, struct compile_adopted *out)
{
	struct compile_adopted_entry *e = calloc(m->nentry + m->nprefix + 1, sizeof(*e));

	free(m->adopted);
	m->adopted = e;
	for (__u32 i = 0; e && i < m->nentry; i++)
		e[i] = (struct compile_adopted_entry){ { 128, m->entry[i + 1].addr }, m->entry[i + 1].slot };
	for (__u32 i = 0; e && i < m->nprefix; i++)
		e[m->nentry + i] = (struct compile_adopted_entry){ m->prefix[i].prefix, m->prefix[i].slot };
	*out = (struct compile_adopted){ .word = m->word, .cell = m->cell, .range = m->range, .address = e,
					 .prefix = e ? e + m->nentry : NULL, .naddress = e ? m->nentry : 0,
					 .nprefix = e ? m->nprefix : 0 };
}
