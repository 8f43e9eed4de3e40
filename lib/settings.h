/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of a program: options, variables of the environment and one YAML file, in this order of weight; what they
 * may be is one table of options (lib/opt.h), the defaults are in the struct.
 *
 *	static const struct settings_form form = { .options = options, .defaults = defaults, .prefix = "WEIR_",
 *		.config = &want.config, .arguments = only_arguments, .example = "mode: default-deny" };
 *	err = settings_gather(&form, argc, argv, &why);
 *
 * The file is a map of the options' long names; an option that may be given more than once has a list there, and
 * commas in its variable.  A name that is no option, or a value that the option does not take, is refused with file
 * and line.
 */
#ifndef WEIR_LIB_SETTINGS_H
#define WEIR_LIB_SETTINGS_H

#include "lib/complaint.h"
#include "lib/opt.h"

struct settings_form {
	const struct opt *options;
	void (*defaults)(void);		/* sets what the options point at; called more than once */
	const char *prefix;		/* of variables: "WEIR_" */
	const char *const *config;	/* what names the file, if anything does; <prefix>CONFIG does, too */
	const char *const *arguments;	/* options that are no settings of a file; ends with NULL */
	const char *example;		/* a line of the file */
};

int settings_gather(const struct settings_form *form, int argc, char **argv, struct complaint *why);

/* Which of some words a setting is; the words are told if it is none. */
int settings_word(const char *setting, const char *value, const char *const *words, unsigned int *out,
		  struct complaint *why);
/* Who may connect to a socket, as chmod takes it. */
int settings_mode(const char *setting, const char *value, unsigned int *out, struct complaint *why);

#endif
