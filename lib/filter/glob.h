/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Globs of names: '*' stands for any bytes, none and dots too; nothing else is special.
 *
 *	if (glob_match(&(struct glob){ "*.example.com", 13 }, name, strlen(name)))
 *
 * Time grows with the sum of both lengths, whatever the pattern: pieces between stars are searched once, leftmost.
 */
#ifndef WEIR_LIB_FILTER_GLOB_H
#define WEIR_LIB_FILTER_GLOB_H

#include <stdbool.h>
#include <stddef.h>

struct glob {
	const char *text;	/* not ours */
	size_t length;
};

bool glob_match(const struct glob *g, const char *text, size_t length);

#endif
