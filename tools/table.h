/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table for people: columns as wide as their widest cell, two blanks between, the last one as long as it is.
 *
 *	table_begin(&t, "POD", "INTERFACE", NULL);
 *	table_cell(&t, "%s", name);
 *	table_cell(&t, "%s", interface);	as many cells a row as there are columns
 *	table_end(&t, stdout);			prints, frees; nothing is printed of a table without rows
 */
#ifndef WEIR_TOOLS_TABLE_H
#define WEIR_TOOLS_TABLE_H

#include <stdio.h>

#define TABLE_COLUMNS 12

struct table {
	unsigned int ncolumns;
	size_t ncells, room;
	char **cell;		/* the heads are the first row */
	unsigned int gap;	/* blanks between columns, 2 if 0 */
};

void table_begin(struct table *t, ...) __attribute__((sentinel));
void table_heads(struct table *t, const char *const *head, unsigned int n);	/* the same, from a list */
__attribute__((format(printf, 2, 3))) void table_cell(struct table *t, const char *format, ...);
void table_end(struct table *t, FILE *to);
void table_drop(struct table *t);	/* without printing */

#endif
