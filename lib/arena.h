/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena: memory that is given out piece by piece and given back all at once.
 *
 *	struct arena a = { 0 };
 *
 *	thing = arena_alloc(&a, sizeof(*thing));	zeroed, 8-aligned; NULL: no memory
 *	text = arena_text(&a, from, length);		a copy with its NUL, packed
 *	arena_reset(&a);				everything again, the memory is kept
 *	arena_free(&a);
 *
 * 'used' is what the same calls would take of one block (alloc and text apart): with it, a second run of
 * them fits arena_fixed() exactly.  An arena is used either for things or for texts.
 */
#ifndef WEIR_LIB_ARENA_H
#define WEIR_LIB_ARENA_H

#include <stddef.h>

struct arena_chunk;
struct arena {
	struct arena_chunk *first, *current;
	char *at, *end;
	size_t used;
};

void *arena_alloc(struct arena *a, size_t size);
char *arena_text(struct arena *a, const char *text, size_t length);
void arena_fixed(struct arena *a, void *block, size_t size);	/* 'block' is not ours; what does not fit is NULL */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

#endif
