// SPDX-License-Identifier: Apache-2.0
#include "lib/utf8.h"
#include "lib/wire/text.h"

static char *put_octet(char *to, unsigned int v)
{
	if (v >= 100) {
		*to++ = (char)('0' + v / 100);
		v %= 100;
		*to++ = (char)('0' + v / 10);
	} else if (v >= 10) {
		*to++ = (char)('0' + v / 10);
	}
	*to++ = (char)('0' + v % 10);
	return to;
}

static char *put_v4(char *to, const uint8_t *octet)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			*to++ = '.';
		to = put_octet(to, octet[i]);
	}
	return to;
}

static char *put_hex(char *to, unsigned int v)
{
	static const char digit[] = "0123456789abcdef";
	int shift = v >= 0x1000 ? 12 : v >= 0x100 ? 8 : v >= 0x10 ? 4 : 0;

	for (; shift >= 0; shift -= 4)
		*to++ = digit[v >> shift & 15];
	return to;
}

/* The longest run of at least two zero words, the first of equal ones: written as "::". */
static void longest_run(const unsigned int word[8], int *begin, int *length)
{
	*begin = -1;
	*length = 1;
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && !word[i + n])
			n++;
		if (n > *length) {
			*begin = i;
			*length = n;
		}
		i += n;
	}
}

static char *put_v6(char *to, const uint8_t *byte)
{
	unsigned int word[8];
	int gap, length;

	for (int i = 0; i < 8; i++)
		word[i] = (unsigned int)byte[2 * i] << 8 | byte[2 * i + 1];
	longest_run(word, &gap, &length);
	for (int i = 0; i < 8; i++) {
		if (i == gap) {
			*to++ = ':';
			i += length - 1;
			if (i == 7)
				*to++ = ':';
			continue;
		}
		if (i)
			*to++ = ':';
		/* ::a.b.c.d, IPv4-compatible, as the C library writes it */
		if (i == 6 && gap == 0 && length == 6)
			return put_v4(to, byte + 12);
		to = put_hex(to, word[i]);
	}
	return to;
}

size_t text_addr(const struct weir_addr *a, char buf[TEXT_ADDR_SIZE])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char *end = memcmp(a->byte, mapped, sizeof(mapped)) ? put_v6(buf, a->byte) : put_v4(buf, a->byte + 12);

	return (size_t)(end - buf);
}

static const char pairs[] =
	"0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
	"5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

size_t text_number(uint64_t v, char buf[20])
{
	char digits[20];
	size_t n = sizeof(digits);

	for (; v >= 100; v /= 100)
		memcpy(digits + (n -= 2), pairs + v % 100 * 2, 2);
	if (v >= 10)
		memcpy(digits + (n -= 2), pairs + v * 2, 2);
	else
		digits[--n] = (char)('0' + v);
	memcpy(buf, digits + n, sizeof(digits) - n);
	return sizeof(digits) - n;
}

size_t text_repaired(const char *from, size_t size, char *to)
{
	size_t n = 0;

	for (size_t at = 0; at < size; ) {
		unsigned int step = utf8_length(from + at, size - at);

		if (step) {
			memcpy(to + n, from + at, step);
			n += step;
		} else {
			memcpy(to + n, "\xef\xbf\xbd", 3);
			n += 3;
		}
		at += step ?: 1;
	}
	return n;
}

bool text_is_utf8(const char *text, size_t size)
{
	if (text_is_ascii(text, size))
		return true;
	for (size_t at = 0; at < size; ) {
		unsigned int step = utf8_length(text + at, size - at);

		if (!step)
			return false;
		at += step;
	}
	return true;
}
