/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that a lab runs: where they are, what they become, what they said last.
 *
 *	lab_program_path(NULL, "weir-agent", path);
 *	pid = fork();
 *	if (pid == 0)
 *		lab_program_become(node, argv, log);	does not return
 *	...
 *	lab_program_last_words(log, said, sizeof(said));
 */
#ifndef WEIR_TOOLS_LAB_PROGRAM_H
#define WEIR_TOOLS_LAB_PROGRAM_H

#include <limits.h>
#include <stddef.h>

#include "lib/netns.h"

/* 'given', else beside this program, else its name alone: in PATH. */
void lab_program_path(const char *given, const char *name, char path[PATH_MAX]);

/* A process of its own session, in that namespace (NULL: where we are), which says all it says into its log. */
__attribute__((noreturn)) void lab_program_become(const struct netns *node, char **argv, const char *log);

void lab_program_last_words(const char *log, char *buf, size_t size);

#endif
