// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/reader.h"

#define AT_ONCE 65536
#define IDLE_AFTER 100			/* looks in vain */
#define NS_PER_S 1000000000ULL

struct reader {
	struct reader_with with;
	struct flows *flows;
	struct loop *loop;		/* the thread's own */
	struct loop_timer timer;
	pthread_t thread;
	bool runs;
	unsigned int in_vain;		/* looks since there was something */
	int wanted;			/* somebody follows */
	int told;			/* the loop has been told and has not looked yet */
	void (*ring)(void *ctx);
	void *ring_ctx;
	int bell;			/* wanted */
	uint64_t rang, rung;		/* when, CLOCK_MONOTONIC; for records before this one */
	uint64_t forgot;		/* the second in which ends were last looked over */
	uint64_t to_real;		/* CLOCK_REALTIME - CLOCK_MONOTONIC, nanoseconds, at this drain */
	struct reader_counts counts;
};

static void *run(void *ctx);
static void on_tick(void *ctx);
static void on_record(void *ctx, const struct weir_record *r);

int reader_open(struct reader **out, const struct reader_with *with)
{
	struct reader *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->with = *with;
	err = flows_open(&r->flows, with->datapath, on_record, r);
	if (!err)
		err = loop_open(&r->loop);
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

void reader_close(struct reader *r)
{
	if (!r)
		return;
	if (r->runs) {
		loop_stop(r->loop);
		pthread_join(r->thread, NULL);
	}
	loop_close(r->loop);
	flows_close(r->flows);
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
	uint64_t first = records_first(r->with.records), counted = r->with.counts ? counts_oldest(r->with.counts) : first;

	return counted < first ? counted : first;
}

void reader_count(const struct reader *r, struct reader_counts *out)
{
	out->read = __atomic_load_n(&r->counts.read, __ATOMIC_RELAXED);
	out->unnamed_rules = __atomic_load_n(&r->counts.unnamed_rules, __ATOMIC_RELAXED);
}

static void *run(void *ctx)
{
	struct reader *r = ctx;

	loop_run(r->loop);
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

/* Wanted, and not rung a moment ago.  What came since is still new at the next tick. */
static void ring_bell(struct reader *r, uint64_t now)
{
	void (*ring)(void *ctx) = __atomic_load_n(&r->ring, __ATOMIC_ACQUIRE);

	if (!ring || now - r->rang < READER_BELL_MS * 1000000ULL || r->rung == records_next(r->with.records))
		return;
	if (!__atomic_load_n(&r->bell, __ATOMIC_RELAXED) || !__atomic_exchange_n(&r->bell, 0, __ATOMIC_ACQ_REL))
		return;
	r->rang = now;
	r->rung = records_next(r->with.records);
	ring(r->ring_ctx);
}

/* Once over the rings.  Returns how many records there were. */
static unsigned int look(struct reader *r)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), real = clock_ns(CLOCK_REALTIME);
	unsigned int n;

	r->to_real = real - now;
	quiet_point(r->with.quiet, QUIET_READER);
	ends_now(r->with.ends, real);
	if (real / NS_PER_S != r->forgot) {
		r->forgot = real / NS_PER_S;
		ends_forget(r->with.ends, reader_oldest(r));
	}
	records_tick(r->with.records, real / NS_PER_S);
	n = flows_drain(r->flows, AT_ONCE);
	if (r->with.counts)
		counts_flush(r->with.counts, records_next(r->with.records));
	ring_bell(r, now);
	if (n) {
		__atomic_fetch_add(&r->counts.read, n, __ATOMIC_RELAXED);
		if (__atomic_load_n(&r->wanted, __ATOMIC_ACQUIRE) && !__atomic_exchange_n(&r->told, 1, __ATOMIC_ACQ_REL) &&
		    loop_post(r->with.loop, on_told, r))
			__atomic_store_n(&r->told, 0, __ATOMIC_RELEASE);
	}
	return n;
}

static void on_tick(void *ctx)
{
	struct reader *r = ctx;
	unsigned int n = look(r);

	r->in_vain = n ? 0 : r->in_vain + 1;
	loop_after(r->loop, &r->timer, n >= AT_ONCE ? 0 : r->in_vain < IDLE_AFTER ? READER_MS : READER_IDLE_MS, on_tick, r);
}

static void on_drain(void *ctx)
{
	struct reader_drain *d = ctx;
	struct reader *r = d->reader;
	uint64_t time = clock_ns(CLOCK_REALTIME);

	while (look(r) >= AT_ONCE)
		;			/* there is more than this in the rings only while it is written faster than read */
	d->fn(d, records_next(r->with.records), time);
}

int reader_drain(struct reader *r, struct reader_drain *d)
{
	d->reader = r;
	return loop_post(r->loop, on_drain, d);
}

static uint32_t name_of(const struct reader *r, unsigned int endpoint, const struct weir_addr *a)
{
	return ends_name(r->with.ends, endpoint, a, records_next(r->with.records));
}

static uint32_t rule_of(struct reader *r, uint16_t kernel)
{
	uint32_t number = rules_number(r->with.rules, kernel);

	if (kernel && !number)
		__atomic_fetch_add(&r->counts.unnamed_rules, 1, __ATOMIC_RELAXED);
	return number;
}

static struct weir_note *note_of(const struct reader *r, const struct weir_record *from)
{
	const struct datapath_view *view = datapath_view(r->with.datapath);

	return view->note && from->slot < view->notes ? &view->note[from->slot] : NULL;
}

/* A flow opens: who its ends are, and since when it is known, stays with its slot. */
static void write_note(struct reader *r, const struct weir_record *from, const struct record *to)
{
	struct weir_note *note = note_of(r, from);

	if (!note)
		return;
	*note = (struct weir_note){ .incarnation = from->incarnation, .audit_rule = from->audit_rule[WEIR_INGRESS],
				    .first = to->time / NS_PER_S, .src = to->name[WEIR_EGRESS],
				    .dst = to->name[WEIR_INGRESS] };
}

/* A flow closes: its ends are who they were when it opened. */
static void read_note(struct reader *r, const struct weir_record *from, struct record *to)
{
	struct weir_note *note = note_of(r, from);

	if (!note || note->incarnation != from->incarnation || !note->first) {
		to->duration = RECORD_AT_LEAST;
		return;
	}
	to->name[WEIR_EGRESS] = note->src;
	to->name[WEIR_INGRESS] = note->dst;
	to->duration = to->time / NS_PER_S > note->first ? (to->time / NS_PER_S - note->first) * NS_PER_S : 0;
	note->first = 0;
}

static void on_record(void *ctx, const struct weir_record *from)
{
	struct reader *r = ctx;
	struct record to = {
		.time = from->time + r->to_real, .src = from->src, .dst = from->dst, .sport = ntohs(from->sport),
		.dport = ntohs(from->dport), .proto = from->proto, .kind = from->kind, .reason = from->reason,
		.flags = from->flags, .tcp_flags = from->tcp_flags, .audit = from->audit, .incarnation = from->incarnation,
		.slot = from->slot, .endpoint = { from->endpoint[0], from->endpoint[1] },
	};

	to.name[WEIR_EGRESS] = name_of(r, from->endpoint[WEIR_EGRESS], &from->src);
	to.name[WEIR_INGRESS] = name_of(r, from->endpoint[WEIR_INGRESS], &from->dst);
	for (int dir = 0; dir < WEIR_DIRS; dir++)
		to.rule[dir] = rule_of(r, from->rule[dir]);
	if (from->kind == WEIR_REC_CLOSED) {
		for (int side = 0; side < 2; side++) {
			to.total.packets[side] = from->total.packets[side];
			to.total.bytes[side] = from->total.bytes[side];
		}
		to.handshake_us = from->total.handshake_us;
		read_note(r, from, &to);
	} else {
		to.packets = from->packets;
		to.bytes = from->bytes;
		to.repeats = from->repeats;
		for (int dir = 0; dir < WEIR_DIRS; dir++)
			to.audit_rule[dir] = rule_of(r, from->audit_rule[dir]);
		if (from->kind == WEIR_REC_OPENED)
			write_note(r, from, &to);
	}
	records_add(r->with.records, &to);
	if (r->with.counts)
		counts_add(r->with.counts, &to);
}
