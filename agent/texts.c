// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "agent/texts.h"
#include "lib/slab.h"

struct texts {
	struct text **bucket;
	size_t n, size;		/* size: a power of two */
	struct slab blocks;
};

static uint32_t hash_of(const void *bytes, size_t size);
static int grow(struct texts *texts);

/* By number, of every table; reserved at once and never moved, so that any thread may look.  Free ones: odd, the next twice. */
static struct {
	const struct text **at;
	uint32_t next, free;
} numbered;
static const union {
	struct text text;
	char room[sizeof(struct text) + 8];
} nothing;

uint32_t texts_number(const struct text *w)
{
	uint32_t n = w->number;

	if (n)
		return n;
	if (!numbered.at) {
		void *p = mmap(NULL, TEXT_NUMBERS * sizeof(*numbered.at), PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (p == MAP_FAILED)
			return 0;
		numbered.at = p;
		numbered.next = 1;
	}
	n = numbered.free;
	if (n)
		numbered.free = (uintptr_t)numbered.at[n] >> 1;
	else if (numbered.next < TEXT_NUMBERS)
		n = numbered.next++;
	else
		return 0;
	((struct text *)w)->number = n;
	__atomic_store_n(&numbered.at[n], w, __ATOMIC_RELEASE);
	return n;
}

const struct text *texts_at(uint32_t number)
{
	const struct text *w = number && number < TEXT_NUMBERS ? __atomic_load_n(&numbered.at[number], __ATOMIC_ACQUIRE) : NULL;

	return w && !((uintptr_t)w & 1) ? w : &nothing.text;
}

static void number_drop(const struct text *w)
{
	if (!w->number)
		return;
	__atomic_store_n(&numbered.at[w->number], (const struct text *)((uintptr_t)numbered.free << 1 | 1), __ATOMIC_RELEASE);
	numbered.free = w->number;
}

static void block_drop(struct texts *texts, struct text *w)
{
	number_drop(w);
	slab_drop(&texts->blocks, w, sizeof(*w) + w->size + 1);
}

int texts_new(struct texts **out)
{
	struct texts *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->size = 256;
	w->bucket = calloc(w->size, sizeof(*w->bucket));
	if (!w->bucket) {
		free(w);
		return -ENOMEM;
	}
	*out = w;
	return 0;
}

void texts_free(struct texts *texts)
{
	if (!texts)
		return;
	for (size_t i = 0; i < texts->size; i++) {
		struct text *w = texts->bucket[i];

		while (w) {
			struct text *next = w->next;

			block_drop(texts, w);
			w = next;
		}
	}
	free(texts->bucket);
	free(texts);
}

const struct text *texts_take(struct texts *texts, const void *bytes, size_t size)
{
	uint32_t hash = hash_of(bytes, size);
	struct text *w;

	for (w = texts->bucket[hash & (texts->size - 1)]; w; w = w->next) {
		if (w->hash == hash && w->size == size && !memcmp(w->bytes, bytes, size)) {
			w->taken++;
			return w;
		}
	}
	if (texts->n >= texts->size && grow(texts))
		return NULL;
	w = slab_alloc(&texts->blocks, sizeof(*w) + size + 1);
	if (!w)
		return NULL;
	*w = (struct text){ .hash = hash, .taken = 1, .size = size };
	memcpy(w->bytes, bytes, size);
	w->bytes[size] = '\0';
	w->next = texts->bucket[hash & (texts->size - 1)];
	texts->bucket[hash & (texts->size - 1)] = w;
	texts->n++;
	return w;
}

const struct text *texts_text(struct texts *texts, const char *text)
{
	return texts_take(texts, text, strlen(text));
}

void texts_drop(struct texts *texts, const struct text *text)
{
	struct text **at;

	if (!text)
		return;
	at = &texts->bucket[text->hash & (texts->size - 1)];
	while (*at != text)
		at = &(*at)->next;
	if (--(*at)->taken)
		return;
	*at = text->next;
	texts->n--;
	block_drop(texts, (struct text *)text);
}

static uint32_t hash_of(const void *bytes, size_t size)
{
	const unsigned char *b = bytes;
	uint64_t h = 0xcbf29ce484222325ULL;

	while (size--)
		h = (h ^ *b++) * 0x100000001b3ULL;
	return h ^ h >> 32;
}

static int grow(struct texts *texts)
{
	size_t size = texts->size * 2;
	struct text **bucket = calloc(size, sizeof(*bucket));

	if (!bucket)
		return -ENOMEM;
	for (size_t i = 0; i < texts->size; i++) {
		struct text *w = texts->bucket[i];

		while (w) {
			struct text *next = w->next;

			w->next = bucket[w->hash & (size - 1)];
			bucket[w->hash & (size - 1)] = w;
			w = next;
		}
	}
	free(texts->bucket);
	texts->bucket = bucket;
	texts->size = size;
	return 0;
}
