/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hints: what a denial's record does not say and only the loop's thread can find out: who isolates the pod, and how
 * close a rule came.  The gRPC thread's side: asks in batches, keeps answers, never waits.
 *
 *	switch (hints_get(h, &record, &hint)) {
 *	case HINT_KNOWN:	hint.nearest, hint.isolating: good until the next hints_get()
 *	case HINT_ASKED:	'news' is called when the answer is here
 *	case HINT_NONE:		there is none, or nobody has time for it now
 *	}
 *
 * Equal denials cost once.  A batch has HINTS_BATCH questions, one is on its way at a time, and the loop's thread is
 * left alone for HINTS_REST times as long as the last one took: a flood of denials, however different, takes at most
 * one part in HINTS_REST of that thread.
 */
#ifndef WEIR_AGENT_HINTS_H
#define WEIR_AGENT_HINTS_H

#include "agent/errand.h"
#include "agent/records.h"

#define HINTS_KEPT 1024			/* answers */
#define HINTS_BATCH 32
#define HINTS_REST 20
#define HINT_TEXT 512
#define HINT_ISOLATING 32		/* policies named */
#define HINT_LIST 2048			/* bytes of their names */

struct agent;
struct hints;

struct hint {
	const char *nearest;			/* "" or a sentence */
	const char *const *isolating;		/* "namespace/policy" */
	unsigned int isolatings;
};

enum hint_state { HINT_KNOWN, HINT_ASKED, HINT_NONE };

/* Nothing of the agent is touched by the gRPC thread but the kernel's generation. */
int hints_new(struct hints **out, struct agent *a, struct errands *errands, struct rpc_loop *rpc,
	      void (*news)(void *ctx), void *ctx);
void hints_free(struct hints *h);		/* NULL is fine; after its errands */

enum hint_state hints_get(struct hints *h, const struct record *r, struct hint *out);

struct hints_counts {
	uint64_t asked, answered, refused;	/* refused: there was no time */
};
void hints_count(const struct hints *h, struct hints_counts *out);	/* any thread */

#endif
