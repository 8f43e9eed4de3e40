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
 * --name VALUE, --name=VALUE, -nVALUE, bundled flags; "--" ends options.  An unknown option names the closest one.
 */
#ifndef WEIR_LIB_OPT_H
#define WEIR_LIB_OPT_H

#include <stdbool.h>
#include <stdio.h>

#include "lib/complaint.h"

enum opt_kind { OPT_KIND_END, OPT_KIND_FLAG, OPT_KIND_TEXT, OPT_KIND_UINT, OPT_KIND_LIST, OPT_KIND_DURATION };

#define OPT_LIST_MAX 64
struct opt_list {		/* an option that may be given more than once */
	unsigned int n;
	const char *value[OPT_LIST_MAX];
};

struct opt {
	enum opt_kind kind;
	char letter;		/* 0: none */
	const char *name;
	void *to;
	const char *value;	/* what to call the value in help */
	const char *text;
};

#define OPT_FLAG(letter, name, to, text) { OPT_KIND_FLAG, letter, name, to, NULL, text }	/* bool * */
#define OPT_TEXT(letter, name, to, value, text) { OPT_KIND_TEXT, letter, name, to, value, text }	/* const char ** */
#define OPT_UINT(letter, name, to, value, text) { OPT_KIND_UINT, letter, name, to, value, text }	/* unsigned int * */
#define OPT_LIST(letter, name, to, value, text) { OPT_KIND_LIST, letter, name, to, value, text }	/* struct opt_list * */
#define OPT_DURATION(letter, name, to, value, text) { OPT_KIND_DURATION, letter, name, to, value, text } /* unsigned int *, ms: 10s, 5m, 1h, 300ms */
#define OPT_END { OPT_KIND_END, 0, NULL, NULL, NULL, NULL }

int opt_parse(const struct opt *options, int argc, char **argv, struct complaint *why);
void opt_help(const struct opt *options, FILE *to);		/* aligned lines, for --help */

#endif
