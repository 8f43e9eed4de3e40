/* SPDX-License-Identifier: Apache-2.0 */
/* What metrics.c (families, series) and text.c (how they are written) share. */
#ifndef WEIR_LIB_METRICS_INSIDE_H
#define WEIR_LIB_METRICS_INSIDE_H

#include "lib/metrics/metrics.h"

#define EXAMPLE_MOST 128		/* characters of an exemplar's labels */

struct example {
	double value;
	uint64_t time_ns;
	char text[EXAMPLE_MOST + 1];
};

struct series {
	struct series *next;		/* of its family's hash chain */
	struct metric *metric;
	uint64_t hash, owner[METRICS_OWNERS];
	uint64_t n;			/* counter, or a histogram's count */
	double v;			/* gauge, a counter that is no whole number, or a histogram's sum */
	bool whole;			/* 'n' is it */
	bool other;
	uint64_t *bucket;		/* bounds + 1 */
	struct example *example;	/* likewise, once there is one */
	char text[];			/* label values, each with its zero */
};

struct metric {
	struct metrics *metrics;
	struct metric_about about;
	unsigned int labels;
	struct series **chain;		/* 'chains' of them, a power of two */
	unsigned int chains;
	struct series **series;		/* in the order they came */
	unsigned int nseries, room;
	unsigned int own;		/* of them those that are no "other" */
	uint64_t folded;
};

struct metrics {
	struct metric **metric;
	unsigned int nmetric;
	struct gone { uint64_t owner, when; } *gone;
	unsigned int ngone;
	uint64_t expired;
};

/* Values by label, as pointers. */
static inline void series_values(const struct series *s, const char *value[METRICS_LABELS])
{
	const char *at = s->text;

	for (unsigned int i = 0; i < s->metric->labels; i++) {
		value[i] = at;
		while (*at++)
			;
	}
}

/* metrics.c: a family that is read is read now. */
void metric_refresh(struct metric *m);

#endif
