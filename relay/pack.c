// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "relay/pack.h"

#define LEVEL	3
#define WINDOW	13			/* 8 KiB; negative: neither head nor sum */
#define MEMORY	5			/* with that, 48 KiB to deflate: 6 times less of real flows in blocks of 16 KiB, at 230 MB/s */

struct pack {
	uint32_t size;			/* of its text */
	uint32_t bytes;			/* as it lies here; as many: not deflated */
	uint8_t data[];
};

/* A text as it was. */
struct copy {
	const struct pack *of;		/* NULL: none */
	uint64_t used;			/* the highest was used last */
	uint8_t *text;			/* a block's room; NULL: not yet */
};

struct packs {
	struct packs_size size;
	uint64_t uses;
	bool can_deflate, can_inflate;
	z_stream deflate, inflate;
	uint8_t *scratch;		/* of whoever deflates, or of a text that is not kept */
	size_t room;
	struct copy copy[];
};

int packs_open(struct packs **out, const struct packs_size *size)
{
	struct packs *all = calloc(1, sizeof(*all) + size->kept * sizeof(all->copy[0]));

	if (!all)
		return -ENOMEM;
	all->size = *size;
	*out = all;
	return 0;
}

void packs_rest(struct packs *all)
{
	for (unsigned int i = 0; i < all->size.kept; i++) {
		free(all->copy[i].text);
		all->copy[i] = (struct copy){ 0 };
	}
	if (all->can_deflate)
		deflateEnd(&all->deflate);
	if (all->can_inflate)
		inflateEnd(&all->inflate);
	all->can_deflate = all->can_inflate = false;
	free(all->scratch);
	all->scratch = NULL;
	all->room = 0;
}

void packs_close(struct packs *all)
{
	if (all)
		packs_rest(all);
	free(all);
}

static uint8_t *scratch(struct packs *all, size_t size)
{
	uint8_t *more = size > all->room ? realloc(all->scratch, size) : all->scratch;

	if (more) {
		all->scratch = more;
		all->room = size > all->room ? size : all->room;
	}
	return more;
}

/* -- what is kept -- */

static struct copy *copy_of(struct packs *all, const struct pack *p)
{
	for (unsigned int i = 0; i < all->size.kept; i++)
		if (all->copy[i].of == p)
			return &all->copy[i];
	return NULL;
}

/* The place of what was not used for longest.  NULL: this one is not kept. */
static struct copy *copy_for(struct packs *all, const struct pack *p)
{
	struct copy *c = all->copy;

	if (!all->size.kept || p->size > all->size.block)
		return NULL;
	for (unsigned int i = 1; i < all->size.kept; i++)
		if (all->copy[i].used < c->used)
			c = &all->copy[i];
	if (!c->text)
		c->text = malloc(all->size.block);
	if (!c->text)
		return NULL;
	c->of = p;
	c->used = ++all->uses;
	return c;
}

static void keep(struct packs *all, const struct pack *p, const void *text)
{
	struct copy *c = copy_for(all, p);

	if (c)
		memcpy(c->text, text, p->size);
}

/* -- packs -- */

/* Bytes in the scratch; 0: it is not smaller so. */
static size_t squeeze(struct packs *all, const void *text, size_t size)
{
	z_stream *z = &all->deflate;

	if (!scratch(all, size))
		return 0;
	if (!all->can_deflate)
		all->can_deflate = deflateInit2(z, LEVEL, Z_DEFLATED, -WINDOW, MEMORY, Z_DEFAULT_STRATEGY) == Z_OK;
	if (!all->can_deflate)
		return 0;
	deflateReset(z);
	z->next_in = (Bytef *)text;	/* zlib's word for what it only reads */
	z->avail_in = size;
	z->next_out = all->scratch;
	z->avail_out = size;
	return deflate(z, Z_FINISH) == Z_STREAM_END && z->total_out < size ? z->total_out : 0;
}

static bool stretch(struct packs *all, const struct pack *p, uint8_t *to)
{
	z_stream *z = &all->inflate;

	if (p->bytes == p->size) {
		memcpy(to, p->data, p->size);
		return true;
	}
	if (!all->can_inflate) {
		*z = (z_stream){ 0 };
		all->can_inflate = inflateInit2(z, -WINDOW) == Z_OK;
	}
	if (!all->can_inflate)
		return false;
	inflateReset(z);
	z->next_in = (Bytef *)p->data;
	z->avail_in = p->bytes;
	z->next_out = to;
	z->avail_out = p->size;
	return inflate(z, Z_FINISH) == Z_STREAM_END && z->total_out == p->size;
}

struct pack *pack_new(struct packs *all, const void *text, size_t size)
{
	size_t bytes = squeeze(all, text, size);
	struct pack *p = malloc(sizeof(*p) + (bytes ? bytes : size));

	if (!p)
		return NULL;
	p->size = size;
	p->bytes = bytes ? bytes : size;
	memcpy(p->data, bytes ? all->scratch : text, p->bytes);
	keep(all, p, text);
	return p;
}

size_t pack_bytes(const struct pack *p)
{
	return sizeof(*p) + p->bytes;
}

const uint8_t *pack_text(struct packs *all, const struct pack *p)
{
	struct copy *c = copy_of(all, p);
	uint8_t *to;

	if (c) {
		c->used = ++all->uses;
		return c->text;
	}
	c = copy_for(all, p);
	to = c ? c->text : scratch(all, p->size);
	if (to && stretch(all, p, to))
		return to;
	if (c)
		c->of = NULL;
	return NULL;
}

void pack_free(struct packs *all, struct pack *p)
{
	struct copy *c = p ? copy_of(all, p) : NULL;

	if (c) {
		c->of = NULL;
		c->used = 0;
	}
	free(p);
}
