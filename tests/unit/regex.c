// SPDX-License-Identifier: Apache-2.0
/* Expressions: what is found, what is refused, and that nothing takes long. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "lib/filter/regex.h"
#include "tests/check.h"

struct row {
	const char *pattern, *text;
	int found;		/* -1: refused, and 'text' is a part of why */
};

static const struct row rows[] = {
	{ "", "", 1 }, { "", "x", 1 }, { "^$", "", 1 }, { "^$", "x", 0 },
	{ "b", "abc", 1 }, { "d", "abc", 0 }, { "^b", "abc", 0 }, { "c$", "abc", 1 }, { "^abc$", "abc", 1 },
	{ "a.c", "abc", 1 }, { "a.c", "a\nc", 0 }, { "(?s)a.c", "a\nc", 1 }, { "a.c", "a\xc3\xa9""c", 1 },
	{ "^.$", "\xc3\xa9", 1 }, { "^..$", "\xff\xfe", 1 }, { "\\x{e9}", "\xc3\xa9", 1 }, { "\xc3\xa9+$", "\xc3\xa9\xc3\xa9", 1 },
	{ "a|b|c", "xxc", 1 }, { "^(a|b|c)$", "cc", 0 }, { "^(?:a|)b$", "b", 1 }, { "^(|a)+$", "aaa", 1 },
	{ "^a*$", "", 1 }, { "^a*$", "aaa", 1 }, { "^a*$", "ab", 0 }, { "^a+$", "", 0 }, { "^ab?c$", "ac", 1 }, { "^ab??c$", "abc", 1 },
	{ "^(ab)*$", "abab", 1 }, { "^(ab)*$", "aba", 0 }, { "^(a*)*$", "aaa", 1 }, { "^(a|b)*c$", "abbac", 1 },
	{ "^a{3}$", "aaa", 1 }, { "^a{3}$", "aa", 0 }, { "^a{3}$", "aaaa", 0 }, { "^a{2,}$", "a", 0 }, { "^a{2,}$", "aaaaa", 1 },
	{ "^a{1,3}$", "", 0 }, { "^a{1,3}$", "aaa", 1 }, { "^a{1,3}$", "aaaa", 0 }, { "^a{0,2}$", "", 1 }, { "^a{0,2}$", "aaa", 0 },
	{ "^a{0}b$", "b", 1 }, { "^a{0}b$", "ab", 0 }, { "^a{1,}$", "aa", 1 }, { "^a{1,}$", "", 0 }, { "^a{0,}$", "", 1 }, { "^(ab|c){2}$", "cab", 1 },
	{ "^a{$", "a{", 1 }, { "^a{,2}$", "a{,2}", 1 }, { "^a{x}$", "a{x}", 1 }, { "^(a{2}){3}$", "aaaaaa", 1 }, { "^(a{2}){3}$", "aaaaa", 0 },
	{ "[abc]", "xb", 1 }, { "[^abc]", "abc", 0 }, { "[^abc]", "abcd", 1 }, { "[a-c]+$", "xabc", 1 }, { "[]a]", "]", 1 }, { "[^]a]", "]a", 0 },
	{ "[a-]", "-", 1 }, { "[-a]", "-", 1 }, { "[\\]]", "]", 1 }, { "^[\\d-]+$", "1-2", 1 }, { "^[^\\d]+$", "a1", 0 }, { "^[\\D]+$", "ab", 1 },
	{ "[[:alpha:]]", "1a", 1 }, { "^[[:^alpha:]]+$", "12", 1 }, { "^[[:^alpha:]]+$", "1a", 0 }, { "^[^a\\x{e9}]$", "\xc3\xa9", 0 }, { "[b-yA-F]", "az", 0 },
	{ "/page/\\d+", "http://x/page/12", 1 }, { "/page/\\d+", "/page/x", 0 }, { "\\D", "12", 0 }, { "\\w+\\s\\w+", "ab cd", 1 }, { "\\S", " \t", 0 }, { "\\W", "a_9", 0 },
	{ "\\bcat\\b", "a cat.", 1 }, { "\\bcat\\b", "concat", 0 }, { "\\Bcat", "concat", 1 }, { "\\Bcat", "cat", 0 }, { "\\Aab\\z", "ab", 1 }, { "\\Ab", "ab", 0 },
	{ "(?i)GeT", "get", 1 }, { "(?i:a)B", "AB", 1 }, { "(?i:a)B", "Ab", 0 }, { "(?i)[a-c]$", "xB", 1 }, { "(?i)[^a-c]", "ABC", 0 }, { "x((?i)a)b", "xAB", 0 },
	{ "(?m)^b$", "a\nb\nc", 1 }, { "^b$", "a\nb\nc", 0 }, { "(?P<name>a)(?<n>b)", "ab", 1 }, { "\\Qa.b*\\Ec", "a.b*c", 1 }, { "\\Qa.b", "axb", 0 },
	{ "^\\Qab\\E*$", "abbb", 1 }, { "^\\Qab\\E*$", "abab", 0 }, { "a\\Q\\E{2}$", "aa", 1 }, { "^a(?i)*B$", "aaAb", 0 }, { "^a(?i)*B$", "aab", 1 },
	{ "^(?:)*(?P<n>)+()?$", "", 1 }, { "^a*(?i){2}$", "aaa", 1 }, { "(?m){2}", "repeats nothing", -1 }, { "a|{2}", "repeats nothing", -1 },
	{ "\\.\\/\\-", "./-", 1 }, { "a\\x4ab", "aJb", 1 }, { "cilium\\.io", "ciliumxio", 0 },
	{ "\xe2\x82\xac[\xe2\x82\xaa-\xe2\x82\xad]\xf0\x9f\x98\x80", "\xe2\x82\xac\xe2\x82\xac\xf0\x9f\x98\x80", 1 },
	{ "(", "'(' is not closed", -1 }, { "a)", "')' closes nothing", -1 }, { "[a", "'[' is not closed", -1 }, { "[]", "not closed", -1 },
	{ "*", "repeats nothing", -1 }, { "a|*", "repeats nothing", -1 }, { "(?i)*", "repeats nothing", -1 }, { "a**", "twice", -1 }, { "a+{2}", "twice", -1 },
	{ "a{1001}", "at most 1000", -1 }, { "a{2,1}", "lesser first", -1 }, { "(a{1,255}){1,255}", "too large", -1 }, { "((((a{99}){99}){99}){99}){99}", "too large", -1 },
	{ "\\", "ends the expression", -1 }, { "\\p{Greek}", "\\p", -1 }, { "\\1", "referring back", -1 }, { "\\y", "not known", -1 }, { "(?=a)", "looking ahead", -1 }, { "(?<=a)", "looking", -1 },
	{ "(?P<>a)", "name", -1 }, { "[b-a]", "backwards", -1 }, { "[[:foo:]]", "not known", -1 }, { "\\x4", "hexadecimal", -1 }, { "\\x{110000}", "hexadecimal", -1 }, { "\xff", "no UTF-8", -1 },
	{ "(?ix", "looking", -1 }, { "(?i", "not closed", -1 }, { "(?i-s-m)", "twice", -1 },
};

static void run(const struct row *row)
{
	struct arena things = { 0 };
	struct complaint why = { 0 };
	struct regex *r;
	int err = regex_parse(row->pattern, &things, &r, &why);

	if (row->found < 0) {
		CHECK_EQ(err, -EINVAL, "'%s'", row->pattern);
		CHECK(strstr(why.text, row->text), "'%s' says '%s'", row->pattern, why.text);
	} else {
		CHECK_EQ(err, 0, "'%s': %s", row->pattern, why.text);
		if (!err)
			CHECK_EQ(regex_find(r, row->text, strlen(row->text)), row->found, "'%s' in '%s'", row->pattern,
				 row->text);
	}
	arena_free(&things);
}

/* What takes others for ever. */
static void test_time(void)
{
	static const char *const bad[] = {
		"(a*)*b", "(a|aa)+b$", "(.*)(.*)(.*)(.*)(.*)[^a]$", "(a?){300}a{100}b", "(x+x+)+y", "((a{1,9}){1,9}){1,9}b", ".*.*.*=.*",
	};
	char text[4097];
	struct timespec from, to;

	memset(text, 'a', 4096);
	text[4096] = 0;
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena things = { 0 };
		struct complaint why = { 0 };
		struct regex *r;
		int err = regex_parse(bad[i], &things, &r, &why);

		if (!err)
			CHECK(!regex_find(r, text, 4096), "'%s'", bad[i]);
		else
			CHECK(strstr(why.text, "too large"), "'%s': %s", bad[i], why.text);
		arena_free(&things);
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	CHECK(to.tv_sec - from.tv_sec < 5, "all of them in less than 5 s");
}

static void test_deep(void)
{
	struct arena things = { 0 };
	struct complaint why = { 0 };
	struct regex *r;
	char deep[2001];

	memset(deep, '(', 1000);
	memset(deep + 1000, ')', 1000);
	deep[2000] = 0;
	CHECK_EQ(regex_parse(deep, &things, &r, &why), -EINVAL, "a thousand groups");
	CHECK(strstr(why.text, "too deep"), "says so: %s", why.text);
	arena_free(&things);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run(&rows[i]);
	test_time();
	test_deep();
	return check_done();
}
