/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts on the hot path: addresses, and whether a text may go out as it is.
 *
 *	n = text_addr(&f->src, buf);		"10.0.0.1"; not ended by a NUL
 *	if (!text_is_ascii(s, n)) ...
 */
#ifndef WEIR_LIB_WIRE_TEXT_H
#define WEIR_LIB_WIRE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <weir/base.h>

#define TEXT_ADDR_SIZE 48

/* As inet_ntop() writes it.  Returns the length, at most TEXT_ADDR_SIZE. */
size_t text_addr(const struct weir_addr *a, char buf[TEXT_ADDR_SIZE]);

size_t text_number(uint64_t v, char buf[20]);	/* decimal; the length */

/* RFC 3339 in UTC, the fraction in three digits, six or nine, or none, as Go and Python write a Timestamp.  Seconds are
 * since 1970, of the years 1 to 9999.  The length. */
#define TEXT_TIME_SIZE 40
size_t text_stamp(int64_t seconds, uint32_t nanos, char buf[TEXT_TIME_SIZE]);
bool text_stamp_fits(int64_t seconds, int64_t nanos);	/* is it one that a Timestamp may say */

/* "2026-11-21T17:40:00.5+01:00": any RFC 3339.  False: it is none, or out of range. */
bool text_stamp_read(const char *text, size_t size, int64_t *seconds, int32_t *nanos);

/* Copies 'size' bytes with each that is no UTF-8 as U+FFFD; 'to' has room for three times as many.  Their number. */
size_t text_repaired(const char *from, size_t size, char *to);
bool text_is_utf8(const char *text, size_t size);

static inline bool text_is_ascii(const char *text, size_t size)
{
	uint64_t word, all = 0;
	size_t i = 0;

	for (; i + 8 <= size; i += 8) {
		memcpy(&word, text + i, 8);
		all |= word;
	}
	if (size >= 8) {		/* the last eight, some of them again */
		memcpy(&word, text + size - 8, 8);
		all |= word;
	} else {
		for (; i < size; i++)
			all |= (uint64_t)(uint8_t)text[i];
	}
	return !(all & 0x8080808080808080ULL);
}

#endif
