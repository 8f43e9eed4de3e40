/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Totals: the flow table read as memory, every TOTALS_MS what each live flow has carried goes to its edge, exact and
 * without an event per packet.
 *
 *	totals_open(&r, dp, flows, naming, 0);
 *	totals_step(r, now);			each pass over the rings: a part of the table, when it is due
 *
 * A flow without a note (its opened record was lost, or is on its way), and a note without a flow, are looked at again
 * when the rings have been read up to where they stood: then no record of what was seen is on its way any more.
 */
#ifndef WEIR_AGENT_TOTALS_H
#define WEIR_AGENT_TOTALS_H

#include "agent/naming.h"

#define TOTALS_MS 5000
#define TOTALS_BUCKETS 4096		/* in one step */
#define TOTALS_LATER 4096		/* flows and notes to be looked at again; the others at the next reading */

struct totals;

int totals_open(struct totals **out, const struct datapath *dp, struct flows *flows, struct naming *naming,
		unsigned int each_ms);			/* 0: TOTALS_MS */
void totals_close(struct totals *r);		/* NULL is fine */
void totals_step(struct totals *r, uint64_t now);	/* CLOCK_MONOTONIC, nanoseconds */
void totals_whole(struct totals *r);		/* at once, to the end; the rings are read up to now */

/* Records before this one name nobody whom a live flow names, and whom they alone name.  Any thread. */
uint64_t totals_from(const struct totals *r);

struct totals_counts {
	uint64_t readings, adopted, released, missed;	/* adopted: flows without a note; released: notes without a flow */
	unsigned int live, last_us;	/* flows that go on (weir_live()); CPU time of the last reading */
};
void totals_count(const struct totals *r, struct totals_counts *out);

#endif
