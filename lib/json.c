// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "lib/json.h"
#include "lib/utf8.h"

static void space(struct json *j);
static bool separate(struct json *j);
static bool leave(struct json *j);
static bool number(struct json *j);
static bool literal(struct json *j, const char *word);

void json_read(struct json *j, const char *text, size_t size)
{
	j->at = j->line_begin = text;
	j->end = text + size;
	j->line = 1;
	j->depth = 0;
	j->error = NULL;
}

bool json_fail(struct json *j, const char *error)
{
	if (!j->error)
		j->error = error;
	return false;
}

enum json_kind json_peek(struct json *j)
{
	space(j);
	if (j->error || j->at == j->end)
		return JSON_NONE;
	switch (*j->at) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
	case 'f':
		return JSON_BOOL;
	case 'n':
		return JSON_NULL;
	case '-':
	case '0' ... '9':
		return JSON_NUMBER;
	default:
		return JSON_NONE;
	}
}

bool json_enter(struct json *j, char open)
{
	space(j);
	if (j->error)
		return false;
	if (j->at == j->end || *j->at != open)
		return json_fail(j, open == '{' ? "an object is wanted here" : "an array is wanted here");
	if (j->depth == JSON_DEPTH)
		return json_fail(j, "more than 256 levels deep");
	j->close[j->depth] = open == '{' ? '}' : ']';
	j->filled[j->depth++] = false;
	j->at++;
	return true;
}

bool json_key(struct json *j, struct json_span *key)
{
	if (!json_item(j))
		return false;
	if (*j->at != '"')
		return json_fail(j, "a key in double quotes is wanted here");
	if (!json_string(j, key))
		return false;
	space(j);
	if (j->at == j->end || *j->at != ':')
		return json_fail(j, "a colon is wanted here");
	j->at++;
	return true;
}

bool json_item(struct json *j)
{
	space(j);
	if (j->error)
		return false;
	if (!j->depth)
		return json_fail(j, "nothing is open here");
	if (j->at < j->end && *j->at == j->close[j->depth - 1])
		return leave(j);
	return separate(j);
}

static bool hex(const char *s, const char *end, uint32_t *out)
{
	*out = 0;
	if (end - s < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		unsigned char c = s[i], low = c | 0x20;
		uint32_t digit = c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : 16;

		if (digit == 16)
			return false;
		*out = *out << 4 | digit;
	}
	return true;
}

/* The length of the escape at 's', behind its backslash, and its character; 0: it is none. */
static unsigned int escape(const char *s, const char *end, uint32_t *c)
{
	static const char named[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
	uint32_t low;

	if (s == end)
		return 0;
	for (const char *n = named; *n; n += 2)
		if (*s == *n) {
			*c = (unsigned char)n[1];
			return 1;
		}
	if (*s != 'u' || !hex(s + 1, end, c) || !*c || (*c >= 0xdc00 && *c < 0xe000))
		return 0;
	if (*c < 0xd800 || *c >= 0xe000)
		return 5;
	if (end - s < 7 || s[5] != '\\' || s[6] != 'u' || !hex(s + 7, end, &low) || low < 0xdc00 || low >= 0xe000)
		return 0;
	*c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
	return 11;
}

/* One character of a string that is not plain ASCII: how many bytes it takes, 0 with the error. */
static unsigned int odd(struct json *j, const char *p, struct json_span *out)
{
	uint32_t c;
	unsigned int n;

	if (*p == '\\') {
		out->escaped = true;
		n = escape(p + 1, j->end, &c);
		if (!n)
			json_fail(j, "this escape stands for no character");
		return n ? n + 1 : 0;
	}
	n = (unsigned char)*p < 0x20 ? 0 : utf8_length(p, j->end - p);
	if (!n)
		json_fail(j, (unsigned char)*p < 0x20 ? "control characters in strings are written as escapes"
						      : "this is not UTF-8");
	return n;
}

bool json_string(struct json *j, struct json_span *out)
{
	const char *p;

	space(j);
	if (j->error)
		return false;
	if (j->at == j->end || *j->at != '"')
		return json_fail(j, "a string in double quotes is wanted here");
	*out = (struct json_span){ .text = j->at + 1, .line = j->line, .column = json_column(j) };
	for (p = j->at + 1; p < j->end && *p != '"'; ) {
		unsigned int n = 1;

		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x80 || *p == '\\')
			n = odd(j, p, out);
		if (!n) {
			j->at = p;
			return false;
		}
		p += n;
	}
	if (p >= j->end)
		return json_fail(j, "this string has no end");
	out->length = p - out->text;
	j->at = p + 1;
	return true;
}

bool json_word(struct json *j, struct json_span *out)
{
	enum json_kind kind = json_peek(j);
	bool good;

	*out = (struct json_span){ .text = j->at, .line = j->line, .column = json_column(j) };
	if (kind == JSON_NUMBER)
		good = number(j);
	else if (kind == JSON_BOOL)
		good = literal(j, *out->text == 't' ? "true" : "false");
	else if (kind == JSON_NULL)
		good = literal(j, "null");
	else
		good = json_fail(j, "a number, true, false or null is wanted here");
	out->length = j->at - out->text;
	return good;
}

bool json_skip(struct json *j)
{
	unsigned int depth = j->depth;
	struct json_span s;

	do {
		enum json_kind kind;

		if (j->depth > depth && !(j->close[j->depth - 1] == '}' ? json_key(j, &s) : json_item(j))) {
			if (j->error)
				return false;
			continue;
		}
		kind = json_peek(j);
		if (kind == JSON_OBJECT || kind == JSON_ARRAY)
			json_enter(j, kind == JSON_OBJECT ? '{' : '[');
		else if (kind == JSON_STRING)
			json_string(j, &s);
		else
			json_word(j, &s);
	} while (!j->error && j->depth > depth);
	return !j->error;
}

bool json_is(const struct json_span *s, const char *word)
{
	return !s->escaped && s->length == strlen(word) && !memcmp(s->text, word, s->length);
}

size_t json_plain(const struct json_span *s, char *to)
{
	const char *p = s->text, *end = s->text + s->length;
	char *begin = to;

	if (!s->escaped) {
		memcpy(to, s->text, s->length);
		return s->length;
	}
	while (p < end) {
		uint32_t c;

		if (*p != '\\') {
			*to++ = *p++;
			continue;
		}
		p += 1 + escape(p + 1, end, &c);
		to += utf8_put(to, c);
	}
	return to - begin;
}

void json_complain(const struct json *j, struct complaint *why)
{
	complaint_set(why, j->line, json_column(j), "not JSON: %s", j->error);
}

unsigned int json_column(const struct json *j)
{
	return j->at - j->line_begin + 1;
}

/* Line ends occur between values only: a string holds none. */
static void space(struct json *j)
{
	while (j->at < j->end && (*j->at == ' ' || *j->at == '\n' || *j->at == '\r' || *j->at == '\t'))
		if (*j->at++ == '\n') {
			j->line++;
			j->line_begin = j->at;
		}
}

static bool separate(struct json *j)
{
	if (j->filled[j->depth - 1]) {
		if (j->at == j->end || *j->at != ',')
			return json_fail(j, j->close[j->depth - 1] == '}' ? "a comma or } is wanted here"
									 : "a comma or ] is wanted here");
		j->at++;
		space(j);
	}
	if (j->at == j->end)
		return json_fail(j, "the text ends too early");
	if (*j->at == j->close[j->depth - 1])
		return json_fail(j, "a comma too many stands before this");
	j->filled[j->depth - 1] = true;
	return true;
}

static bool leave(struct json *j)
{
	j->at++;
	j->depth--;
	return false;
}

static const char *digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
static bool number(struct json *j)
{
	const char *p = j->at, *q;

	p += *p == '-';
	q = digits(p, j->end);
	if (q == p || (*p == '0' && q - p > 1))
		return json_fail(j, "this is no number");
	p = q;
	if (p < j->end && *p == '.') {
		q = digits(p + 1, j->end);
		if (q == p + 1)
			return json_fail(j, "this is no number");
		p = q;
	}
	if (p < j->end && (*p == 'e' || *p == 'E')) {
		p++;
		p += p < j->end && (*p == '+' || *p == '-');
		q = digits(p, j->end);
		if (q == p)
			return json_fail(j, "this is no number");
		p = q;
	}
	j->at = p;
	return true;
}

static bool literal(struct json *j, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(j->end - j->at) < n || memcmp(j->at, word, n))
		return json_fail(j, "a value is wanted here");
	j->at += n;
	return true;
}
