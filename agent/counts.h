/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts of records by what they say, on their way from the reader's thread to the metrics on the loop's.
 *
 *	counts_add(c, &record);		the reader, per record: one cache line
 *	counts_flush(c);		the reader, after each pass over the rings
 *	counts_take(c, fn, me);		the loop: what was counted since
 *
 * Records alike (same ends, rules, port, kind, reason) are one cell with a number.  Cells go to the loop by a ring;
 * while that is full their numbers go on, by kind, reason and protocol alone, in a block apart: nothing is lost, but
 * then it is "other" who did it.
 */
#ifndef WEIR_AGENT_COUNTS_H
#define WEIR_AGENT_COUNTS_H

#include <stdint.h>

#include "agent/records.h"

struct counts;

/* What records have in common that are counted together. */
struct counts_key {
	uint32_t name[WEIR_DIRS], rule[WEIR_DIRS];	/* as in struct record */
	uint16_t port;			/* destination's; ICMP: type << 8 | code */
	uint8_t proto, kind, reason, flags, tcp_flags, audit;
	uint32_t spare;
};

struct counts_cell {
	struct counts_key key;
	uint64_t records;
	uint64_t repeats;		/* further packets like these, told by no record */
	uint64_t packets[2], bytes[2];	/* closed: totals */
};

int counts_new(struct counts **out);
void counts_free(struct counts *c);		/* NULL is fine */

/* The reader's thread. */
void counts_add(struct counts *c, const struct record *record);
void counts_flush(struct counts *c, uint64_t next);	/* 'next': records_next(); all before it are in the ring then */

/* The loop's thread.  Names and rules of 'key' are 0 for what found no room in the ring. */
typedef void (*counts_fn)(void *ctx, const struct counts_cell *cell);
unsigned int counts_take(struct counts *c, counts_fn fn, void *ctx);
uint64_t counts_taken(const struct counts *c);	/* names of records before this one are asked for no more */

struct counts_counts {
	uint64_t added, folded;		/* records; of them those that found no room */
};
void counts_count(const struct counts *c, struct counts_counts *out);

#endif
