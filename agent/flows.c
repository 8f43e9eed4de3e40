// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/datapath_inside.h"
#include "agent/flows.h"

#define AHEAD 1024		/* bytes of a ring that are fetched before they are read */
#define TELL_EACH 64		/* records, before the programs are told that there is room again */

struct flows {
	struct datapath *dp;	/* not ours */
	flows_record_fn fn;
	void *ctx;
};

int ring_map(struct ring_view *r, int fd, size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *rest;

	if (consumer == MAP_FAILED)
		return -errno;
	rest = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, fd, page);
	if (rest == MAP_FAILED) {
		int err = -errno;

		munmap(consumer, page);
		return err;
	}
	*r = (struct ring_view){ consumer, (const unsigned long *)rest, rest + page, size };
	return 0;
}

void ring_unmap(struct ring_view *r)
{
	size_t page = sysconf(_SC_PAGESIZE);

	if (!r->consumer)
		return;
	munmap(r->consumer, page);
	munmap((void *)r->producer, page + 2 * r->size);
	r->consumer = NULL;
}

static unsigned long producer_at(const struct ring_view *r)
{
	return __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);
}

static unsigned long consumer_at(const struct ring_view *r)
{
	return __atomic_load_n(r->consumer, __ATOMIC_ACQUIRE);
}

/* The entry at a position: its length with the kernel's flags, then its bytes. */
static __u32 entry_head(const struct ring_view *r, unsigned long at)
{
	return __atomic_load_n((const __u32 *)(r->data + (at & (r->size - 1))), __ATOMIC_ACQUIRE);
}

static unsigned long entry_after(unsigned long at, __u32 head)
{
	__u32 length = head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

	return at + ((length + BPF_RINGBUF_HDR_SZ + 7) & ~7u);
}

static void entry_copy(const struct ring_view *r, unsigned long at, __u32 head, struct weir_record *out)
{
	__u32 length = head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
	const char *from = r->data + (at & (r->size - 1)) + BPF_RINGBUF_HDR_SZ;

	if (length >= sizeof(*out)) {
		memcpy(out, from, sizeof(*out));
		return;
	}
	memset((char *)out + WEIR_RECORD_SHORT, 0, sizeof(*out) - WEIR_RECORD_SHORT);
	memcpy(out, from, length < WEIR_RECORD_SHORT ? length : WEIR_RECORD_SHORT);
}

static unsigned int ring_drain(struct flows *f, struct ring_view *r, unsigned int max)
{
	unsigned long at = consumer_at(r), end = producer_at(r);
	struct weir_record record;
	unsigned int n = 0;

	while (at < end && n < max) {
		__u32 head = entry_head(r, at);

		if (head & BPF_RINGBUF_BUSY_BIT)
			break;			/* its writer is at work; those behind it wait */
		if (!(head & BPF_RINGBUF_DISCARD_BIT)) {
			entry_copy(r, at, head, &record);
			f->fn(f->ctx, &record);
		}
		at = entry_after(at, head);
		if (++n % TELL_EACH == 0)
			__atomic_store_n(r->consumer, at, __ATOMIC_RELEASE);
	}
	__atomic_store_n(r->consumer, at, __ATOMIC_RELEASE);
	return n;
}

int flows_open(struct flows **out, struct datapath *dp, flows_record_fn fn, void *ctx)
{
	struct flows *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	*f = (struct flows){ dp, fn, ctx };
	*out = f;
	return 0;
}

void flows_close(struct flows *f)
{
	free(f);
}

unsigned int flows_drain(struct flows *f, unsigned int max)
{
	return ring_drain(f, &f->dp->denials, max) + ring_drain(f, &f->dp->records, max);
}

/* Where a ring's next record lies; NULL: there is none yet, or its writer is at work. */
static const struct weir_record *peek(const struct ring_view *r, unsigned long *at, unsigned long end)
{
	while (*at < end) {
		__u32 head = entry_head(r, *at);

		if (head & BPF_RINGBUF_BUSY_BIT)
			return NULL;
		__builtin_prefetch(r->data + ((*at + AHEAD) & (r->size - 1)));
		if (!(head & BPF_RINGBUF_DISCARD_BIT))
			return (const struct weir_record *)(r->data + (*at & (r->size - 1)) + BPF_RINGBUF_HDR_SZ);
		*at = entry_after(*at, head);
	}
	return NULL;
}

static void step(const struct ring_view *r, unsigned long *at)
{
	*at = entry_after(*at, entry_head(r, *at));
}

unsigned int flows_take(struct flows *f, struct flows_batch *b)
{
	const struct ring_view *ring[2] = { &f->dp->records, &f->dp->denials };
	unsigned long end[2] = { producer_at(ring[0]), producer_at(ring[1]) };
	const struct weir_record *next[2];
	bool hurry;

	b->n = 0;
	for (int i = 0; i < 2; i++) {
		b->at[i] = consumer_at(ring[i]);
		next[i] = peek(ring[i], &b->at[i], end[i]);
	}
	hurry = end[1] - b->at[1] > ring[1]->size / 4;
	while (b->n < FLOWS_BATCH && (next[0] || next[1])) {
		int i = !next[0] || (next[1] && (hurry || next[1]->time < next[0]->time));

		b->record[b->n++] = next[i];
		step(ring[i], &b->at[i]);
		next[i] = peek(ring[i], &b->at[i], end[i]);
	}
	return b->n;
}

void flows_done(struct flows *f, const struct flows_batch *b)
{
	__atomic_store_n(f->dp->records.consumer, b->at[0], __ATOMIC_RELEASE);
	__atomic_store_n(f->dp->denials.consumer, b->at[1], __ATOMIC_RELEASE);
}

void rings_mark(const struct datapath *dp, struct flows_mark *mark)
{
	mark->records = producer_at(&dp->records);
	mark->denials = producer_at(&dp->denials);
}

void flows_mark(const struct flows *f, struct flows_mark *mark)
{
	rings_mark(f->dp, mark);
}

bool flows_passed(const struct flows *f, const struct flows_mark *mark)
{
	return consumer_at(&f->dp->records) >= mark->records && consumer_at(&f->dp->denials) >= mark->denials;
}

void flows_fill(const struct flows *f, struct flows_fill *out)
{
	const struct ring_view *r = &f->dp->records, *d = &f->dp->denials;

	out->records = producer_at(r) - consumer_at(r);
	out->records_size = r->size;
	out->denials = producer_at(d) - consumer_at(d);
	out->denials_size = d->size;
}

static bool newest_in(const struct ring_view *r, unsigned long at, struct weir_record *out)
{
	unsigned long end = producer_at(r);
	struct weir_record one;
	bool found = false;

	while (at < end) {
		__u32 head = entry_head(r, at);

		if (head & BPF_RINGBUF_BUSY_BIT)
			break;
		if (!(head & BPF_RINGBUF_DISCARD_BIT)) {
			entry_copy(r, at, head, &one);
			if (one.kind != WEIR_REC_CLOSED) {	/* of a flow that made room */
				*out = one;
				found = true;
			}
		}
		at = entry_after(at, head);
	}
	return found;
}

bool rings_newest(const struct datapath *dp, const struct flows_mark *since, struct weir_record *out)
{
	return newest_in(&dp->denials, since->denials, out) || newest_in(&dp->records, since->records, out);
}

static int counters_batch(int fd, void *values)
{
	__u32 key[WEIR_COUNTERS], next, n = WEIR_COUNTERS;

	if (!bpf_map_lookup_batch(fd, NULL, &next, key, values, &n, NULL) || (errno == ENOENT && n == WEIR_COUNTERS))
		return 0;
	return -errno;
}

static int counters_singly(int fd, char *values, size_t stride)
{
	for (__u32 i = 0; i < WEIR_COUNTERS; i++)
		if (bpf_map_lookup_elem(fd, &i, values + i * stride))
			return -errno;
	return 0;
}

static const __u32 lost_stat[2] = { WEIR_STAT_LOST_RECORDS, WEIR_STAT_LOST_DENIALS };

int datapath_lost(const struct datapath *dp, uint64_t (*lost)[2], unsigned int cpus)
{
	int n = libbpf_num_possible_cpus(), err = 0;
	struct weir_sum *v = n > 0 ? calloc(n, sizeof(*v)) : NULL;

	if (!v)
		return n < 0 ? n : -ENOMEM;
	memset(lost, 0, cpus * sizeof(*lost));
	for (unsigned int i = 0; i < 2 && !err; i++) {
		if (bpf_map_lookup_elem(dp->map[MAP_COUNTERS].fd, &lost_stat[i], v))
			err = -errno;
		for (unsigned int cpu = 0; !err && cpu < (unsigned int)n; cpu++)
			lost[cpu < cpus ? cpu : cpus - 1][i] += v[cpu].packets;
	}
	free(v);
	return err ?: n < (int)cpus ? n : (int)cpus;
}

int datapath_counters(const struct datapath *dp, struct weir_sum out[WEIR_COUNTERS])
{
	int cpus = libbpf_num_possible_cpus(), fd = dp->map[MAP_COUNTERS].fd, err = -ENOMEM;
	struct weir_sum *v = cpus > 0 ? calloc(WEIR_COUNTERS * cpus, sizeof(*v)) : NULL;

	if (!v)
		return cpus < 0 ? cpus : err;
	err = counters_batch(fd, v);
	if (err)			/* before 5.13 none, and some kinds of kernel refuse */
		err = counters_singly(fd, (char *)v, cpus * sizeof(*v));
	memset(out, 0, WEIR_COUNTERS * sizeof(*out));
	for (int i = 0; !err && i < WEIR_COUNTERS * cpus; i++) {
		out[i / cpus].packets += v[i].packets;
		out[i / cpus].bytes += v[i].bytes;
	}
	free(v);
	return err;
}

int datapath_rule_hits(const struct datapath *dp, __u64 *hits)
{
	memcpy(hits, held(dp, MAP_RULE_HITS), WEIR_RULES * sizeof(*hits));
	return 0;
}

void datapath_denied_sums(const struct datapath *dp, denied_sum_fn fn, void *ctx)
{
	const struct weir_denied_sum *sum = held(dp, MAP_DENIED_SUMS);

	for (unsigned int i = 0; i < WEIR_DENIED_SUMS; i++) {
		__u64 key = __atomic_load_n(&sum[i].key, __ATOMIC_RELAXED) - (i != 0);
		__u64 packets = __atomic_load_n(&sum[i].packets, __ATOMIC_RELAXED);

		if (packets)
			fn(ctx, (__u32)(key >> 32), (__u16)(key >> 8), (__u8)key, packets);
	}
}
