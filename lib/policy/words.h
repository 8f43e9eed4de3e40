/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the compiler's structures stand on: vectors of words, one interner for everything that is "a list of
 * words", a map from 64 bits to 32, and an index over things that know their own key.
 *
 *	id = intern_get(&t, words, n);		equal lists, equal numbers; numbers start at 1
 *	intern_put(&t, id);			the last one frees it, and the number is used again
 *
 * Memory that cannot be had ends the process: half a change of policy is worse than no agent (the kernel keeps
 * enforcing, the next agent adopts).  All of it is counted.  Not thread-safe.
 */
#ifndef WEIR_LIB_POLICY_WORDS_H
#define WEIR_LIB_POLICY_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

void *words_realloc(void *p, size_t size);	/* never NULL for size > 0; size 0 frees */
void *words_zalloc(size_t size);
void words_free(void *p);
char *words_text(const char *text);		/* a copy that lives long */
void words_text_free(char *text);
size_t words_bytes(void);			/* held through these, by everybody */

struct vec {
	u32 *v, n, cap;
};
void vec_grow(struct vec *x, u32 more);
static inline void vec_push(struct vec *x, u32 w)
{
	if (x->n == x->cap)
		vec_grow(x, 1);
	x->v[x->n++] = w;
}
void vec_add(struct vec *x, const u32 *w, u32 n);
bool vec_has(const struct vec *x, u32 w);
bool vec_drop(struct vec *x, u32 w);		/* one of them; the order does not matter */
void vec_free(struct vec *x);
void vec_empty(struct vec *x);			/* n = 0, and what is large is given back */
void vec_uniq(struct vec *x);			/* sorts, too */

u32 words_uniq(u32 *w, u32 n);			/* sorts; how many are left */
bool words_have(const u32 *w, u32 n, u32 one);	/* 'w' is sorted */
u32 words_hash(const u32 *w, u32 n);

/* Lists of words.  'w' of an entry stays where it is while the entry is held. */
struct intern_entry {
	u32 *w, n, ref, hash, next;
};
struct intern {
	struct intern_entry *e;
	u32 n, cap, free, live, *bucket, mask;
};
u32 intern_get(struct intern *t, const u32 *w, u32 n);		/* takes a reference */
u32 intern_find(const struct intern *t, const u32 *w, u32 n);	/* takes none; 0: not there */
bool intern_put(struct intern *t, u32 id);			/* true: that was the last reference */
void intern_free(struct intern *t);
static inline void intern_hold(struct intern *t, u32 id) { t->e[id].ref++; }
static inline bool intern_last(const struct intern *t, u32 id) { return t->e[id].ref == 1; }

/* Text as a list of words, padded with zeroes. */
u32 intern_text(struct intern *t, const char *s);
u32 intern_find_text(const struct intern *t, const char *s);
static inline const char *intern_text_of(const struct intern *t, u32 id)
{
	return id ? (const char *)t->e[id].w : "";
}

struct hmap {			/* key 0 is not allowed, nor is the value 0 */
	u64 *key;
	u32 *val, n, mask;
};
u32 hmap_get(const struct hmap *m, u64 key);		/* 0: not there */
void hmap_set(struct hmap *m, u64 key, u32 val);	/* 0 removes */
void hmap_free(struct hmap *m);

/* Numbers of things that hold their key themselves. */
struct index {
	u32 *v, n, mask;
};
typedef bool (*index_same)(const void *things, u32 id, const void *key);
typedef u32 (*index_hash)(const void *things, u32 id);
u32 index_find(const struct index *x, u32 hash, index_same same, const void *things, const void *key);
void index_add(struct index *x, u32 id, index_hash hash, const void *things);
void index_drop(struct index *x, u32 id, index_hash hash, const void *things);
void index_free(struct index *x);

/* An array indexed by numbers that somebody else gives out, zeroed as it grows. */
#define GROW(a, cap, i) do {								\
	if ((u32)(i) >= (cap))								\
		(a) = words_grow((a), &(cap), (i), sizeof(*(a)));			\
} while (0)
void *words_grow(void *a, u32 *cap, u32 i, size_t size);

#endif
