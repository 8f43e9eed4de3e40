// SPDX-License-Identifier: Apache-2.0
/* The pull reader of JSON, and what it refuses. */
#include <stdlib.h>

#include "lib/json.h"
#include "tests/check.h"

static const char list[] =
	"{\"kind\": \"PodList\", \"metadata\": {\"resourceVersion\": \"42\", \"x\": [1, {\"y\": null}]},\n"
	" \"items\": [\n"
	"  {\"metadata\": {\"name\": \"web\", \"labels\": {}}, \"status\": {\"podIP\": \"10.0.0.1\"}},\n"
	"  {\"status\": {}, \"metadata\": {\"name\": \"caf\\u00e9\"}}\n ]}";

/* As the reader of an API's answers will: names alone, all else skipped. */
static void names(struct json *j, char *out)
{
	struct json_span key, name;

	while (json_key(j, &key)) {
		if (json_is(&key, "metadata")) {
			json_enter(j, '{');
			while (json_key(j, &key))
				if (json_is(&key, "name") && json_string(j, &name))
					out += json_plain(&name, out);
				else
					json_skip(j);
			*out++ = ' ';
		} else {
			json_skip(j);
		}
	}
	*out = 0;
}

static void pull(void)
{
	struct json j;
	struct json_span key, kind;
	char got[64] = "", *at = got;

	json_read(&j, list, strlen(list));
	CHECK(json_enter(&j, '{'), "an object");
	while (json_key(&j, &key)) {
		if (json_is(&key, "kind")) {
			CHECK(json_string(&j, &kind) && json_is(&kind, "PodList"), "its kind");
		} else if (json_is(&key, "items")) {
			CHECK(json_enter(&j, '['), "a list");
			while (json_item(&j)) {
				json_enter(&j, '{');
				names(&j, at);
				at += strlen(at);
			}
		} else {
			CHECK(json_skip(&j), "skipped");
		}
	}
	CHECK(!j.error, "no error: %s", j.error ?: "");
	CHECK_EQ(j.at - list, strlen(list), "all of it");
	CHECK_TEXT(got, "web caf\xc3\xa9 ", "names");
}

static void spans(void)
{
	struct json j;
	struct json_span s;

	json_read(&j, "\n  {\"a\" : -1.5E+3}", 18);
	json_enter(&j, '{');
	CHECK(json_key(&j, &s) && s.line == 2 && s.column == 4 && !s.escaped, "a key has a place");
	CHECK_EQ(json_peek(&j), JSON_NUMBER, "a number comes");
	CHECK(json_word(&j, &s) && s.length == 7 && !memcmp(s.text, "-1.5E+3", 7), "as written");
	CHECK(!json_key(&j, &s) && !j.error, "the end");
	CHECK_EQ(json_peek(&j), JSON_NONE, "nothing comes");
}

/* What is refused, and where; skipping must say the same as reading. */
static void refused(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "1:1: not JSON: a number, true, false or null is wanted here" },
		{ "nul", "1:1: not JSON: a value is wanted here" },
		{ "[1,]", "1:4: not JSON: a comma too many stands before this" },
		{ "[,1]", "1:2: not JSON: a number, true, false or null is wanted here" },
		{ "[1 2]", "1:4: not JSON: a comma or ] is wanted here" },
		{ "[1}", "1:3: not JSON: a comma or ] is wanted here" },
		{ "{\"a\" 1}", "1:6: not JSON: a colon is wanted here" },
		{ "{a: 1}", "1:2: not JSON: a key in double quotes is wanted here" },
		{ "{'a': 1}", "1:2: not JSON: a key in double quotes is wanted here" },
		{ "{\"a\": 1,}", "1:9: not JSON: a comma too many stands before this" },
		{ "{\"a\": 1", "1:8: not JSON: a comma or } is wanted here" },
		{ "[1,", "1:4: not JSON: the text ends too early" },
		{ "[01]", "1:2: not JSON: this is no number" },
		{ "[-]", "1:2: not JSON: this is no number" },
		{ "[1.]", "1:2: not JSON: this is no number" },
		{ "[1e]", "1:2: not JSON: this is no number" },
		{ "[+1]", "1:2: not JSON: a number, true, false or null is wanted here" },
		{ "[\"a\n\"]", "1:4: not JSON: control characters in strings are written as escapes" },
		{ "[\"\\x\"]", "1:3: not JSON: this escape stands for no character" },
		{ "[\"\\u12g4\"]", "1:3: not JSON: this escape stands for no character" },
		{ "[\"\\u0000\"]", "1:3: not JSON: this escape stands for no character" },
		{ "[\"\\ud83d\"]", "1:3: not JSON: this escape stands for no character" },
		{ "[\"\\ud83dx\"]", "1:3: not JSON: this escape stands for no character" },
		{ "[\"\\ud83d\\u0041\"]", "1:3: not JSON: this escape stands for no character" },
		{ "[\"\\", "1:3: not JSON: this escape stands for no character" },
		{ "[\"\xff\"]", "1:3: not JSON: this is not UTF-8" },
		{ "[\"\xed\xa0\x80\"]", "1:3: not JSON: this is not UTF-8" },
		{ "[\"abc", "1:2: not JSON: this string has no end" },
		{ "[\n// no\n1]", "2:1: not JSON: a number, true, false or null is wanted here" },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct complaint why = { .text = "" };
		char got[600];
		struct json j;

		json_read(&j, rows[i].text, strlen(rows[i].text));
		CHECK(!json_skip(&j), "%s is refused", rows[i].text);
		json_complain(&j, &why);
		CHECK_TEXT(complaint_text(&why, got, sizeof(got)), rows[i].want, "%s", rows[i].text);
		CHECK(!json_skip(&j) && !json_enter(&j, '{') && !json_item(&j), "and stays refused");
	}
}

static void taken(void)
{
	static const char *const rows[] = {
		"0", "-0", "1e5", "1E-5", "0.5", "\"\"", "[]", "{}", " [ ] ", "[[],{}]", "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"",
		"{\"a\":{\"a\":{\"a\":[[[1]]]}}}", "true", "false", "null", "\"/\\/\"", "\t\r\n1",
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json j;

		json_read(&j, rows[i], strlen(rows[i]));
		CHECK(json_skip(&j) && !j.error, "%s is taken", rows[i]);
		CHECK_EQ(json_peek(&j), JSON_NONE, "%s wholly", rows[i]);
	}
}

static void deep(void)
{
	char text[2 * JSON_DEPTH + 8];
	struct json j;

	memset(text, '[', JSON_DEPTH);
	memset(text + JSON_DEPTH, ']', JSON_DEPTH);
	json_read(&j, text, 2 * JSON_DEPTH);
	CHECK(json_skip(&j), "256 levels");
	memset(text, '[', JSON_DEPTH + 1);
	json_read(&j, text, sizeof(text));
	CHECK(!json_skip(&j), "and no more");
	CHECK_TEXT(j.error, "more than 256 levels deep", "why");
}

int main(void)
{
	pull();
	spans();
	refused();
	taken();
	deep();
	return check_done();
}
