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

extern const struct opt connect_more[];		/* how to connect by gRPC: tools/connect.h */
extern const struct opt connect_debug[];

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
	const char *lab;		/* given in its place: verb_begin() fills 'server' */
	bool help;
	bool json;			/* -o json */
	const char *outputs;		/* "compact|dict": taken as 'output', too; NULL: none */
	bool colour;			/* stdout is a terminal that has some */
};

#define VERB_OUTPUT_OPTIONS(want)							\
	OPT_TEXT('o', "output", &(want)->output, "text|json", "for people (default) or for programs"),	\
	OPT_FLAG('h', "help", &(want)->help, "say this")
#define VERB_OPTIONS(want)								\
	OPT_TEXT('s', "server", &(want)->server, "SERVER", "an agent's socket, or by gRPC HOST:PORT, tls://HOST:PORT (default: WEIR_SERVER, " \
		 "else unix:/run/weir/agent.sock, else a lab's)"),			\
	OPT_TEXT(0, "lab", &(want)->lab, "LAB", "the relay of that lab, or its first agent"),	\
	OPT_TABLE(connect_more),							\
	OPT_TABLE(connect_debug),							\
	VERB_OUTPUT_OPTIONS(want)

struct verb_help {
	const char *usage;	/* "why [OPTION...] SOURCE DESTINATION:PORT[/PROTOCOL]" */
	const char *text;	/* what it does, a paragraph */
	const char *exits;	/* what 0 and 1 mean here: "0 allowed, 1 denied" */
	bool words_end_options;	/* what follows the first word is somebody else's */
	const char *examples;	/* lines, "weir ... # what for"; NULL: none */
	const char *words;	/* "nodes|namespaces": what the first word may be, for completion and the manual; NULL: anything */
};

#define VERB_EXITS "2 wrong usage, 3 no server reached, 4 refused or failed"

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
	const char *text;	/* one line for the list; NULL: not listed */
};
/* Runs the verb that argv[1] names, with argv[1] as its argv[0]; 'of' is what stands before it: "weir policy". */
int verb_run(const struct verb *verbs, const char *of, const char *about, int argc, char **argv);

/* What a verb is, for the manual and for completion: its help and options, or the verbs below it. */
struct verb_described {
	const struct verb_help *help;		/* NULL: 'verbs', or a verb without options */
	const struct opt *options;
	const struct verb *verbs;
};
void verb_describe(const struct verb *v, struct verb_described *out);
extern const struct verb weir_verbs[];		/* tools/main.c */

int status_main(int argc, char **argv);
int endpoints_main(int argc, char **argv);
int why_main(int argc, char **argv);
int observe_main(int argc, char **argv);
int policy_main(int argc, char **argv);
int policy_list_main(int argc, char **argv);
int policy_check_main(int argc, char **argv);
int policy_test_main(int argc, char **argv);
int lab_main(int argc, char **argv);
int health_main(int argc, char **argv);
int reflect_main(int argc, char **argv);
int version_main(int argc, char **argv);
int man_main(int argc, char **argv);
int completion_main(int argc, char **argv);
int config_main(int argc, char **argv);
int watch_main(int argc, char **argv);
int top_main(int argc, char **argv);
int map_main(int argc, char **argv);
int list_main(int argc, char **argv);

#endif
