// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/utf8.h"
#include "tools/text.h"

#define TEXT_FIRST 4096

void text_free(struct text *t)
{
	free(t->data);
	memset(t, 0, sizeof(*t));
}

char *text_room(struct text *t, size_t size)
{
	if (!t->data || t->room - t->n < size) {
		size_t room = t->room ? t->room : TEXT_FIRST;

		while (room - t->n < size)
			room *= 2;
		t->data = realloc(t->data, room);
		if (!t->data)
			abort();	/* a command that cannot hold its own line has nothing to say */
		t->room = room;
	}
	return t->data + t->n;
}

void text_add(struct text *t, const char *data, size_t size)
{
	memcpy(text_room(t, size), data, size);
	t->n += size;
}

void text_digits(struct text *t, uint64_t n, unsigned int width)
{
	char digits[24], *at = digits + sizeof(digits);

	do {
		*--at = '0' + n % 10;
		n /= 10;
	} while (n || digits + sizeof(digits) - at < (ptrdiff_t)width);
	text_add(t, at, digits + sizeof(digits) - at);
}

void text_uint(struct text *t, uint64_t n)
{
	text_digits(t, n, 1);
}

void text_pad(struct text *t, char with, size_t n)
{
	memset(text_room(t, n), with, n);
	t->n += n;
}

void text_print(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		return;
	va_start(args, format);
	vsnprintf(text_room(t, n + 1), n + 1, format, args);
	va_end(args);
	t->n += n;
}

/* One that is not as it should be; returns how many bytes it was. */
static size_t clean_one(struct text *t, const char *at)
{
	unsigned char c = *at;
	size_t n = c < 0x80 ? 1 : utf8_length(at, strnlen(at, 4));

	if (c == '\r')
		text_put(t, "\\r");
	else if (c == '\n')
		text_put(t, "\\n");
	else if (c == '\t')
		text_put(t, "\\t");
	else if (c < 0x20)
		text_add(t, (char[]){ '^', c + '@' }, 2);
	else if (c == 0x7f)
		text_put(t, "^?");
	else if (!n)
		text_put(t, "\xef\xbf\xbd");
	else if (c == 0xc2 && (unsigned char)at[1] < 0xa0)
		text_print(t, "\\u%04x", (unsigned char)at[1]);		/* C1: some terminals obey them */
	else
		text_add(t, at, n);
	return n ? n : 1;
}

void text_clean(struct text *t, const char *words)
{
	while (*words) {
		size_t n = 0;

		while ((unsigned char)words[n] >= 0x20 && (unsigned char)words[n] < 0x7f)
			n++;
		text_add(t, words, n);
		words += n;
		if (*words)
			words += clean_one(t, words);
	}
}

size_t text_width(const char *data, size_t n)
{
	size_t width = 0;

	for (size_t i = 0; i < n; i++) {
		if (data[i] == '\033') {
			while (i + 1 < n && data[i] != 'm')
				i++;
			continue;
		}
		width += (data[i] & 0xc0) != 0x80;
	}
	return width;
}
