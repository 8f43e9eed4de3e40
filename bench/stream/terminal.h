/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `weir observe -f` on a terminal, and how old its lines are when they come out of it.
 *
 *	terminal_open(&t, "build", "unix:/run/weir/observer.sock");
 *	n = terminal_watch(&t, 1, ms, 0);	a second's latencies, TERMINAL_LINES of them at most
 *	terminal_close(&t);
 */
#ifndef WEIR_BENCH_STREAM_TERMINAL_H
#define WEIR_BENCH_STREAM_TERMINAL_H

#include <stddef.h>
#include <sys/types.h>

#define TERMINAL_LINES 400000

struct terminal {
	pid_t pid;
	int fd;
	char line[65536];
	size_t n;
	unsigned long lines, lost;	/* lost: events, as lines tell of them */
};

int terminal_open(struct terminal *t, const char *build, const char *server);
void terminal_close(struct terminal *t);
/* For so long; milliseconds of each line that says a time into 'ms', if it is not NULL.  Returns how many there are now. */
unsigned int terminal_watch(struct terminal *t, double seconds, double *ms, unsigned int n);

#endif
