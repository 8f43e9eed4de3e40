/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Naming: kernel's records, a batch at a time, become named records in the history and sums in the edges.
 *
 *	naming_open(&n, &with);
 *	naming_time(&n, monotonic, real);		each pass over the rings
 *	naming_batch(&n, batch.record, batch.n);	nothing is allocated save when somebody is named for the first time
 *
 * Each step goes over the whole batch, and asks for the memory that the next one reads.  The reader's thread.
 */
#ifndef WEIR_AGENT_NAMING_H
#define WEIR_AGENT_NAMING_H

#include "agent/counts.h"
#include "agent/edges.h"
#include "agent/ends.h"
#include "agent/flows.h"
#include "agent/isolators.h"
#include "agent/losses.h"
#include "agent/notes.h"
#include "agent/records.h"
#include "agent/rules.h"

struct naming {				/* parts not ours */
	struct ends *ends;
	struct rules *rules;
	struct records *records;
	struct edges *edges;		/* these may be NULL */
	struct losses *losses;
	struct counts *counts;
	struct notes *notes;
	struct isolators *isolators;
	uint64_t tick;			/* of a tag's clock, nanoseconds: datapath_tick(); 0: no silence is told */
	/* its own */
	uint64_t to_real;		/* CLOCK_REALTIME - CLOCK_MONOTONIC, nanoseconds */
	uint64_t now;			/* CLOCK_REALTIME */
	uint64_t unnamed_rules;		/* records with a rule number nobody knows */
	uint64_t senseless;		/* records of no kind that we know */
};

void naming_time(struct naming *n, uint64_t monotonic, uint64_t real);
void naming_batch(struct naming *n, const struct weir_record *const *from, unsigned int count);

#endif
