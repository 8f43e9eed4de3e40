// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "agent/reader.h"

#define PASS_MOST 512			/* batches, before the bell, the table and the quiet point have their turn */
#define BUSY_FROM 256			/* records in a pass */
#define IDLE_AFTER 100			/* passes in vain */
#define NS_PER_S 1000000000ULL
#define NICE (-10)			/* so that a ring of 100 ms does not overflow while a busy node lets us wait */

struct reader {
	struct reader_with with;
	struct flows *flows;
	struct loop *loop;		/* the thread's own */
	struct loop_timer timer;
	pthread_t thread;
	bool runs;
	int go;				/* names are known */
	struct notes notes;
	struct naming naming;
	struct totals *totals;
	unsigned int in_vain;		/* passes since there was something */
	int wanted;			/* somebody follows */
	int told;			/* the loop has been told and has not looked yet */
	void (*ring)(void *ctx);
	void *ring_ctx;
	int bell;			/* wanted */
	uint64_t rang, rung;		/* when, CLOCK_MONOTONIC; for how many news */
	uint64_t second;		/* the last in which there was housekeeping */
	uint64_t read, passes;
	uint64_t refused;		/* by the edges, told to the losses */
};

static void *run(void *ctx);
static void on_tick(void *ctx);

static int open_parts(struct reader *r)
{
	const struct reader_with *with = &r->with;
	int err = notes_open(&r->notes, with->datapath);

	r->naming = (struct naming){ .ends = with->ends, .rules = with->rules, .records = with->records, .edges = with->edges,
				     .losses = with->losses, .counts = with->counts, .notes = &r->notes,
				     .isolators = with->isolators, .tick = datapath_tick(with->datapath) };
	err = err ?: flows_open(&r->flows, with->datapath, NULL, NULL);
	err = err ?: totals_open(&r->totals, with->datapath, r->flows, &r->naming, with->totals_ms);
	return err ?: loop_open(&r->loop);
}

int reader_open(struct reader **out, const struct reader_with *with)
{
	struct reader *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->with = *with;
	err = open_parts(r);
	if (!err) {
		loop_after(r->loop, &r->timer, READER_MS, on_tick, r);
		err = -pthread_create(&r->thread, NULL, run, r);
	}
	if (err) {
		reader_close(r);
		return err;
	}
	r->runs = true;
	*out = r;
	return 0;
}

void reader_go(struct reader *r)
{
	__atomic_store_n(&r->go, 1, __ATOMIC_RELEASE);
}

void reader_close(struct reader *r)
{
	if (!r)
		return;
	if (r->runs) {
		loop_stop(r->loop);
		pthread_join(r->thread, NULL);
	}
	loop_close(r->loop);
	totals_close(r->totals);
	flows_close(r->flows);
	notes_close(&r->notes);
	free(r);
}

struct flows *reader_flows(const struct reader *r)
{
	return r->flows;
}

void reader_wake(struct reader *r, bool wanted)
{
	__atomic_store_n(&r->wanted, wanted, __ATOMIC_RELEASE);
}

void reader_bell(struct reader *r, void (*ring)(void *ctx), void *ctx)
{
	r->ring_ctx = ctx;
	__atomic_store_n(&r->ring, ring, __ATOMIC_RELEASE);
}

void reader_bell_want(struct reader *r)
{
	__atomic_store_n(&r->bell, 1, __ATOMIC_RELEASE);
}

uint64_t reader_oldest(const struct reader *r)
{
	uint64_t first = records_first(r->with.records), from = totals_from(r->totals);

	uint64_t counted = r->with.counts ? counts_oldest(r->with.counts) : first;

	first = from < first ? from : first;
	return counted < first ? counted : first;
}

void reader_count(const struct reader *r, struct reader_counts *out)
{
	out->read = __atomic_load_n(&r->read, __ATOMIC_RELAXED);
	out->passes = __atomic_load_n(&r->passes, __ATOMIC_RELAXED);
	out->unnamed_rules = __atomic_load_n(&r->naming.unnamed_rules, __ATOMIC_RELAXED);
	out->senseless = __atomic_load_n(&r->naming.senseless, __ATOMIC_RELAXED);
	totals_count(r->totals, &out->totals);
}

static void *run(void *ctx)
{
	struct reader *r = ctx;

	setpriority(PRIO_PROCESS, 0, NICE);	/* of this thread; where it is refused, it runs as the others do */
	loop_run(r->loop);
	quiet_away(r->with.quiet, QUIET_READER);
	return NULL;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void on_told(void *ctx)
{
	struct reader *r = ctx;

	__atomic_store_n(&r->told, 0, __ATOMIC_RELEASE);
	r->with.on_records(r->with.ctx);
}

static void tell_loop(struct reader *r)
{
	if (__atomic_load_n(&r->wanted, __ATOMIC_ACQUIRE) && !__atomic_exchange_n(&r->told, 1, __ATOMIC_ACQ_REL) &&
	    loop_post(r->with.loop, on_told, r))
		__atomic_store_n(&r->told, 0, __ATOMIC_RELEASE);
}

/* Records and losses, in all: followers are told of both. */
static uint64_t news(const struct reader *r)
{
	return records_next(r->with.records) + (r->with.losses ? losses_cursor(r->with.losses) : 0);
}

/* Wanted, and not rung a moment ago.  What came since is still new at the next pass. */
static void ring_bell(struct reader *r, uint64_t now)
{
	void (*ring)(void *ctx) = __atomic_load_n(&r->ring, __ATOMIC_ACQUIRE);

	if (!ring || now - r->rang < READER_BELL_MS * 1000000ULL || r->rung == news(r))
		return;
	if (!__atomic_load_n(&r->bell, __ATOMIC_RELAXED) || !__atomic_exchange_n(&r->bell, 0, __ATOMIC_ACQ_REL))
		return;
	r->rang = now;
	r->rung = news(r);
	ring(r->ring_ctx);
}

static void each_second(struct reader *r, uint64_t second)
{
	if (r->second == second)
		return;
	r->second = second;
	records_tick(r->with.records, second);
	ends_forget(r->with.ends, reader_oldest(r));
	if (!r->with.losses)
		return;
	losses_kernel(r->with.losses, r->with.datapath, r->naming.now, records_next(r->with.records));
	if (r->with.edges) {
		struct edges_counts c;

		edges_count(r->with.edges, &c);
		losses_add(r->with.losses, LOSS_EDGES, c.refused - r->refused);
		r->refused = c.refused;
	}
}

/* What is in the rings, a batch at a time. */
static unsigned int drain(struct reader *r)
{
	struct flows_batch b;
	unsigned int n = 0;

	for (unsigned int i = 0; i < PASS_MOST && flows_take(r->flows, &b); i++) {
		naming_batch(&r->naming, b.record, b.n);
		flows_done(r->flows, &b);
		n += b.n;
		if (b.n < FLOWS_BATCH)
			break;		/* those few that came meanwhile can wait for the others */
	}
	__atomic_store_n(&r->read, r->read + n, __ATOMIC_RELAXED);
	__atomic_store_n(&r->passes, r->passes + 1, __ATOMIC_RELAXED);
	if (r->with.counts)		/* also what was counted before a pass in vain */
		counts_flush(r->with.counts, records_next(r->with.records));
	return n;
}

static unsigned int wait_ms(const struct reader *r, unsigned int n)
{
	if (n >= PASS_MOST * FLOWS_BATCH)
		return 0;
	if (n >= BUSY_FROM)
		return READER_BUSY_MS;
	if (r->in_vain < IDLE_AFTER)
		return READER_MS;
	return __atomic_load_n(&r->wanted, __ATOMIC_RELAXED) || __atomic_load_n(&r->bell, __ATOMIC_RELAXED) ?
	       READER_FOLLOWED_MS : READER_IDLE_MS;
}

/* Once over the rings.  Returns how many records there were. */
static unsigned int look(struct reader *r)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), real = clock_ns(CLOCK_REALTIME);
	unsigned int n;

	quiet_point(r->with.quiet, QUIET_READER);
	if (!__atomic_load_n(&r->go, __ATOMIC_ACQUIRE))
		return 0;
	naming_time(&r->naming, now, real);
	n = drain(r);
	totals_step(r->totals, now);
	each_second(r, real / NS_PER_S);
	if (n)
		tell_loop(r);
	ring_bell(r, now);
	return n;
}

static void on_tick(void *ctx)
{
	struct reader *r = ctx;
	unsigned int n = look(r);

	r->in_vain = n ? 0 : r->in_vain + 1;
	loop_after(r->loop, &r->timer, wait_ms(r, n), on_tick, r);
}

static void on_drain(void *ctx)
{
	struct reader_drain *d = ctx;
	struct reader *r = d->reader;
	uint64_t time = clock_ns(CLOCK_REALTIME);
	struct flows_mark mark;

	flows_mark(r->flows, &mark);
	while (look(r) && !flows_passed(r->flows, &mark))
		;			/* in vain: a writer is at work, whose record is of now */
	d->fn(d, records_next(r->with.records), time);
}

int reader_drain(struct reader *r, struct reader_drain *d)
{
	d->reader = r;
	return loop_post(r->loop, on_drain, d);
}
