// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/table.h"
#include "tools/text.h"

static void add(struct table *t, char *text)
{
	if (t->ncells == t->room) {
		t->room = t->room ? t->room * 2 : 64;
		t->cell = realloc(t->cell, t->room * sizeof(*t->cell));
		if (!t->cell)
			abort();	/* a command that cannot hold its own table has nothing to say */
	}
	t->cell[t->ncells++] = text;
}

void table_begin(struct table *t, ...)
{
	const char *head;
	va_list args;

	memset(t, 0, sizeof(*t));
	va_start(args, t);
	while ((head = va_arg(args, const char *)) && t->ncolumns < TABLE_COLUMNS) {
		add(t, strdup(head));
		t->ncolumns++;
	}
	va_end(args);
}

void table_heads(struct table *t, const char *const *head, unsigned int n)
{
	memset(t, 0, sizeof(*t));
	for (t->ncolumns = 0; t->ncolumns < n && t->ncolumns < TABLE_COLUMNS; t->ncolumns++)
		add(t, strdup(head[t->ncolumns]));
}

/* What stands in a cell may come from anywhere: nothing in it moves a cursor.  'text' is taken. */
static char *cleaned(char *text)
{
	struct text clean = { 0 };
	const char *c = text;

	while ((unsigned char)*c >= 0x20 && (unsigned char)*c < 0x7f)
		c++;
	if (!*c)
		return text;
	text_clean(&clean, text);
	text_char(&clean, '\0');
	free(text);
	return clean.data;
}

void table_cell(struct table *t, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	add(t, text ? cleaned(text) : NULL);
}

static void print_row(const struct table *t, size_t first, const size_t *width, FILE *to)
{
	for (unsigned int c = 0; c < t->ncolumns; c++) {
		const char *text = first + c < t->ncells && t->cell[first + c] ? t->cell[first + c] : "";

		if (c + 1 < t->ncolumns)
			fprintf(to, "%s%*s", text, (int)(width[c] - text_width(text, strlen(text)) + (t->gap ? t->gap : 2)), "");
		else
			fprintf(to, "%s\n", text);
	}
}

void table_end(struct table *t, FILE *to)
{
	size_t width[TABLE_COLUMNS] = { 0 };

	for (size_t i = 0; i < t->ncells; i++) {
		size_t n = t->cell[i] ? text_width(t->cell[i], strlen(t->cell[i])) : 0;

		if (n > width[i % t->ncolumns])
			width[i % t->ncolumns] = n;
	}
	for (size_t i = 0; i < t->ncells && t->ncells > t->ncolumns; i += t->ncolumns)
		print_row(t, i, width, to);
	table_drop(t);
}

void table_drop(struct table *t)
{
	for (size_t i = 0; i < t->ncells; i++)
		free(t->cell[i]);
	free(t->cell);
	memset(t, 0, sizeof(*t));
}
