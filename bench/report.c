// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "bench/report.h"

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

struct spread spread_of(double *v, unsigned int n)
{
	if (!n)
		return (struct spread){ 0 };
	qsort(v, n, sizeof(*v), by_value);
	return (struct spread){ v[0], v[n / 4], v[n / 2], v[n - 1 - n / 4], v[n - 1], n };
}

void report_begin(struct report *r, const char *part, const char *about)
{
	memset(r, 0, sizeof(*r));
	r->part = part;
	printf("\n%s: %s\n%-56s %-12s %9s  %-19s %-19s\n", part, about, "", "", "median", "[quartiles]", "(least-most)");
}

static struct report_row *row_new(struct report *r, const char *what, const char *unit)
{
	static struct report_row spare;
	struct report_row *row = r->rows < REPORT_ROWS ? &r->row[r->rows++] : &spare;

	snprintf(row->what, sizeof(row->what), "%s", what);
	snprintf(row->unit, sizeof(row->unit), "%s", unit);
	row->bound = -1;
	row->text[0] = 0;
	return row;
}

static int digits(double v) { return v < 10 ? 3 : v < 1000 ? 1 : 0; }

static void row_print(const struct report_row *row)
{
	const struct spread *s = &row->s;
	int d = digits(s->median);
	char quartiles[40], ends[40];

	snprintf(quartiles, sizeof(quartiles), "[%.*f %.*f]", d, s->low, d, s->high);
	snprintf(ends, sizeof(ends), "(%.*f-%.*f)", d, s->least, d, s->most);
	printf("%-56s %-12s %9.*f  %-19s %-19s", row->what, row->unit, d, s->median, quartiles, ends);
	if (row->bound >= 0)
		printf(" <= %g  %s", row->bound, s->median <= row->bound ? "met" : "MISSED");
	printf("\n");
	fflush(stdout);
}

void report_row(struct report *r, const char *what, const char *unit, double *v, unsigned int n)
{
	struct report_row *row = row_new(r, what, unit);

	row->s = spread_of(v, n);
	row_print(row);
}

bool report_goal(struct report *r, const char *what, const char *unit, double *v, unsigned int n, double bound)
{
	struct report_row *row = row_new(r, what, unit);
	bool met;

	row->s = spread_of(v, n);
	row->bound = bound;
	met = n && row->s.median <= bound;
	r->met += met;
	r->missed += !met;
	row_print(row);
	return met;
}

void report_fact(struct report *r, const char *what, const char *format, ...)
{
	struct report_row *row = row_new(r, what, "");
	va_list args;

	va_start(args, format);
	vsnprintf(row->text, sizeof(row->text), format, args);
	va_end(args);
	printf("%-56s %s\n", what, row->text);
	fflush(stdout);
}

static void row_json(FILE *f, const struct report_row *row)
{
	const struct spread *s = &row->s;

	fprintf(f, "{\"what\": \"%s\", ", row->what);
	if (row->text[0]) {
		fprintf(f, "\"text\": \"%s\"}", row->text);
		return;
	}
	fprintf(f, "\"unit\": \"%s\", \"n\": %u, \"least\": %.6g, \"low\": %.6g, \"median\": %.6g, \"high\": %.6g, \"most\": %.6g",
		row->unit, s->n, s->least, s->low, s->median, s->high, s->most);
	if (row->bound >= 0)
		fprintf(f, ", \"bound\": %g, \"met\": %s", row->bound, s->n && s->median <= row->bound ? "true" : "false");
	fprintf(f, "}");
}

int report_end(struct report *r, const char *directory)
{
	struct utsname u;
	char path[512];
	FILE *f;

	uname(&u);
	snprintf(path, sizeof(path), "%s/%s.json", directory, r->part);
	f = fopen(path, "w");
	if (!f)
		return -errno;
	fprintf(f, "{\"part\": \"%s\", \"kernel\": \"%s\", \"machine\": \"%s\", \"met\": %u, \"missed\": %u, \"rows\": [\n",
		r->part, u.release, u.machine, r->met, r->missed);
	for (unsigned int i = 0; i < r->rows; i++) {
		row_json(f, &r->row[i]);
		fprintf(f, i + 1 < r->rows ? ",\n" : "\n");
	}
	fprintf(f, "]}\n");
	return fclose(f) ? -EIO : 0;
}

static double clock_ns(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

double cpu_ns(void) { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }
double wall_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}
