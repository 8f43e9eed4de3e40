/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may stand at the end of a line of select_options: for a box in which somebody is typing.
 *
 *	select_typing("--denied -n sh", &t);		t.word "sh", t.kind SELECT_NAMESPACES
 *	select_offer(&t, on_word, me);			options, and values that the table knows
 *	if (t.kind == SELECT_NAMESPACES)
 *		for each namespace that begins with t.word: offer t.lead and it
 */
#ifndef WEIR_LIB_SELECT_COMPLETE_H
#define WEIR_LIB_SELECT_COMPLETE_H

#include "lib/opt.h"

#define SELECT_WORD 256

enum select_kind {			/* of the value that is being typed */
	SELECT_NOTHING,			/* that could be known */
	SELECT_OPTIONS,			/* no value: an option */
	SELECT_WORDS,			/* some that the table lists */
	SELECT_NAMESPACES, SELECT_PODS, SELECT_WORKLOADS, SELECT_PORTS, SELECT_POLICIES, SELECT_NODES,
};

struct select_typing {
	enum select_kind kind;
	const struct opt *option;	/* whose value it is */
	char raw[SELECT_WORD];		/* the last word as it was typed, quotes and all: what a choice takes the place of */
	char lead[SELECT_WORD];		/* "--namespace=", or nothing */
	char word[SELECT_WORD];		/* what there is of the value */
};

void select_typing(const char *line, struct select_typing *out);

/* 'value' is what the help calls an option's value; NULL: it takes none, or this is one. */
typedef void (*select_offer_fn)(void *ctx, const char *text, const char *value, const char *help);
void select_offer(const struct select_typing *t, select_offer_fn fn, void *ctx);

/* Word number 'i' that an option's value may be, where its table does not list them; NULL: no more, or none that are known. */
const char *select_word(const struct opt *o, unsigned int i);

#endif
