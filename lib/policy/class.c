// SPDX-License-Identifier: Apache-2.0
/* Classes: what policies can tell about an address in one direction, as a signature of atoms. */
#include "lib/policy/inside.h"

u32 class_of(const struct side *s, u32 sig)
{
	return sig < s->nclass_of ? s->class_of[sig] : 0;
}

static void class_index(struct side *s, u32 sig, u32 class)
{
	GROW(s->class_of, s->nclass_of, sig);
	s->class_of[sig] = class;
}

u32 class_new(struct compiler *c, enum weir_dir dir, u32 sig)
{
	struct side *s = &c->side[dir];
	u32 k = number_take(&s->numbers);

	if (!k || (k >= s->limit && !side_grow(c, dir, k + 1))) {
		bound_met(c, k ? BOUND_CELLS : BOUND_CLASSES);
		if (k)
			number_free(&s->numbers, k);
		return 0;
	}
	GROW(s->class, s->nclass, k);
	intern_hold(&c->sigs, sig);
	s->class[k] = (struct class){ .sig = sig, .fresh = true, .there = true };
	vec_push(&s->fresh, k);
	if (!class_of(s, sig))
		class_index(s, sig, k);
	return k;
}

void class_rename(struct compiler *c, enum weir_dir dir, u32 k, u32 sig)
{
	struct side *s = &c->side[dir];
	u32 was = s->class[k].sig;

	intern_hold(&c->sigs, sig);
	if (class_of(s, was) == k)
		s->class_of[was] = 0;
	s->class[k].sig = sig;
	class_index(s, sig, k);
	intern_put(&c->sigs, was);
}

/*
 * A class is paid for by the namespace whose pod was the first to need it.  Pods whose labels make policies tell ever
 * more kinds of address apart use up their own namespace's budget, and are closed beyond it; others have theirs.
 */
bool class_pay(struct compiler *c, enum weir_dir dir, u32 space)
{
	if (space < SPACE_FIRST || c->space[space].classes[dir] < c->limits.namespace_classes)
		return true;
	bound_met(c, BOUND_NAMESPACE);
	return false;
}

void class_charge(struct compiler *c, enum weir_dir dir, u32 k, u32 space)
{
	if (space < SPACE_FIRST)
		return;
	c->side[dir].class[k].space = space;
	c->space[space].classes[dir]++;
	c->space[space].ref++;
}

static void class_refund(struct compiler *c, enum weir_dir dir, u32 k)
{
	u32 space = c->side[dir].class[k].space;

	if (!space)
		return;
	c->side[dir].class[k].space = 0;
	c->space[space].classes[dir]--;
	space_put(c, space);
}

/* Nobody has it any more, but a packet may: the number and its rows rest.  One that was never sent is free at once. */
void class_drop(struct compiler *c, enum weir_dir dir, u32 k)
{
	struct side *s = &c->side[dir];
	struct class *x = &s->class[k];

	if (class_of(s, x->sig) == k)
		s->class_of[x->sig] = 0;
	x->there = false;
	class_refund(c, dir, k);
	if (x->fresh) {
		vec_drop(&s->fresh, k);
		class_gone(c, dir, k);
	} else {
		vec_push(&s->dying, k);
	}
}

void class_gone(struct compiler *c, enum weir_dir dir, u32 k)
{
	struct side *s = &c->side[dir];

	for (u32 i = 0; i < s->sets.n; i++)
		row_drop(c, &c->set[s->sets.v[i]], k);
	intern_put(&c->sigs, s->class[k].sig);
	memset(&s->class[k], 0, sizeof(*s->class));
	number_free(&s->numbers, k);
}

void class_leave(struct compiler *c, enum weir_dir dir, u32 cell)
{
	struct side *s = &c->side[dir];
	struct cell *x = &c->cell[cell];
	u32 k = x->class[dir];

	if (!k)
		return;
	if (x->cprev[dir])
		c->cell[x->cprev[dir]].cnext[dir] = x->cnext[dir];
	else
		s->class[k].head = x->cnext[dir];
	if (x->cnext[dir])
		c->cell[x->cnext[dir]].cprev[dir] = x->cprev[dir];
	s->class[k].n -= x->n;
	x->class[dir] = x->cnext[dir] = x->cprev[dir] = 0;
	if (!--s->class[k].ncell && k >= WEIR_CLASS_FIRST)
		class_drop(c, dir, k);
}

void class_join(struct compiler *c, enum weir_dir dir, u32 cell, u32 k)
{
	struct side *s = &c->side[dir];
	struct cell *x = &c->cell[cell];

	if (x->class[dir] == k)
		return;
	s->class[k].ncell++;			/* before it leaves: k may be fresh and otherwise empty */
	class_leave(c, dir, cell);
	x->class[dir] = k;
	x->cnext[dir] = s->class[k].head;
	if (x->cnext[dir])
		c->cell[x->cnext[dir]].cprev[dir] = cell;
	s->class[k].head = cell;
	s->class[k].n += x->n;
	if (k == WEIR_CLASS_OVER)
		vec_push(&s->closed, cell);
	cell_moved(c, cell);
}

u32 sig_of(struct compiler *c, struct vec *atoms)
{
	vec_uniq(atoms);
	return intern_get(&c->sigs, atoms->v, atoms->n);
}

const struct vec *atom_names(const struct compiler *c, u32 atom)
{
	return atom ? &c->atom[atom].names : &c->any_names;
}

const struct vec *atom_users(const struct compiler *c, enum weir_dir dir, u32 atom)
{
	const struct intern_entry *e = &c->atoms.e[atom];

	if (!e->n || e->w[0] != PIECE_NAMED)
		return &c->atom[atom].sets[dir];
	return e->w[1] ? &c->atom[e->w[1]].sets[dir] : &c->any_sets;
}

/* What the owner's labels and the covering blocks say together. */
static u32 union_of(struct compiler *c, u32 a, u32 b)
{
	u64 key = (u64)a << 32 | b;
	u32 both;

	if (a == c->empty)
		return b;
	if (b == c->empty || a == b)
		return a;
	both = hmap_get(&c->unions, key);
	if (both)
		return both;
	c->tmp.n = 0;
	vec_add(&c->tmp, c->sigs.e[a].w, c->sigs.e[a].n);
	vec_add(&c->tmp, c->sigs.e[b].w, c->sigs.e[b].n);
	both = sig_of(c, &c->tmp);
	intern_hold(&c->sigs, a);		/* numbers of freed signatures are used again: the key holds */
	intern_hold(&c->sigs, b);
	hmap_set(&c->unions, key, both);
	return both;
}

static bool name_fresh(const struct compiler *c, u32 atom, u32 name)
{
	for (u32 i = 0; i < c->fresh_names.n; i += 2)
		if (c->fresh_names.v[i] == atom && c->fresh_names.v[i + 1] == name)
			return true;
	return false;
}

static u32 named_atom(struct compiler *c, u32 atom, u32 name, u32 port)
{
	u32 w[4] = { PIECE_NAMED, atom, name, port }, id = intern_find(&c->atoms, w, 4);

	if (id)
		return id;
	id = intern_get(&c->atoms, w, 4);	/* held until nobody wants the name */
	GROW(c->atom, c->catom, id);
	c->atom[id].fresh[WEIR_EGRESS] = name_fresh(c, atom, name);
	if (c->atom[id].fresh[WEIR_EGRESS])
		vec_push(&c->fresh_list, id);
	return id;
}

static void names_of(struct compiler *c, u32 atom, const struct intern_entry *ports, struct vec *out)
{
	for (u32 j = 0; atom_names(c, atom)->n && j < ports->n; j += 2)
		if (vec_has(atom_names(c, atom), ports->w[j])) {
			u32 id = named_atom(c, atom, ports->w[j], ports->w[j + 1]);

			vec_push(out, id);
		}
}

static bool names_wanted(const struct compiler *c, u32 sig)
{
	const struct intern_entry *e = &c->sigs.e[sig];

	for (u32 i = 0; i < e->n; i++)
		if (c->atom[e->w[i]].names.n)
			return true;
	return c->any_names.n;
}

/* The same, with how the owner resolves the names that somebody asks for there. */
static u32 named_of(struct compiler *c, u32 base, u32 ports)
{
	u64 key = (u64)base << 32 | ports;
	u32 sig = hmap_get(&c->named, key), n;

	if (sig)
		return sig;
	c->tmp.n = 0;
	vec_add(&c->tmp, c->sigs.e[base].w, c->sigs.e[base].n);
	n = c->tmp.n;
	for (u32 i = 0; i < n; i++)
		names_of(c, c->tmp.v[i], &c->ports.e[ports], &c->tmp);
	names_of(c, 0, &c->ports.e[ports], &c->tmp);
	sig = sig_of(c, &c->tmp);
	intern_hold(&c->sigs, base);
	intern_hold(&c->ports, ports);
	hmap_set(&c->named, key, sig);
	return sig;
}

u32 cell_sig(struct compiler *c, enum weir_dir dir, u32 cell)
{
	const struct cell *x = &c->cell[cell];
	u32 sig = union_of(c, x->who ? c->who[x->who].sig[dir] : c->empty, c->node[x->node].sig[dir]);
	u32 ports = x->who ? c->who[x->who].ports : 0;

	if (dir == WEIR_EGRESS && ports && c->ports.e[ports].n && names_wanted(c, sig))
		sig = named_of(c, sig, ports);
	intern_hold(&c->sigs, sig);
	return sig;
}

/* Would policies that were in force before this commit tell two signatures apart? */
bool sig_same_but_fresh(const struct compiler *c, enum weir_dir dir, u32 a, u32 b)
{
	const struct intern_entry *x = &c->sigs.e[a], *y = &c->sigs.e[b];
	u32 i = 0, j = 0;

	if (a == b)
		return true;
	for (;;) {
		while (i < x->n && c->atom[x->w[i]].fresh[dir])
			i++;
		while (j < y->n && c->atom[y->w[j]].fresh[dir])
			j++;
		if (i == x->n || j == y->n)
			return i == x->n && j == y->n;
		if (x->w[i++] != y->w[j++])
			return false;
	}
}

static void sig_put(struct compiler *c, u32 sig)
{
	intern_put(&c->sigs, sig);
}

static void memo_free(struct compiler *c, struct hmap *m, void (*put)(struct compiler *, u32))
{
	for (u32 i = 0; m->key && i <= m->mask; i++)
		if (m->key[i]) {
			intern_put(&c->sigs, m->key[i] >> 32);
			put(c, (u32)m->key[i]);
			intern_put(&c->sigs, m->val[i]);
		}
	hmap_free(m);
}

void unions_forget(struct compiler *c)
{
	memo_free(c, &c->unions, sig_put);
}

void named_forget(struct compiler *c)
{
	memo_free(c, &c->named, ports_put);
}
