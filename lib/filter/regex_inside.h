/* SPDX-License-Identifier: Apache-2.0 */
/* What an expression becomes: regex_read.c writes it, regex.c runs it. */
#ifndef WEIR_LIB_FILTER_REGEX_INSIDE_H
#define WEIR_LIB_FILTER_REGEX_INSIDE_H

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

/* Into room for as many of both as there may be. */
int regex_read(struct regex *r, const char *pattern, struct complaint *why);

#endif
