// SPDX-License-Identifier: Apache-2.0
/* What every program tells of itself, by the names that Prometheus' own clients use. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "lib/metrics/metrics.h"

static void read_cpu(void *ctx, struct metric *to)
{
	struct rusage u;

	if (!getrusage(RUSAGE_SELF, &u))
		metric_put(to, NULL, u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
}

static void read_resident(void *ctx, struct metric *to)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long all, resident;

	if (f && fscanf(f, "%lu %lu", &all, &resident) == 2)
		metric_put(to, NULL, (double)resident * sysconf(_SC_PAGESIZE));
	if (f)
		fclose(f);
}

/* In ticks since boot, the 22nd word of /proc/self/stat; the second may have blanks and ends with a bracket. */
static double started(void)
{
	FILE *f = fopen("/proc/self/stat", "re");
	unsigned long long ticks = 0;
	char line[1024], *at;

	if (!f)
		return 0;
	at = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	for (int i = 2; at && i < 22; i++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, "%llu", &ticks) != 1)
		ticks = 0;
	fclose(f);
	return (double)ticks / sysconf(_SC_CLK_TCK);
}

static void read_start(void *ctx, struct metric *to)
{
	struct timespec now, up;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	metric_put(to, NULL, (double)(now.tv_sec - up.tv_sec) + (now.tv_nsec - up.tv_nsec) / 1e9 + started());
}

static void read_fds(void *ctx, struct metric *to)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	if (!d)
		return;
	while (readdir(d))
		n++;
	closedir(d);
	metric_put(to, NULL, n - 3);		/* ".", "..", and the directory's own */
}

static void read_most_fds(void *ctx, struct metric *to)
{
	struct rlimit r;

	if (!getrlimit(RLIMIT_NOFILE, &r))
		metric_put(to, NULL, r.rlim_cur);
}

int metrics_add_process(struct metrics *m)
{
	static const struct metric_about about[] = {
		{ .name = "process_cpu_seconds", .help = "CPU time that the program used.", .unit = "seconds",
		  .read = read_cpu },
		{ .name = "process_resident_memory_bytes", .help = "Resident memory, with what is mapped of kernel maps.",
		  .unit = "bytes", .type = METRIC_GAUGE, .read = read_resident },
		{ .name = "process_start_time_seconds", .help = "When the program began, in seconds since 1970.",
		  .unit = "seconds", .type = METRIC_GAUGE, .read = read_start },
		{ .name = "process_open_fds", .help = "Open descriptors.", .type = METRIC_GAUGE, .read = read_fds },
		{ .name = "process_max_fds", .help = "Descriptors that may be open.", .type = METRIC_GAUGE,
		  .read = read_most_fds },
	};

	for (unsigned int i = 0; i < sizeof(about) / sizeof(about[0]); i++)
		if (!metrics_add(m, &about[i]))
			return -ENOMEM;
	return 0;
}
