// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/report.h"
#include "bench/stream/terminal.h"

int terminal_open(struct terminal *t, const char *build, const char *server)
{
	char program[PATH_MAX + 8];

	memset(t, 0, sizeof(*t));
	snprintf(program, sizeof(program), "%s/weir", build);
	t->pid = forkpty(&t->fd, NULL, NULL, NULL);
	if (t->pid)
		return t->pid < 0 ? -errno : fcntl(t->fd, F_SETFL, O_NONBLOCK);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execl(program, "weir", "observe", "-f", "--server", server, "-o", "compact", "--time-format", "RFC3339Nano", NULL);
	_exit(127);
}

void terminal_close(struct terminal *t)
{
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
	close(t->fd);
}

/* Milliseconds between the flow's time, as the line says it, and now; below 0: it says none. */
static double age(const char *line)
{
	struct timespec now;
	struct tm tm = { 0 };
	double fraction = 0;
	char *rest;

	clock_gettime(CLOCK_REALTIME, &now);
	rest = strptime(line, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!rest)
		return -1;
	if (*rest == '.')
		fraction = strtod(rest, NULL);
	return (now.tv_sec - timegm(&tm)) * 1e3 + now.tv_nsec / 1e6 - fraction * 1e3;
}

/* How many events a line says to be lost: "... EVENTS LOST: HUBBLE_RING_BUFFER CPU(0) 12 (first: ...)". */
static unsigned long lost_in(const char *line)
{
	const char *at = strstr(line, "EVENTS LOST"), *number = NULL;

	for (; at && *at && strncmp(at, " (", 2); at++)
		if (*at >= '0' && *at <= '9' && at[-1] == ' ')
			number = at;
	return number ? strtoul(number, NULL, 10) : 0;
}

/* Reads what there is; latencies into 'ms' if it is not NULL.  Returns how many of them there are now. */
static unsigned int terminal_read(struct terminal *t, double *ms, unsigned int n)
{
	ssize_t got;

	while ((got = read(t->fd, t->line + t->n, sizeof(t->line) - 1 - t->n)) > 0) {
		char *begin = t->line, *end;

		t->n += got;
		t->line[t->n] = '\0';
		for (; (end = strchr(begin, '\n')); begin = end + 1) {
			double a;

			*end = '\0';
			t->lines++;
			t->lost += lost_in(begin);
			a = ms && n < TERMINAL_LINES ? age(begin) : -1;
			if (a >= 0)
				ms[n++] = a;
		}
		t->n -= begin - t->line;
		memmove(t->line, begin, t->n);
		if (t->n == sizeof(t->line) - 1)
			t->n = 0;
	}
	return n;
}

unsigned int terminal_watch(struct terminal *t, double seconds, double *ms, unsigned int n)
{
	struct pollfd p = { .fd = t->fd, .events = POLLIN };

	for (double end = wall_ns() + seconds * 1e9; wall_ns() < end; poll(&p, 1, 10))
		n = terminal_read(t, ms, n);
	return n;
}
