// SPDX-License-Identifier: Apache-2.0
/* What a commit stores: the difference between the plan and what was sent, step by step as order.c asks for it. */
#include <stdlib.h>

#include "lib/policy/inside.h"

struct sending {
	struct compiler *c;
	struct vec words;		/* members whose word is another */
	struct vec addresses;		/* new ones */
	struct vec prefixes;		/* new or changed, deepest first */
	const struct vec *gone;
};

static int put_ranges(void *from, struct order *o)
{
	struct compiler *c = ((struct sending *)from)->c;
	int err = 0;

	for (u32 i = 0; i < c->fresh_tables.n && !err; i++) {
		u32 t = c->fresh_tables.v[i];
		const struct intern_entry *e = &c->tables.e[t];

		if (!e->ref || c->table[t].sent)
			continue;
		c->table[t].sent = true;
		err = order_put(o, &(struct op){ .kind = OP_RANGES, .first = c->table[t].first, .count = e->n / 4,
						 .range = (const struct weir_range *)e->w });
	}
	vec_empty(&c->fresh_tables);
	return err;
}

/* Cells of classes first .. first + n of a set. */
static int put_run(struct compiler *c, struct order *o, const struct set *s, u32 first, u32 n)
{
	c->tmp.n = 0;
	for (u32 k = first; k < first + n; k++)
		vec_push(&c->tmp, row_cell(c, s, k));
	return order_put(o, &(struct op){ .kind = OP_CELLS, .dir = s->dir, .first = s->base + first, .count = n,
					  .cell = c->tmp.v });
}

static int put_columns(struct compiler *c, struct order *o, const struct set *s, const struct vec *fresh)
{
	int err = 0;

	for (u32 i = 0, j; i < fresh->n && !err; i = j) {
		for (j = i + 1; j < fresh->n && fresh->v[j] == fresh->v[j - 1] + 1; j++)
			;
		err = put_run(c, o, s, fresh->v[i], j - i);
	}
	return err;
}

/* Sets that are new, or somewhere else now, whole; in the others the new classes. */
static int put_cells(void *from, struct order *o)
{
	struct compiler *c = ((struct sending *)from)->c;
	int err = 0;

	for (int d = 0; d < WEIR_DIRS; d++) {
		struct side *side = &c->side[d];

		vec_uniq(&side->fresh);
		for (u32 i = 0; i < side->sets.n && !err; i++) {
			const struct set *s = &c->set[side->sets.v[i]];

			if (s->fresh || s->moved)
				err = put_run(c, o, s, 0, s->limit);
			else
				err = put_columns(c, o, s, &side->fresh);
		}
	}
	return err;
}

static struct weir_set place_of(const struct compiler *c, u32 set)
{
	return set ? (struct weir_set){ c->set[set].base, c->set[set].limit } : (struct weir_set){ 0, 0 };
}

static int put_set(struct compiler *c, struct order *o, u32 e, enum weir_dir dir, u32 set)
{
	struct endpoint *x = &c->endpoint[e];
	struct weir_set to = place_of(c, set);

	if (!memcmp(&x->sent[dir], &to, sizeof(to)))
		return 0;
	x->sent[dir] = to;
	return order_put(o, &(struct op){ .kind = OP_SET, .dir = dir, .first = e, .set = to });
}

/* Endpoints keep their sets, which are somewhere else now. */
static int put_grown(void *from, struct order *o)
{
	struct compiler *c = ((struct sending *)from)->c;
	int err = 0;

	for (u32 e = 1; c->moved_sets.n && e < c->cendpoint && !err; e++)
		for (int d = 0; d < WEIR_DIRS && !err; d++)
			if (c->endpoint[e].held[d] && c->set[c->endpoint[e].held[d]].moved)
				err = put_set(c, o, e, d, c->endpoint[e].held[d]);
	for (u32 i = 0; i < c->moved_sets.n; i++)
		c->set[c->moved_sets.v[i]].moved = false;
	c->apart |= c->moved_sets.n;
	vec_empty(&c->moved_sets);
	return err;
}

static bool apart(void *from)
{
	const struct compiler *c = ((struct sending *)from)->c;

	return c->apart && (c->side[0].fresh.n || c->side[1].fresh.n);
}

/* Is it judged otherwise from now on?  A class that merely parted, or joined, says the same. */
static bool judged_otherwise(const struct compiler *c, u64 was, u64 now)
{
	u64 closed = (u64)WEIR_WORD_RESTING << 48;

	if (now & ~was & closed || (was ^ now) & ~closed & ~0xffffffffULL)
		return true;
	for (int d = 0; d < WEIR_DIRS; d++) {
		u32 a = WEIR_WORD_CLASS(was, d), b = WEIR_WORD_CLASS(now, d);

		if (a == b)
			continue;
		if (a < WEIR_CLASS_FIRST || b < WEIR_CLASS_FIRST || c->side[d].class[a].foreign ||
		    !sig_same_but_fresh(c, d, c->side[d].class[a].sig, c->side[d].class[b].sig))
			return true;
	}
	return false;
}

static int put_word(struct compiler *c, struct order *o, u32 m, u64 word)
{
	struct member *x = &c->member[m];

	c->raise |= x->sent && judged_otherwise(c, x->sent, word);
	x->sent = word;
	return order_put(o, &(struct op){ .kind = OP_WORD, .first = x->slot, .word = word });
}

static int put_words(void *from, struct order *o)
{
	struct sending *s = from;
	int err = 0;

	for (u32 i = 0; i < s->words.n && !err; i++)
		err = put_word(s->c, o, s->words.v[i], member_word(s->c, s->words.v[i]));
	return err;
}

static int put_entry(struct compiler *c, struct order *o, u32 m, enum op_kind kind)
{
	struct member *x = &c->member[m];

	return put_word(c, o, m, member_word(c, m)) ?:
	       order_put(o, &(struct op){ .kind = kind, .first = x->slot, .prefix = { x->length, x->a } });
}

/* An address that was judged as outside until now has a meaning of its own. */
static int put_addresses(void *from, struct order *o)
{
	struct sending *s = from;
	struct compiler *c = s->c;
	int err = 0;

	for (u32 i = 0; i < s->addresses.n && !err; i++) {
		const struct cell *cell = &c->cell[c->member[s->addresses.v[i]].cell];

		c->raise |= !c->node[cell->node].stranger;
		err = put_entry(c, o, s->addresses.v[i], OP_ADDRESS);
	}
	return err;
}

static int put_prefixes(void *from, struct order *o)
{
	struct sending *s = from;
	struct compiler *c = s->c;
	int err = 0;

	for (u32 i = 0; i < s->prefixes.n && !err; i++) {
		u32 m = s->prefixes.v[i];
		const struct prefix_node *n = &c->node[c->cell[c->member[m].cell].node];

		if (c->member[m].sent) {
			err = put_word(c, o, m, member_word(c, m));
			continue;
		}
		c->raise |= n->stranger || n->grant;
		err = put_entry(c, o, m, OP_PREFIX);
	}
	return err;
}

static void hold(struct compiler *c, u32 e, enum weir_dir dir, u32 set)
{
	struct endpoint *x = &c->endpoint[e];
	u32 was = x->held[dir];

	if (set)
		c->set[set].ref++;
	x->held[dir] = set;
	if (was)
		set_put(c, was);
}

static int put_sets(void *from, struct order *o)
{
	struct compiler *c = ((struct sending *)from)->c;
	int err = 0;

	for (u32 i = 0; i < c->changing.n && !err; i++) {
		u32 e = c->changing.v[i];

		for (int d = 0; d < WEIR_DIRS && c->endpoint[e].there && !err; d++) {
			if (c->endpoint[e].held[d] == c->endpoint[e].set[d])
				continue;
			c->raise |= c->endpoint[e].held[d] != 0;
			err = put_set(c, o, e, d, c->endpoint[e].set[d]);
			hold(c, e, d, c->endpoint[e].set[d]);
		}
	}
	for (u32 i = 0; i < c->gone_endpoints.n && !err; i++)
		for (int d = 0; d < WEIR_DIRS && !err; d++)
			err = put_set(c, o, c->gone_endpoints.v[i], d, 0);
	return err;
}

static bool adopts(void *from)
{
	return ((struct sending *)from)->c->adopting;
}

static bool must_raise(void *from)
{
	struct compiler *c = ((struct sending *)from)->c;

	return c->raise || c->adopting;
}

static int put_gone(void *from, struct order *o)
{
	struct sending *s = from;
	struct compiler *c = s->c;
	int err = 0;

	for (u32 i = 0; s->gone && i < s->gone->n && !err; i++) {
		struct member *x = &c->member[s->gone->v[i]];

		if (x->sent)
			err = order_put(o, &(struct op){ .kind = x->flags & MEMBER_PREFIX ? OP_PREFIX_GONE : OP_ADDRESS_GONE,
							 .first = x->slot, .prefix = { x->length, x->a } });
		x->sent = 0;
	}
	return err;
}

static int deeper(const void *a, const void *b, void *ctx)
{
	const struct member *m = ctx;
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return m[x].length != m[y].length ? (int)m[y].length - (int)m[x].length : (x > y) - (x < y);
}

/* Whose word is another than the kernel's? */
static void sort_out(struct compiler *c, struct sending *s)
{
	for (u32 i = 0; i < c->moved_cells.n; i++) {
		struct cell *x = &c->cell[c->moved_cells.v[i]];

		x->moved = false;
		for (u32 m = x->there ? x->head : 0; m; m = c->member[m].next)
			member_moved(c, m);
	}
	vec_empty(&c->moved_cells);
	for (u32 i = 0; i < c->moved.n; i++) {
		u32 m = c->moved.v[i];
		struct member *x = &c->member[m];
		bool prefix = x->flags & MEMBER_PREFIX;

		if (!(x->flags & MEMBER_MOVED))		/* freed since, or listed twice */
			continue;
		x->flags &= ~MEMBER_MOVED;
		if (!x->cell || !x->slot || (!x->sent && !prefix && !x->owner && !(x->flags & MEMBER_HOST)) ||
		    (x->sent && x->sent == member_word(c, m)))
			continue;
		vec_push(prefix ? &s->prefixes : x->sent ? &s->words : &s->addresses, m);
	}
	vec_empty(&c->moved);
	if (s->prefixes.n)
		qsort_r(s->prefixes.v, s->prefixes.n, sizeof(u32), deeper, c->member);
}

static const struct order_source source = {
	.adopts = adopts, .ranges = put_ranges, .cells = put_cells, .grown = put_grown, .apart = apart, .words = put_words, .addresses = put_addresses,
	.prefixes = put_prefixes, .sets = put_sets, .raise = must_raise, .gone = put_gone,
};
static const struct order_source only_gone = { .gone = put_gone };

static void sending_free(struct sending *s)
{
	vec_free(&s->words);
	vec_free(&s->addresses);
	vec_free(&s->prefixes);
}

int send_commit(struct compiler *c, struct order *o)
{
	struct sending s = { .c = c };
	int err;

	o->sink = c->sink;
	o->ctx = c->ctx;
	sort_out(c, &s);
	err = order_commit(&source, &s, o);
	sending_free(&s);
	return err;
}

/* While objects wait for their commit, words are left to it. */
int send_settle(struct compiler *c, const struct vec *gone)
{
	struct order o = { .sink = c->sink, .ctx = c->ctx };
	struct sending s = { .c = c, .gone = gone };
	int err;

	if (!c->pending)
		sort_out(c, &s);
	err = order_settle(c->pending ? &only_gone : &source, &s, &o);
	sending_free(&s);
	return err;
}
