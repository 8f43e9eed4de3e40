/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words: byte strings kept once.  Fifty thousand pods share a few hundred namespaces, nodes and label lists.
 *
 *	const struct word *w = words_take(words, "shop", 4);	the same pointer for the same bytes
 *	words_drop(words, w);
 *
 * A word lives while somebody has taken it.  One thread.
 */
#ifndef WEIR_AGENT_WORDS_H
#define WEIR_AGENT_WORDS_H

#include <stddef.h>
#include <stdint.h>

struct word {
	struct word *next;	/* the table's */
	uint32_t hash, taken;
	uint32_t size;		/* without the zero behind it */
	char text[];
};

struct words;

int words_new(struct words **out);
void words_free(struct words *words);		/* and every word; NULL is fine */

const struct word *words_take(struct words *words, const void *bytes, size_t size);	/* NULL: no memory */
const struct word *words_text(struct words *words, const char *text);
void words_drop(struct words *words, const struct word *w);	/* NULL is fine */
size_t words_count(const struct words *words);

#endif
