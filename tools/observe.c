// SPDX-License-Identifier: Apache-2.0
/* weir observe: what passed, what did not, and why, as it happens. */
#include <signal.h>
#include <string.h>

#include "lib/control/json.h"
#include "tools/ask.h"
#include "tools/nearest.h"
#include "tools/record.h"
#include "tools/words.h"

static struct verb_want want;
static struct {
	bool follow, denied;
	unsigned int last;
	const char *pod, *ns;
} which;

static const struct opt options[] = {
	OPT_FLAG('f', "follow", &which.follow, "go on as they come, until interrupted"),
	OPT_UINT('l', "last", &which.last, "N", "begin with the last N that are kept (default: all; with -f: none)"),
	OPT_FLAG('d', "denied", &which.denied, "only what was denied, or would be by audited policies"),
	OPT_TEXT('p', "pod", &which.pod, "NAMESPACE/POD", "only what has this pod at either end"),
	OPT_TEXT('n', "namespace", &which.ns, "NAMESPACE", "of a pod named without one"),
	VERB_OPTIONS(&want),
	OPT_END
};

static const struct verb_help help = {
	"observe [OPTION...]",
	"Prints flow records, one a line: when, verdict, who to whom, the policies and rules that decided, for denials the\n"
	"rule that came nearest. What was lost on the way is said at the end, on stderr. With -o json: one object a line.",
	"0 something was printed, 1 nothing matched", false
};

struct seen {
	struct nearest *nearest;
	unsigned long records, denied;
	unsigned long long lost;
};

static void print(const Weir__V1__Record *r)
{
	struct json_out j;

	if (!want.json) {
		record_print(stdout, r, want.colour);
		return;
	}
	json_begin(&j, stdout, false);
	json_message(&j, NULL, &r->base);
	json_done(&j);
}

static int on_part(void *ctx, const Weir__V1__Reply *part)
{
	const Weir__V1__Observed *o = part->observed;
	struct seen *seen = ctx;

	if (part->answer_case != WEIR__V1__REPLY__ANSWER_OBSERVED)
		return VERB_GO;
	for (size_t i = 0; i < o->n_record; i++) {
		nearest_fill(seen->nearest, o->record[i]);
		print(o->record[i]);
		seen->records++;
		seen->denied += record_denied(o->record[i]);
	}
	for (size_t i = 0; i < o->n_lost; i++) {
		seen->lost += o->lost[i]->events;
		fprintf(stderr, "weir observe: %llu records lost (%s)\n", (unsigned long long)o->lost[i]->events,
			o->lost[i]->where);
	}
	fflush(stdout);
	return ferror(stdout) ? VERB_OK : VERB_GO;	/* whoever read us has gone: head, less */
}

static void on_interrupt(int signo)
{
}

/* Ctrl-C ends the wait, not the program: the closing line is still said. */
static void end_by_signal(void)
{
	struct sigaction end = { .sa_handler = on_interrupt };

	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
}

int observe_main(int argc, char **argv)
{
	Weir__V1__ObserveRequest observe = WEIR__V1__OBSERVE_REQUEST__INIT;
	Weir__V1__Request ask = ASK(OBSERVE, observe, &observe);
	struct complaint why = { 0 };
	struct verb_words words;
	struct seen seen = { 0 };
	char pod[END_SIZE], server[PATH_MAX];
	int code = verb_begin(&help, &want, options, &words, argc, argv);

	if (code != VERB_GO)
		return code;
	if (words.n)
		return verb_fail(VERB_USAGE, "'%s' is not understood", words.word[0]);
	if (which.pod && end_parse(which.pod, which.ns, pod, &why))
		return verb_complain(VERB_USAGE, &why);
	observe.follow = which.follow;
	observe.last = which.last;
	observe.denied_only = which.denied;
	if (which.pod) {
		observe.pod = pod;
		ask_node_of(&want, pod, server);
	}
	end_by_signal();
	if (nearest_begin(&seen.nearest, &want))
		return verb_fail(VERB_FAILED, "no memory");
	code = ask_each(&want, &ask, which.follow ? -1 : ASK_WAIT_MS, on_part, &seen);
	nearest_end(seen.nearest);
	if (code != VERB_OK)
		return code;
	fprintf(stderr, "%lu shown, %lu of them denied, %llu lost\n", seen.records, seen.denied, seen.lost);
	return seen.records ? VERB_OK : VERB_NO;
}
