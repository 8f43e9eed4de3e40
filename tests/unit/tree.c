// SPDX-License-Identifier: Apache-2.0
/* Documents as trees: what was written, where, and what is refused. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tree.h"
#include "tests/check.h"

/* A tree in one line: maps in {}, lists in [], texts in '', what else is plain as it is; @line:column on demand. */
static void show(FILE *to, const struct tree_node *n, bool places)
{
	static const char *const types[] = { "", "null:", "bool:", "number:" };

	if (n->kind == TREE_SCALAR)
		fprintf(to, n->plain ? "%s%s" : "%s'%s'", types[tree_type(n)], n->text);
	else
		fputc(n->kind == TREE_MAP ? '{' : '[', to);
	for (const struct tree_node *c = n->kind == TREE_SCALAR ? NULL : n->first; c; c = c->next) {
		if (n->kind == TREE_MAP) {
			fprintf(to, "%s=", c->text);
			c = c->next;
		}
		show(to, c, places);
		if (c->next)
			fputc(' ', to);
	}
	if (n->kind != TREE_SCALAR)
		fputc(n->kind == TREE_MAP ? '}' : ']', to);
	if (places)
		fprintf(to, "@%u:%u", n->line, n->column);
}

/* All documents of a text, parted by " | ". */
static void read_all(const char *text, size_t size, const struct tree_limits *limits, bool places, const char *want)
{
	struct tree_source source = { text, text + size, 1 };
	const struct tree_node *root;
	struct complaint why = { .text = "" };
	struct tree *t;
	char *got, line[900];
	size_t length;
	FILE *f = open_memstream(&got, &length);
	int err, n = 0;

	CHECK_EQ(tree_new(&t, limits), 0, "a tree");
	while ((err = tree_next(t, &source, &root, &why)) != 0) {
		if (n++)
			fprintf(f, " | ");
		if (err == 1)
			show(f, root, places);
		else
			fprintf(f, "! %s", complaint_text(&why, line, sizeof(line)));
	}
	fclose(f);
	CHECK_TEXT(got, want, "%.60s", text);
	free(got);
	tree_free(t);
}

static void is(const char *text, const char *want)
{
	read_all(text, strlen(text), NULL, false, want);
}

static void documents(void)
{
	is("", "");
	is("\n \n", "");
	is("# nothing\n", "");
	is("---\n---\n", "null: | null:");
	is("a: 1\nb: [x, 'y', \"z\"]\nc: {d: ~}\n", "{a=number:1 b=[x 'y' 'z'] c={d=null:~}}");
	is("a: |\n  two\n  lines\nb: >-\n  one\n  line\n", "{a='two\nlines\n' b='one line'}");
	is("--- {a: b}\n---   # comment\nc: d\n", "{a=b} | {c=d}");
	is("a: b\n...\n---\nc: d\n", "{a=b} | {c=d}");
	is("a: b\n--- \nc: d", "{a=b} | {c=d}");
	is("%YAML 1.1\n---\na: b\n---\nc: d\n", "{a=b} | {c=d}");
	is("# made by\n\n%YAML 1.1\r\n# hand\n--- {a: b}\n---\nc: d\n", "{a=b} | {c=d}");
	is("a: b---\n---x\n", "! 3:1: not YAML: a ':' is missing behind a key, or this line is not indented right");
	is("a: |\n  ---\nb: c\n", "{a='---\n' b=c}");
	is("a: b\r\nc: d\r\n---\r\ne: f\r\n", "{a=b c=d} | {e=f}");
	is("\xef\xbb\xbf" "a: b\n", "{a=b}");
	read_all("\xef\xbb\xbf" "a: b\nc: d\n", 13, NULL, true, "{a=b@1:4 c=d@2:4}@1:1");
	is("a: b\n---\nbroken: [\n---\nc: d\n", "{a=b} | ! 4:1: not YAML: a value is missing here, or what closes a list or a map "
	   "| {c=d}");
}

static void json(void)
{
	is("{\"a\": [1, -2.5e3, true, null, \"x\"], \"b\": {}}", "{a=[number:1 number:-2.5e3 bool:true null:null 'x'] b={}}");
	is("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"}",
	   "{a='\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x98\x80'}");
	is("{\"a\\u0062\":1}", "{ab=number:1}");
	is("{\"a\":\n\t\t1}", "{a=number:1}");
	is("{\"a\":1}{\"b\":2}\n{\"c\":3}", "{a=number:1} | {b=number:2} | {c=number:3}");
	is("---\n{\"a\":1}\n---\nb: 2\n", "{a=number:1} | {b=number:2}");
	is("{\"a\": 12345678901234567890}", "{a=number:12345678901234567890}");
	is("{a: b}", "{a=b}");
	is("{\"a\": b}", "{a=b}");
	is("{\"a\": \"\\ud83d\"}", "! 1:8: not JSON: this escape stands for no character");
	is("{\"a\": \"\\udc00\\ud83d\"}", "! 1:8: not JSON: this escape stands for no character");
	is("{\"a\": \"\\u0000\"}", "! 1:8: not JSON: this escape stands for no character");
	is("{\"a\": 1 \"b\": 2}", "! 1:9: not JSON: a comma or } is wanted here");
	is("{\"a\": 1", "! 1:8: not JSON: a comma or } is wanted here");
	is("{\"a\": \"", "! 1:7: not JSON: this string has no end");
	is("{\"a\": 1, \"a\": 2}", "! 1:10: key 'a' stands here twice (first in line 1): keep one");
}

static void places(void)
{
	read_all("a:\n- b\n-  c: d\n", 14, NULL, true, "{a=[b@2:3 {c=d@3:7}@3:4]@2:1}@1:1");
	read_all("{\"a\":\n [1,\n  \"x\"]}", 18, NULL, true, "{a=[number:1@2:3 'x'@3:3]@2:2}@1:1");
	read_all("a: 1\n---\nb: 2\n", 14, NULL, true, "{a=number:1@1:4}@1:1 | {b=number:2@3:4}@3:1");
}

static void types(void)
{
	static const struct {
		const char *text;
		enum tree_type type;
	} rows[] = {
		{ "~", TREE_NULL }, { "null", TREE_NULL }, { "Null", TREE_NULL }, { "nul", TREE_TEXT },
		{ "true", TREE_BOOL }, { "False", TREE_BOOL }, { "yes", TREE_BOOL }, { "NO", TREE_BOOL },
		{ "on", TREE_BOOL }, { "Off", TREE_BOOL }, { "tRue", TREE_TEXT }, { "y", TREE_TEXT }, { "n", TREE_TEXT },
		{ "1", TREE_NUMBER }, { "-1", TREE_NUMBER }, { "+1", TREE_NUMBER }, { "007", TREE_NUMBER },
		{ "1_000", TREE_NUMBER }, { "0x1F", TREE_NUMBER }, { "0o17", TREE_NUMBER }, { "0b101", TREE_NUMBER },
		{ "1.5", TREE_NUMBER }, { "1.", TREE_NUMBER }, { ".5", TREE_NUMBER }, { "1e3", TREE_NUMBER },
		{ "1.10", TREE_NUMBER }, { "-.5E-3", TREE_NUMBER }, { ".inf", TREE_NUMBER }, { ".NaN", TREE_NUMBER },
		{ "1.2.3", TREE_TEXT }, { "1e", TREE_TEXT }, { ".", TREE_TEXT }, { "-", TREE_TEXT }, { "+", TREE_TEXT },
		{ "0x", TREE_TEXT }, { "0xg", TREE_TEXT }, { "0b2", TREE_TEXT }, { "1a", TREE_TEXT },
		{ "10.0.0.1", TREE_TEXT }, { "10.0.0.0/8", TREE_TEXT }, { "2024-01-01", TREE_TEXT }, { "12:30", TREE_TEXT },
		{ "none", TREE_TEXT }, { "_1", TREE_TEXT }, { "", TREE_NULL },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tree_node n = { .text = rows[i].text, .kind = TREE_SCALAR, .plain = true };

		CHECK_EQ(tree_type(&n), rows[i].type, "plain '%s'", rows[i].text);
		n.plain = false;
		CHECK_EQ(tree_type(&n), TREE_TEXT, "quoted '%s'", rows[i].text);
	}
}

/* 'n' times 'part', between 'before' and 'after'. */
static char *repeat(const char *before, const char *part, unsigned int n, const char *after)
{
	char *text = malloc(strlen(before) + n * strlen(part) + strlen(after) + 1), *at = text;

	at = stpcpy(at, before);
	while (n--)
		at = stpcpy(at, part);
	stpcpy(at, after);
	return text;
}

static void starts(char *text, const char *want)
{
	struct tree_source source = { text, text + strlen(text), 1 };
	const struct tree_node *root;
	struct complaint why = { .text = "" };
	struct tree *t;
	int err;

	CHECK_EQ(tree_new(&t, NULL), 0, "a tree");
	err = tree_next(t, &source, &root, &why);
	CHECK_TEXT(err == 1 ? "" : why.text, want, "%.40s...", text);
	tree_free(t);
	free(text);
}

static void limits(void)
{
	static const char deep[] = "more than 64 levels deep: what weir reads is never so deep";
	static const char many[] = "more than 100000 values and keys in one document: split it";

	starts(repeat("", "[", 64, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"), "");
	starts(repeat("", "[", 65, ""), deep);
	starts(repeat("", "[", 1000000, ""), deep);
	starts(repeat("", "{\"a\":", 1000000, ""), deep);
	starts(repeat("", "- ", 100000, ""), deep);
	starts(repeat("", "? ", 100000, ""), deep);
	starts(repeat("[", "a, ", 99998, "a]"), "");
	starts(repeat("[", "a, ", 99999, "a]"), many);
	starts(repeat("", "- a\n", 1000000, ""), many);
	starts(repeat("{\"a\":[", "0,", 1000000, "0]}"), many);
	starts(repeat("a: &a [x]\nb: [", "*a, ", 100000, "]"), "anchors (&) are not read: write the value out where it is used");
	starts(repeat("a: '", "x", 4096, "'"), "");
	starts(repeat("{\"", "x", 5000, "\": 1}"), "key 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' is "
	       "too long to be one");
	read_all("[a, b]", 6, &(struct tree_limits){ 1, 3, 1 }, false, "[a b]");
	read_all("[a, b]", 6, &(struct tree_limits){ 1, 2, 1 }, false, "! 1:5: more than 2 values and keys in one document: split it");
	read_all("a: \0b", 5, NULL, false, "! 1: a control character, at or after this line");
	read_all("a: \"\\0\"", 7, NULL, false, "! 1:4: a zero byte in a text is not read");
}

/* A scalar that is too long is no fault until somebody uses it. */
static void long_scalars(void)
{
	char *text = repeat("a: '", "x", 5000, "'\n");
	struct tree_source source = { text, text + strlen(text), 1 };
	const struct tree_node *root;
	struct complaint why;
	struct tree *t;

	CHECK_EQ(tree_new(&t, NULL), 0, "a tree");
	CHECK_EQ(tree_next(t, &source, &root, &why), 1, "it is read");
	CHECK(tree_get(root, "a")->cut && tree_get(root, "a")->length == 4096, "cut, and marked so");
	tree_free(t);
	free(text);
}

/* Twins are found in maps of any size, and finding them costs no square of it. */
static void twins(void)
{
	char *text = malloc(2000000), *at = text;

	for (int i = 0; i < 40000; i++)
		at += sprintf(at, "key-%d: x\n", i);
	starts(strdup(text), "");
	sprintf(at, "key-%d: y\n", 20000);
	starts(text, "key 'key-20000' stands here twice (first in line 20001): keep one");
	for (int n = 2; n < 30; n++) {
		char small[600] = "", want[80];

		for (int i = 0; i < n; i++)
			sprintf(small + strlen(small), "k%d: x\n", i);
		strcat(small, "k1: x\n");
		sprintf(want, "key 'k1' stands here twice (first in line 2): keep one");
		starts(strdup(small), want);
	}
}

int main(void)
{
	documents();
	json();
	places();
	types();
	limits();
	long_scalars();
	twins();
	return check_done();
}
