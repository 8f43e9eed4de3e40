/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions in RE2's syntax, found in time that grows with the text alone.
 *
 *	err = regex_parse("^/page/\\d+$", &things, &r, &why);	of the arena; nothing to free.  -EINVAL: what is wrong
 *	if (regex_find(r, text, length)) ...		anywhere in the text, unless ^ and $ say otherwise
 *
 * libc's regexec goes back and forth: "(a*)*b" takes minutes, "(a{1,255}){1,255}" all memory, and whoever may ask for
 * flows may send either.  Here an expression becomes at most REGEX_STEPS steps, all of which are tried at once, character
 * by character; asking allocates nothing.  Without captures, so greedy or not is the same.
 * Left out of RE2's: \p, \pN, \C; case is folded ((?i)) for ASCII letters.
 */
#ifndef WEIR_LIB_FILTER_REGEX_H
#define WEIR_LIB_FILTER_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/complaint.h"

#define REGEX_STEPS 1024

struct regex;

int regex_parse(const char *pattern, struct arena *things, struct regex **out, struct complaint *why);
bool regex_find(const struct regex *r, const char *text, size_t length);
unsigned int regex_steps(const struct regex *r);	/* what asking costs, for each character */

#endif
