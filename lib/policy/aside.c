// SPDX-License-Identifier: Apache-2.0
/*
 * A class of one's own.  Where one commit both moves an address (its labels) and changes sets (policies), taking the
 * address straight into a class that exists would give a packet the verdict of neither state: the old policies on
 * the new labels.  So it goes, for this commit, to a class that nobody else is in or comes to: sets that are left say
 * of it what they said of the old class.  It joins its true class when settling.
 */
#include "lib/policy/inside.h"

static u32 own_class(struct compiler *c, enum weir_dir dir, u32 from, u32 to)
{
	struct side *s = &c->side[dir];
	u64 key = (u64)to << 32 | from;
	u32 k = hmap_get(&s->own, key);

	if (k)
		return k;
	k = class_new(c, dir, s->class[to].sig);
	if (k) {
		s->class[k].from = from;
		s->class[k].to = to;
		hmap_set(&s->own, key, k);
	}
	return k;
}

/* What packets take it for until now. */
static u32 class_was(const struct compiler *c, enum weir_dir dir, u32 m)
{
	const struct member *x = &c->member[m];

	if (x->sent)
		return WEIR_WORD_CLASS(x->sent, dir);
	return c->adopting ? adopt_class(c, m, dir) : WEIR_CLASS_NONE;
}

static bool must_stand_aside(const struct compiler *c, enum weir_dir dir, u32 m)
{
	const struct side *s = &c->side[dir];
	const struct member *x = &c->member[m];
	u32 was = class_was(c, dir, m), now = c->cell[x->cell].class[dir];

	if (now < WEIR_CLASS_FIRST || was == now || member_class(c, m, dir) == was)
		return false;
	if (c->adopting)
		return true;
	return was >= WEIR_CLASS_FIRST && !sig_same_but_fresh(c, dir, s->class[was].sig, s->class[now].sig);
}

static void stand_aside(struct compiler *c, enum weir_dir dir, u32 m)
{
	struct side *s = &c->side[dir];
	u32 k = hmap_get(&c->asides, (u64)m << 1 | dir);

	if (!must_stand_aside(c, dir, m))
		return;
	if (k && s->class[k].fresh && s->class[k].to == c->cell[c->member[m].cell].class[dir])
		return;				/* it does already: it is listed twice */
	aside_drop(c, m, dir);
	k = own_class(c, dir, class_was(c, dir, m), c->cell[c->member[m].cell].class[dir]);
	if (!k)
		return;
	s->class[k].ncell++;
	hmap_set(&c->asides, (u64)m << 1 | dir, k);
	c->member[m].flags |= MEMBER_ASIDE;
}

void aside_drop(struct compiler *c, u32 m, enum weir_dir dir)
{
	u64 key = (u64)m << 1 | dir;
	u32 k;

	if (!(c->member[m].flags & MEMBER_ASIDE))
		return;
	k = hmap_get(&c->asides, key);
	hmap_set(&c->asides, key, 0);
	if (!hmap_get(&c->asides, key ^ 1))
		c->member[m].flags &= ~MEMBER_ASIDE;
	if (k && !--c->side[dir].class[k].ncell)
		class_drop(c, dir, k);
}

/* Endpoints that keep a set which others leave take its twin: of the one that is left the old verdicts are asked. */
static void twins(struct compiler *c, enum weir_dir dir)
{
	struct hmap twin = { 0 };

	for (u32 e = 1; e < c->cendpoint; e++) {
		struct endpoint *x = &c->endpoint[e];
		u32 n = x->set[dir], t;

		if (!x->there || !n || n != x->held[dir] || !c->set[n].left)
			continue;
		t = hmap_get(&twin, n);
		if (t)
			c->set[t].ref++;
		else
			t = set_clone(c, n);
		if (!t)
			break;
		hmap_set(&twin, n, t);
		x->set[dir] = t;
		set_put(c, n);
		vec_push(&c->changing, e);
	}
	hmap_free(&twin);
}

static void asides_of(struct compiler *c, enum weir_dir dir)
{
	u32 had = c->asides.n;

	for (u32 i = 0; i < c->moved.n; i++)
		if (c->member[c->moved.v[i]].cell)
			stand_aside(c, dir, c->moved.v[i]);
	for (u32 i = 0; i < c->moved_cells.n; i++)
		for (u32 m = c->cell[c->moved_cells.v[i]].head; m; m = c->member[m].next)
			stand_aside(c, dir, m);
	if (c->asides.n > had)
		twins(c, dir);
}

void asides_make(struct compiler *c)
{
	for (int d = 0; d < WEIR_DIRS; d++)
		if (c->side[d].compound) {
			asides_of(c, d);
			hmap_free(&c->side[d].own);
		}
}

static void asides_end(struct compiler *c, bool unsent)
{
	struct vec members = { 0 };

	for (u32 i = 0; c->asides.key && i <= c->asides.mask; i++)
		if (c->asides.key[i] && c->side[c->asides.key[i] & 1].class[c->asides.val[i]].fresh == unsent)
			vec_push(&members, (u32)c->asides.key[i]);	/* member numbers have less than 31 bits */
	for (u32 i = 0; i < members.n; i++) {
		member_moved(c, members.v[i] >> 1);
		aside_drop(c, members.v[i] >> 1, members.v[i] & 1);
	}
	vec_free(&members);
}

void asides_undo(struct compiler *c)
{
	asides_end(c, true);
}

void asides_join(struct compiler *c)
{
	asides_end(c, false);
}
