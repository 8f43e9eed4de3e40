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
	fputc('\n', j->to);
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
	fputc(j->close[j->depth], j->to);
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
	next(j, key);
	fprintf(j->to, "%" PRIu64, value);
}

void json_int(struct json_out *j, const char *key, int64_t value)
{
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
	fputs(value ? "true" : "false", j->to);
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

void json_quote(FILE *to, const char *text)
{
	size_t left = strlen(text);

	fputc('"', to);
	while (left) {
		unsigned int n = utf8_length(text, left);

		if (n > 1)
			fwrite(text, 1, n, to);
		else if (n)
			quote_byte(to, *text);
		else
			fputs("\\ufffd", to);
		n = n ?: 1;
		text += n;
		left -= n;
	}
	fputc('"', to);
}

/* What stands before a value: the comma after the last one, a new line, its key. */
static void next(struct json_out *j, const char *key)
{
	if (j->filled[j->depth])
		fputc(',', j->to);
	j->filled[j->depth] = true;
	if (j->depth)
		line(j);
	if (key) {
		json_quote(j->to, key);
		fputs(j->indent ? ": " : ":", j->to);
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
	fputc(open, j->to);
	j->close[j->depth++] = close;
	j->filled[j->depth] = false;
}
