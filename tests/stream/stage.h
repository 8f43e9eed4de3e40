/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage for the reader's tests: the real programs loaded with 64 pods, packets offered to them by test-run, and the
 * agent's reading half on top, as often as is wanted one after the other.
 *
 *	stage_open(&s, object, &why);
 *	stage_agent(&s, &a, true);			the reader with its thread; false: a->naming is driven by hand
 *	stage_offer(&s, 64000, deny_every, each);	packets, round the pods
 *	stage_end(&s, &a);				its thread ends; all that is in the rings is read, the totals are taken
 *	stage_sums(&a, &sums);				what was told at its edges
 */
#ifndef WEIR_TESTS_STREAM_STAGE_H
#define WEIR_TESTS_STREAM_STAGE_H

#include "agent/reader.h"
#include "tests/hammer/loader.h"

#define STAGE_PODS 64

struct stage {
	struct datapath *dp;
	unsigned int ifindex[STAGE_PODS];
	__u32 *pod, *deny_every, *each;
	const __u64 *passed, *passed_bytes, *dropped, *dropped_bytes;
	unsigned int turn;		/* whose packets are next */
	unsigned int totals_ms;		/* how often the table is read; 0: as ever */
};

struct stage_agent {
	struct loop *loop;
	struct quiet *quiet;
	struct names *names;
	struct rules *rules;
	struct records *records;
	struct ends *ends;
	struct edges *edges;
	struct losses *losses;
	struct reader *reader;
	struct flows *rings;		/* by hand */
	struct notes notes;
	struct naming naming;
	struct totals *totals;
};

int stage_open(struct stage *s, const char *object, unsigned int buckets, struct complaint *why);
void stage_close(struct stage *s);

/* Every packet through the real program.  Returns how long it took, seconds. */
double stage_offer(struct stage *s, unsigned int packets, unsigned int deny_every, unsigned int each);

int stage_agent(struct stage *s, struct stage_agent *a, bool thread);
void stage_read(struct stage_agent *a);		/* by hand: one batch, and a step of the totals */
void stage_kill(struct stage_agent *a);		/* as if it were killed: what is in the rings stays there */
int stage_end(struct stage *s, struct stage_agent *a);
void stage_free(struct stage_agent *a);

struct stage_sums {
	uint64_t opened, closed, denied, packets, bytes;	/* of all edges */
	uint64_t lost_packets, lost_opened;			/* of them: under "lost" */
	uint64_t records;
};
void stage_sums(const struct stage_agent *a, struct stage_sums *out);	/* added to 'out' */

/* Repeats of denials that the next record of the same one would tell. */
uint64_t stage_denied_pending(const struct stage *s);

#endif
