/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of the command line: a YAML file of long option names, and WEIR_* variables that go before it.
 *
 *	config_apply(argc, argv, options, &why);	sets what they say; options of the command line are read after
 *
 * The file is --config, or WEIR_CONFIG, or config.yaml in $XDG_CONFIG_HOME/weir (~/.config/weir).  One that was not named
 * may be missing.  What is no setting is refused with file and line.
 */
#ifndef WEIR_TOOLS_CONFIG_H
#define WEIR_TOOLS_CONFIG_H

#include <limits.h>

#include "lib/opt.h"

int config_apply(int argc, char **argv, const struct opt *options, struct complaint *why);

/* The file that is read, or would be; 'said' is --config or NULL.  false: there is nowhere to look. */
bool config_path(const char *said, char path[PATH_MAX], bool *named);

/* Settings as they stand in a file. */
struct config_line {
	char *name, *value;
	unsigned int line;
};
struct config_file {
	struct config_line line[64];
	unsigned int n;
};
int config_read(const char *path, struct config_file *out, struct complaint *why);	/* -ENOENT: no such file */
void config_drop(struct config_file *f);
int config_write(const char *path, const struct config_file *f, struct complaint *why);	/* replaced whole; its directory is made */

/* "WEIR_TLS_SERVER_NAME" of "tls-server-name". */
void config_variable(const char *name, char *out, size_t size);

#endif
