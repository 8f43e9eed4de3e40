// SPDX-License-Identifier: Apache-2.0
#include "lib/wire/base64.h"

void base64_text(const uint8_t *from, size_t size, char *to)
{
	static const char letter[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (; size; from += 3, to += 4) {
		size_t n = size < 3 ? size : 3;
		uint32_t v = (uint32_t)from[0] << 16 | (n > 1 ? (uint32_t)from[1] << 8 : 0) | (n > 2 ? from[2] : 0);

		to[0] = letter[v >> 18];
		to[1] = letter[v >> 12 & 63];
		to[2] = n > 1 ? letter[v >> 6 & 63] : '=';
		to[3] = n > 2 ? letter[v & 63] : '=';
		size -= n;
	}
	*to = '\0';
}

static int value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

bool base64_bytes(const char *text, size_t length, uint8_t *to, size_t *size)
{
	uint32_t bits = 0;
	unsigned int have = 0;
	size_t n = 0;

	if (length % 4 == 0)
		for (int i = 0; i < 2 && length && text[length - 1] == '='; i++)
			length--;
	if (length % 4 == 1)
		return false;
	for (size_t i = 0; i < length; i++) {
		int v = value(text[i]);

		if (v < 0)
			return false;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			to[n++] = (uint8_t)(bits >> have);
		}
	}
	*size = n;
	return true;
}
