// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json_write.h"
#include "lib/utf8.h"

static void next(struct json_out *j, const char *key);
static void line(struct json_out *j);
static void open_one(struct json_out *j, const char *key, char open, char close);

void json_begin(struct json_out *j, FILE *to, bool indent)
{
	memset(j, 0, sizeof(*j));
	j->to = to;
	j->indent = indent;
}

int json_done(struct json_out *j)
{
	assert(!j->depth);
	putc_unlocked('\n', j->to);
	return ferror(j->to) ? -EIO : 0;
}

void json_object(struct json_out *j, const char *key)
{
	open_one(j, key, '{', '}');
}

void json_array(struct json_out *j, const char *key)
{
	open_one(j, key, '[', ']');
}

void json_end(struct json_out *j)
{
	bool filled = j->filled[j->depth];

	assert(j->depth);
	j->depth--;
	if (filled)
		line(j);
	putc_unlocked(j->close[j->depth], j->to);
}

void json_text(struct json_out *j, const char *key, const char *value)
{
	next(j, key);
	if (value)
		json_quote(j->to, value);
	else
		fputs("null", j->to);
}

void json_uint(struct json_out *j, const char *key, uint64_t value)
{
	char digits[20], *at = digits + sizeof(digits);

	next(j, key);
	do {
		*--at = '0' + value % 10;
		value /= 10;
	} while (value);
	fwrite_unlocked(at, 1, digits + sizeof(digits) - at, j->to);
}

void json_int(struct json_out *j, const char *key, int64_t value)
{
	if (value >= 0) {
		json_uint(j, key, value);
		return;
	}
	next(j, key);
	fprintf(j->to, "%" PRId64, value);
}

void json_number(struct json_out *j, const char *key, double value)
{
	char text[32];

	next(j, key);
	if (!isfinite(value)) {
		fputs("null", j->to);
		return;
	}
	snprintf(text, sizeof(text), "%.15g", value);
	if (strtod(text, NULL) != value)	/* 17 digits always do, and show rounding where 15 do */
		snprintf(text, sizeof(text), "%.17g", value);
	fputs(text, j->to);
}

void json_bool(struct json_out *j, const char *key, bool value)
{
	next(j, key);
	fputs_unlocked(value ? "true" : "false", j->to);
}

void json_null(struct json_out *j, const char *key)
{
	next(j, key);
	fputs("null", j->to);
}

static void quote_byte(FILE *to, unsigned char c)
{
	static const char named[] = "\"\"\\\\\nn\tt\rr\bb\ff";

	for (const char *n = named; *n; n += 2)
		if (c == (unsigned char)*n) {
			fputc('\\', to);
			fputc(n[1], to);
			return;
		}
	if (c < 0x20 || c == 0x7f)
		fprintf(to, "\\u%04x", c);
	else
		fputc(c, to);
}

/* Bytes that stand for themselves, most of them in most texts. */
static size_t plain(const char *text)
{
	size_t n = 0;

	while ((unsigned char)text[n] >= 0x20 && (unsigned char)text[n] < 0x7f && text[n] != '"' && text[n] != '\\')
		n++;
	return n;
}

void json_quote(FILE *to, const char *text)
{
	putc_unlocked('"', to);
	while (*text) {
		unsigned int n = plain(text);

		if (n) {
			fwrite_unlocked(text, 1, n, to);
		} else {
			n = utf8_length(text, strnlen(text, 4));
			if (n > 1)
				fwrite_unlocked(text, 1, n, to);
			else if (n)
				quote_byte(to, *text);
			else
				fputs("\\ufffd", to);
		}
		text += n ?: 1;
	}
	putc_unlocked('"', to);
}

/* What stands before a value: the comma after the last one, a new line, its key. */
static void next(struct json_out *j, const char *key)
{
	if (j->filled[j->depth])
		putc_unlocked(',', j->to);
	j->filled[j->depth] = true;
	if (j->depth)
		line(j);
	if (key) {
		json_quote(j->to, key);
		putc_unlocked(':', j->to);
		if (j->indent)
			putc_unlocked(' ', j->to);
	}
}

static void line(struct json_out *j)
{
	if (j->indent)
		fprintf(j->to, "\n%*s", (int)j->depth * 2, "");
}

static void open_one(struct json_out *j, const char *key, char open, char close)
{
	next(j, key);
	assert(j->depth < JSON_OUT_DEPTH);
	putc_unlocked(open, j->to);
	j->close[j->depth++] = close;
	j->filled[j->depth] = false;
}
