/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owners: which pods and workloads series tell of, so that a series goes when they are gone.
 *
 *	owners_seen(o, end, dead, now, &pod, &workload);	a flow's end is counted
 *	owners_gone(o, "shop", "web-1", now);			a pod left the cluster, of whatever node
 *
 * A workload is gone with the last of its pods that had been seen.  Who comes back in time keeps its series.
 */
#ifndef WEIR_AGENT_METRICS_OWNERS_H
#define WEIR_AGENT_METRICS_OWNERS_H

#include <stdint.h>

#include "lib/flow/flow.h"
#include "lib/metrics/metrics.h"

#define OWNERS_MOST 65536		/* pods; series of others stay */

struct owners;

int owners_new(struct owners **out, struct metrics *metrics);
void owners_free(struct owners *o);			/* NULL is fine */

/* 'dead': the name is nobody's any more; a flow that closes late does not bring a pod back. */
void owners_seen(struct owners *o, const struct flow_end *end, bool dead, uint64_t now_s, uint64_t *pod, uint64_t *workload);
void owners_gone(struct owners *o, const char *ns, const char *pod, uint64_t now_s);

#endif
