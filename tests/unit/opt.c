// SPDX-License-Identifier: Apache-2.0
/* Options: what is taken, what is left, what is said about a slip. */
#include <errno.h>
#include <stdlib.h>

#include "lib/opt.h"
#include "tests/check.h"

static struct {
	const char *server;
	unsigned int last, wait;
	bool follow, quiet;
	struct opt_list pods;
	const char *colour;
	char calls[20];
} want;

static int on_call(void *ctx, const struct opt *o, const char *value, struct complaint *why)
{
	char *calls = ctx;

	if (!strcmp(value, "bad")) {
		complaint_set(why, 0, 0, "it is bad");
		return -EINVAL;
	}
	strcat(calls, o->value ? value : *value == 't' ? "!" : ".");
	return 0;
}

static const struct opt shared[] = {
	OPT_WORD(0, "hue", &want.colour, "on|off|no", "when"),
	OPT_CALL(0, "call", on_call, want.calls, "WORD", "as they come"),
	OPT_CALL(0, "not", on_call, want.calls, NULL, "a flag that is called"),
	OPT_FLAG(0, "old-name", &want.follow, NULL),
	OPT_END
};

static const struct opt options[] = {
	OPT_TEXT('s', "server", &want.server, "ADDRESS", "agent to ask"),
	OPT_UINT('n', "last", &want.last, "N", "begin with the last N"),
	OPT_DURATION('w', "wait", &want.wait, "TIME", "how long"),
	OPT_FLAG('f', "follow", &want.follow, "then keep printing"),
	OPT_FLAG('q', "quiet", &want.quiet, "say less"),
	OPT_LIST(0, "pod", &want.pods, "POD", "only these"),
	OPT_FLAG(0, "a-name-so-long-that-it-has-its-own-line", &want.quiet, "alone"),
	OPT_HEAD("Shared:"),
	OPT_TABLE(shared),
	OPT_END
};

struct row {
	const char *words;	/* split at blanks */
	int rest;		/* index of the first word that is no option; -1: refused */
	const char *says;	/* a part of the complaint, or what came out */
};

static const struct row rows[] = {
	{ "a b", 0, "- 0 0 .. 0" },
	{ "--server X rest", 2, "X 0 0 .. 0" },
	{ "--server=X --last=7 -- -f", 3, "X 7 0 .. 0" },
	{ "--server= -f", 2, " 0 0 f. 0" },
	{ "-fqn5 x", 1, "- 5 0 fq 0" },
	{ "-n 5 -sX", 3, "X 5 0 .. 0" },
	{ "-n 5 -", 2, "- 5 0 .. 0" },
	{ "--pod a --pod=b --pod c d", 5, "- 0 0 .. 3" },
	{ "-w 300ms", 2, "- 0 300 .. 0" },
	{ "--wait 5m", 2, "- 0 300000 .. 0" },
	{ "-w1h", 1, "- 0 3600000 .. 0" },
	{ "-w 5", -1, "wants a time such as 300ms" },
	{ "-w 5d", -1, "not '5d'" },
	{ "-w -5s", -1, "not '-5s'" },
	{ "-w 99999999999h", -1, "wants a time" },
	{ "--last x", -1, "option '--last' wants a number from 0 to 4294967295, not 'x'" },
	{ "--last -1", -1, "not '-1'" },
	{ "--last 4294967296", -1, "wants a number" },
	{ "--last 5x", -1, "not '5x'" },
	{ "--last", -1, "option '--last' needs a value: N" },
	{ "-n", -1, "option '-n' needs a value: N" },
	{ "--follow=yes", -1, "option '--follow' takes no value but true and false, not 'yes'" },
	{ "--follow=true -q", 2, "- 0 0 fq 0" },
	{ "-f --follow=false", 2, "- 0 0 .. 0" },
	{ "-w 1h30m", 2, "- 0 5400000 .. 0" },
	{ "-w 1.5s", 2, "- 0 1500 .. 0" },
	{ "-w 1m5", -1, "not '1m5'" },
	{ "-w 1..5s", -1, "not '1..5s'" },
	{ "--hue off", 2, "off" },
	{ "--hue=offf", -1, "hue is on, off or no, not 'offf' (did you mean 'off'?)" },
	{ "--hue blue", -1, "hue is on, off or no, not 'blue'" },
	{ "--not --call x --not=false", 4, "!x." },
	{ "--call bad", -1, "it is bad" },
	{ "--hu x", -1, "did you mean '--hue'" },
	{ "--old-namee", -1, "--help lists them" },
	{ "--old-name", 1, "- 0 0 f. 0" },
	{ "--folow", -1, "no option '--folow' (did you mean '--follow'?)" },
	{ "--sever x", -1, "did you mean '--server'" },
	{ "--xyzzy", -1, "no option '--xyzzy' (--help lists them)" },
	{ "--averyveryverylongoptionthatnobodycouldeverwishfor", -1, "--help lists them" },
	{ "-x", -1, "no option '-x'" },
};

static void run(const struct row *row)
{
	char words[200], got[600];
	struct complaint why = { 0 };
	char *argv[20];
	int argc = 0, n;

	snprintf(words, sizeof(words), "%s", row->words);
	for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
		argv[argc++] = w;
	memset(&want, 0, sizeof(want));
	n = opt_parse(options, argc, argv, &why);
	CHECK_EQ(n < 0 ? -1 : n, row->rest, "row '%s'", row->words);
	if (row->rest < 0) {
		CHECK(strstr(why.text, row->says), "row '%s' says '%s'", row->words, why.text);
		return;
	}
	snprintf(got, sizeof(got), "%s %u %u %c%c %u", want.server ? want.server : "-", want.last, want.wait,
		 want.follow ? 'f' : '.', want.quiet ? 'q' : '.', want.pods.n);
	if (want.colour || *want.calls)
		snprintf(got, sizeof(got), "%s", want.colour ? want.colour : want.calls);
	CHECK_TEXT(got, row->says, "row '%s'", row->words);
}

static void test_help(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	opt_help(options, to);
	fclose(to);
	CHECK(strstr(text, "  -s, --server ADDRESS   agent to ask\n"), "letter, name, value, text");
	CHECK(strstr(text, "      --pod POD          only these\n"), "aligned without a letter: %s", text);
	CHECK(strstr(text, "its-own-line\n                         alone\n"), "a long one apart: %s", text);
	CHECK(strstr(text, "\nShared:\n      --hue on|off|no    when\n"), "under a head: %s", text);
	CHECK(!strstr(text, "old-name"), "what is not told");
	free(text);
}

static void test_list_bound(void)
{
	char *argv[OPT_LIST_MAX + 1];
	struct complaint why = { 0 };

	memset(&want, 0, sizeof(want));
	for (int i = 0; i <= OPT_LIST_MAX; i++)
		argv[i] = "--pod=x";
	CHECK_EQ(opt_parse(options, OPT_LIST_MAX, argv, &why), OPT_LIST_MAX, "as many as fit");
	memset(&want, 0, sizeof(want));
	CHECK(opt_parse(options, OPT_LIST_MAX + 1, argv, &why) < 0, "one more is refused");
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run(&rows[i]);
	test_help();
	test_list_bound();
	return check_done();
}
