/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options: one table per command, the default in the struct; help, completion and manual come from the table.
 *
 *	static const struct opt options[] = {
 *		OPT_TEXT('s', "server", &want.server, "ADDRESS", "agent or relay to ask"),
 *		OPT_UINT('n', "last", &want.last, "N", "begin with the last N flows"),
 *		OPT_FLAG('f', "follow", &want.follow, "then keep printing"),
 *		OPT_END
 *	};
 *	n = opt_parse(options, argc, argv, &why);	rest of the words from argv[n]; -errno and a complaint
 *
 * --name VALUE, --name=VALUE, -nVALUE, bundled flags, --flag=false; "--" ends options.  An unknown option names the
 * closest one.  Tables may stand in tables, so that commands share theirs; what has no text is taken and not told.
 */
#ifndef WEIR_LIB_OPT_H
#define WEIR_LIB_OPT_H

#include <stdbool.h>
#include <stdio.h>

#include "lib/complaint.h"

enum opt_kind {
	OPT_KIND_END, OPT_KIND_FLAG, OPT_KIND_TEXT, OPT_KIND_UINT, OPT_KIND_LIST, OPT_KIND_DURATION, OPT_KIND_WORD,
	OPT_KIND_CALL, OPT_KIND_HEAD, OPT_KIND_TABLE,
};

#define OPT_LIST_MAX 64
struct opt_list {		/* an option that may be given more than once */
	unsigned int n;
	const char *value[OPT_LIST_MAX];
};

struct opt;
/* For what has an order among options, or a form of its own: called as they come.  0, or -EINVAL and a complaint. */
typedef int (*opt_call)(void *ctx, const struct opt *o, const char *value, struct complaint *why);

struct opt {
	enum opt_kind kind;
	char letter;		/* 0: none */
	const char *name;	/* NULL: a head or a table */
	void *to;
	const char *value;	/* what to call the value in help; "a|b": these (a shell completes them); NULL: has none */
	const char *text;	/* NULL: not told in help */
	opt_call call;
};

#define OPT_(kind_, letter_, name_, to_, value_, text_, ...) \
	{ .kind = OPT_KIND_##kind_, .letter = letter_, .name = name_, .to = (void *)(to_), .value = value_, .text = text_, __VA_ARGS__ }
#define OPT_FLAG(letter, name, to, text) OPT_(FLAG, letter, name, to, NULL, text)	/* bool * */
#define OPT_TEXT(letter, name, to, value, text) OPT_(TEXT, letter, name, to, value, text)	/* const char ** */
#define OPT_UINT(letter, name, to, value, text) OPT_(UINT, letter, name, to, value, text)	/* unsigned int * */
#define OPT_LIST(letter, name, to, value, text) OPT_(LIST, letter, name, to, value, text)	/* struct opt_list * */
#define OPT_DURATION(letter, name, to, value, text) OPT_(DURATION, letter, name, to, value, text) /* unsigned int *, ms: 10s, 5m, 1h30m, 300ms */
#define OPT_WORD(letter, name, to, words, text) OPT_(WORD, letter, name, to, words, text)	/* const char **, one of "a|b|c" */
/* value NULL: a flag, called with "true" or "false" */
#define OPT_CALL(letter, name, call_, ctx, value, text) OPT_(CALL, letter, name, ctx, value, text, .call = call_)
#define OPT_HEAD(text) OPT_(HEAD, 0, NULL, NULL, NULL, text)		/* over the options that follow */
#define OPT_TABLE(table) OPT_(TABLE, 0, NULL, table, NULL, NULL)	/* another table's options */
#define OPT_END { .kind = OPT_KIND_END }

int opt_parse(const struct opt *options, int argc, char **argv, struct complaint *why);
void opt_help(const struct opt *options, FILE *to);		/* aligned lines, for --help */

/* One option by its long name, as if given: for settings files and variables.  -ENOENT: no such option. */
int opt_set(const struct opt *options, const char *name, const char *value, struct complaint *why);
const struct opt *opt_find(const struct opt *options, const char *name);

/* All of them in order, tables within tables and heads included: opt_next(&w) until NULL. */
#define OPT_DEPTH 4
struct opt_walk {
	unsigned int depth;
	const struct opt *at[OPT_DEPTH];
};
void opt_walk(struct opt_walk *w, const struct opt *options);
const struct opt *opt_next(struct opt_walk *w);

/* The word of 'words' (each up to its '|') that is closest to 'text': into 'out', NULL if none is near. */
const char *opt_closest_word(const char *words, const char *text, char *out, size_t size);

#endif
