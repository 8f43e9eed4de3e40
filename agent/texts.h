/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts: byte strings kept once.  Fifty thousand pods share a few hundred namespaces, nodes and label lists.
 *
 *	const struct text *w = texts_take(texts, "shop", 4);	the same pointer for the same bytes
 *	texts_drop(texts, w);
 *
 * A text lives while somebody has taken it.  One thread, save for texts_at().
 */
#ifndef WEIR_AGENT_TEXTS_H
#define WEIR_AGENT_TEXTS_H

#include <stddef.h>
#include <stdint.h>

struct text {
	struct text *next;	/* the table's */
	uint32_t hash, taken;
	uint32_t size;		/* without the zero behind it */
	uint32_t number;	/* 0: nobody has asked for one */
	char bytes[];
};

struct texts;

int texts_new(struct texts **out);
void texts_free(struct texts *texts);		/* and every text; NULL is fine */

const struct text *texts_take(struct texts *texts, const void *bytes, size_t size);	/* NULL: no memory */
const struct text *texts_text(struct texts *texts, const char *text);
void texts_drop(struct texts *texts, const struct text *w);	/* NULL is fine */

/* A number in place of a pointer, for who keeps very many; good while the text is taken.  0 (no memory, or more than
 * TEXT_NUMBERS) and what is unknown stand for "".  texts_at() may be called by any thread. */
#define TEXT_NUMBERS (1U << 20)
uint32_t texts_number(const struct text *w);
const struct text *texts_at(uint32_t number);	/* never NULL */

#endif
