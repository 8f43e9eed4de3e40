// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/complaint.h"

void complaint_set(struct complaint *why, unsigned int line, unsigned int column, const char *format, ...)
{
	va_list args;

	why->line = line;
	why->column = column;
	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
}

void complaint_file(struct complaint *why, const char *file)
{
	snprintf(why->file, sizeof(why->file), "%s", file);
	for (char *c = why->file; *c; c++)	/* anybody's file may be called as it likes: no terminal is painted by it */
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}

const char *complaint_text(const struct complaint *why, char *buf, size_t size)
{
	int n = 0;

	if (why->file[0])
		n = snprintf(buf, size, "%s:", why->file);
	if (why->line && n >= 0 && (size_t)n < size)
		n += snprintf(buf + n, size - n, "%u:", why->line);
	if (why->line && why->column && n >= 0 && (size_t)n < size)
		n += snprintf(buf + n, size - n, "%u:", why->column);
	if (n >= 0 && (size_t)n < size)
		snprintf(buf + n, size - n, "%s%s", n ? " " : "", why->text);
	return buf;
}

const char *complaint_show(const char *text, char *buf, size_t size)
{
	size_t n;

	for (n = 0; text[n] && n + 1 < size; n++)
		buf[n] = text[n] < ' ' || text[n] > '~' ? '?' : text[n];
	buf[n] = 0;
	if (text[n] && size > 4)
		strcpy(buf + size - 4, "...");
	return buf;
}
