// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "lib/filter/glob.h"

bool glob_match(const struct glob *g, const char *text, size_t length)
{
	const char *p = g->text, *end = p + g->length, *star = memchr(p, '*', g->length);
	size_t n = star ? (size_t)(star - p) : g->length;

	if (!star)
		return n == length && !memcmp(p, text, n);
	if (n > length || memcmp(p, text, n))
		return false;
	text += n;
	length -= n;
	for (p = star + 1; (star = memchr(p, '*', end - p)); p = star + 1) {
		const char *found = memmem(text, length, p, star - p);	/* leftmost leaves most for the rest */

		if (!found)
			return false;
		length -= found + (star - p) - text;
		text = found + (star - p);
	}
	n = end - p;
	return n <= length && !memcmp(p, text + length - n, n);
}
