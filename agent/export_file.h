/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that lines are exported to: rotated by size and age, FILE.1 the youngest of those kept; or "-", stdout.
 *
 *	err = export_file_open(&f, &rotation, "/var/log/weir/flows.log");
 *	err = export_file_write(f, lines, size);	whole lines
 *
 * FILE always is the one that is written; what is in FILE.N is never written again, and each step is one rename.  A line
 * that a crash cut short is ended before the next one.  One thread's.
 */
#ifndef WEIR_AGENT_EXPORT_FILE_H
#define WEIR_AGENT_EXPORT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct export_rotation {
	uint64_t size;			/* bytes; 0: never for its size */
	unsigned int age_s;		/* seconds; 0: never for its age */
	unsigned int backups;		/* kept beside FILE; 0: none, it begins anew */
};

struct export_file;

int export_file_open(struct export_file **out, const struct export_rotation *how, const char *path);
void export_file_close(struct export_file *f);	/* NULL is fine */

/* 0; -EAGAIN: nobody reads the pipe now; -errno: it could not be written.  Not 0: the same lines, all of
 * them, are to be given again; how far it came it knows itself. */
int export_file_write(struct export_file *f, const char *lines, size_t size);

uint64_t export_file_rotations(const struct export_file *f);

#endif
