// SPDX-License-Identifier: Apache-2.0
/*
 * A plan: what a commit comes to, before anything is sent.  It changes the compiler's own view only; what goes out is
 * the difference between that and what was sent.  So a plan that does not fit is not unwound step by step: the
 * policies are put back and a new plan is made; what the first had made new and nobody uses dies.
 */
#include "lib/policy/inside.h"

void bound_met(struct compiler *c, enum compile_bound b)
{
	if (c->may_close) {
		c->pods_bound = b;
		return;
	}
	if (!c->bound)
		c->bound = b;
}

/* What an endpoint is to have: 's' comes with a reference. */
static void want(struct compiler *c, u32 e, enum weir_dir dir, u32 s)
{
	u32 was = c->endpoint[e].set[dir];

	if (s == was) {
		if (s)
			c->set[s].ref--;
		return;
	}
	c->endpoint[e].set[dir] = s;
	if (was)
		set_put(c, was);
	vec_push(&c->changing, e);
}

static void endpoint_plan(struct compiler *c, u32 e)
{
	struct endpoint *x = &c->endpoint[e];

	for (int d = 0; d < WEIR_DIRS; d++) {
		u32 s = c->adopting ? 0 : x->held[d];	/* an earlier agent's set cannot be kept */

		if (!c->hold)
			s = set_for(c, c->pod[x->pod].who, d);
		else if (s)
			c->set[s].ref++;
		x = &c->endpoint[e];
		if (s || c->hold)
			want(c, e, d, s);
		else
			vec_push(&c->changing, e);	/* did not fit: it is looked at again */
	}
	if (c->hold)
		vec_push(&c->full, e);
}

static void endpoints_plan(struct compiler *c)
{
	for (u32 i = 0; i < c->dirty_endpoints.n; i++) {
		u32 e = c->dirty_endpoints.v[i];

		c->endpoint[e].dirty = false;
		if (c->endpoint[e].there)
			endpoint_plan(c, e);
	}
	vec_empty(&c->dirty_endpoints);
}

static void set_left(struct compiler *c, u32 n)
{
	if (!c->set[n].there || c->set[n].left)
		return;
	c->set[n].left = true;
	c->side[c->set[n].dir].compound = true;
	vec_push(&c->left_sets, n);
}

/* Does the commit change sets that packets may hold; which sets are left; may it close an address instead of being
 * refused?  (Not when new policies are why there is no room.) */
static void sides_plan(struct compiler *c)
{
	bool fresh = c->fresh_sets.n;

	for (u32 i = 0; i < c->left_sets.n; i++)
		if (c->left_sets.v[i] < c->cset)
			c->set[c->left_sets.v[i]].left = false;
	vec_empty(&c->left_sets);
	for (int d = 0; d < WEIR_DIRS; d++)
		c->side[d].compound = c->adopting;
	for (u32 i = 0; i < c->dead_sets.n; i++)
		set_left(c, c->dead_sets.v[i]);		/* in an earlier commit, and no grace since */
	for (int d = 0; d < WEIR_DIRS; d++)
		for (u32 i = 0; i < c->changing.n; i++) {
			const struct endpoint *x = &c->endpoint[c->changing.v[i]];
			u32 held = x->held[d];

			if (x->there && held && held != x->set[d])
				set_left(c, held);
		}
	c->may_close = !fresh;
}

static bool leaves(const struct compiler *c, const struct member *x)
{
	return !(x->flags & (MEMBER_PREFIX | MEMBER_HOST)) && !x->owner;
}

static void member_plan(struct compiler *c, u32 m)
{
	const struct member *x = &c->member[m];

	if (!x->cell || x->slot || leaves(c, x) || member_slot(c, m))
		return;
	if (x->flags & MEMBER_PREFIX)
		bound_met(c, BOUND_PREFIXES);
	else
		c->pods_bound = BOUND_ADDRESSES;
}

static void slots_plan(struct compiler *c)
{
	for (u32 i = 0; i < c->moved.n; i++)
		member_plan(c, c->moved.v[i]);
}

/* Who found no class or no slot before tries again. */
static void closed_retry(struct compiler *c)
{
	for (int d = 0; d < WEIR_DIRS; d++) {
		struct vec closed = c->side[d].closed;

		c->side[d].closed = (struct vec){ 0 };
		for (u32 i = 0; i < closed.n; i++)
			if (c->cell[closed.v[i]].there && c->cell[closed.v[i]].class[d] == WEIR_CLASS_OVER)
				cell_dirty(c, closed.v[i], d);
		vec_free(&closed);
	}
}

/* Cells that stayed closed are remembered: joining the class they are in already told nobody. */
static void closed_keep(struct compiler *c, enum weir_dir d, const struct vec *tried)
{
	for (u32 i = 0; i < tried->n; i++) {
		const struct cell *x = &c->cell[tried->v[i]];

		if (x->there && x->class[d] == WEIR_CLASS_OVER && !vec_has(&c->side[d].closed, tried->v[i]))
			vec_push(&c->side[d].closed, tried->v[i]);
	}
}

enum compile_bound plan(struct compiler *c)
{
	struct vec tried[WEIR_DIRS] = { { 0 }, { 0 } };

	c->bound = BOUND_NONE;
	c->may_close = false;
	asides_undo(c);
	endpoints_plan(c);
	sets_die(c, true);
	atoms_die(c);
	atoms_live(c);
	sides_plan(c);
	for (int d = 0; d < WEIR_DIRS; d++)
		vec_add(&tried[d], c->side[d].closed.v, c->side[d].closed.n);
	closed_retry(c);
	for (int d = 0; d < WEIR_DIRS; d++) {
		regroup(c, d);
		closed_keep(c, d, &tried[d]);
		vec_free(&tried[d]);
	}
	slots_plan(c);
	if (!c->bound)
		asides_make(c);
	if (!c->bound)
		rows_fill(c);
	return c->bound;
}

/* Endpoints want what they have; what was new and is nobody's now dies, half-made as it may be. */
void plan_undo(struct compiler *c)
{
	struct vec changing = c->changing;

	c->changing = (struct vec){ 0 };
	for (u32 i = 0; i < changing.n; i++) {
		u32 e = changing.v[i];

		if (!c->endpoint[e].there)
			continue;
		for (int d = 0; d < WEIR_DIRS; d++) {
			u32 held = c->endpoint[e].held[d];

			if (held)
				c->set[held].ref++;
			want(c, e, d, held);
		}
		endpoint_dirty(c, e);
	}
	vec_free(&changing);
	asides_undo(c);
	sets_die(c, true);
	atoms_die(c);
}
