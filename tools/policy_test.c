// SPDX-License-Identifier: Apache-2.0
// weir policy test [--judge engine|kernel|packets] [--hairpin allow|deny] PATH...
#include "tools/policy_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json_write.h"
#include "tools/verb.h"

static struct {
	const char *judge, *hairpin, *path, *broken, *agent;
	unsigned int show;
	struct verb_want verb;
} want;

static const struct opt options[] = {
	OPT_TEXT('j', "judge", &want.judge, "JUDGE", "engine (default), kernel: the real programs by test-run, packets: real "
		 "packets through namespaces; the last two need root"),
	OPT_TEXT(0, "hairpin", &want.hairpin, "allow|deny", "a pod's packet to itself by a Service: passes (default), or is "
		 "judged as any other"),
	OPT_TEXT(0, "path", &want.path, "redirect|stack", "judge packets: how they get from pod to pod (default: redirect where "
		 "possible)"),
	OPT_TEXT(0, "broken", &want.broken, "allow-all|deny-all|one-rule", "hand over something else, to see the run fail"),
	OPT_TEXT(0, "agent", &want.agent, "FILE", "weir-agent, for the judges kernel and packets (default: beside this program)"),
	OPT_UINT(0, "show", &want.show, "N", "name at most N failing cells of a suite (default 20)"),
	VERB_OUTPUT_OPTIONS(&want.verb),
	OPT_END
};
static const struct verb_help help = {
	.usage = "policy test [OPTION...] PATH...",
	.text = "Judges suites of policy: files of netpol-state/1 and of the field's suites, and directories of manifests "
		"with a table of flows beside them.",
	.exits = "0 all as expected, 1 something differs",
	.examples = "  weir policy test policies/shop\n"
		"  weir policy test --judge kernel policies/*\n",
};

struct report {
	struct judge_options options;
	enum judge_kind judge;
	bool json;
	struct json_out out;
	const struct suite *suite;
	unsigned int shown;
	unsigned long passed, failed, ignored;
};

/* -- what people read -- */

static void on_failed(void *ctx, const struct suite_case *c, const char *step, const struct cell *cell, const char *what)
{
	struct report *r = ctx;

	if (r->shown++ >= want.show)
		return;
	if (!r->json) {
		printf("  %s step %s: %s -> %s %s/%u%s: %s%s%s%s\n", c->id, step, cell->from, cell->to, proto_text(cell->proto),
		       cell->port, cell->family == 6 ? " over IPv6" : "", what, *cell->why ? " (" : "", cell->why,
		       *cell->why ? ")" : "");
		return;
	}
	json_object(&r->out, NULL);
	json_text(&r->out, "case", c->id);
	json_text(&r->out, "step", step);
	json_text(&r->out, "from", cell->from);
	json_text(&r->out, "to", cell->to);
	json_text(&r->out, "protocol", proto_text(cell->proto));
	json_uint(&r->out, "port", cell->port);
	json_text(&r->out, "wanted", expect_text(cell->want));
	json_text(&r->out, "got", expect_text(cell->got));
	json_text(&r->out, "what", what);
	json_text(&r->out, "why", cell->why);
	json_end(&r->out);
}

static void print_line(const struct report *r, const struct suite_result *s)
{
	printf("%-18s %-8s %-6s %6u %8u %8u %7u %8u %7u.%02u s\n", r->suite->name, judge_text(r->judge),
	       r->options.hairpin ? "deny" : "allow", s->cases, s->cells, s->passed, s->failed, s->ignored, s->ms / 1000,
	       s->ms % 1000 / 10);
	for (unsigned int i = 0; i < SUITE_WHY && s->ignored_why[i].n; i++)
		printf("  ignored %u: %s\n", s->ignored_why[i].n, s->ignored_why[i].why);
	fflush(stdout);
}

static void json_result(struct report *r, const struct suite_result *s)
{
	json_end(&r->out);
	json_uint(&r->out, "cases", s->cases);
	json_uint(&r->out, "cells", s->cells);
	json_uint(&r->out, "passed", s->passed);
	json_uint(&r->out, "failed", s->failed);
	json_uint(&r->out, "ignored", s->ignored);
	json_array(&r->out, "ignored_why");
	for (unsigned int i = 0; i < SUITE_WHY && s->ignored_why[i].n; i++) {
		json_object(&r->out, NULL);
		json_text(&r->out, "why", s->ignored_why[i].why);
		json_uint(&r->out, "cells", s->ignored_why[i].n);
		json_end(&r->out);
	}
	json_end(&r->out);
	json_uint(&r->out, "ms", s->ms);
	json_end(&r->out);
}

static void json_suite(struct report *r)
{
	json_object(&r->out, NULL);
	json_text(&r->out, "suite", r->suite->name);
	json_text(&r->out, "format", r->suite->format);
	json_text(&r->out, "judge", judge_text(r->judge));
	json_text(&r->out, "hairpin", r->options.hairpin ? "deny" : "allow");
	json_array(&r->out, "failures");
}

/* -- running -- */

/* The node under test is the first that the suite has, so that its own sockets are its own. */
static const char *node_of(const struct suite *s)
{
	static char name[256];
	struct cluster *c = suite_begin(s, &s->c[0]);

	snprintf(name, sizeof(name), "under-test");
	for value_each(m, c->manifests)
		if (!strcmp(value_text(m, "kind", ""), "Node")) {
			snprintf(name, sizeof(name), "%s", value_text(m, "metadata.name", name));
			break;
		}
	cluster_free(c);
	return name;
}

static int test_suite(struct report *r, const char *path)
{
	struct complaint why = { 0 };
	struct suite_result result;
	struct suite *suite;
	struct judge *judge;
	int err = suite_read(&suite, path, &why);

	if (err)
		return verb_complain(VERB_USAGE, &why);
	r->suite = suite;
	r->shown = 0;
	r->options.hand.node = suite->n ? node_of(suite) : "under-test";
	err = judge_open(&judge, r->judge, &r->options, &why);
	if (!err) {
		if (r->json)
			json_suite(r);
		err = suite_run(suite, judge, &result, on_failed, r, &why);
		if (r->json)
			json_result(r, &result);
		else
			print_line(r, &result);
		if (!r->json && r->shown > want.show)
			printf("  and %u more\n", r->shown - want.show);
		judge_close(judge);
		r->passed += result.passed;
		r->failed += result.failed;
		r->ignored += result.ignored;
	}
	suite_free(suite);
	return err ? verb_complain(VERB_FAILED, &why) : VERB_OK;
}

/* -- options -- */

static int pick(const char *what, const char *word, const char *const *list, unsigned int n, const char *without)
{
	if (!word)
		word = without;
	for (unsigned int i = 0; i < n; i++)
		if (!strcmp(list[i], word))
			return i;
	fprintf(stderr, "weir policy test: --%s is '%s', which is none of", what, word);
	for (unsigned int i = 0; i < n; i++)
		fprintf(stderr, "%s %s", i ? "," : "", list[i]);
	fprintf(stderr, "\n");
	return -1;
}

static int read_options(struct report *r)
{
	static const char *const kinds[] = { "engine", "kernel", "packets" }, *const hairpins[] = { "allow", "deny" },
				 *const paths[] = { "redirect", "stack" }, *const brokens[] = { "no", "allow-all", "deny-all", "one-rule" };
	int judge = pick("judge", want.judge, kinds, 3, "engine"), hairpin = pick("hairpin", want.hairpin, hairpins, 2, "allow"),
	    path = pick("path", want.path, paths, 2, "redirect"), broken = pick("broken", want.broken, brokens, 4, "no");

	if (judge < 0 || hairpin < 0 || path < 0 || broken < 0)
		return -EINVAL;
	r->judge = judge;
	r->json = want.verb.json;
	r->options = (struct judge_options){ .hairpin = hairpin, .agent = want.agent,
					     .hand = { .stack = path, .broken = broken } };
	return 0;
}

int policy_test_main(int argc, char **argv)
{
	struct report r = { 0 };
	struct verb_words words;
	int code;

	want.show = 20;
	code = verb_begin(&help, &want.verb, options, &words, argc, argv);
	if (code != VERB_GO)
		return code;
	if (!words.n)
		return verb_fail(VERB_USAGE, "which suites?");
	if (read_options(&r))
		return VERB_USAGE;
	if (r.json) {
		json_begin(&r.out, stdout, true);
		json_array(&r.out, NULL);
	} else {
		printf("%-18s %-8s %-6s %6s %8s %8s %7s %8s %10s\n", "suite", "judge", "itself", "cases", "cells", "passed",
		       "failed", "ignored", "time");
	}
	for (int i = 0; i < words.n && code <= VERB_OK; i++)
		code = test_suite(&r, words.word[i]);
	if (r.json) {
		json_end(&r.out);
		json_done(&r.out);
	} else {
		printf("%lu passed, %lu failed\n", r.passed, r.failed);
	}
	return code ? code : r.failed ? VERB_NO : VERB_OK;
}
