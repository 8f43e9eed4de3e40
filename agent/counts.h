/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts of records by what they say, on their way from the reader's thread to the metrics on the loop's.
 *
 *	counts_add(c, &record, number);	the reader, per record: a few cache lines
 *	counts_flush(c, next);		the reader, after each pass over the rings
 *	counts_take(c, fn, me);		the loop, a few times a second: what was counted since
 *
 * Records alike (same ends, rules, port, kind, reason) are one cell with a number.  Cells go to the loop by a ring,
 * whose size bounds what the loop has to do; while it is full, numbers go on by kind, reason, protocol and side alone:
 * none is lost, but then it is "other" who did it.
 */
#ifndef WEIR_AGENT_COUNTS_H
#define WEIR_AGENT_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/records.h"

struct counts;

/* What records that are counted together have in common, as they have it. */
struct counts_key {
	uint32_t name[WEIR_DIRS], rule[WEIR_DIRS];
	uint32_t audit_rule[WEIR_DIRS];	/* 0 without WEIR_REC_AUDIT */
	uint16_t port;			/* destination's; ICMP: type << 8 | code */
	uint8_t proto, kind, reason, flags, tcp_flags;
	uint8_t more;			/* bits 0-3 as record.audit, 4-5 destination, 6 COUNTS_V6, 7 COUNTS_ANSWERED */
};
#define COUNTS_DST_SHIFT 4		/* 0 outside, 1 a pod, 2 a socket of the node */
#define COUNTS_V6	 64
#define COUNTS_ANSWERED	 128		/* closed: the other side spoke, too */

struct counts_cell {
	struct counts_key key;
	uint64_t records;
	uint64_t repeats;		/* further packets like these, told by no record */
	uint64_t last;			/* the number of the last of them, if not 'other' */
	bool other;			/* of 'key' only kind, reason, proto, flags are known */
};

int counts_new(struct counts **out);
void counts_free(struct counts *c);		/* NULL is fine */

/* The reader's thread. */
void counts_add(struct counts *c, const struct record *record, uint64_t number);
void counts_flush(struct counts *c, uint64_t next);	/* 'next': records_next(); cheap while the loop has asked for none */

/* The loop's thread.  Returns how many cells there were. */
typedef void (*counts_fn)(void *ctx, const struct counts_cell *cell);
unsigned int counts_take(struct counts *c, counts_fn fn, void *ctx);

/* Any thread: names of records from this one on are still to be asked for. */
uint64_t counts_oldest(const struct counts *c);

struct counts_counts {
	uint64_t added, folded;		/* records; of them those of which no more is known than 'other' says */
};
void counts_count(const struct counts *c, struct counts_counts *out);

#endif
