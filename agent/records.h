/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: what the kernel told, named when it was told, the oldest overwritten first.
 *
 *	records_add(r, &record);
 *	for (uint64_t n = records_first(r); !(err = records_copy(r, n, &record)); n++)
 *		print(&record);
 *
 * Records keep their number, so a slow reader can tell that it missed some.  One writer (the thread that reads
 * the rings), any number of readers on any thread.  What was overwritten while nobody had asked is no loss;
 * what a reader missed it counts itself: records_first() - its cursor.
 */
#ifndef WEIR_AGENT_RECORDS_H
#define WEIR_AGENT_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/record.h>

#define RECORDS_DEFAULT 65536

/* A record with numbers of the kernel replaced by numbers that outlive it. */
struct record {
	uint64_t time;			/* nanoseconds of CLOCK_REALTIME */
	struct weir_addr src, dst;
	uint32_t name[WEIR_DIRS];	/* agent/names.h: [WEIR_EGRESS] is src's, [WEIR_INGRESS] dst's */
	uint32_t rule[WEIR_DIRS];	/* agent/rules.h */
	uint16_t sport, dport;		/* host order */
	uint8_t proto;
	uint8_t kind;			/* enum weir_kind */
	uint8_t reason;			/* enum weir_reason; CLOSED: enum weir_end */
	uint8_t flags;			/* enum weir_rec_flag */
	uint8_t tcp_flags;
	uint8_t audit;			/* would-be verdicts, as in struct weir_record */
	uint16_t incarnation;		/* with 'slot': which flow it was, until the slot served 65,536 others */
	uint32_t slot;			/* ~0: the flow has none */
	uint16_t endpoint[WEIR_DIRS];	/* numbers on the node; 0 outside, 32767 a socket of the node */
	union {
		uint32_t repeats;	/* DENIED: equal packets since the last record, this one apart */
		uint32_t handshake_us;	/* CLOSED: TCP; 0: not measured */
	};
	uint64_t span;			/* CLOSED: record_span() */
	union {
		struct {
			uint32_t audit_rule[WEIR_DIRS];
			uint32_t packets, bytes;
		};
		struct {
			uint64_t packets[2], bytes[2];
		} total;		/* CLOSED: [0] src to dst */
	};
};

/* How long a flow that closed had lasted. */
struct record_span {
	uint64_t ns;			/* up to its last packet, to about a second: that is how often a slot notes one */
	uint64_t idle;			/* for how long it had been silent when it left its slot; 0: not known, or not at all */
	bool at_least;			/* its beginning was not seen */
	bool ended;			/* by a reset, or FIN from both sides */
};
/* In one word, so that a record stays two lines: 63 at least | 62 ended | 61..42 silent, 1/16 s | 41..0 lasted, 50 us. */
uint64_t record_span_word(const struct record_span *span);
struct record_span record_span(const struct record *r);

struct records;

int records_new(struct records **out, unsigned int capacity);	/* rounded up to a power of two */
void records_free(struct records *r);				/* NULL is fine */
unsigned int records_capacity(const struct records *r);

void records_add(struct records *r, const struct record *record);

uint64_t records_first(const struct records *r);	/* the oldest that is kept; from 0 */
uint64_t records_next(const struct records *r);		/* one past the newest */

/* Copy record number 'n' out; -ESTALE once overwritten, -EAGAIN if not yet seen. */
int records_copy(const struct records *r, uint64_t n, struct record *out);

/* The first record that may be of 'time' or later: all before it are older.  Records are in the order of their time
 * but for RECORDS_SKEW_NS, so those that follow are looked at one by one. */
#define RECORDS_SKEW_NS 100000000ULL
uint64_t records_since(const struct records *r, uint64_t time);

void records_tick(struct records *r, uint64_t second);	/* the writer, every second or so: which one it is */
double records_rate(const struct records *r);		/* records a second, over the last minute */

#endif
