/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What leaves the flow table: flows that fell silent, and flows of pods that are gone.
 *
 *	sweep_open(&s, loop, grace, dp, flows);		expires by itself from then on, every few seconds
 *	datapath_disarm(dp, number); commit...		the pod's ifindex cleared, the generation raised
 *	sweep_left(s, number, swept, pod);		swept(pod) on the loop: number, address slot and address are free
 *
 * sweep_left waits for a grace first (a packet that still saw the endpoint may be inserting its flow), then
 * retires every slot that names it, then waits until the reader has passed the rings' marks.  Those who leave
 * together share a sweep.
 */
#ifndef WEIR_AGENT_SWEEP_H
#define WEIR_AGENT_SWEEP_H

#include "agent/flows.h"
#include "agent/grace.h"

struct sweep;

int sweep_open(struct sweep **out, struct loop *loop, struct grace *grace, struct datapath *dp, struct flows *flows);
void sweep_close(struct sweep *s);

int sweep_left(struct sweep *s, unsigned int number, loop_fn swept, void *ctx);

/* Which rule numbers are still named by a slot, after a grace and a mark passed as above: bit n of 'rules'
 * (WEIR_RULES bits) is set for a rule in use. */
typedef void (*sweep_rules_fn)(void *ctx, const unsigned long *rules);
int sweep_rules(struct sweep *s, sweep_rules_fn fn, void *ctx);

struct sweep_counts {
	uint64_t rounds, asked, expired, left;
	unsigned int last_us;		/* CPU time of the last round */
};
void sweep_count(const struct sweep *s, struct sweep_counts *out);

#endif
