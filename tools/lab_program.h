/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that a lab runs: where they are, what they become, what they said last.
 *
 *	lab_program_path(NULL, "weir-agent", path);
 *	err = lab_program_start(lab, &(struct lab_program){ .argv = argv, .log = log, .what = "n1", .node = ns }, &pid);
 *	...
 *	lab_program_last_words(log, said, sizeof(said));
 */
#ifndef WEIR_TOOLS_LAB_PROGRAM_H
#define WEIR_TOOLS_LAB_PROGRAM_H

#include <limits.h>
#include <stddef.h>

#include "lib/netns.h"
#include "tools/lab.h"

/* 'given', else beside this program, else its name alone: in PATH. */
void lab_program_path(const char *given, const char *name, char path[PATH_MAX]);

struct lab_program {
	char **argv;
	const char *log;		/* into which it says all it says */
	const char *what;		/* its name in the ledger */
	const struct netns *node;	/* in which it lives; NULL: where we are */
};

/* A process of its own session.  It does not begin before it stands in the ledger: if we are killed in between, it ends. */
int lab_program_start(struct lab *lab, const struct lab_program *p, pid_t *out);

void lab_program_last_words(const char *log, char *buf, size_t size);

#endif
