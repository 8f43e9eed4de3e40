/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every verb of `weir` shares: its options, its help, its exit codes.
 *
 *	static struct verb_want want;
 *	static const struct opt options[] = { OPT_FLAG('f', ...), VERB_OPTIONS(&want), OPT_END };
 *	code = verb_begin(&help, &want, options, &words, argc, argv);
 *	if (code != VERB_GO)
 *		return code;
 *
 * argv[0] is the verb itself.  Options may stand before, between and behind the words.
 */
#ifndef WEIR_TOOLS_VERB_H
#define WEIR_TOOLS_VERB_H

#include <stdbool.h>

#include "lib/opt.h"

enum verb_exit {
	VERB_GO = -1,		/* no exit code: go on */
	VERB_OK = 0,
	VERB_NO = 1,		/* the answer is no: denied, nothing matched, rejected */
	VERB_USAGE = 2,
	VERB_UNREACHED = 3,	/* no agent there, or it is gone */
	VERB_FAILED = 4,	/* the agent refused, or something on this machine failed */
};

struct verb_want {
	const char *server, *output;	/* as given, server NULL if it was not */
	bool help;
	bool json;			/* -o json */
	bool colour;			/* stdout is a terminal that has some */
};

#define VERB_OUTPUT_OPTIONS(want)							\
	OPT_TEXT('o', "output", &(want)->output, "text|json", "for people (default) or for programs"),	\
	OPT_FLAG('h', "help", &(want)->help, "say this")
#define VERB_OPTIONS(want)								\
	OPT_TEXT('s', "server", &(want)->server, "unix:PATH", "agent to ask (default: WEIR_SERVER, else unix:/run/weir/agent.sock)"), \
	VERB_OUTPUT_OPTIONS(want)

struct verb_help {
	const char *usage;	/* "why [OPTION...] SOURCE DESTINATION:PORT[/PROTOCOL]" */
	const char *text;	/* what it does, a paragraph */
	const char *exits;	/* what 0 and 1 mean here: "0 allowed, 1 denied" */
	bool words_end_options;	/* what follows the first word is somebody else's */
};

struct verb_words {
	int n;
	char **word;		/* into argv */
};

/* Fills 'want' and 'words'.  VERB_GO, or the exit code after help or a complaint. */
int verb_begin(const struct verb_help *help, struct verb_want *want, const struct opt *options,
	       struct verb_words *words, int argc, char **argv);

/* "weir VERB: SENTENCE" on stderr; returns 'code'. */
__attribute__((format(printf, 2, 3))) int verb_fail(enum verb_exit code, const char *format, ...);
int verb_complain(enum verb_exit code, const struct complaint *why);

struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *text;	/* one line for the list */
};
/* Runs the verb that argv[1] names, with argv[1] as its argv[0]; 'of' is what stands before it: "weir policy". */
int verb_run(const struct verb *verbs, const char *of, const char *about, int argc, char **argv);

int status_main(int argc, char **argv);
int endpoints_main(int argc, char **argv);
int why_main(int argc, char **argv);
int observe_main(int argc, char **argv);
int policy_main(int argc, char **argv);
int policy_list_main(int argc, char **argv);
int policy_check_main(int argc, char **argv);
int policy_test_main(int argc, char **argv);
int lab_main(int argc, char **argv);

#endif
