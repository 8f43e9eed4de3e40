/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader: a thread of its own that empties the rings and names what it finds.
 *
 *	reader_open(&r, &with); reader_go(r);	it runs from here on
 *	reader_wake(r, true);			somebody follows: the loop is told of new records
 *
 * A record's ends are named when it is read: a local pod by its endpoint's number, anybody else by address; the
 * names of a flow's ends stay those of its opening until it closes.  Programs wake nobody, so the thread looks by a
 * timer: at once again while there is more than a batch or two, every READER_MS while something comes, and when for a
 * while there was nothing every READER_FOLLOWED_MS if somebody follows, else every READER_IDLE_MS: half of what the ring
 * takes at 500,000 flows a second.  A look costs 30 to 40 us of CPU, most of it waking up.
 */
#ifndef WEIR_AGENT_READER_H
#define WEIR_AGENT_READER_H

#include "agent/naming.h"
#include "agent/totals.h"
#include "lib/loop.h"

#define READER_BUSY_MS 2
#define READER_MS 10
#define READER_FOLLOWED_MS 20
#define READER_IDLE_MS 50

struct reader;

struct reader_with {		/* none of them ours */
	struct loop *loop;	/* whose thread is told */
	struct datapath *datapath;
	struct quiet *quiet;
	struct ends *ends;
	struct rules *rules;
	struct records *records;
	struct edges *edges;
	struct losses *losses;
	unsigned int totals_ms;	/* 0: TOTALS_MS */
	struct counts *counts;	/* may be NULL */
	struct isolators *isolators;	/* likewise */
	loop_fn on_records;	/* on that loop: there are new ones */
	void *ctx;
};

int reader_open(struct reader **out, const struct reader_with *with);
void reader_go(struct reader *r);	/* who is who is known: until then the rings are left alone */
void reader_close(struct reader *r);	/* NULL is fine; empties the rings once more */
struct flows *reader_flows(const struct reader *r);

void reader_wake(struct reader *r, bool wanted);

/*
 * Another thread's bell.  It rings once, on the reader's thread, when there are new records: at once after a quiet spell,
 * at most every READER_BELL_MS; then it is wanted anew.  Whoever wants it looks once more before it sleeps.
 */
#define READER_BELL_MS 20
void reader_bell(struct reader *r, void (*ring)(void *ctx), void *ctx);	/* before anybody wants it; NULL: none */
void reader_bell_want(struct reader *r);				/* any thread */

/*
 * 'fn' is called on the reader's thread when all that the kernel recorded before this call is in the history: before
 * record number 'next', at 'time' (CLOCK_REALTIME).  It belongs to its user and must not go away before that.  Any
 * thread; -EAGAIN: too many wait.
 */
struct reader_drain {
	void (*fn)(struct reader_drain *d, uint64_t next, uint64_t time);
	struct reader *reader;		/* the reader's */
};
int reader_drain(struct reader *r, struct reader_drain *d);

/* Records before this one are gone, and no flow that is live names whom they alone named.  Any thread. */
uint64_t reader_oldest(const struct reader *r);

struct reader_counts {
	uint64_t read, unnamed_rules;	/* records; of them with a rule number nobody knows */
	uint64_t senseless;		/* of no kind that we know: not told */
	uint64_t passes;		/* over the rings */
	struct totals_counts totals;
};
void reader_count(const struct reader *r, struct reader_counts *out);

#endif
