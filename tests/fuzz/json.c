// SPDX-License-Identifier: Apache-2.0
// fuzz-links: lib
/*
 * Any bytes as JSON: skipping and walking agree on what is JSON, spans lie inside, escapes come undone in no
 * more bytes than they took, and what was read and written is read as the same again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/json_write.h"
#include "lib/utf8.h"

#define REQUIRE(cond) do { if (!(cond)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_span(const struct json *j, const struct json_span *s, const uint8_t *data, size_t size)
{
	const char *begin = (const char *)data;
	char *plain = malloc(s->length + 1);
	size_t n = 0;

	REQUIRE(s->text >= begin && s->text + s->length <= begin + size && s->line && s->column);
	REQUIRE(plain);
	n = json_plain(s, plain);
	REQUIRE(n <= s->length && !memchr(plain, 0, n));
	for (size_t at = 0; at < n; ) {
		unsigned int step = utf8_length(plain + at, n - at);

		REQUIRE(step);
		at += step;
	}
	free(plain);
}

/* Every value, key and item once. */
static void walk(struct json *j, const uint8_t *data, size_t size)
{
	do {
		struct json_span s;
		enum json_kind kind;

		if (j->depth) {
			bool map = j->close[j->depth - 1] == '}';
			bool more = map ? json_key(j, &s) : json_item(j);

			if (!more)
				continue;
			if (map)
				check_span(j, &s, data, size);
		}
		kind = json_peek(j);
		if (kind == JSON_OBJECT || kind == JSON_ARRAY)
			json_enter(j, kind == JSON_OBJECT ? '{' : '[');
		else if (kind == JSON_STRING ? json_string(j, &s) : json_word(j, &s))
			check_span(j, &s, data, size);
	} while (!j->error && j->depth);
}

/* A string of any bytes, written and read again, is UTF-8 and, if it was, the same. */
static void there_and_back(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *written = NULL, *back;
	size_t length = 0, n;
	FILE *f = open_memstream(&written, &length);
	struct json_span s;
	struct json j;
	bool sound = true;

	REQUIRE(text && f);
	memcpy(text, data, size);
	text[size] = 0;
	json_quote(f, text);
	fclose(f);
	json_read(&j, written, length);
	REQUIRE(json_string(&j, &s));
	back = malloc(s.length + 1);
	REQUIRE(back);
	n = json_plain(&s, back);
	for (size_t at = 0, left = strlen(text); left; ) {
		unsigned int step = utf8_length(text + at, left);

		sound &= step > 0;
		step = step ?: 1;
		at += step;
		left -= step;
	}
	REQUIRE(!sound || (n == strlen(text) && !memcmp(back, text, n)));
	free(back);
	free(written);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json walked, skipped;

	json_read(&walked, (const char *)data, size);
	walk(&walked, data, size);
	json_read(&skipped, (const char *)data, size);
	json_skip(&skipped);
	REQUIRE(!walked.error == !skipped.error && walked.at == skipped.at && walked.line == skipped.line);
	there_and_back(data, size);
	return 0;
}
