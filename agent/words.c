// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/words.h"

struct words {
	struct word **bucket;
	size_t n, size;		/* size: a power of two */
};

static uint32_t hash_of(const void *bytes, size_t size);
static int grow(struct words *words);

int words_new(struct words **out)
{
	struct words *w = calloc(1, sizeof(*w));

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

void words_free(struct words *words)
{
	if (!words)
		return;
	for (size_t i = 0; i < words->size; i++) {
		struct word *w = words->bucket[i];

		while (w) {
			struct word *next = w->next;

			free(w);
			w = next;
		}
	}
	free(words->bucket);
	free(words);
}

const struct word *words_take(struct words *words, const void *bytes, size_t size)
{
	uint32_t hash = hash_of(bytes, size);
	struct word *w;

	for (w = words->bucket[hash & (words->size - 1)]; w; w = w->next) {
		if (w->hash == hash && w->size == size && !memcmp(w->text, bytes, size)) {
			w->taken++;
			return w;
		}
	}
	if (words->n >= words->size && grow(words))
		return NULL;
	w = malloc(sizeof(*w) + size + 1);
	if (!w)
		return NULL;
	*w = (struct word){ .hash = hash, .taken = 1, .size = size };
	memcpy(w->text, bytes, size);
	w->text[size] = '\0';
	w->next = words->bucket[hash & (words->size - 1)];
	words->bucket[hash & (words->size - 1)] = w;
	words->n++;
	return w;
}

const struct word *words_text(struct words *words, const char *text)
{
	return words_take(words, text, strlen(text));
}

void words_drop(struct words *words, const struct word *word)
{
	struct word **at;

	if (!word)
		return;
	at = &words->bucket[word->hash & (words->size - 1)];
	while (*at != word)
		at = &(*at)->next;
	if (--(*at)->taken)
		return;
	*at = word->next;
	words->n--;
	free((void *)word);
}

size_t words_count(const struct words *words)
{
	return words->n;
}

static uint32_t hash_of(const void *bytes, size_t size)
{
	const unsigned char *b = bytes;
	uint64_t h = 0xcbf29ce484222325ULL;

	while (size--)
		h = (h ^ *b++) * 0x100000001b3ULL;
	return h ^ h >> 32;
}

static int grow(struct words *words)
{
	size_t size = words->size * 2;
	struct word **bucket = calloc(size, sizeof(*bucket));

	if (!bucket)
		return -ENOMEM;
	for (size_t i = 0; i < words->size; i++) {
		struct word *w = words->bucket[i];

		while (w) {
			struct word *next = w->next;

			w->next = bucket[w->hash & (size - 1)];
			bucket[w->hash & (size - 1)] = w;
			w = next;
		}
	}
	free(words->bucket);
	words->bucket = bucket;
	words->size = size;
	return 0;
}
