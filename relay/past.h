/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The past of the edges: what each of them did in each stretch of time, within a budget of memory, coarser with age.
 *
 *	past_open(&past, 0);
 *	past_tick(past, edges, now);			every PAST_STEP_MS
 *	past_window(past, from, to, on_edge, me);	sums by edge, of the stretches that lie in the window
 *
 * The last ten minutes are kept in stretches of ten seconds, what is older in minutes.  What would exceed the budget, or is older
 * than PAST_KEPT_MS, is dropped from the oldest on, and counted.  An edge keeps its number as long as a stretch names it.  One thread.
 */
#ifndef WEIR_RELAY_PAST_H
#define WEIR_RELAY_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/edges.h"

#define PAST_BUDGET	(32UL << 20)
#define PAST_STEP_MS	10000
#define PAST_FINE_MS	600000		/* so long in steps */
#define PAST_COARSE_MS	60000		/* then in these */
#define PAST_KEPT_MS	3600000

enum past_sum {
	PAST_OPENED, PAST_DENIED, PAST_WOULD_DENY, PAST_DROPPED, PAST_BYTES, PAST_REPLY_BYTES, PAST_HANDSHAKES,
	PAST_HANDSHAKE_US, PAST_SUMS
};

/* Strings are the past's; good until the next tick. */
struct past_edge {
	struct edge_end source, destination;
	uint16_t port;
	uint8_t proto;
	uint64_t sum[PAST_SUMS];
};

struct past;

int past_open(struct past **out, size_t budget);	/* 0: PAST_BUDGET */
void past_close(struct past *p);			/* NULL is fine */

/* 'now' in milliseconds of CLOCK_REALTIME; 'lost': events lost in the cluster so far, a total. */
void past_tick(struct past *p, const struct edges *edges, uint64_t lost, uint64_t now);

/* What edges have summed up so far is nobody's past: of a node that was there before us. */
void past_baseline(struct past *p, const struct edges *edges);

/* Edges that did anything in [from, to), milliseconds.  A stretch that is only partly in it counts as a whole. */
typedef void (*past_fn)(void *ctx, const struct past_edge *e);
void past_window(const struct past *p, uint64_t from, uint64_t to, past_fn fn, void *ctx);

/* The same, stretch by stretch: 'at' is when it began. */
typedef void (*past_each_fn)(void *ctx, uint64_t at, const struct past_edge *e);
void past_each(const struct past *p, uint64_t from, uint64_t to, past_each_fn fn, void *ctx);

/* Sums of all edges by stretches of 'step' from 'from' on; what lies before what is kept has 'known' false. */
struct past_strip {
	uint64_t opened, denied, would_deny, dropped, lost;
	bool known;
};
void past_strip(const struct past *p, uint64_t from, uint64_t step, unsigned int n, struct past_strip *out);

/* Something that happened: "policy shop/db changed".  The last PAST_MARKS are kept. */
#define PAST_MARKS 256
struct past_mark {
	uint64_t at;
	char what[32], name[256];
};
void past_mark(struct past *p, uint64_t at, const char *what, const char *name);
unsigned int past_marks(const struct past *p, uint64_t from, struct past_mark *out, unsigned int max);	/* oldest first */

struct past_counts {
	size_t bytes, budget;
	uint64_t oldest;		/* from when on something is kept; 0: nothing yet */
	uint64_t dropped;		/* stretches, for want of room */
	unsigned int edges, stretches;
};
void past_count(const struct past *p, struct past_counts *out);

#endif
