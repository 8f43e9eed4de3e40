// SPDX-License-Identifier: Apache-2.0
/*
 * Who matches which peers.  A selector is filed under one label it needs (its pivot), the rarest; a label under the
 * label sets that bear it.  So a new label set meets only selectors it has a label of, and a new selector only such
 * label sets.
 */
#include "lib/policy/inside.h"

/* A requirement in a selector's words: key, op << 24 | how many values, values. */
#define WORD_OP(w)	((w) >> 24)
#define WORD_VALUES(w)	((w) & 0xffffff)

static u64 pair(u32 key, u32 value)
{
	return ((u64)key << 32 | value) + 1;
}

/* Give back the texts of a list that turned out to be there already, or is gone. */
static void texts_put(struct compiler *c, const u32 *w, u32 n)
{
	for (u32 i = 0; i < n; i++)
		intern_put(&c->texts, w[i]);
}

static u64 text_hash(u64 h, const char *s, size_t n)
{
	for (u64 x; n >= 8; s += 8, n -= 8) {
		memcpy(&x, s, 8);
		h = (h ^ x) * 0xff51afd7ed558ccdULL;
		h ^= h >> 32;
	}
	for (; n; n--)
		h = (h ^ (u8)*s++) * 0x100000001b3ULL;
	return (h ^ 0xff) * 0x100000001b3ULL;
}

static u64 labels_hash(const struct labels *l)
{
	u64 h = 1;

	for (u32 i = 0; i < l->n; i++) {
		h = text_hash(h, l->v[i].key, strlen(l->v[i].key));
		h = text_hash(h, l->v[i].value, strlen(l->v[i].value));
	}
	return h | 1;
}

static bool labels_equal(const struct compiler *c, u32 id, const struct labels *l)
{
	const struct intern_entry *e = &c->label_sets.e[id];

	if (!e->ref || e->n != 2 * l->n)
		return false;
	for (u32 i = 0; i < l->n; i++)
		if (strcmp(intern_text_of(&c->texts, e->w[2 * i]), l->v[i].key) ||
		    strcmp(intern_text_of(&c->texts, e->w[2 * i + 1]), l->v[i].value))
			return false;
	return true;
}

static void labels_forget(struct compiler *c, const u32 *w, u32 n)
{
	struct label v[64];

	for (u32 i = 0; i < n && i < 128; i += 2)
		v[i / 2] = (struct label){ intern_text_of(&c->texts, w[i]), intern_text_of(&c->texts, w[i + 1]) };
	if (n <= 128)
		hmap_set(&c->labels_known, labels_hash(&(struct labels){ v, n / 2 }), 0);
}

u32 labels_take(struct compiler *c, const struct labels *l)
{
	u64 hash = l->n <= 64 ? labels_hash(l) : 0;
	u32 id = hash ? hmap_get(&c->labels_known, hash) : 0;
	struct vec w = { 0 };

	if (id && labels_equal(c, id, l)) {
		intern_hold(&c->label_sets, id);
		return id;
	}

	for (u32 i = 0; i < l->n; i++) {
		vec_push(&w, intern_text(&c->texts, l->v[i].key));
		vec_push(&w, intern_text(&c->texts, l->v[i].value));
	}
	id = intern_get(&c->label_sets, w.v, w.n);
	if (!intern_last(&c->label_sets, id))
		texts_put(c, w.v, w.n);
	if (hash)
		hmap_set(&c->labels_known, hash, id);
	vec_free(&w);
	return id;
}

void labels_put(struct compiler *c, u32 id)
{
	struct vec w = { 0 };

	if (intern_last(&c->label_sets, id))
		vec_add(&w, c->label_sets.e[id].w, c->label_sets.e[id].n);
	if (intern_put(&c->label_sets, id))
		labels_forget(c, w.v, w.n);
	texts_put(c, w.v, w.n);
	vec_free(&w);
}

static void requirement_words(struct compiler *c, const struct requirement *r, struct vec *out)
{
	u32 first;

	vec_push(out, intern_text(&c->texts, r->key));
	vec_push(out, 0);
	first = out->n;
	for (u32 i = 0; i < r->n; i++)
		vec_push(out, intern_text(&c->texts, r->value[i]));
	out->n = first + words_uniq(out->v + first, r->n);
	out->v[first - 1] = (u32)r->op << 24 | (out->n - first);
}

static void selector_texts_put(struct compiler *c, const u32 *w, u32 n)
{
	for (u32 i = 0; i < n; i += 2 + WORD_VALUES(w[i + 1])) {
		intern_put(&c->texts, w[i]);
		texts_put(c, w + i + 2, WORD_VALUES(w[i + 1]));
	}
}

static int requirement_compare(const u32 *a, const u32 *b)
{
	u32 n = 2 + WORD_VALUES(a[1]);

	if (a[0] != b[0] || a[1] != b[1])
		return a[0] != b[0] ? (a[0] < b[0] ? -1 : 1) : a[1] < b[1] ? -1 : 1;
	return memcmp(a, b, n * sizeof(u32));
}

/* Requirements in an order of their own, so that equal selectors have equal words. */
static void requirements_sort(struct vec *w, const struct selector *s)
{
	const u32 *at[64];
	struct vec out = { 0 };
	u32 n = 0;

	if (s->n < 2 || s->n > 64)
		return;
	for (u32 i = 0; i < w->n; i += 2 + WORD_VALUES(w->v[i + 1])) {
		u32 j = n++;

		for (; j && requirement_compare(at[j - 1], w->v + i) > 0; j--)
			at[j] = at[j - 1];
		at[j] = w->v + i;
	}
	for (u32 i = 0; i < n; i++)
		vec_add(&out, at[i], 2 + WORD_VALUES(at[i][1]));
	vec_free(w);
	*w = out;
}

u32 selector_take(struct compiler *c, const struct selector *s)
{
	struct vec w = { 0 };
	u32 id;

	for (u32 i = 0; i < s->n; i++)
		requirement_words(c, &s->v[i], &w);
	requirements_sort(&w, s);
	id = intern_get(&c->selectors, w.v, w.n);
	if (!intern_last(&c->selectors, id))
		selector_texts_put(c, w.v, w.n);
	vec_free(&w);
	return id;
}

void selector_put(struct compiler *c, u32 id)
{
	struct vec w = { 0 };

	if (intern_last(&c->selectors, id))
		vec_add(&w, c->selectors.e[id].w, c->selectors.e[id].n);
	intern_put(&c->selectors, id);
	selector_texts_put(c, w.v, w.n);
	vec_free(&w);
}

static bool requirement_meets(const u32 *w, const u32 *l, u32 nl)
{
	u32 n = WORD_VALUES(w[1]);

	for (u32 j = 0; j < nl; j += 2)
		if (l[j] == w[0]) {
			bool in = false;

			for (u32 v = 0; v < n; v++)
				in |= w[2 + v] == l[j + 1];
			return WORD_OP(w[1]) == OP_IN ? in : WORD_OP(w[1]) == OP_NOT_IN ? !in : WORD_OP(w[1]) == OP_EXISTS;
		}
	return WORD_OP(w[1]) == OP_NOT_IN || WORD_OP(w[1]) == OP_NOT_EXISTS;
}

bool selector_holds(const struct compiler *c, u32 selector, u32 label_set)
{
	const struct intern_entry *s = &c->selectors.e[selector], *l = &c->label_sets.e[label_set];

	for (u32 i = 0; i < s->n; i += 2 + WORD_VALUES(s->w[i + 1]))
		if (!requirement_meets(s->w + i, l->w, l->n))
			return false;
	return true;
}

/* Lists by label; an empty one gives its place back. */
static struct vec *list_of(struct hmap *m, struct vec **lists, u32 *n, u32 *cap, u32 *spare, u64 key)
{
	u32 at = hmap_get(m, key);

	if (!at) {
		at = *spare;
		if (at)
			*spare = (*lists)[at].n;
		else
			at = ++*n;
		GROW(*lists, *cap, at);
		(*lists)[at] = (struct vec){ 0 };
		hmap_set(m, key, at);
	}
	return &(*lists)[at];
}

static void list_drop(struct hmap *m, struct vec *lists, u32 *spare, u64 key, u32 one)
{
	u32 at = hmap_get(m, key);

	vec_drop(&lists[at], one);
	if (lists[at].n)
		return;
	vec_free(&lists[at]);
	lists[at].n = *spare;		/* its place in the chain of spare ones */
	*spare = at;
	hmap_set(m, key, 0);
}

void labels_file(struct compiler *c, u32 id)
{
	const struct intern_entry *l = &c->label_sets.e[id];

	for (u32 i = 0; i < l->n; i += 2)
		vec_push(list_of(&c->by_label, &c->bearers, &c->nbearers, &c->cbearers, &c->spare_bearers,
				 pair(l->w[i], l->w[i + 1])), id);
}

void labels_unfile(struct compiler *c, u32 id)
{
	const struct intern_entry *l = &c->label_sets.e[id];

	for (u32 i = 0; i < l->n; i += 2)
		list_drop(&c->by_label, c->bearers, &c->spare_bearers, pair(l->w[i], l->w[i + 1]), id);
}

static u32 bearers(const struct compiler *c, u32 key, u32 value)
{
	u32 at = hmap_get(&c->by_label, pair(key, value));

	return at ? c->bearers[at].n : 0;
}

/* selectors on namespaces */
static bool space_in(const struct compiler *c, u32 constraint, u32 space)
{
	const struct space_selector *s;

	if (!(constraint & BY_SELECTOR))
		return constraint == space;
	s = &c->space_selector[constraint & ~BY_SELECTOR];
	return space / 64 < s->cap && s->bits[space / 64] >> (space % 64) & 1;
}

static void space_bit(struct space_selector *s, u32 space, bool on)
{
	GROW(s->bits, s->cap, space / 64);
	if (on)
		s->bits[space / 64] |= 1ULL << (space % 64);
	else
		s->bits[space / 64] &= ~(1ULL << (space % 64));
}

static void space_selector_use(struct compiler *c, u32 selector)
{
	struct space_selector *s;

	GROW(c->space_selector, c->cspace_selector, selector);
	s = &c->space_selector[selector];
	if (s->ref++)
		return;
	for (u32 i = SPACE_FIRST; i < c->spaces.next; i++)
		if (c->space[i].ref)
			space_bit(s, i, selector_holds(c, selector, c->space[i].labels));
}

static void space_selector_leave(struct compiler *c, u32 selector)
{
	struct space_selector *s = &c->space_selector[selector];

	if (--s->ref)
		return;
	words_free(s->bits);
	memset(s, 0, sizeof(*s));
}

void space_matched(struct compiler *c, u32 space)
{
	for (u32 s = 0; s < c->cspace_selector; s++)
		if (c->space_selector[s].ref)
			space_bit(&c->space_selector[s], space,
				  c->space[space].ref && selector_holds(c, s, c->space[space].labels));
}

/* selectors on pods */
static u32 pivot_find(const struct compiler *c, const struct intern_entry *s)
{
	u32 best = ~0u, at = 0;

	for (u32 i = 0; i < s->n; i += 2 + WORD_VALUES(s->w[i + 1])) {
		u32 n = 0;

		if (WORD_OP(s->w[i + 1]) != OP_IN)
			continue;
		for (u32 v = 0; v < WORD_VALUES(s->w[i + 1]); v++)
			n += bearers(c, s->w[i], s->w[i + 2 + v]);
		if (n < best) {
			best = n;
			at = i + 1;
		}
	}
	return at;
}

static void pod_selector_use(struct compiler *c, u32 selector, u32 part)
{
	const struct intern_entry *s = &c->selectors.e[selector];
	struct pod_selector *p;

	GROW(c->pod_selector, c->cpod_selector, selector);
	p = &c->pod_selector[selector];
	vec_push(&p->parts, part);
	if (p->parts.n > 1)
		return;
	p->pivot = pivot_find(c, s);
	if (!p->pivot) {
		vec_push(&c->unfiled, selector);
		return;
	}
	for (u32 v = 0; v < WORD_VALUES(s->w[p->pivot]); v++)
		vec_push(list_of(&c->pivots, &c->pivot, &c->npivot, &c->cpivot, &c->spare_pivot,
				 pair(s->w[p->pivot - 1], s->w[p->pivot + 1 + v])), selector);
}

static void pod_selector_leave(struct compiler *c, u32 selector, u32 part)
{
	const struct intern_entry *s = &c->selectors.e[selector];
	struct pod_selector *p = &c->pod_selector[selector];

	vec_drop(&p->parts, part);
	if (p->parts.n)
		return;
	if (!p->pivot) {
		vec_drop(&c->unfiled, selector);
		return;
	}
	for (u32 v = 0; v < WORD_VALUES(s->w[p->pivot]); v++)
		list_drop(&c->pivots, c->pivot, &c->spare_pivot, pair(s->w[p->pivot - 1], s->w[p->pivot + 1 + v]), selector);
}

/* parts */
void part_use(struct compiler *c, u32 part, u32 atom, enum weir_dir dir)
{
	u32 spaces = c->parts.e[part].w[0];

	GROW(c->part, c->cpart, part);
	vec_push(&c->part[part].atoms[dir], atom);
	if (c->part[part].ref++)
		return;
	if (spaces & BY_SELECTOR)
		space_selector_use(c, spaces & ~BY_SELECTOR);
	pod_selector_use(c, c->parts.e[part].w[1], part);
}

void part_leave(struct compiler *c, u32 part, u32 atom, enum weir_dir dir)
{
	u32 spaces = c->parts.e[part].w[0];

	vec_drop(&c->part[part].atoms[dir], atom);
	if (--c->part[part].ref)
		return;
	pod_selector_leave(c, c->parts.e[part].w[1], part);
	if (spaces & BY_SELECTOR)
		space_selector_leave(c, spaces & ~BY_SELECTOR);
}

static void whos_by_space(const struct compiler *c, u32 spaces, u32 selector, struct vec *out)
{
	u32 from = spaces & BY_SELECTOR ? SPACE_FIRST : spaces, to = spaces & BY_SELECTOR ? c->spaces.next : spaces + 1;

	for (u32 s = from; s < to; s++)
		if (space_in(c, spaces, s))
			for (u32 w = c->space[s].who; w; w = c->who[w].next)
				if (selector_holds(c, selector, c->who[w].labels))
					vec_push(out, w);
}

static void whos_by_pivot(const struct compiler *c, u32 spaces, u32 selector, u64 label, struct vec *out)
{
	u32 at = hmap_get(&c->by_label, label);

	for (u32 i = 0; at && i < c->bearers[at].n; i++) {
		u32 l = c->bearers[at].v[i];

		if (!selector_holds(c, selector, l))
			continue;
		for (u32 w = c->labels_who[l]; w; w = c->who[w].lnext)
			if (space_in(c, spaces, c->who[w].space))
				vec_push(out, w);
	}
}

void part_whos(struct compiler *c, u32 part, struct vec *out)
{
	u32 spaces = c->parts.e[part].w[0], selector = c->parts.e[part].w[1], at = c->pod_selector[selector].pivot;
	const struct intern_entry *s = &c->selectors.e[selector];

	if (!(spaces & BY_SELECTOR) || !at) {
		whos_by_space(c, spaces, selector, out);
		return;
	}
	for (u32 v = 0; v < WORD_VALUES(s->w[at]); v++)
		whos_by_pivot(c, spaces, selector, pair(s->w[at - 1], s->w[at + 1 + v]), out);
}

static void selector_meets(const struct compiler *c, u32 selector, const struct who *w, struct vec out[WEIR_DIRS])
{
	const struct vec *parts = &c->pod_selector[selector].parts;

	if (!selector_holds(c, selector, w->labels))
		return;
	for (u32 i = 0; i < parts->n; i++)
		if (space_in(c, c->parts.e[parts->v[i]].w[0], w->space))
			for (int d = 0; d < WEIR_DIRS; d++)
				vec_add(&out[d], c->part[parts->v[i]].atoms[d].v, c->part[parts->v[i]].atoms[d].n);
}

void who_atoms(struct compiler *c, u32 who, struct vec out[WEIR_DIRS])
{
	const struct who *w = &c->who[who];
	const struct intern_entry *l = &c->label_sets.e[w->labels];

	for (u32 i = 0; i < l->n; i += 2) {
		u32 x = hmap_get(&c->pivots, pair(l->w[i], l->w[i + 1]));

		for (u32 j = 0; x && j < c->pivot[x].n; j++)
			selector_meets(c, c->pivot[x].v[j], w, out);
	}
	for (u32 j = 0; j < c->unfiled.n; j++)
		selector_meets(c, c->unfiled.v[j], w, out);
	for (int d = 0; d < WEIR_DIRS; d++)
		vec_uniq(&out[d]);
}
