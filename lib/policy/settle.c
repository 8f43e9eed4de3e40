// SPDX-License-Identifier: Apache-2.0
/*
 * After the grace: numbers that rested come back, dead sets and their atoms leave, classes that nothing tells apart
 * any more join, entries that nobody is to find go.  And after a sweep: what flows and records may have named.
 */
#include "lib/policy/inside.h"

void rest(struct compiler *c, u32 kind, u32 number)
{
	GROW(c->resting, c->cresting, c->nresting);
	c->resting[c->nresting++] = (struct resting){ kind, number, kind == REST_MEMBER ? UNSENT : 0 };
}

static void rested(struct compiler *c)
{
	for (int d = 0; d < WEIR_DIRS; d++) {
		struct vec dead = c->side[d].dead;

		c->side[d].dead = (struct vec){ 0 };
		for (u32 i = 0; i < dead.n; i++)
			class_gone(c, d, dead.v[i]);
		vec_free(&dead);
	}
	extents_rested(&c->cells);
	extents_rested(&c->ranges);
}

static void nodes_leave(struct compiler *c)
{
	for (u32 i = 0; i < c->left_nodes.n; i++)
		trie_gone(c, c->left_nodes.v[i]);
	vec_empty(&c->left_nodes);
}

static bool unused(const struct member *x)
{
	return x->flags & MEMBER_PREFIX ? !x->cell : x->cell && !x->owner && !(x->flags & MEMBER_HOST);
}

static void slot_give(struct compiler *c, struct member *x)
{
	if (!x->slot)
		return;
	rest(c, REST_SLOT, x->slot);
	c->nprefixes -= !!(x->flags & MEMBER_PREFIX);
	c->naddresses -= !(x->flags & MEMBER_PREFIX);
	x->slot = 0;
}

static void member_gone(struct compiler *c, u32 m)
{
	struct member *x = &c->member[m];

	if (x->flags & MEMBER_OVER)
		c->over--;
	slot_give(c, x);
	member_detach(c, m);
	for (int d = 0; d < WEIR_DIRS; d++)
		aside_drop(c, m, d);
	x->flags &= ~(MEMBER_OVER | MEMBER_RESTING);
	if (x->flags & MEMBER_UNSWEPT)		/* who comes back to that address must know */
		return;
	if (!(x->flags & MEMBER_PREFIX))
		address_forget(c, m);
	member_free(c, m);
}

/* Members that have no use now, each once. */
static void gone_find(struct compiler *c, struct vec *gone)
{
	for (u32 i = 0; i < c->left.n; i++)
		if (unused(&c->member[c->left.v[i]]))
			vec_push(gone, c->left.v[i]);
	vec_empty(&c->left);
	vec_uniq(gone);
}

/* Sets move to where there is room for more classes before it is needed: then no commit has to wait for it.  And to
 * smaller places when many classes are gone. */
static void resize_ahead(struct compiler *c)
{
	for (int d = 0; d < WEIR_DIRS; d++) {
		struct side *s = &c->side[d];

		if (s->limit && !s->fresh.n && s->numbers.next + s->limit / 8 > s->limit && s->limit < s->numbers.end)
			side_grow(c, d, s->numbers.next + s->limit / 8);
		else if (!s->fresh.n)
			side_shrink(c, d);
	}
}

/* Classes join; with objects that wait for a commit that is left to it. */
static void join(struct compiler *c)
{
	c->may_close = true;
	nodes_leave(c);
	asides_join(c);
	atoms_die(c);
	trie_refresh(c);
	for (int d = 0; d < WEIR_DIRS; d++)
		regroup(c, d);
	rows_fill(c);
	vec_add(&c->left, c->leaving.v, c->leaving.n);
	vec_empty(&c->leaving);
}

static void settled(struct compiler *c, const struct vec *gone)
{
	for (u32 i = 0; i < gone->n; i++)
		member_gone(c, gone->v[i]);
	for (u32 i = 0; !c->pending && i < c->leaving_nodes.n; i++)
		vec_push(&c->left_nodes, c->leaving_nodes.v[i]);
	if (!c->pending)
		vec_empty(&c->leaving_nodes);
	for (int d = 0; !c->pending && d < WEIR_DIRS; d++) {
		struct side *s = &c->side[d];

		for (u32 i = 0; i < s->fresh.n; i++)
			s->class[s->fresh.v[i]].fresh = false;
		vec_empty(&s->fresh);
		vec_add(&s->dead, s->dying.v, s->dying.n);
		vec_empty(&s->dying);
	}
}

int compile_settle(struct compiler *c)
{
	struct vec gone = { 0 };
	int err = 0;

	c->apart = false;
	rested(c);
	sets_die(c, false);
	c->epoch++;
	for (u32 i = 0; i < c->nresting; i++)
		if (!c->resting[i].epoch)
			c->resting[i].epoch = c->epoch;
	if (!c->pending)
		join(c);
	if (!c->pending)
		resize_ahead(c);
	gone_find(c, &gone);
	err = send_settle(c, &gone);
	settled(c, &gone);
	vec_free(&gone);
	if (!c->pending)
		trim(c);
	return err;
}

bool compile_unsettled(const struct compiler *c)
{
	for (int d = 0; d < WEIR_DIRS; d++)
		if (c->side[d].dead.n || c->side[d].lost.n)
			return true;
	for (u32 i = 0; i < c->nresting; i++)
		if (!c->resting[i].epoch)
			return true;
	return c->dead_sets.n || c->cells.nrest || c->asides.n || c->left.n || c->left_nodes.n;
}

/* sweeping */
unsigned int compile_sweep_mark(const struct compiler *c)
{
	return c->epoch;
}

bool compile_unswept(const struct compiler *c)
{
	for (u32 i = 0; i < c->nresting; i++)
		if (c->resting[i].epoch && c->resting[i].epoch != UNSENT)
			return true;
	return false;
}

static bool rests(const struct compiler *c, u32 kind, u32 number)
{
	for (u32 i = 0; i < c->nresting; i++)
		if (c->resting[i].kind == kind && c->resting[i].number == number)
			return true;
	return false;
}

static void member_swept(struct compiler *c, u32 m)
{
	struct member *x = &c->member[m];

	if (!(x->flags & MEMBER_UNSWEPT) || rests(c, REST_MEMBER, m))	/* done; or it changed hands again since */
		return;
	x->flags &= ~(MEMBER_UNSWEPT | MEMBER_RESTING);
	if (x->cell) {
		member_moved(c, m);
		return;
	}
	address_forget(c, m);
	member_free(c, m);
}

static void swept(struct compiler *c, const struct resting *r)
{
	switch (r->kind) {
	case REST_SLOT:
		number_free(&c->slots, r->number);
		break;
	case REST_ENDPOINT:
		number_free(&c->endpoints, r->number);
		break;
	case REST_RULE:
		rule_rested(c, r->number);
		break;
	case REST_MEMBER:
		member_swept(c, r->number);
		break;
	}
}

static bool is_over(const struct resting *r, unsigned int mark, const __u64 *held)
{
	if (!r->epoch || r->epoch > mark)
		return false;
	return r->kind != REST_RULE || !held || !(held[r->number / 64] >> (r->number % 64) & 1);
}

int compile_swept(struct compiler *c, unsigned int mark, const __u64 held[WEIR_RULES / 64])
{
	struct resting *over = words_realloc(NULL, (c->nresting + 1) * sizeof(*over));
	u32 n = 0, k = 0;

	for (u32 i = 0; i < c->nresting; i++) {
		if (is_over(&c->resting[i], mark, held))
			over[n++] = c->resting[i];
		else
			c->resting[k++] = c->resting[i];
	}
	c->nresting = k;
	for (u32 i = 0; i < n; i++)
		swept(c, &over[i]);
	words_free(over);
	return send_settle(c, NULL);
}

int compile_finish(struct compiler *c)
{
	static const struct op grace = { .kind = OP_GRACE };
	int err = 0;

	for (int i = 0; i < 8 && !err && (compile_unsettled(c) || compile_unswept(c)); i++) {
		err = c->sink(c->ctx, &grace) ?: compile_settle(c);
		if (!err)
			err = compile_swept(c, compile_sweep_mark(c), NULL);
	}
	return err;
}
