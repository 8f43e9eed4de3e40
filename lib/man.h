/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A manual page, written from what a program knows of itself: its help and its table of options.
 *
 *	man_write(&(struct man){ .name = "weir-observe", .section = 1, .what = "flows as they happen", .usage = "weir observe ...",
 *		.text = help.text, .options = options, .exits = "..." }, stdout);
 *
 * Plain roff with the man macros; no line of it is written by hand, so it cannot be behind the program.
 */
#ifndef WEIR_LIB_MAN_H
#define WEIR_LIB_MAN_H

#include <stdio.h>

#include "lib/opt.h"

struct man_item {
	const char *term, *text;	/* the last one's term is NULL */
};

struct man {
	const char *name;
	unsigned int section;
	const char *version;
	const char *what;		/* one line, no full stop */
	const char *usage;
	const char *text;		/* paragraphs, an empty line between */
	const struct opt *options;	/* NULL: none */
	const char *list;		/* head over 'items': "VERBS" */
	const struct man_item *items;	/* NULL: none */
	const char *examples;		/* lines */
	const char *exits;		/* a sentence */
	const struct man_item *files;
	const char *see;		/* "weir(1), weir-agent(8)" */
};

int man_write(const struct man *m, FILE *to);	/* -EIO if the stream failed */

#endif
