// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/policy/words.h"
#include "lib/slab.h"

static size_t held;
static struct slab keys;	/* of all interners, and texts */

static void *no_memory(size_t size)
{
	log_error("no memory for policy (%zu bytes)", size);
	abort();
}

void *words_realloc(void *p, size_t size)
{
	held -= p ? malloc_usable_size(p) : 0;
	if (!size) {
		free(p);
		return NULL;
	}
	p = realloc(p, size) ?: no_memory(size);
	held += malloc_usable_size(p);
	return p;
}

void *words_zalloc(size_t size)
{
	return memset(words_realloc(NULL, size), 0, size);
}

void words_free(void *p)
{
	words_realloc(p, 0);
}

char *words_text(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = slab_alloc(&keys, size) ?: no_memory(size);

	return memcpy(copy, text, size);
}

void words_text_free(char *text)
{
	if (text)
		slab_drop(&keys, text, strlen(text) + 1);
}

size_t words_bytes(void)
{
	return held + keys.bytes;
}

/* Whole pages are dropped, not written: the kernel gives zeroes when they are first used, and no memory before. */
static void zero(char *from, char *to)
{
	uintptr_t page = sysconf(_SC_PAGESIZE);
	char *first = (char *)(((uintptr_t)from + page - 1) & ~(page - 1)), *last = (char *)((uintptr_t)to & ~(page - 1));

	if (to - from < 1 << 16 || madvise(first, last - first, MADV_DONTNEED)) {
		memset(from, 0, to - from);
		return;
	}
	memset(from, 0, first - from);
	memset(last, 0, to - last);
}

void *words_grow(void *a, u32 *cap, u32 i, size_t size)
{
	u32 was = *cap, now = was ? was : 16;

	while (now <= i)
		now += now / 2;
	a = words_realloc(a, now * size);
	zero((char *)a + was * size, (char *)a + now * size);
	*cap = now;
	return a;
}

/* vectors */
void vec_grow(struct vec *x, u32 more)
{
	while (x->cap < x->n + more)
		x->cap = x->cap ? x->cap * 2 : 4;
	x->v = words_realloc(x->v, x->cap * sizeof(u32));
}

void vec_add(struct vec *x, const u32 *w, u32 n)
{
	if (!n)
		return;
	if (x->n + n > x->cap)
		vec_grow(x, n);
	memcpy(x->v + x->n, w, n * sizeof(u32));
	x->n += n;
}

bool vec_has(const struct vec *x, u32 w)
{
	for (u32 i = 0; i < x->n; i++)
		if (x->v[i] == w)
			return true;
	return false;
}

bool vec_drop(struct vec *x, u32 w)
{
	for (u32 i = x->n; i-- > 0;)		/* who came last often goes first */
		if (x->v[i] == w) {
			x->v[i] = x->v[--x->n];
			if (!x->n)
				vec_free(x);
			return true;
		}
	return false;
}

void vec_free(struct vec *x)
{
	words_free(x->v);
	memset(x, 0, sizeof(*x));
}

void vec_empty(struct vec *x)
{
	if (x->cap > 4096)
		vec_free(x);
	x->n = 0;
}

void vec_uniq(struct vec *x)
{
	x->n = words_uniq(x->v, x->n);
}

static int by_word(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

static void words_sort(u32 *w, u32 n)
{
	if (n > 24) {
		qsort(w, n, sizeof(*w), by_word);
		return;
	}
	for (u32 i = 1; i < n; i++) {
		u32 x = w[i], j = i;

		for (; j && w[j - 1] > x; j--)
			w[j] = w[j - 1];
		w[j] = x;
	}
}

u32 words_uniq(u32 *w, u32 n)
{
	u32 k = 0;

	words_sort(w, n);
	for (u32 i = 0; i < n; i++)
		if (!k || w[k - 1] != w[i])
			w[k++] = w[i];
	return k;
}

bool words_have(const u32 *w, u32 n, u32 one)
{
	while (n) {
		u32 h = n / 2;

		if (w[h] == one)
			return true;
		if (w[h] < one) {
			w += h + 1;
			n -= h + 1;
		} else {
			n = h;
		}
	}
	return false;
}

/* the interner */
static u32 mix(u32 h)
{
	h ^= h >> 16;
	h *= 0x7feb352dU;
	h ^= h >> 15;
	h *= 0x846ca68bU;
	return h ^ h >> 16;
}

u32 words_hash(const u32 *w, u32 n)
{
	u64 h = 0x9e3779b97f4a7c15ULL + n;

	for (u32 i = 0; i < n; i++) {
		h = (h ^ w[i]) * 0xff51afd7ed558ccdULL;
		h ^= h >> 29;
	}
	return mix((u32)(h ^ h >> 32));
}

static void rehash(struct intern *t, u32 mask)
{
	t->mask = mask;
	words_free(t->bucket);
	t->bucket = words_zalloc((mask + 1) * sizeof(u32));
	for (u32 i = 1; i < t->n; i++)
		if (t->e[i].ref) {
			u32 *b = &t->bucket[t->e[i].hash & t->mask];

			t->e[i].next = *b;
			*b = i;
		}
}

static u32 find(const struct intern *t, const u32 *w, u32 n, u32 h)
{
	if (!t->bucket)
		return 0;
	for (u32 i = t->bucket[h & t->mask]; i; i = t->e[i].next)
		if (t->e[i].hash == h && t->e[i].n == n && (!n || !memcmp(t->e[i].w, w, n * sizeof(u32))))
			return i;
	return 0;
}

u32 intern_find(const struct intern *t, const u32 *w, u32 n)
{
	return find(t, w, n, words_hash(w, n));
}

static u32 entry_new(struct intern *t)
{
	u32 id = t->free;

	if (id) {
		t->free = t->e[id].next;
		return id;
	}
	if (!t->n)
		t->n = 1;
	id = t->n;
	GROW(t->e, t->cap, id);
	t->n++;
	return id;
}

u32 intern_get(struct intern *t, const u32 *w, u32 n)
{
	u32 h = words_hash(w, n), id = find(t, w, n, h), *b;

	if (id) {
		t->e[id].ref++;
		return id;
	}
	if (!t->bucket || t->live > t->mask)
		rehash(t, t->mask ? t->mask * 2 + 1 : 63);
	id = entry_new(t);
	t->e[id] = (struct intern_entry){ .w = slab_alloc(&keys, n * sizeof(u32)) ?: no_memory(n * sizeof(u32)),
					  .n = n, .ref = 1, .hash = h };
	if (n)
		memcpy(t->e[id].w, w, n * sizeof(u32));
	b = &t->bucket[h & t->mask];
	t->e[id].next = *b;
	*b = id;
	t->live++;
	return id;
}

/* Entries at the end that nobody holds go, if they are many: numbers in the middle must stay. */
static void shrink(struct intern *t)
{
	u32 n = t->n;

	if (t->live * 4 > t->mask || t->mask < 1024)
		return;
	while (n > 1 && !t->e[n - 1].ref)
		n--;
	if (n * 2 <= t->cap) {
		t->free = 0;
		for (u32 i = n; i-- > 1;)
			if (!t->e[i].ref) {
				t->e[i].next = t->free;
				t->free = i;
			}
		t->n = n;
		t->cap = n + 8;
		t->e = words_realloc(t->e, t->cap * sizeof(*t->e));
		memset(t->e + n, 0, (t->cap - n) * sizeof(*t->e));
	}
	rehash(t, t->mask / 2);
}

bool intern_put(struct intern *t, u32 id)
{
	struct intern_entry *e = &t->e[id];
	u32 *p;

	if (--e->ref)
		return false;
	for (p = &t->bucket[e->hash & t->mask]; *p != id; p = &t->e[*p].next)
		;
	*p = e->next;
	slab_drop(&keys, e->w, e->n * sizeof(u32));
	e->w = NULL;
	e->next = t->free;
	t->free = id;
	t->live--;
	shrink(t);
	return true;
}

void intern_free(struct intern *t)
{
	for (u32 i = 1; i < t->n; i++)
		slab_drop(&keys, t->e[i].w, t->e[i].n * sizeof(u32));
	words_free(t->e);
	words_free(t->bucket);
	memset(t, 0, sizeof(*t));
}

#define TEXT_WORDS 96

/* Words of a text: in 'buf' if it fits, else to be freed. */
static u32 *text_words(const char *s, u32 *buf, u32 *n)
{
	size_t length = strlen(s);
	u32 *w = buf;

	*n = length / 4 + 1;
	if (*n > TEXT_WORDS)
		w = words_realloc(NULL, *n * sizeof(u32));
	w[*n - 1] = 0;
	memcpy(w, s, length);
	return w;
}

u32 intern_text(struct intern *t, const char *s)
{
	u32 buf[TEXT_WORDS], n, *w = text_words(s, buf, &n), id = intern_get(t, w, n);

	if (w != buf)
		words_free(w);
	return id;
}

u32 intern_find_text(const struct intern *t, const char *s)
{
	u32 buf[TEXT_WORDS], n, *w = text_words(s, buf, &n), id = intern_find(t, w, n);

	if (w != buf)
		words_free(w);
	return id;
}

/* the map: open addressing, gaps closed on removal */
static u32 place(const struct hmap *m, u64 key)
{
	u32 i = mix((u32)(key * 0x9e3779b97f4a7c15ULL >> 32)) & m->mask;

	while (m->key[i] && m->key[i] != key)
		i = (i + 1) & m->mask;
	return i;
}

u32 hmap_get(const struct hmap *m, u64 key)
{
	u32 i;

	if (!m->key)
		return 0;
	i = place(m, key);
	return m->key[i] ? m->val[i] : 0;
}

static void hmap_resize(struct hmap *m, u32 mask)
{
	struct hmap o = *m;

	m->mask = mask;
	m->key = words_zalloc((mask + 1) * sizeof(u64));
	m->val = words_zalloc((mask + 1) * sizeof(u32));
	for (u32 j = 0; o.key && j <= o.mask; j++)
		if (o.key[j]) {
			u32 i = place(m, o.key[j]);

			m->key[i] = o.key[j];
			m->val[i] = o.val[j];
		}
	words_free(o.key);
	words_free(o.val);
}

static void hmap_remove(struct hmap *m, u32 i)
{
	m->key[i] = 0;
	m->n--;
	for (u32 j = (i + 1) & m->mask; m->key[j]; j = (j + 1) & m->mask) {
		u64 k = m->key[j];
		u32 v = m->val[j], to;

		m->key[j] = 0;
		to = place(m, k);
		m->key[to] = k;
		m->val[to] = v;
	}
	if (m->mask > 1023 && m->n * 8 < m->mask)
		hmap_resize(m, m->mask / 2);
}

void hmap_set(struct hmap *m, u64 key, u32 val)
{
	u32 i;

	if (!val && !m->key)
		return;
	if (!m->key || (val && m->n * 4 > m->mask * 3))
		hmap_resize(m, m->mask ? m->mask * 2 + 1 : 15);
	i = place(m, key);
	if (!val) {
		if (m->key[i])
			hmap_remove(m, i);
		return;
	}
	m->n += !m->key[i];
	m->key[i] = key;
	m->val[i] = val;
}

void hmap_free(struct hmap *m)
{
	words_free(m->key);
	words_free(m->val);
	memset(m, 0, sizeof(*m));
}

/* the index */
u32 index_find(const struct index *x, u32 hash, index_same same, const void *things, const void *key)
{
	if (!x->v)
		return 0;
	for (u32 i = mix(hash) & x->mask; x->v[i]; i = (i + 1) & x->mask)
		if (same(things, x->v[i], key))
			return x->v[i];
	return 0;
}

static void index_put(struct index *x, u32 id, u32 hash)
{
	u32 i = mix(hash) & x->mask;

	while (x->v[i])
		i = (i + 1) & x->mask;
	x->v[i] = id;
}

static void index_resize(struct index *x, u32 mask, index_hash hash, const void *things)
{
	struct index o = *x;

	x->mask = mask;
	x->v = words_zalloc((mask + 1) * sizeof(u32));
	for (u32 j = 0; o.v && j <= o.mask; j++)
		if (o.v[j])
			index_put(x, o.v[j], hash(things, o.v[j]));
	words_free(o.v);
}

void index_add(struct index *x, u32 id, index_hash hash, const void *things)
{
	if (!x->v || x->n * 8 > x->mask * 7)
		index_resize(x, x->mask ? x->mask * 2 + 1 : 63, hash, things);
	index_put(x, id, hash(things, id));
	x->n++;
}

void index_drop(struct index *x, u32 id, index_hash hash, const void *things)
{
	u32 i = mix(hash(things, id)) & x->mask;

	while (x->v[i] != id)
		i = (i + 1) & x->mask;
	x->v[i] = 0;
	x->n--;
	for (u32 j = (i + 1) & x->mask; x->v[j]; j = (j + 1) & x->mask) {
		u32 other = x->v[j];

		x->v[j] = 0;
		index_put(x, other, hash(things, other));
	}
	if (x->mask > 1023 && x->n * 8 < x->mask)
		index_resize(x, x->mask / 2, hash, things);
}

void index_free(struct index *x)
{
	words_free(x->v);
	memset(x, 0, sizeof(*x));
}
