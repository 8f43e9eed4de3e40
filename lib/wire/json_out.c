// SPDX-License-Identifier: Apache-2.0
#include "lib/utf8.h"
#include "lib/wire/json_out.h"

static void put_escaped(struct json_line *o, unsigned char c)
{
	static const char hex[] = "0123456789abcdef", from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *named = c ? strchr(from, c) : NULL;
	char text[] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	if (named)
		text[1] = to[named - from];
	line_put(o, text, named ? 2 : 6);
}

void line_quote_slowly(struct json_line *o, const char *text, size_t size)
{
	line_put(o, "\"", 1);
	for (size_t at = 0; at < size; ) {
		unsigned int n = utf8_length(text + at, size - at);
		unsigned char c = (unsigned char)text[at];

		if (!n)
			line_put(o, "\xef\xbf\xbd", 3);
		else if (c < 0x20 || c == '"' || c == '\\')
			put_escaped(o, c);
		else
			line_put(o, text + at, n);
		at += n ?: 1;
	}
	line_put(o, "\",", 2);
}
