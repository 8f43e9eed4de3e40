/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as base64 and back.
 *
 *	base64_text(data, size, to);		BASE64_LENGTH(size) letters and a NUL
 *	base64_bytes(text, length, to, &size);	at most 3/4 of the length
 */
#ifndef WEIR_LIB_WIRE_BASE64_H
#define WEIR_LIB_WIRE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BASE64_LENGTH(size) (((size) + 2) / 3 * 4)

void base64_text(const uint8_t *from, size_t size, char *to);

/* Either alphabet, padded or not.  False: it is none. */
bool base64_bytes(const char *text, size_t length, uint8_t *to, size_t *size);

#endif
