/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person wrote into the page's box: the tail of a `weir observe` command, read.
 *
 *	err = question_read(text, QUESTION_FLOWS, &s, &why);	'text' is taken apart
 *	select_free(s);
 *
 * Options that are the command line's own (files, printing filters) are refused; for QUESTION_EDGES, those, too, that sums
 * of flows cannot answer.  One thread: the options' table has one place where it puts what was given.
 */
#ifndef WEIR_RELAY_QUESTION_H
#define WEIR_RELAY_QUESTION_H

#include "lib/complaint.h"
#include "lib/select/select.h"

#define QUESTION_MOST 4096		/* bytes, with the zero */

enum question_of { QUESTION_FLOWS, QUESTION_EDGES };

int question_read(char *text, enum question_of of, struct select **out, struct complaint *why);

#endif
