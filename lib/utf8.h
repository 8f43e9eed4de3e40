/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8: one character at a time.
 *
 *	n = utf8_length(p, size);	bytes of the character at 'p', 0 if it is none
 */
#ifndef WEIR_LIB_UTF8_H
#define WEIR_LIB_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Overlong forms, surrogates and what lies beyond U+10FFFF are no characters. */
unsigned int utf8_length(const char *text, size_t size);
unsigned int utf8_put(char *to, uint32_t c);	/* up to 4 bytes */

#endif
