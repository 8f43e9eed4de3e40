/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics: families of series, written as Prometheus reads them.
 *
 *	static const char *const labels[] = { "reason", "protocol", NULL };
 *	drops = metrics_add(m, &(struct metric_about){ .name = "hubble_drop", .help = "Drops.", .label = labels });
 *	series_count(metric_series(drops, (const char *[]){ "POLICY_DENIED", "TCP" }, NULL), 1);
 *	metrics_write(m, metrics_wanted(accept), &text, &size);
 *
 * A family either keeps its series, or is read at scrape from counters that others keep ('read' calls metric_put()
 * and its like).  A family has so many series and no more: what finds no place is counted in one whose labels, from
 * 'keep' on, say "other".  What was counted there stays there, so that every sum is exact and rises; only a family that
 * is read may see it move (its source is to be bounded below 'most').  Who owned a series and is gone takes it along
 * after METRICS_LINGER_S.  One thread.
 */
#ifndef WEIR_LIB_METRICS_METRICS_H
#define WEIR_LIB_METRICS_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METRICS_LINGER_S 60
#define METRICS_LABELS	 16		/* of one family */
#define METRICS_MOST	 1000		/* series of a family that does not say */
#define METRICS_OTHER	 "other"
#define METRICS_OWNERS	 2

struct metrics;
struct metric;				/* a family */
struct series;

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

typedef void (*metric_read_fn)(void *ctx, struct metric *m);

/* Strings and arrays outlive the registry. */
struct metric_about {
	const char *name;		/* a counter's without "_total" */
	const char *help;		/* a sentence */
	const char *unit;		/* "seconds", "bytes": the name ends with it; NULL: none */
	enum metric_type type;
	const char *const *label;	/* names, to the NULL; NULL: none */
	unsigned int keep;		/* labels that stay when a series is folded: those of few values */
	unsigned int most;		/* series; 0: METRICS_MOST */
	const double *bound;		/* histogram: upper bounds, rising, without +Inf */
	unsigned int bounds;
	metric_read_fn read;		/* NULL: series are kept */
	void *ctx;
};

int metrics_new(struct metrics **out);
void metrics_free(struct metrics *m);				/* NULL is fine */
struct metric *metrics_add(struct metrics *m, const struct metric_about *about);	/* NULL: no memory, or a bad name */
int metrics_add_process(struct metrics *m);	/* process_*: CPU, memory, descriptors */
int metrics_add_own(struct metrics *m);		/* weir_metrics_*: series, and what was folded, by family */

/*
 * Series that are kept.  The one with these label values, made if need be; never NULL.  An owner is any number but 0
 * (a hash of "namespace/pod"); NULL: it stays.
 */
struct series *metric_series(struct metric *m, const char *const *value, const uint64_t owner[METRICS_OWNERS]);
void series_count(struct series *s, uint64_t n);		/* counters */
void series_example(struct series *s, double value, uint64_t time_ns, const char *example);	/* of what was counted last */
void series_set(struct series *s, double value);		/* gauges */
/* Histograms.  'example', here and above: labels of an exemplar as `key="value",...`, escaped, at most 128 characters
 * (a longer one is none); NULL: none.  Only OpenMetrics has them. */
void series_observe(struct series *s, double value, uint64_t time_ns, const char *example);

/* In 'read' only: one sample each.  'bucket' has bounds + 1 counts, not yet summed up. */
void metric_put(struct metric *m, const char *const *value, double v);
void metric_put_count(struct metric *m, const char *const *value, uint64_t n);
void metric_put_histogram(struct metric *m, const char *const *value, const uint64_t *bucket, double sum);

/* An owner has gone, or is there (again).  'now_s' of any clock that only goes forward. */
void metrics_gone(struct metrics *m, uint64_t owner, uint64_t now_s);
void metrics_back(struct metrics *m, uint64_t owner);
void metrics_expire(struct metrics *m, uint64_t now_s);		/* every few seconds */

enum metrics_format { METRICS_TEXT, METRICS_OPEN };
enum metrics_format metrics_wanted(const char *accept);		/* an Accept field */
const char *metrics_type(enum metrics_format format);		/* its Content-Type */
int metrics_write(struct metrics *m, enum metrics_format format, char **text, size_t *size);	/* free(*text) */

/* Every family and what is in it, for other ways out (agent/otlp.c).  'bucket' NULL: no histogram. */
struct metric_sample {
	const char *const *value;	/* of the family's labels, in order */
	double v;			/* or the histogram's sum */
	uint64_t n;			/* the same, whole, if 'whole'; a histogram's count */
	bool whole;
	const uint64_t *bucket;
};
typedef void (*metrics_fn)(void *ctx, const struct metric_about *about, const struct metric_sample *sample);
void metrics_each(struct metrics *m, metrics_fn fn, void *ctx);	/* sample NULL: a family begins */

struct metrics_counts {
	unsigned int families, series;
	uint64_t folded;		/* counts that went to "other" */
	uint64_t expired;		/* series */
};
void metrics_count(const struct metrics *m, struct metrics_counts *out);

#endif
