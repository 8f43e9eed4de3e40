// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"

#define CHUNK_FIRST	(16 * 1024)
#define CHUNK_LARGEST	(1024 * 1024)

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
	char data[] __attribute__((aligned(8)));
};

static void *take(struct arena *a, size_t size);

void *arena_alloc(struct arena *a, size_t size)
{
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	p = take(a, (size + 7) & ~(size_t)7);
	return p ? memset(p, 0, size) : NULL;
}

char *arena_text(struct arena *a, const char *text, size_t length)
{
	char *p = take(a, length + 1);

	if (!p)
		return NULL;
	memcpy(p, text, length);
	p[length] = 0;
	return p;
}

void arena_fixed(struct arena *a, void *block, size_t size)
{
	*a = (struct arena){ .at = block, .end = (char *)block + size };
}

void arena_reset(struct arena *a)
{
	a->used = 0;
	a->current = a->first;
	a->at = a->end = NULL;
	if (a->first) {
		a->at = a->first->data;
		a->end = a->at + a->first->size;
	}
}

void arena_free(struct arena *a)
{
	while (a->first) {
		struct arena_chunk *next = a->first->next;

		free(a->first);
		a->first = next;
	}
	*a = (struct arena){ 0 };
}

/* The next chunk that is large enough; those kept by a reset come first. */
static bool grow(struct arena *a, size_t size)
{
	struct arena_chunk *c = a->current ? a->current->next : a->first;
	size_t want = a->current ? a->current->size * 2 : CHUNK_FIRST;

	if (!a->first && a->at)
		return false;			/* fixed */
	if (!c || c->size < size) {
		want = want > CHUNK_LARGEST ? CHUNK_LARGEST : want;
		want = want < size ? size : want;
		c = malloc(sizeof(*c) + want);
		if (!c)
			return false;
		c->size = want;
		c->next = a->current ? a->current->next : a->first;
		*(a->current ? &a->current->next : &a->first) = c;
	}
	a->current = c;
	a->at = c->data;
	a->end = c->data + c->size;
	return true;
}

static void *take(struct arena *a, size_t size)
{
	void *p;

	if ((size_t)(a->end - a->at) < size && !grow(a, size))
		return NULL;
	p = a->at;
	a->at += size;
	a->used += size;
	return p;
}
