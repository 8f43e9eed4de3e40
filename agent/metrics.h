/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics: what the agent counts and is, for Prometheus by HTTP (--metrics) and for an OTLP receiver (--otlp).
 *
 *	meters_open(&m, a, &why);		behind all other parts
 *	meters_gone(m, "shop", "web-1");	a pod left the cluster
 *	meters_settle(m);			before rules get or lose their numbers: hits so far are the old ones'
 *
 * One thread, the loop's.  Records arrive as counts (agent/counts.h), a few times a second.
 */
#ifndef WEIR_AGENT_METRICS_H
#define WEIR_AGENT_METRICS_H

#include "lib/complaint.h"
#include "lib/metrics/metrics.h"

struct agent;
struct meters;

int meters_open(struct meters **out, struct agent *a, struct complaint *why);
void meters_close(struct meters *m);		/* NULL is fine */
unsigned int meters_port(const struct meters *m);	/* on which it answers; 0: on none */

void meters_gone(struct meters *m, const char *ns, const char *pod);	/* both: NULL is fine */
void meters_settle(struct meters *m);

/* All families, their numbers fresh. */
struct metrics *meters_fresh(struct meters *m);

#endif
