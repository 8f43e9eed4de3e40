/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of a program, on stderr: four levels, as text or as JSON lines.
 *
 *	log_open("weir-agent", LOG_LEVEL_INFO, false);
 *	log_info("enforcing %d policies on %d pods", 12, 110);
 *	return log_err(err, "cannot attach to '%s'", name);	weir-agent: cannot attach to 'veth1': Operation not permitted
 *
 * Error: a person must act.  Warn: we go on, worse.  Info: a change of state.  Debug: the rest.
 * Any thread may log; a line is one write.
 */
#ifndef WEIR_LIB_LOG_H
#define WEIR_LIB_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_open(const char *program, enum log_level level, bool json);
bool log_wants(enum log_level level);

__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *format, ...);
#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* An error with its -errno spelled out behind a colon.  Returns 'err'. */
__attribute__((format(printf, 2, 3))) int log_err(int err, const char *format, ...);

#endif
