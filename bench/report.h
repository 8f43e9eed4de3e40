/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was measured, as a table for people and JSON for programs, and what is held against a bound.
 *
 *	report_begin(&r, "programs", "ns a packet, net of an empty program; ratios to mini2");
 *	report_row(&r, "known, 1 flow, IPv4", "ns", v, n);		printed, not judged
 *	report_goal(&r, "known, 1 flow, IPv4", "of mini2", q, n, 2.0);	its median must not be above the bound
 *	report_fact(&r, "kernel", "6.18");
 *	report_end(&r, "build/bench");					writes build/bench/programs.json
 *
 * A row is shown as median [quartiles] (least-most) of n.  Values are sorted in place.
 */
#ifndef WEIR_BENCH_REPORT_H
#define WEIR_BENCH_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#define REPORT_ROWS 512

struct spread {
	double least, low, median, high, most;
	unsigned int n;
};
struct spread spread_of(double *v, unsigned int n);

struct report_row {
	char what[80], unit[32];
	struct spread s;
	double bound;			/* below 0: not judged */
	char text[64];			/* a fact: instead of numbers */
};
struct report {
	const char *part;
	unsigned int rows, met, missed;
	struct report_row row[REPORT_ROWS];
};

void report_begin(struct report *r, const char *part, const char *about);
void report_row(struct report *r, const char *what, const char *unit, double *v, unsigned int n);
bool report_goal(struct report *r, const char *what, const char *unit, double *v, unsigned int n, double bound);
__attribute__((format(printf, 3, 4)))
void report_fact(struct report *r, const char *what, const char *format, ...);
int report_end(struct report *r, const char *directory);

double cpu_ns(void);		/* of this thread */
double wall_ns(void);
void pin_to(int cpu);

#endif
