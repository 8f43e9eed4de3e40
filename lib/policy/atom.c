// SPDX-License-Identifier: Apache-2.0
/* Atoms: the peer lists of rules, interned, and what of them is in force. */
#include <stdlib.h>

#include "lib/policy/inside.h"

static void vec_push_prefix(struct vec *w, const struct weir_prefix *p)
{
	u32 words[5] = { p->length };

	memcpy(words + 1, &p->addr, sizeof(p->addr));
	vec_add(w, words, 5);
}

static u32 block_take(struct compiler *c, const struct peer *p)
{
	struct vec w = { 0 };
	u32 id;

	vec_push_prefix(&w, &p->block);
	for (u32 i = 0; i < p->nexcept; i++)
		vec_push_prefix(&w, &p->except[i]);
	id = intern_get(&c->blocks, w.v, w.n);
	GROW(c->block, c->cblock, id);
	vec_free(&w);
	return id;
}

static void part_put(struct compiler *c, u32 part)
{
	u32 spaces = c->parts.e[part].w[0], pods = c->parts.e[part].w[1];

	if (!intern_put(&c->parts, part))
		return;
	selector_put(c, pods);
	if (spaces & BY_SELECTOR)
		selector_put(c, spaces & ~BY_SELECTOR);
	else if (spaces >= SPACE_FIRST)
		space_put(c, spaces);
}

static u32 part_take(struct compiler *c, u32 space, const struct peer *p)
{
	u32 w[2] = { SPACE_NODE, selector_take(c, &p->pods) }, id;

	if (p->kind == PEER_PODS && p->own_namespace && space) {
		w[0] = space;
		c->space[space].ref++;
	} else if (p->kind == PEER_PODS) {
		w[0] = BY_SELECTOR | selector_take(c, &p->namespaces);
	}
	id = intern_get(&c->parts, w, 2);
	GROW(c->part, c->cpart, id);
	if (!intern_last(&c->parts, id)) {		/* it holds its selectors once */
		selector_put(c, w[1]);
		if (w[0] & BY_SELECTOR)
			selector_put(c, w[0] & ~BY_SELECTOR);
		else if (w[0] >= SPACE_FIRST)
			space_put(c, w[0]);
	}
	return id;
}

static int by_pair(const void *a, const void *b)
{
	const u32 *x = a, *y = b;

	if (x[0] != y[0])
		return x[0] < y[0] ? -1 : 1;
	return x[1] < y[1] ? -1 : x[1] > y[1];
}

static void pieces_put(struct compiler *c, const u32 *w, u32 n)
{
	for (u32 i = 0; i < n; i += 2) {
		if (w[i] == PIECE_BLOCK)
			intern_put(&c->blocks, w[i + 1]);
		else
			part_put(c, w[i + 1]);
	}
}

/* Doubles go: a piece is in force once for an atom. */
static void pieces_uniq(struct compiler *c, struct vec *w)
{
	u32 n = 0;

	if (w->n)
		qsort(w->v, w->n / 2, 2 * sizeof(u32), by_pair);
	for (u32 i = 0; i < w->n; i += 2) {
		if (n && w->v[n - 2] == w->v[i] && w->v[n - 1] == w->v[i + 1]) {
			pieces_put(c, w->v + i, 2);
			continue;
		}
		w->v[n] = w->v[i];
		w->v[n + 1] = w->v[i + 1];
		n += 2;
	}
	w->n = n;
}

u32 atom_take(struct compiler *c, u32 space, const struct rule *r)
{
	struct vec w = { 0 };
	u32 id;

	if (r->any_peer)
		return 0;
	for (u32 i = 0; i < r->npeer; i++) {
		const struct peer *p = &r->peer[i];
		u32 piece;

		if (p->kind == PEER_NOBODY)
			continue;
		piece = p->kind == PEER_BLOCK ? block_take(c, p) : part_take(c, space, p);
		vec_push(&w, p->kind == PEER_BLOCK ? PIECE_BLOCK : PIECE_PODS);
		vec_push(&w, piece);
	}
	pieces_uniq(c, &w);
	id = intern_get(&c->atoms, w.v, w.n);
	GROW(c->atom, c->catom, id);
	if (!intern_last(&c->atoms, id))
		pieces_put(c, w.v, w.n);
	vec_free(&w);
	return id;
}

void atom_hold(struct compiler *c, u32 atom)
{
	if (atom)
		intern_hold(&c->atoms, atom);
}

void atom_put(struct compiler *c, u32 atom)
{
	struct vec w = { 0 };

	if (!atom)
		return;
	if (intern_last(&c->atoms, atom))
		vec_add(&w, c->atoms.e[atom].w, c->atoms.e[atom].n);
	intern_put(&c->atoms, atom);
	pieces_put(c, w.v, w.n);
	vec_free(&w);
}

/* in force */
void atom_use(struct compiler *c, u32 atom, enum weir_dir dir)
{
	if (!atom || c->atom[atom].ref[dir]++)
		return;
	if (vec_drop(&c->side[dir].lost, atom))		/* it was in force a moment ago, and still is */
		return;
	c->atom[atom].fresh[dir] = true;
	vec_push(&c->fresh_list, atom);
	atom_hold(c, atom);
	vec_push(&c->fresh_atoms[dir], atom);
}

void atom_unuse(struct compiler *c, u32 atom, enum weir_dir dir)
{
	if (!atom || --c->atom[atom].ref[dir])
		return;
	vec_push(&c->side[dir].lost, atom);
}

/* Who resolves a name at the atom's peers may differ now: look at them again. */
static void names_dirty(struct compiler *c, u32 atom)
{
	const struct side *s = &c->side[WEIR_EGRESS];

	for (u32 k = WEIR_CLASS_FIRST; k < s->numbers.next; k++) {
		const struct intern_entry *e = &c->sigs.e[s->class[k].sig];

		if (!s->class[k].there || (atom && !words_have(e->w, e->n, atom)))
			continue;
		for (u32 cell = s->class[k].head; cell; cell = c->cell[cell].cnext[WEIR_EGRESS]) {
			u32 who = c->cell[cell].who;

			if (who && c->ports.e[c->who[who].ports].n)
				cell_dirty(c, cell, WEIR_EGRESS);
		}
	}
}

void name_use(struct compiler *c, u32 atom, u32 name)
{
	struct vec *names = atom ? &c->atom[atom].names : &c->any_names;

	if (!vec_has(names, name)) {
		named_forget(c);
		names_dirty(c, atom);
		vec_push(&c->fresh_names, atom);
		vec_push(&c->fresh_names, name);
	}
	vec_push(names, name);
}

void name_unuse(struct compiler *c, u32 atom, u32 name)
{
	struct vec *names = atom ? &c->atom[atom].names : &c->any_names;

	vec_drop(names, name);
	if (vec_has(names, name))
		return;
	vec_push(&c->side[WEIR_EGRESS].lost_names, atom);
	vec_push(&c->side[WEIR_EGRESS].lost_names, name);
}

struct gain {
	u32 who, atom;
};
struct gains {
	struct gain *v;
	u32 n, cap;
};

static int by_gain(const void *a, const void *b)
{
	const struct gain *x = a, *y = b;

	return x->who != y->who ? (x->who < y->who ? -1 : 1) : x->atom < y->atom ? -1 : x->atom > y->atom;
}

static void atom_gains(struct compiler *c, u32 atom, enum weir_dir dir, struct gains *g)
{
	const struct intern_entry *e = &c->atoms.e[atom];

	for (u32 j = 0; j < e->n; j += 2) {
		if (e->w[j] == PIECE_BLOCK) {
			block_use(c, e->w[j + 1], atom, dir);
			continue;
		}
		part_use(c, e->w[j + 1], atom, dir);
		c->tmp2.n = 0;
		part_whos(c, e->w[j + 1], &c->tmp2);
		for (u32 k = 0; k < c->tmp2.n; k++) {
			GROW(g->v, g->cap, g->n);
			g->v[g->n++] = (struct gain){ c->tmp2.v[k], atom };
		}
	}
}

static void who_sig_set(struct compiler *c, u32 who, enum weir_dir dir, u32 sig)
{
	u32 was = c->who[who].sig[dir];

	c->who[who].sig[dir] = sig;
	if (sig != was)
		for (u32 cell = c->who[who].cell; cell; cell = c->cell[cell].wnext)
			cell_dirty(c, cell, dir);
	intern_put(&c->sigs, was);
}

static void who_gains(struct compiler *c, u32 who, enum weir_dir dir, const struct gain *g, u32 n)
{
	const struct intern_entry *e = &c->sigs.e[c->who[who].sig[dir]];

	c->tmp.n = 0;
	vec_add(&c->tmp, e->w, e->n);
	for (u32 i = 0; i < n; i++)
		vec_push(&c->tmp, g[i].atom);
	who_sig_set(c, who, dir, sig_of(c, &c->tmp));
}

/* Everybody they match gets them, once per owner however many came. */
static void atoms_live_in(struct compiler *c, enum weir_dir dir)
{
	struct gains g = { 0 };

	for (u32 i = 0; i < c->fresh_atoms[dir].n; i++)
		atom_gains(c, c->fresh_atoms[dir].v[i], dir, &g);
	if (g.n)
		qsort(g.v, g.n, sizeof(*g.v), by_gain);
	for (u32 i = 0, j; i < g.n; i = j) {
		for (j = i; j < g.n && g.v[j].who == g.v[i].who; j++)
			;
		who_gains(c, g.v[i].who, dir, g.v + i, j - i);
	}
	words_free(g.v);
	vec_empty(&c->fresh_atoms[dir]);
}

void atoms_live(struct compiler *c)
{
	atoms_live_in(c, WEIR_INGRESS);
	atoms_live_in(c, WEIR_EGRESS);
	trie_refresh(c);
}

void atoms_settled(struct compiler *c)
{
	for (u32 i = 0; i < c->fresh_list.n; i++)
		c->atom[c->fresh_list.v[i]].fresh[0] = c->atom[c->fresh_list.v[i]].fresh[1] = false;
	vec_empty(&c->fresh_list);
	vec_empty(&c->fresh_names);
}

/* Atoms "names a port so" whose name nobody asks for any more join those that are lost. */
static void named_lost(struct compiler *c)
{
	struct side *s = &c->side[WEIR_EGRESS];
	bool any = false;

	for (u32 i = 0; i < s->lost_names.n; i += 2)
		any |= !vec_has(atom_names(c, s->lost_names.v[i]), s->lost_names.v[i + 1]);
	for (u32 a = 1; any && a < c->atoms.n; a++) {
		const struct intern_entry *e = &c->atoms.e[a];

		if (e->ref && e->n == 4 && e->w[0] == PIECE_NAMED && !vec_has(atom_names(c, e->w[1]), e->w[2]))
			vec_push(&s->lost, a);
	}
	vec_empty(&s->lost_names);
}

static void atom_leaves(struct compiler *c, u32 atom, enum weir_dir dir, struct vec *whos)
{
	const struct intern_entry *e = &c->atoms.e[atom];

	if (e->n && e->w[0] == PIECE_NAMED)
		return;
	for (u32 j = 0; j < e->n; j += 2) {
		if (e->w[j] == PIECE_BLOCK) {
			block_leave(c, e->w[j + 1], atom, dir);
			continue;
		}
		part_whos(c, e->w[j + 1], whos);
		part_leave(c, e->w[j + 1], atom, dir);
	}
}

static void who_loses(struct compiler *c, u32 who, enum weir_dir dir, const struct vec *lost)
{
	const struct intern_entry *e = &c->sigs.e[c->who[who].sig[dir]];

	c->tmp.n = 0;
	for (u32 j = 0; j < e->n; j++)
		if (!words_have(lost->v, lost->n, e->w[j]))
			vec_push(&c->tmp, e->w[j]);
	who_sig_set(c, who, dir, sig_of(c, &c->tmp));
}

static void atoms_die_in(struct compiler *c, enum weir_dir dir)
{
	struct vec whos = { 0 }, lost = c->side[dir].lost;

	c->side[dir].lost = (struct vec){ 0 };
	vec_uniq(&lost);
	for (u32 i = 0; i < lost.n; i++)
		atom_leaves(c, lost.v[i], dir, &whos);
	vec_uniq(&whos);
	for (u32 i = 0; i < whos.n; i++)
		who_loses(c, whos.v[i], dir, &lost);
	trie_refresh(c);
	classes_strip(c, dir, &lost);
	for (u32 i = 0; i < lost.n; i++) {
		c->atom[lost.v[i]].fresh[dir] = false;
		if (c->atoms.e[lost.v[i]].n == 4 && c->atoms.e[lost.v[i]].w[0] == PIECE_NAMED)
			intern_put(&c->atoms, lost.v[i]);
		else
			atom_put(c, lost.v[i]);
	}
	vec_free(&whos);
	vec_free(&lost);
}

void atoms_die(struct compiler *c)
{
	named_lost(c);
	if (!c->side[0].lost.n && !c->side[1].lost.n)
		return;
	unions_forget(c);
	named_forget(c);
	for (int d = 0; d < WEIR_DIRS; d++)
		if (c->side[d].lost.n)
			atoms_die_in(c, d);
}
