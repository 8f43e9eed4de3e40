// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/slab.h"

#define CHUNK 65536UL			/* and aligned to that: a block's chunk is found by its address */

struct block {
	struct block *next;
};

struct slab_chunk {
	struct slab_chunk *next, *prev;	/* of those with room */
	struct block *free;		/* dropped ones */
	uint32_t at, live;		/* where no block has been yet; blocks in use */
};

#if defined(__SANITIZE_ADDRESS__)
#define MOST 0UL			/* the sanitizer watches malloc's blocks, not ours */
#else
#define MOST ((size_t)SLAB_MOST)
#endif

static struct slab_chunk *chunk_new(void)
{
	char *p = mmap(NULL, 2 * CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *at;

	if (p == MAP_FAILED)
		return NULL;
	at = (char *)(((uintptr_t)p + CHUNK - 1) & ~(CHUNK - 1));
	if (at > p)
		munmap(p, at - p);
	munmap(at + CHUNK, p + CHUNK - at);
	((struct slab_chunk *)at)->at = sizeof(struct slab_chunk);
	return (struct slab_chunk *)at;
}

static void link_in(struct slab_chunk **list, struct slab_chunk *c)
{
	c->prev = NULL;
	c->next = *list;
	if (c->next)
		c->next->prev = c;
	*list = c;
}

static void link_out(struct slab_chunk **list, struct slab_chunk *c)
{
	*(c->prev ? &c->prev->next : list) = c->next;
	if (c->next)
		c->next->prev = c->prev;
}

static bool has_room(const struct slab_chunk *c, size_t size)
{
	return c->free || c->at + size <= CHUNK;
}

static void *take(struct slab_chunk *c, size_t size)
{
	struct block *b = c->free;

	c->live++;
	if (b) {
		c->free = b->next;
		return memset(b, 0, size);
	}
	b = (struct block *)((char *)c + c->at);
	c->at += size;
	return b;
}

static void *large(struct slab *s, size_t size)
{
	void *p = calloc(1, size);

	s->bytes += p ? size : 0;
	return p;
}

static size_t rounded(size_t size)
{
	return (size + !size + SLAB_STEP - 1) & ~(size_t)(SLAB_STEP - 1);
}

void *slab_alloc(struct slab *s, size_t size)
{
	struct slab_chunk **list, *c;
	void *p;

	size = rounded(size);
	if (size > MOST)
		return large(s, size);
	list = &s->room[size / SLAB_STEP - 1];
	if (!*list) {
		c = chunk_new();
		if (!c)
			return NULL;
		s->bytes += CHUNK;
		link_in(list, c);
	}
	c = *list;
	p = take(c, size);
	if (!has_room(c, size))
		link_out(list, c);
	return p;
}

void slab_drop(struct slab *s, void *p, size_t size)
{
	struct slab_chunk **list, *c = (struct slab_chunk *)((uintptr_t)p & ~(CHUNK - 1));

	size = rounded(size);
	if (!p)
		return;
	if (size > MOST) {
		s->bytes -= size;
		free(p);
		return;
	}
	list = &s->room[size / SLAB_STEP - 1];
	if (!has_room(c, size))
		link_in(list, c);
	((struct block *)p)->next = c->free;
	c->free = p;
	if (--c->live)
		return;
	link_out(list, c);
	s->bytes -= CHUNK;
	munmap(c, CHUNK);
}
