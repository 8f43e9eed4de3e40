/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line or a page in the making.  What comes from the wire goes in by text_clean(), so that nobody's pod name can
 * move a cursor or paint a terminal.
 *
 *	struct text t = { 0 };
 *
 *	text_put(&t, "-> ");
 *	text_clean(&t, pod_name);
 *	fwrite(t.data, 1, t.n, stdout);
 *	t.n = 0;				the room stays
 *	text_free(&t);
 */
#ifndef WEIR_TOOLS_TEXT_H
#define WEIR_TOOLS_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
	char *data;		/* not ended by a zero */
	size_t n, room;
};

void text_free(struct text *t);
char *text_room(struct text *t, size_t size);	/* so many bytes at the end, not yet counted in 'n' */
void text_add(struct text *t, const char *data, size_t size);
void text_uint(struct text *t, uint64_t n);
void text_digits(struct text *t, uint64_t n, unsigned int width);	/* with zeros before */
void text_pad(struct text *t, char with, size_t n);
__attribute__((format(printf, 2, 3))) void text_print(struct text *t, const char *format, ...);

/* Control characters as ^[ and \r, newline and tab included; what is no UTF-8 as U+FFFD. */
void text_clean(struct text *t, const char *words);

/* How many columns it takes on a terminal, colours left out. */
size_t text_width(const char *data, size_t n);

static inline void text_put(struct text *t, const char *words)
{
	text_add(t, words, strlen(words));
}
static inline void text_char(struct text *t, char c)
{
	text_add(t, &c, 1);
}

#endif
