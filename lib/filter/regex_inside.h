/* SPDX-License-Identifier: Apache-2.0 */
/* What an expression becomes: regex_read.c and regex_class.c write it, regex.c runs it. */
#ifndef WEIR_LIB_FILTER_REGEX_INSIDE_H
#define WEIR_LIB_FILTER_REGEX_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/filter/regex.h"

enum regex_kind {
	REGEX_CHARACTER, REGEX_CLASS,		/* take one character, then the next step */
	REGEX_FORK,				/* both 'to' and 'also', as distances from here */
	REGEX_BEGIN, REGEX_END,			/* of the text */
	REGEX_LINE_BEGIN, REGEX_LINE_END,
	REGEX_WORD_EDGE, REGEX_NO_WORD_EDGE,
	REGEX_FOUND,
};

struct regex_step {
	uint8_t kind;
	int16_t to, also;		/* FORK */
	uint32_t first;			/* CHARACTER: it; CLASS: index of its first range */
	uint32_t ranges;		/* CLASS: how many */
};

struct regex_range {
	uint32_t first, last;		/* characters */
};

#define REGEX_RANGES 4096		/* of one expression */

struct regex {
	unsigned int steps, ranges;
	struct regex_step *step;
	struct regex_range *range;
};

#define REGEX_LAST 0x10ffff		/* of all characters */

/* While one is read. */
struct regex_reader {
	struct regex *r;
	const char *at;
	unsigned int depth;
	unsigned int atom;		/* where the last one begins, for what repeats it */
	bool flags_alone;		/* it was none: (?i) */
	bool fold, dot_newline, lines;	/* (?i), (?s), (?m) */
	struct complaint *why;
};

int regex_refuse(struct regex_reader *d, const char *what);		/* -EINVAL */
int regex_add_range(struct regex_reader *d, uint32_t first, uint32_t last);
int regex_add_class(struct regex_reader *d, unsigned int first);	/* a step of the ranges from 'first' on */
int regex_read_plain(struct regex_reader *d, uint32_t *c);		/* one character, as it is */
int regex_read_escaped(struct regex_reader *d, uint32_t *c);	/* behind a backslash */
int regex_add_letters(struct regex_reader *d, char letter);	/* ranges of \d, \w, \s and their opposites */
int regex_read_class(struct regex_reader *d);			/* from '[' to ']' */

/* Into room for as many of both as there may be. */
int regex_read(struct regex *r, const char *pattern, struct complaint *why);

#endif
