/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Losses: all that could not be told, by stage, in one place.
 *
 *	losses_kernel(l, datapath, now, next);			the reader, every second: the rings' own counters, per CPU
 *	losses_add(l, LOSS_HISTORY, missed);		whoever lost something, on any thread
 *	while (losses_next(l, &cursor, &loss))			a stream: what was lost since, to be told in its place
 *
 * What was lost while no agent ran is a loss of the ring too, found at the next agent's start.
 */
#ifndef WEIR_AGENT_LOSSES_H
#define WEIR_AGENT_LOSSES_H

#include <stdbool.h>
#include <stdint.h>

struct datapath;

/* X(stage, the wire's LostEventSource, word, sentence) */
#define LOSSES(X)										\
	X(RING,		1, "ring",	"records of flows that did not fit the kernel's ring")		\
	X(DENIALS,	1, "denials",	"records of denials that did not fit their ring")		\
	X(READER,	2, "reader",	"records that made no sense to the reader")			\
	X(HISTORY,	3, "history",	"flows overwritten before a stream came to read them")		\
	X(STREAM,	2, "stream",	"flows that a stream could not be given")			\
	X(EXPORT,	2, "export",	"flows that an export could not write")				\
	X(EDGES,	2, "edges",	"records and readings whose edge had no room: under 'other'")
enum loss_stage {
#define X(stage, source, word, text) LOSS_##stage,
	LOSSES(X)
#undef X
	LOSS_STAGES
};
const char *loss_word(enum loss_stage stage);
const char *loss_text(enum loss_stage stage);
unsigned int loss_source(enum loss_stage stage);

#define LOSSES_CPUS 256			/* those beyond share the last */

struct losses;

int losses_new(struct losses **out);
void losses_free(struct losses *l);		/* NULL is fine */

void losses_add(struct losses *l, enum loss_stage stage, uint64_t events);
int losses_kernel(struct losses *l, const struct datapath *dp, uint64_t now, uint64_t next);

/* Totals since the maps were made (rings), or since the agent began (all else). */
uint64_t losses_total(const struct losses *l, enum loss_stage stage);
typedef void (*losses_fn)(void *ctx, enum loss_stage stage, int cpu, uint64_t events);	/* cpu -1: no CPU's */
void losses_each(const struct losses *l, losses_fn fn, void *ctx);	/* those that are not 0 */

/* One loss of the rings, as it was noticed: some time between 'first' (0: not known) and 'last', before record number
 * 'next' was read. */
struct loss {
	enum loss_stage stage;
	int cpu;
	uint64_t events, first, last;	/* CLOCK_REALTIME, nanoseconds */
	uint64_t next;
};
uint64_t losses_cursor(const struct losses *l);	/* from now on */
bool losses_next(const struct losses *l, uint64_t *cursor, struct loss *out);	/* what is too old is skipped, and told by totals alone */

#endif
