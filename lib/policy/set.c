// SPDX-License-Identifier: Apache-2.0
/*
 * Sets: the halves that select an endpoint in one direction, with how the endpoint itself resolves the names they
 * use.  A set never changes: an edited policy makes new ones.
 */
#include <stdlib.h>

#include "lib/policy/inside.h"

static u8 lane_of(u32 proto)
{
	switch (proto) {
	case 6: return 1;
	case 17: return 2;
	case 132: return 3;
	case 0: return LANE_ANY;
	}
	return LANES + 1;			/* matches no lane */
}

static int by_precedence(const void *a, const void *b, void *ctx)
{
	const struct compiler *c = ctx;

	return policy_compare(c, c->half[*(const u32 *)a].policy, c->half[*(const u32 *)b].policy);
}

static void port_add(struct set *s, u32 name, u16 first, u16 last, u8 lane)
{
	s->port = words_realloc(s->port, (s->nport + 1) * sizeof(*s->port));
	s->port[s->nport++] = (struct set_port){ name, first, last, lane };
}

static void port_resolve(struct set *s, const struct policy_port *p, const struct intern_entry *own)
{
	for (u32 y = 0; y < own->n; y += 2) {
		u32 proto = own->w[y + 1] >> 16;

		if (own->w[y] == p->name && (!p->proto || proto == p->proto))
			port_add(s, 0, own->w[y + 1], own->w[y + 1], lane_of(proto));
	}
}

static void rule_add(struct set *s, const struct half_rule *r, const struct polrec *p, const struct intern_entry *own)
{
	struct set_rule *x = &s->rule[s->nrule++];

	*x = (struct set_rule){ .atom = r->atom, .number = r->number, .first = s->nport, .n = ANY_PORT,
				.stage = p->tier, .action = r->action, .audit = p->audit };
	if (r->atom)
		vec_push(&s->atoms, r->atom);
	if (r->n == ANY_PORT)
		return;
	for (u32 j = r->first; j < r->first + r->n; j++) {
		const struct policy_port *q = &p->port[j];

		if (q->name && s->dir == WEIR_INGRESS) {
			port_resolve(s, q, own);
			continue;
		}
		port_add(s, q->name, q->first, q->last, lane_of(q->proto));
		s->names |= q->name && !r->atom;
	}
	x->n = s->nport - x->first;
}

static bool for_all(const struct set_rule *r, enum policy_tier tier)
{
	return r->stage == tier && r->action == ACTION_ALLOW && !r->atom && r->n == ANY_PORT && !r->audit;
}

/* Whoever it is, and whatever it wants, it passes: then an address that nobody knows yet passes, too. */
static bool passes_all(const struct set *s)
{
	bool all[TIER_BASELINE + 1] = { false };

	for (u32 i = 0; i < s->nrule; i++) {
		const struct set_rule *r = &s->rule[i];

		if (!r->audit && r->action != ACTION_ALLOW)
			return false;
		for (int t = TIER_ADMIN; t <= TIER_BASELINE; t++)
			all[t] |= for_all(r, t);
	}
	return all[TIER_ADMIN] || all[TIER_NETPOL] || (!s->isolated[0] && (!s->closed[0] || all[TIER_BASELINE]));
}

static void halves_add(struct compiler *c, struct set *s, const struct vec *halves, const struct intern_entry *own)
{
	u32 n = 0, *order = words_realloc(NULL, (halves->n + 1) * sizeof(u32));

	if (halves->n)
		memcpy(order, halves->v, halves->n * sizeof(u32));
	qsort_r(order, halves->n, sizeof(u32), by_precedence, c);
	for (u32 i = 0; i < halves->n; i++)
		n += c->half[order[i]].nrule;
	s->rule = words_zalloc((n + 1) * sizeof(struct set_rule));
	for (u32 i = 0; i < halves->n; i++) {
		const struct half *h = &c->half[order[i]];
		const struct polrec *p = &c->policy[h->policy];

		if (p->tier == TIER_NETPOL) {
			s->isolated[1] = true;
			s->isolated[0] |= !p->audit;
		}
		for (u32 r = 0; r < h->nrule; r++)
			rule_add(s, &h->rule[r], p, own);
	}
	s->half = order;
	s->nhalf = halves->n;
	vec_uniq(&s->atoms);
}

/* Its number, its place among the users of its atoms.  0: no number left. */
static u32 set_born(struct compiler *c, u32 key, enum weir_dir dir)
{
	u32 n = number_take(&c->sets);

	if (!n) {
		bound_met(c, BOUND_SETS);
		return 0;
	}
	GROW(c->set, c->cset, n);
	intern_hold(&c->set_keys, key);
	c->set[n] = (struct set){ .key = key, .ref = 1, .dir = dir, .fresh = true, .there = true };
	c->set[n].closed[0] = c->mode == MODE_DEFAULT_DENY;
	c->set[n].closed[1] = c->mode != MODE_KUBERNETES;
	GROW(c->set_of, c->cset_of, key);
	c->set_of[key] = n;
	vec_push(&c->side[dir].sets, n);
	vec_push(&c->fresh_sets, n);
	return n;
}

static void set_enlist(struct compiler *c, u32 n)
{
	const struct set *s = &c->set[n];

	for (u32 i = 0; i < s->atoms.n; i++)
		vec_push(&c->atom[s->atoms.v[i]].sets[s->dir], n);
	if (s->names)
		vec_push(&c->any_sets, n);
}

static u32 set_new(struct compiler *c, u32 key, const struct vec *halves, enum weir_dir dir, u32 ports)
{
	u32 n = set_born(c, key, dir);

	if (!n)
		return 0;
	for (u32 i = 0; i < halves->n; i++)
		half_use(c, halves->v[i], dir);
	halves_add(c, &c->set[n], halves, &c->ports.e[ports]);
	c->set[n].open = passes_all(&c->set[n]);
	set_enlist(c, n);
	return n;
}

/* The same again, under another number: for endpoints that keep what others leave (see plan.c). */
u32 set_clone(struct compiler *c, u32 of)
{
	u32 n = set_born(c, c->set[of].key, c->set[of].dir);
	const struct set *o = &c->set[of];
	struct set *s = &c->set[n];

	if (!n)
		return 0;
	s->nrule = o->nrule;
	s->nport = o->nport;
	s->nhalf = o->nhalf;
	memcpy(s->isolated, o->isolated, sizeof(s->isolated));
	memcpy(s->closed, o->closed, sizeof(s->closed));
	s->names = o->names;
	s->open = o->open;
	s->rule = memcpy(words_zalloc((o->nrule + 1) * sizeof(*o->rule)), o->rule, o->nrule * sizeof(*o->rule));
	if (o->nport)
		s->port = memcpy(words_zalloc(o->nport * sizeof(*o->port)), o->port, o->nport * sizeof(*o->port));
	s->half = memcpy(words_zalloc((o->nhalf + 1) * sizeof(u32)), o->half, o->nhalf * sizeof(u32));
	vec_add(&s->atoms, o->atoms.v, o->atoms.n);
	for (u32 i = 0; i < s->nhalf; i++)
		half_use(c, s->half[i], s->dir);
	set_enlist(c, n);
	return n;
}

static void halves_selecting(struct compiler *c, u32 who, enum weir_dir dir, struct vec *out)
{
	u32 space = c->who[who].space;
	const struct vec *lists[2] = { &c->cluster_policy, space < c->cspace_policy ? &c->space_policy[space] : NULL };

	for (int l = 0; l < 2; l++)
		for (u32 i = 0; lists[l] && i < lists[l]->n; i++) {
			u32 p = lists[l]->v[i];

			if (c->policy[p].applies[dir] && policy_subject(c, &c->policy[p], who))
				vec_push(out, half_get(c, p, dir));
		}
	vec_uniq(out);
}

static bool half_asks(const struct compiler *c, u32 half, u32 name, u32 proto)
{
	const struct half *h = &c->half[half];
	const struct policy_port *port = c->policy[h->policy].port;

	for (u32 r = 0; r < h->nrule; r++)
		for (u32 j = 0; h->rule[r].n != ANY_PORT && j < h->rule[r].n; j++) {
			const struct policy_port *p = &port[h->rule[r].first + j];

			if (p->name == name && (!p->proto || p->proto == proto))
				return true;
		}
	return false;
}

/* Names that an ingress half asks for resolve at the pod itself: they are part of what the set is. */
static void key_names(const struct compiler *c, const struct vec *halves, const struct intern_entry *own, struct vec *key)
{
	for (u32 y = 0; y < own->n; y += 2)
		for (u32 i = 0; i < halves->n; i++)
			if (half_asks(c, halves->v[i], own->w[y], own->w[y + 1] >> 16)) {
				vec_push(key, 0x80000000u | own->w[y]);
				vec_push(key, own->w[y + 1]);
				break;
			}
}

u32 set_for(struct compiler *c, u32 who, enum weir_dir dir)
{
	u32 ports = c->who[who].ports, id, n;
	struct vec key = { 0 }, halves = { 0 };

	halves_selecting(c, who, dir, &halves);
	vec_push(&key, (u32)c->mode << 1 | dir);
	vec_add(&key, halves.v, halves.n);
	if (dir == WEIR_INGRESS)
		key_names(c, &halves, &c->ports.e[ports], &key);
	id = intern_get(&c->set_keys, key.v, key.n);
	n = id < c->cset_of ? c->set_of[id] : 0;
	if (n)
		c->set[n].ref++;
	else
		n = set_new(c, id, &halves, dir, ports);
	intern_put(&c->set_keys, id);
	vec_free(&key);
	vec_free(&halves);
	return n;
}

void set_put(struct compiler *c, u32 n)
{
	if (!--c->set[n].ref)
		vec_push(&c->dead_sets, n);
}

static void set_free(struct compiler *c, u32 n)
{
	struct set *s = &c->set[n];

	for (u32 k = 0; k < s->limit; k++)
		row_drop(c, s, k);
	words_free(s->row);
	if (s->limit) {
		extent_free(&c->cells, s->base, s->limit);
		c->ncells -= s->limit;
	}
	for (u32 i = 0; i < s->atoms.n; i++)
		vec_drop(&c->atom[s->atoms.v[i]].sets[s->dir], n);
	if (s->names)
		vec_drop(&c->any_sets, n);
	if (s->key && c->set_of[s->key] == n)
		c->set_of[s->key] = 0;
	for (u32 i = 0; i < s->nhalf; i++)
		half_unuse(c, s->half[i], s->dir);
	if (s->key)
		intern_put(&c->set_keys, s->key);
	words_free(s->rule);
	words_free(s->port);
	words_free(s->half);
	vec_free(&s->atoms);
	vec_drop(&c->side[s->dir].sets, n);
	memset(s, 0, sizeof(*s));
	number_free(&c->sets, n);
}

void sets_die(struct compiler *c, bool unborn)
{
	struct vec dead = c->dead_sets;

	c->dead_sets = (struct vec){ 0 };
	vec_uniq(&dead);
	for (u32 i = 0; i < dead.n; i++) {
		u32 n = dead.v[i];

		if (!c->set[n].there || c->set[n].ref)
			continue;
		if (unborn && !c->set[n].fresh) {
			vec_push(&c->dead_sets, n);
			continue;
		}
		if (c->set[n].fresh)
			vec_drop(&c->fresh_sets, n);
		set_free(c, n);
	}
	vec_free(&dead);
}
