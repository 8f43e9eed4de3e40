// SPDX-License-Identifier: Apache-2.0
/*
 * How classes part and join.  A class may be renamed when all that is left in it gained the same fresh atoms: its
 * rows stand, as no set that a packet may hold knows those atoms.  Of a class that parts the largest part keeps the
 * number.
 */
#include <stdlib.h>

#include "lib/policy/inside.h"

struct leave {
	u32 class, sig, cell;
};

static int by_leave(const void *a, const void *b)
{
	const struct leave *x = a, *y = b;

	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	if (x->sig != y->sig)
		return x->sig < y->sig ? -1 : 1;
	return x->cell < y->cell ? -1 : x->cell > y->cell;
}

static u32 class_for(struct compiler *c, enum weir_dir dir, u32 sig, u32 cell)
{
	u32 k = class_of(&c->side[dir], sig), who = c->cell[cell].who, space = who ? c->who[who].space : 0;

	if (k)
		return k;
	k = class_pay(c, dir, space) ? class_new(c, dir, sig) : 0;
	if (!k)
		return WEIR_CLASS_OVER;
	class_charge(c, dir, k, space);
	return k;
}

/* Cells of class k that are not among those that leave move to a class with the old signature. */
static void rest_moves(struct compiler *c, enum weir_dir dir, u32 k, u32 sig, const struct leave *l, u32 n)
{
	u32 to = 0;

	for (u32 i = 0; i < n; i++)
		c->cell[l[i].cell].dirty[dir] = true;
	for (u32 cell = c->side[dir].class[k].head, next; cell; cell = next) {
		next = c->cell[cell].cnext[dir];
		if (c->cell[cell].dirty[dir])
			continue;
		to = to ? to : class_for(c, dir, sig, cell);
		class_join(c, dir, cell, to);
	}
	for (u32 i = 0; i < n; i++)
		c->cell[l[i].cell].dirty[dir] = false;
}

/* The largest part of class k, by members; 0 if none of them may take the number along. */
static u32 largest(const struct compiler *c, enum weir_dir dir, const struct leave *l, u32 n, u32 *out_n, u32 *left)
{
	u32 best = 0, k = l[0].class;

	*out_n = 0;
	*left = c->side[dir].class[k].n;
	for (u32 i = 0, j; i < n; i = j) {
		u32 weight = 0;

		for (j = i; j < n && l[j].sig == l[i].sig; j++)
			weight += c->cell[l[j].cell].n;
		*left -= weight;
		if (weight > *out_n && sig_same_but_fresh(c, dir, l[i].sig, c->side[dir].class[k].sig)) {
			best = i;
			*out_n = weight;
		}
	}
	return best;
}

/* The cells of one class that are in it wrongly now. */
static void part_class(struct compiler *c, enum weir_dir dir, const struct leave *l, u32 n)
{
	struct side *s = &c->side[dir];
	u32 k = l[0].class;
	bool may_close = c->may_close;

	if (k >= WEIR_CLASS_FIRST) {
		u32 weight, left, best = largest(c, dir, l, n, &weight, &left), sig = s->class[k].sig;

		if (weight > left && !class_of(s, l[best].sig)) {
			bool others = s->class[k].ncell > n;

			intern_hold(&c->sigs, sig);
			class_rename(c, dir, k, l[best].sig);
			if (others)
				rest_moves(c, dir, k, sig, l, n);
			intern_put(&c->sigs, sig);
		}
	}
	c->may_close |= k < WEIR_CLASS_FIRST;	/* who comes to a full house is closed; who is in it is not put out */
	for (u32 i = 0; i < n; i++)
		class_join(c, dir, l[i].cell, class_for(c, dir, l[i].sig, l[i].cell));
	c->may_close = may_close;
}

/* Is the cell in a wrong class?  What has no rows (nobody's, strangers) is put right here. */
static bool misplaced(struct compiler *c, enum weir_dir dir, u32 cell, struct leave *out)
{
	const struct cell *x = &c->cell[cell];
	u32 k = x->class[dir], sig;

	if (!x->who && c->node[x->node].stranger) {
		class_join(c, dir, cell, WEIR_CLASS_STRANGER);
		return false;
	}
	sig = cell_sig(c, dir, cell);
	if (k >= WEIR_CLASS_FIRST && c->side[dir].class[k].sig == sig) {
		intern_put(&c->sigs, sig);
		return false;
	}
	*out = (struct leave){ k, sig, cell };
	return true;
}

void regroup(struct compiler *c, enum weir_dir dir)
{
	struct vec *dirty = &c->side[dir].dirty;
	struct leave *l = words_realloc(NULL, (dirty->n + 1) * sizeof(*l));
	u32 n = 0;

	for (u32 i = 0; i < dirty->n; i++) {
		struct cell *x = &c->cell[dirty->v[i]];

		if (!x->there || !x->dirty[dir])
			continue;
		x->dirty[dir] = false;
		if (!x->n)
			cell_free(c, dirty->v[i]);
		else
			n += misplaced(c, dir, dirty->v[i], &l[n]);
	}
	vec_empty(dirty);
	qsort(l, n, sizeof(*l), by_leave);
	for (u32 i = 0, j; i < n; i = j) {
		for (j = i; j < n && l[j].class == l[i].class; j++)
			;
		part_class(c, dir, l + i, j - i);
	}
	for (u32 i = 0; i < n; i++)
		intern_put(&c->sigs, l[i].sig);
	words_free(l);
}

static void classes_merge(struct compiler *c, enum weir_dir dir, u32 from, u32 to)
{
	for (u32 cell = c->side[dir].class[from].head, next; cell; cell = next) {
		next = c->cell[cell].cnext[dir];
		class_join(c, dir, cell, to);
	}
}

/* A class whose signature became that of another joins it: the fresh one goes, else the smaller. */
static void class_strip(struct compiler *c, enum weir_dir dir, u32 k, u32 sig)
{
	struct side *s = &c->side[dir];
	u32 other = class_of(s, sig);

	if (!other) {
		class_rename(c, dir, k, sig);
		return;
	}
	if (s->class[other].fresh != s->class[k].fresh ? s->class[k].fresh : s->class[k].n <= s->class[other].n) {
		classes_merge(c, dir, k, other);
		return;
	}
	classes_merge(c, dir, other, k);
	class_rename(c, dir, k, sig);
}

/* Atoms are gone: no class has them any more. */
void classes_strip(struct compiler *c, enum weir_dir dir, const struct vec *lost)
{
	struct side *s = &c->side[dir];
	u8 *gone = words_zalloc(c->catom + 1);

	for (u32 i = 0; i < lost->n; i++)
		gone[lost->v[i]] = 1;
	for (u32 k = WEIR_CLASS_FIRST; k < s->numbers.next; k++) {
		const struct intern_entry *e;
		u32 sig;

		if (!s->class[k].there || s->class[k].to)	/* one of its own joins by itself */
			continue;
		e = &c->sigs.e[s->class[k].sig];
		c->tmp.n = 0;
		for (u32 i = 0; i < e->n; i++)
			if (!gone[e->w[i]])
				vec_push(&c->tmp, e->w[i]);
		if (c->tmp.n == e->n)
			continue;
		sig = sig_of(c, &c->tmp);
		class_strip(c, dir, k, sig);
		intern_put(&c->sigs, sig);
	}
	words_free(gone);
}
