// SPDX-License-Identifier: Apache-2.0
/*
 * Rows: which table a set has for a class.  A set says the same of all classes that have the same of its atoms:
 * that is a view, folded once.  A cell that a packet can reach is never rewritten: rows are filled for new sets and
 * for new classes only, and sets that need room for more classes move.
 */
#include "lib/policy/inside.h"

static u32 table_count(const struct compiler *c, u32 t)
{
	return c->tables.e[t].n / (sizeof(struct weir_range) / sizeof(u32));
}

static void table_put(struct compiler *c, u32 t)
{
	u32 n = table_count(c, t);

	if (!intern_put(&c->tables, t))
		return;
	if (c->table[t].first) {
		extent_free(&c->ranges, c->table[t].first, n);
		c->nranges -= n;
	}
	c->table[t] = (struct table){ 0 };
}

/* Give a table its place among the ranges. */
static bool table_place(struct compiler *c, u32 t)
{
	u32 n = table_count(c, t);

	GROW(c->table, c->ctable, t);
	if (c->table[t].first)
		return true;
	c->table[t].first = extent_take(&c->ranges, n);
	if (!c->table[t].first) {
		bound_met(c, BOUND_RANGES);
		return false;
	}
	c->nranges += n;
	vec_push(&c->fresh_tables, t);
	return true;
}

static u64 view_key(const struct view *v)
{
	return (u64)v->set << 32 | v->sig;
}

static void view_put(struct compiler *c, u32 n)
{
	struct view *v = &c->view[n];

	if (--v->ref)
		return;
	hmap_set(&c->view_of, view_key(v), 0);
	intern_put(&c->sigs, v->sig);
	table_put(c, v->table);
	v->table = c->free_view;
	c->free_view = n;
}

static u32 view_new(struct compiler *c, u32 set, u32 sig, u32 table)
{
	u32 n = c->free_view;

	if (n) {
		c->free_view = c->view[n].table;
	} else {
		n = ++c->nview;
		GROW(c->view, c->cview, n);
	}
	c->view[n] = (struct view){ .set = set, .sig = sig, .table = table, .ref = 1 };
	hmap_set(&c->view_of, view_key(&c->view[n]), n);
	return n;
}

/* 'w': the set's atoms that a class has, sorted.  A reference; 0: does not fit. */
static u32 view_get(struct compiler *c, u32 set, const u32 *w, u32 n)
{
	u32 sig = intern_get(&c->sigs, w, n), v = hmap_get(&c->view_of, (u64)set << 32 | sig), t;

	if (v) {
		intern_put(&c->sigs, sig);
		c->view[v].ref++;
		return v;
	}
	t = fold(c, &c->set[set], c->sigs.e[sig].w, n);
	if (!t)
		bound_met(c, BOUND_TABLE);
	if (t && !table_place(c, t)) {
		table_put(c, t);
		t = 0;
	}
	if (!t) {
		intern_put(&c->sigs, sig);
		return 0;
	}
	return view_new(c, set, sig, t);
}

/* A view of an earlier agent's set: known by its cell.  Takes the table's reference over. */
u32 view_adopt(struct compiler *c, u32 set, u32 cell, u32 table)
{
	u32 sig = intern_get(&c->sigs, (u32[]){ ~0u, cell }, 2), v = hmap_get(&c->view_of, (u64)set << 32 | sig);

	if (!v)
		return view_new(c, set, sig, table);
	intern_put(&c->sigs, sig);
	intern_put(&c->tables, table);
	c->view[v].ref++;
	return v;
}

u32 row_cell(const struct compiler *c, const struct set *s, u32 class)
{
	u32 v = class < s->limit ? s->row[class] : 0, t;

	if (!v)
		return 0;
	t = c->view[v].table;
	return WEIR_CELL(c->table[t].first, table_count(c, t));
}

void row_drop(struct compiler *c, struct set *s, u32 class)
{
	u32 v = class < s->limit ? s->row[class] : 0;

	if (!v)
		return;
	s->row[class] = 0;
	view_put(c, v);
}

/* room */
static u32 limit_for(const struct compiler *c, enum weir_dir dir, u32 need, bool slack)
{
	u32 limit = slack ? need + need / 2 : need, most = c->side[dir].numbers.end;

	limit = (limit + WEIR_CELLS_LINE - 1) / WEIR_CELLS_LINE * WEIR_CELLS_LINE;
	return limit < most ? limit : most;
}

static void set_move(struct compiler *c, u32 n, u32 base, u32 limit)
{
	struct set *s = &c->set[n];

	if (s->fresh)
		extent_free(&c->cells, s->base, s->limit);
	else
		extent_give(&c->cells, s->base, s->limit);	/* a packet may be reading there */
	if (!s->fresh && !s->moved)
		vec_push(&c->moved_sets, n);
	s->moved |= !s->fresh;
	c->ncells += limit - s->limit;
	s->row = words_realloc(s->row, limit * sizeof(u32));
	if (limit > s->limit)
		memset(s->row + s->limit, 0, (limit - s->limit) * sizeof(u32));
	s->base = base;
	s->limit = limit;
}

/* All sets of a side to places of another size; or none. */
static bool resize_to(struct compiler *c, enum weir_dir dir, u32 limit)
{
	struct side *s = &c->side[dir];
	u32 *base = words_zalloc((s->sets.n + 1) * sizeof(u32)), i;

	for (i = 0; i < s->sets.n; i++) {
		u32 has = c->set[s->sets.v[i]].limit;

		if (!has || has == limit || (limit > s->limit && has > limit))	/* not placed yet, or large enough */
			continue;
		base[i] = extent_take(&c->cells, limit);
		if (!base[i])
			break;
	}
	if (i < s->sets.n) {
		while (i--)
			if (base[i])
				extent_free(&c->cells, base[i], limit);
		words_free(base);
		return false;
	}
	for (i = 0; i < s->sets.n; i++)
		if (base[i])
			set_move(c, s->sets.v[i], base[i], limit);
	s->limit = limit;
	words_free(base);
	return true;
}

bool side_grow(struct compiler *c, enum weir_dir dir, u32 need)
{
	struct side *s = &c->side[dir];

	if (s->no_room && c->cells.left <= s->no_room)		/* nothing has become free since */
		return false;
	s->no_room = 0;
	if (resize_to(c, dir, limit_for(c, dir, need, true)) || resize_to(c, dir, limit_for(c, dir, need, false)))
		return true;
	s->no_room = c->cells.left;
	return false;
}

/* The other way, when most of the room is not needed any more. */
void side_shrink(struct compiler *c, enum weir_dir dir)
{
	struct side *s = &c->side[dir];
	u32 limit = limit_for(c, dir, s->numbers.next, true);

	if (s->limit > 128 && limit * 3 < s->limit)
		resize_to(c, dir, limit);
}

static bool set_place(struct compiler *c, u32 n)
{
	struct set *s = &c->set[n];
	u32 limit = c->side[s->dir].limit;

	if (s->limit)
		return true;
	s->base = extent_take(&c->cells, limit);
	if (!s->base) {
		bound_met(c, BOUND_CELLS);
		return false;
	}
	s->limit = limit;
	s->row = words_zalloc(limit * sizeof(u32));
	c->ncells += limit;
	return true;
}

/* filling */

/* A new set, for every class. */
static void row_fill(struct compiler *c, u32 n)
{
	u8 *mark = words_zalloc(c->catom + 1);
	struct set *s = &c->set[n];
	struct side *side = &c->side[s->dir];

	for (u32 i = 0; i < s->atoms.n; i++)
		mark[s->atoms.v[i]] = 1;
	mark[0] = s->names;
	if (s->open && !s->row[WEIR_CLASS_STRANGER])
		s->row[WEIR_CLASS_STRANGER] = view_get(c, n, NULL, 0);
	for (u32 k = WEIR_CLASS_FIRST; k < side->numbers.next && !c->bound; k++) {
		const struct intern_entry *e = &c->sigs.e[side->class[k].sig];

		if (!side->class[k].there || side->class[k].to || s->row[k])
			continue;
		c->tmp.n = 0;
		for (u32 i = 0; i < e->n; i++) {
			const struct intern_entry *a = &c->atoms.e[e->w[i]];

			if (mark[a->n && a->w[0] == PIECE_NAMED ? a->w[1] : e->w[i]])
				vec_push(&c->tmp, e->w[i]);
		}
		s->row[k] = view_get(c, n, c->tmp.v, c->tmp.n);
	}
	words_free(mark);
}

/* A new class has no table in some set: its addresses are closed. */
static void class_close(struct compiler *c, enum weir_dir dir, u32 k)
{
	for (u32 cell = c->side[dir].class[k].head, next; cell; cell = next) {
		next = c->cell[cell].cnext[dir];
		class_join(c, dir, cell, WEIR_CLASS_OVER);
	}
}

/* What an earlier agent's set had no row for (a stranger) stays closed until the set is left. */
static u32 denied(struct compiler *c, u32 set)
{
	static const struct set nobody = { .isolated = { true, true } };
	u32 sig = intern_find(&c->sigs, (u32[]){ ~0u, 0 }, 2), v = sig ? hmap_get(&c->view_of, (u64)set << 32 | sig) : 0, t;

	if (v) {
		c->view[v].ref++;
		return v;
	}
	t = fold(c, &nobody, NULL, 0);
	if (!table_place(c, t)) {
		table_put(c, t);
		return 0;
	}
	return view_adopt(c, set, 0, t);
}

/* A new class, for every set. */
static void column_fill(struct compiler *c, enum weir_dir dir, u32 k)
{
	struct side *side = &c->side[dir];
	const struct intern_entry *e = &c->sigs.e[side->class[k].sig];
	bool fits = true;

	GROW(c->hit, c->chit, c->cset);
	for (u32 i = 0; i < e->n; i++) {
		const struct vec *users = atom_users(c, dir, e->w[i]);

		for (u32 j = 0; j < users->n; j++)
			vec_push(&c->hit[users->v[j]], e->w[i]);
	}
	for (u32 i = 0; i < side->sets.n; i++) {
		u32 n = side->sets.v[i];

		if (fits && !c->set[n].row[k]) {
			u32 v = c->set[n].foreign ? denied(c, n) : view_get(c, n, c->hit[n].v, c->hit[n].n);

			c->set[n].row[k] = v;
			fits = v;
		}
		c->hit[n].n = 0;
	}
	if (!fits && c->may_close)
		class_close(c, dir, k);
}

/* A class of one's own: what the sets that are left said of the old class; elsewhere what is said of the new one. */
static void own_fill(struct compiler *c, enum weir_dir dir, u32 k)
{
	struct side *side = &c->side[dir];

	for (u32 i = 0; i < side->sets.n; i++) {
		struct set *s = &c->set[side->sets.v[i]];
		u32 from = side->class[k].from, v = (s->left || s->foreign) && from < s->limit ? s->row[from] : 0;

		if (s->row[k])
			continue;
		if (!v && s->foreign) {
			s->row[k] = denied(c, side->sets.v[i]);
			continue;
		}
		v = v ? v : s->row[side->class[k].to];
		s->row[k] = v;
		if (v)
			c->view[v].ref++;
	}
}

/* New classes, by a copy of the list: one that is closed leaves it. */
static void columns_fill(struct compiler *c, enum weir_dir dir)
{
	struct vec fresh = { 0 };

	vec_add(&fresh, c->side[dir].fresh.v, c->side[dir].fresh.n);
	for (u32 i = 0; i < fresh.n && !c->bound; i++) {
		const struct class *x = &c->side[dir].class[fresh.v[i]];

		if (x->there && !x->to)
			column_fill(c, dir, fresh.v[i]);
	}
	vec_free(&fresh);
}

bool rows_fill(struct compiler *c)
{
	for (u32 i = 0; i < c->fresh_sets.n && !c->bound; i++)
		if (set_place(c, c->fresh_sets.v[i]))
			row_fill(c, c->fresh_sets.v[i]);
	for (int d = 0; d < WEIR_DIRS; d++)
		columns_fill(c, d);
	for (u32 i = 0; c->asides.key && i <= c->asides.mask && !c->bound; i++)
		if (c->asides.key[i])
			own_fill(c, c->asides.key[i] & 1, c->asides.val[i]);
	return !c->bound;
}
