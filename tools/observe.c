// SPDX-License-Identifier: Apache-2.0
/* weir observe: what passed, what did not, and why, as it happens. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/connect.h"
#include "tools/observe.h"
#include "tools/verb.h"
#include "tools/stamp.h"

static struct verb_want help_want;
static struct observe_want want = { .how = PRINT_DEFAULTS };
static const char *colour;
static bool json;

static const struct opt options[] = {
	OPT_TABLE(select_options),
	OPT_HEAD("what is printed"),
	OPT_WORD('o', "output", &want.how.output, PRINT_OUTPUTS, "one line a flow (compact), key by key, a table, or a GetFlowsResponse a line (json)"),
	OPT_FLAG('j', "json", &json, NULL),
	OPT_WORD(0, "color", &colour, "auto|always|never", "colours: on a terminal (auto)"),
	OPT_WORD(0, "colour", &colour, "auto|always|never", NULL),
	OPT_WORD(0, "time-format", &want.how.time_format, STAMP_FORMATS, "of times, which are UTC (StampMilli)"),
	OPT_FLAG(0, "ip-translation", &want.how.translate, "names of pods, services and DNS in place of addresses (true)"),
	OPT_FLAG(0, "numeric", &want.how.numeric, "addresses alone"),
	OPT_FLAG(0, "print-node-name", &want.how.node, "which node saw it"),
	OPT_FLAG(0, "print-policy-names", &want.how.policies, "policies behind the verdict"),
	OPT_FLAG(0, "print-rules", &want.how.rules, "who decided, by policy and rule, and a denial's nearest miss, at the end of the line (true)"),
	OPT_FLAG('s', "silent-errors", &want.how.silent, "nothing about losses and nodes, and no closing line"),
	OPT_FLAG('D', "debug", &want.how.debug, "also about nodes that are well"),
	OPT_FLAG(0, "require-complete", &want.require_complete, "exit with 5 if events were lost or nodes did not answer"),
	OPT_DURATION(0, "for", &want.for_ms, "TIME", "end by itself after so long"),
	OPT_TABLE(connect_options),
	OPT_HEAD("other"),
	OPT_FLAG('h', "help", &help_want.help, "say this"),
	OPT_END
};

static const struct verb_help help = {
	"observe [flows|agent-events|debug-events] [OPTION...]",
	"Prints flows: when, who to whom, what kind of event, the verdict, the packet in a few words, and who decided it: policy\n"
	"and rule on either side, for a denial the rule that came nearest. Without -f, a number or a time: the last 20.\n"
	"Values of one option are alternatives, different options must all hold; --not turns the option behind it round.\n"
	"How complete the answer was is said at the end, on stderr: 12 shown, 0 lost, 3/3 nodes.",
	"0 something was printed, 1 nothing matched, 5 --require-complete and it was not", false,
	"  weir observe -f                                  as they come\n"
	"  weir observe -f --denied                         what is cut, by whom, and how close a rule came\n"
	"  weir observe --from-pod shop/cart --to-port 5432 one pod's way to a database\n"
	"  weir observe --since 10m --verdict DROPPED -o json | jq .flow.source.pod_name\n"
	"  weir observe -n shop --not --label app=web       one namespace, less a part of it\n"
	"  weir observe --last 100 --require-complete || echo 'not the whole truth'\n",
	"flows|agent-events|debug-events"
};

static bool colours_wanted(void)
{
	const char *term = getenv("TERM");

	if (colour && strcmp(colour, "auto"))
		return !strcmp(colour, "always");
	return isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && term && strcmp(term, "dumb");
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static int check(const struct verb_words *words, const struct select *s)
{
	if (words->n > 1)
		return verb_fail(VERB_USAGE, "'%s' is not understood", words->word[1]);
	if (want.how.output && !strncmp(want.how.output, "tab", 3) && s->follow)
		return verb_fail(VERB_USAGE, "a table is as wide as its widest cell, so it cannot follow (-o compact can)");
	if (s->masked && !print_is_json(&want.how))
		return verb_fail(VERB_USAGE, "--field-mask is for -o json: the other outputs ask for what they print");
	return VERB_GO;
}

static int run(const struct verb_words *words, struct select *s)
{
	const char *what = words->n ? words->word[0] : "flows";
	char near[32];
	int code = check(words, s);

	if (code != VERB_GO)
		return code;
	if (s->ends)
		return select_print(s, stdout) ? VERB_FAILED : VERB_OK;
	if (!strcmp(what, "flows"))
		return observe_flows(&want, s);
	if (!strcmp(what, "agent-events") || !strcmp(what, "debug-events"))
		return observe_events(&want, s, *what == 'd');
	if (opt_closest_word(help.words, what, near, sizeof(near)))
		return verb_fail(VERB_USAGE, "'%s' is not understood (did you mean '%s'?)", what, near);
	return verb_fail(VERB_USAGE, "'%s' is not understood", what);
}

int observe_main(int argc, char **argv)
{
	struct complaint why = { 0 };
	struct verb_words words;
	struct select *s;
	int code = verb_begin(&help, &help_want, options, &words, argc, argv);

	if (code != VERB_GO)
		return code;
	if (json)
		want.how.output = "json";
	want.how.colour = colours_wanted();
	if (select_done(&s, now(), &why))
		return verb_complain(VERB_USAGE, &why);
	code = run(&words, s);
	select_free(s);
	return code;
}
