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

/* Eight bytes that are all of a text of up to seven, some of them twice, and plain letters. */
static inline uint64_t text_few(const char *text, size_t size)
{
	uint32_t a, b;

	if (size >= 4) {
		memcpy(&a, text, 4);
		memcpy(&b, text + size - 4, 4);
		return a | (uint64_t)b << 32;
	}
	if (!size)
		return 0x6161616161616161ULL;
	return (uint8_t)text[0] | (uint64_t)(uint8_t)text[size / 2] << 8 | (uint64_t)(uint8_t)text[size - 1] << 16 |
		0x6161616161000000ULL;
}

static inline bool text_is_ascii(const char *text, size_t size)
{
	uint64_t word, all = 0;

	if (size < 8)
		return !(text_few(text, size) & 0x8080808080808080ULL);
	for (size_t i = 0; i + 8 < size; i += 8) {
		memcpy(&word, text + i, 8);
		all |= word;
	}
	memcpy(&word, text + size - 8, 8);	/* the last eight, some of them again */
	return !((all | word) & 0x8080808080808080ULL);
}

/* memcpy() for what is mostly short: without a call up to 32 bytes. */
static inline __attribute__((always_inline)) void text_copy(void *to, const void *from, size_t size)
{
	typedef struct { uint64_t w[2]; } sixteen;
	uint8_t *t = to;
	const uint8_t *f = from;

	if (__builtin_constant_p(size) || size > 32) {
		memcpy(to, from, size);
	} else if (size >= 16) {
		sixteen a, b;

		memcpy(&a, f, 16);
		memcpy(&b, f + size - 16, 16);
		memcpy(t, &a, 16);
		memcpy(t + size - 16, &b, 16);
	} else if (size >= 8) {
		uint64_t a, b;

		memcpy(&a, f, 8);
		memcpy(&b, f + size - 8, 8);
		memcpy(t, &a, 8);
		memcpy(t + size - 8, &b, 8);
	} else if (size >= 4) {
		uint32_t a, b;

		memcpy(&a, f, 4);
		memcpy(&b, f + size - 4, 4);
		memcpy(t, &a, 4);
		memcpy(t + size - 4, &b, 4);
	} else if (size) {
		uint8_t a = f[0], b = f[size / 2], c = f[size - 1];

		t[0] = a;
		t[size / 2] = b;
		t[size - 1] = c;
	}
}

#endif
