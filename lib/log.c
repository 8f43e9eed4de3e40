// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"

#define LINE_SIZE 2048

static struct {
	const char *program;
	enum log_level level;
	bool json;
} to = { .program = "weir", .level = LOG_LEVEL_INFO };

static const char *const level_name[] = { "error", "warn", "info", "debug" };

void log_open(const char *program, enum log_level level, bool json)
{
	to.program = program;
	to.level = level;
	to.json = json;
}

bool log_wants(enum log_level level)
{
	return level <= to.level;
}

static size_t escaped(char *to_buf, size_t size, const char *from)
{
	size_t n = 0;

	for (; *from && n + 7 < size; from++) {
		unsigned char c = *from;

		if (c == '"' || c == '\\')
			to_buf[n++] = '\\', to_buf[n++] = c;
		else if (c < 0x20)
			n += snprintf(to_buf + n, size - n, "\\u%04x", c);
		else
			to_buf[n++] = c;
	}
	to_buf[n] = '\0';
	return n;
}

static void write_line(enum log_level level, const char *text)
{
	char line[LINE_SIZE + 256], safe[LINE_SIZE];
	int n;

	if (to.json) {
		struct timespec now;

		clock_gettime(CLOCK_REALTIME, &now);
		escaped(safe, sizeof(safe), text);
		n = snprintf(line, sizeof(line), "{\"time\":%lld.%03ld,\"level\":\"%s\",\"program\":\"%s\",\"message\":\"%s\"}\n",
			     (long long)now.tv_sec, now.tv_nsec / 1000000, level_name[level], to.program, safe);
	} else if (level == LOG_LEVEL_INFO || level == LOG_LEVEL_ERROR) {
		n = snprintf(line, sizeof(line), "%s: %s\n", to.program, text);
	} else {
		n = snprintf(line, sizeof(line), "%s: %s: %s\n", to.program, level_name[level], text);
	}
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1) < 0)
		return;		/* nobody is left to be told */
}

void log_line(enum log_level level, const char *format, ...)
{
	char text[LINE_SIZE];
	va_list args;

	if (!log_wants(level))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	write_line(level, text);
}

int log_err(int err, const char *format, ...)
{
	char text[LINE_SIZE];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof(text))
		snprintf(text + n, sizeof(text) - n, ": %s", strerror(err < 0 ? -err : err));
	write_line(LOG_LEVEL_ERROR, text);
	return err;
}
