/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The merge: the nodes' streams put into one, by time, with a watermark per node.
 *
 *	merge_new(&m, start, NULL);
 *	s = merge_add(m, &(struct merge_node){ .from = start, .marks = true, .counts = c, .ctx = me });
 *	if (!merge_push(m, s, &(struct merge_message){ .time = t, .data = p, .size = n }, now))
 *		read no more of this node until merge_resume() names it
 *	while (merge_next(m, now, &item, &wake) == MERGE_ITEM)
 *		send(item.data, item.size);
 *	while ((ctx = merge_ask(m)))
 *		ask that node for a mark, merge_mark() when it comes; merge_next() again at 'wake'
 *
 * A node's watermark is the time of the newest that came of it, a mark included: nothing older follows.  What is
 * queued goes out once no node's watermark is behind it.  A node that keeps the merge waiting is named to be asked
 * for a mark; one that cannot be asked or does not answer is waited for MERGE_PATIENCE after the arrival of what waits,
 * one that goes on speaking of what is long past for MERGE_PATIENCE_SLOW, and no longer: no node holds up others.
 *
 * Times are nanoseconds: '.real' of CLOCK_REALTIME, '.mono' of CLOCK_MONOTONIC.  What says to be of the future is put
 * in order as of now; what comes too late for its place goes out at once and is counted.  The order within one node
 * is never changed.  Pure: no clock, no descriptor.  One thread.
 */
#ifndef WEIR_RELAY_MERGE_H
#define WEIR_RELAY_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/queue.h"

#define MERGE_MS 1000000ULL

#define MERGE_PATIENCE		(50 * MERGE_MS)		/* with a node that is silent */
#define MERGE_PATIENCE_SLOW	(500 * MERGE_MS)	/* with one that speaks, but is behind */
#define MERGE_PATIENCE_PAST	(2000 * MERGE_MS)	/* with one that still looks through its history */
#define MERGE_AHEAD		(20 * MERGE_MS)		/* so much of the future is taken as it is */

#define MERGE_MESSAGES		4096			/* queued of one node, and */
#define MERGE_BYTES		(512U << 10)
#define MERGE_FLOOR		(16U << 10)		/* bytes that every node may queue, whatever others have */
#define MERGE_POOL		(512U << 10)		/* bytes that all may queue before that */

struct merge;
struct merge_source;

struct merge_now {
	uint64_t real, mono;
};

/* What came of a node in all its streams; its user's, and outlives the merge. */
struct merge_counts {
	uint64_t passed;		/* went out */
	uint64_t late;			/* of these, after younger ones */
	uint64_t ahead;			/* said to be of the future */
	uint64_t backwards;		/* older than the one before it of the same node */
	uint64_t pauses;		/* reading stopped for want of room */
	uint64_t waited;		/* patience with it ended */
};

struct merge_node {
	uint64_t from;			/* nothing older will come of it; 0: not known */
	int64_t shift;			/* its clock less ours, if that is to be corrected in the order */
	bool marks;			/* it can be asked for marks */
	struct merge_counts *counts;
	void *ctx;
};

struct merge_message {
	uint64_t time;			/* 0: says none */
	const void *data;
	size_t size;
	uint32_t kind;			/* its user's */
};

struct merge_item {
	const uint8_t *data;
	size_t size;
	uint64_t time;			/* by which it was put in order */
	uint32_t kind;
	void *ctx;			/* the node's; NULL: merge_flag() */
};

enum merge_next {
	MERGE_ITEM,			/* 'item', good until the next call */
	MERGE_WAIT,			/* something is queued and may not go yet: ask again at 'wake' (mono) */
	MERGE_IDLE,			/* nothing is queued */
	MERGE_DONE			/* nor will be: every node has ended */
};

/* 'start': older than this is history, for which nodes are given more time; UINT64_MAX: all of it is. */
int merge_new(struct merge **out, uint64_t start);
void merge_free(struct merge *m);			/* NULL is fine; counts are touched no more */

struct merge_source *merge_add(struct merge *m, const struct merge_node *node);	/* NULL: no memory */
/* No more will come.  What is queued still goes out; 's' is no longer to be used. */
void merge_end(struct merge *m, struct merge_source *s);
void merge_shift(struct merge_source *s, int64_t shift);	/* of what comes from now on */

/* false: it has no room for another; it did have for this one.  Without memory it is counted as dropped. */
bool merge_push(struct merge *m, struct merge_source *s, const struct merge_message *what, const struct merge_now *now);
void merge_mark(struct merge *m, struct merge_source *s, uint64_t time, const struct merge_now *now);
/* A flag of the user's own, put in order as of 'time'. */
int merge_flag(struct merge *m, uint64_t time, uint32_t kind, const struct merge_now *now);

enum merge_next merge_next(struct merge *m, const struct merge_now *now, struct merge_item *item, uint64_t *wake);
void *merge_ask(struct merge *m);		/* the next node to be asked for a mark; NULL: none */
void *merge_resume(struct merge *m);		/* the next node that may be read on; NULL: none */

bool merge_holds(const struct merge *m, const void *ctx);	/* a node of that ctx, ended or not, is still in it */
size_t merge_bytes(const struct merge *m);	/* queued */
uint64_t merge_dropped(const struct merge *m);	/* messages, for want of memory */

#endif
