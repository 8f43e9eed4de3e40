/* SPDX-License-Identifier: Apache-2.0 */
/* Files of manifests: one, or all *.yaml, *.yml and *.json of a directory and of the folders in it, by their names. */
#ifndef WEIR_TOOLS_FILES_H
#define WEIR_TOOLS_FILES_H

#include <stddef.h>

typedef int (*file_fn)(void *ctx, const char *path);

/* Calls 'fn' for each; stops at the first that is not 0, and returns it. */
int files_each(const char *path, file_fn fn, void *ctx);

/* All of a file or pipe, with a zero behind it; the caller's to free.  At most 64 MiB. */
int file_read(const char *path, char **out, size_t *size);
int file_write(const char *path, const char *text, size_t size);

/* "/a" and "b": "/a/b".  -ENAMETOOLONG if it does not fit. */
int path_join(char *to, size_t size, const char *dir, const char *name);

#endif
