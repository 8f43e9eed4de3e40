// SPDX-License-Identifier: Apache-2.0
/* What the policy compiler costs: bench/compile.c says so, and is asked a few times; the figures that are promised are
 * judged, the medians over its runs shown. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"

#define RUNS 5

static const struct figure {
	const char *name, *what, *unit;
	double bound;			/* below 0: shown */
} figures[] = {
	{ "full_ms",              "full compile",                   "ms CPU", 150 },
	{ "pod_added_p50_us",     "pod added, p50",                 "us CPU", 5 },
	{ "pod_added_p99_us",     "pod added, p99",                 "us CPU", 50 },
	{ "policy_edited_p99_us", "policy of a local pod edited, p99", "us CPU", 10000 },
	{ "policy_edited_p50_us", "policy of a local pod edited, p50", "us CPU", -1 },
	{ "pod_removed_p50_us",   "pod removed, p50",               "us CPU", -1 },
	{ "pod_relabelled_p50_us", "pod relabelled, p50",           "us CPU", -1 },
	{ "local_pod_p50_us",     "local pod arrives, p50",         "us CPU", -1 },
	{ "namespace_p50_us",     "namespace relabelled, p50",      "us CPU", -1 },
	{ "held_mib",             "held by the compiler",           "MiB",    -1 },
};
#define FIGURES (sizeof(figures) / sizeof(*figures))

static void take(const char *line, double got[FIGURES])
{
	char name[64];
	double median;

	if (sscanf(line, "figure %63s %lf", name, &median) != 2)
		return;
	for (unsigned int i = 0; i < FIGURES; i++)
		if (!strcmp(figures[i].name, name))
			got[i] = median;
}

static int run(const char *program, double got[FIGURES])
{
	FILE *f = popen(program, "r");
	char line[512];

	for (unsigned int i = 0; i < FIGURES; i++)
		got[i] = -1;
	while (f && fgets(line, sizeof(line), f))
		take(line, got);
	return !f || pclose(f) ? -ECHILD : 0;
}

int part_compiler(struct bench *b, struct report *r)
{
	double got[RUNS][FIGURES], v[RUNS];

	report_begin(r, "compiler", "50,000 pods, 5,000 policies, 110 pods here; CPU time, parsing apart; five runs");
	if (!b->compiler) {
		complaint_set(&b->why, 0, 0, "the bench of the policy compiler was not named (--compiler)");
		return -ENOENT;
	}
	pin_to(1);
	for (int k = 0; k < RUNS; k++) {
		int err = run(b->compiler, got[k]);

		if (err) {
			complaint_set(&b->why, 0, 0, "'%s' failed", b->compiler);
			return err;
		}
	}
	for (unsigned int i = 0; i < FIGURES; i++) {
		for (int k = 0; k < RUNS; k++) {
			v[k] = got[k][i];
			if (v[k] >= 0)
				continue;
			complaint_set(&b->why, 0, 0, "'%s' does not tell '%s'", b->compiler, figures[i].name);
			return -ENODATA;
		}
		if (figures[i].bound < 0)
			report_row(r, figures[i].what, figures[i].unit, v, RUNS);
		else
			report_goal(r, figures[i].what, figures[i].unit, v, RUNS, figures[i].bound);
	}
	return 0;
}
