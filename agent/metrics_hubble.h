/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metrics that Hubble's dashboards ask for, counted from records: which of them, and with which labels, is
 * configured (agent/metrics_context.h).
 *
 *	hubble_open(&h, metrics, "flow tcp", &why);
 *	hubble_count(h, &counted);			per cell of counts
 */
#ifndef WEIR_AGENT_METRICS_HUBBLE_H
#define WEIR_AGENT_METRICS_HUBBLE_H

#include "agent/counts.h"
#include "agent/metrics_context.h"
#include "lib/metrics/metrics.h"

/* The names that a list may have; those for which weir has no data yet are there, too, and say so in the log. */
extern const char *const hubble_names[];

/* Records that say the same, as a flow. */
struct counted {
	const struct counts_cell *cell;
	const struct flow *flow;
	struct context_end end[2];
	uint8_t match[WEIR_DIRS];	/* how far each side's rule narrows: the wire's policy_match_type */
};

struct hubble;

int hubble_open(struct hubble **out, struct metrics *metrics, const char *list, struct complaint *why);
void hubble_close(struct hubble *h);		/* NULL is fine; families stay with the registry */
void hubble_count(struct hubble *h, const struct counted *c);

#endif
