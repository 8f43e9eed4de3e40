// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "agent/records.h"

_Static_assert(sizeof(struct record) % 8 == 0, "a record is copied by words");
#define WORDS (sizeof(struct record) / 8)
#define AHEAD 8			/* records: the lines that will be written are fetched meanwhile */
typedef uint64_t __attribute__((may_alias)) any_word;

/* A slot holds its record's number + 1 while it is whole, 0 while it is being written. */
struct slot {
	uint64_t number;
	uint64_t word[WORDS];
};

/* How far the ring had come, each second of the last minute. */
#define SAMPLES 64
struct sample {
	uint64_t second, next;
};

struct records {
	struct slot *slot;
	uint64_t mask;
	uint64_t next;
	struct sample sample[SAMPLES];
	uint64_t now;			/* the last of them */
};

#define SPAN_AT_LEAST (1ULL << 63)
#define SPAN_ENDED    (1ULL << 62)
#define IDLE_SHIFT    42
#define IDLE_MOST     0xfffffULL
#define IDLE_UNIT     62500000		/* nanoseconds */
#define LASTED_UNIT   50000
#define LASTED_MOST   ((1ULL << IDLE_SHIFT) - 1)

uint64_t record_span_word(const struct record_span *span)
{
	uint64_t idle = span->idle / IDLE_UNIT, lasted = span->ns / LASTED_UNIT;

	return (span->at_least ? SPAN_AT_LEAST : 0) | (span->ended ? SPAN_ENDED : 0) |
	       (idle < IDLE_MOST ? idle : IDLE_MOST) << IDLE_SHIFT | (lasted < LASTED_MOST ? lasted : LASTED_MOST);
}

struct record_span record_span(const struct record *r)
{
	return (struct record_span){ .ns = (r->span & LASTED_MOST) * LASTED_UNIT, .idle = (r->span >> IDLE_SHIFT & IDLE_MOST) * IDLE_UNIT,
				     .at_least = r->span & SPAN_AT_LEAST, .ended = r->span & SPAN_ENDED };
}

int records_new(struct records **out, unsigned int capacity)
{
	struct records *r = calloc(1, sizeof(*r));
	uint64_t size = 2;

	if (!r)
		return -ENOMEM;
	while (size < capacity)
		size *= 2;
	r->mask = size - 1;
	/* mapped, so that what was never written costs no memory */
	r->slot = mmap(NULL, size * sizeof(*r->slot), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r->slot == MAP_FAILED) {
		free(r);
		return -ENOMEM;
	}
	*out = r;
	return 0;
}

void records_free(struct records *r)
{
	if (!r)
		return;
	munmap(r->slot, (r->mask + 1) * sizeof(*r->slot));
	free(r);
}

unsigned int records_capacity(const struct records *r)
{
	return r->mask + 1;
}

void records_add(struct records *r, const struct record *record)
{
	uint64_t n = r->next;
	struct slot *s = &r->slot[n & r->mask], *soon = &r->slot[(n + AHEAD) & r->mask];
	const any_word *word = (const any_word *)record;

	__builtin_prefetch(soon, 1);
	__builtin_prefetch((char *)soon + 64, 1);
	__atomic_store_n(&s->number, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	for (unsigned int i = 0; i < WORDS; i++)
		__atomic_store_n(&s->word[i], word[i], __ATOMIC_RELAXED);
	__atomic_store_n(&s->number, n + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&r->next, n + 1, __ATOMIC_RELEASE);
}

uint64_t records_first(const struct records *r)
{
	uint64_t next = records_next(r);

	/* one less than the ring holds: the oldest may be under the pen */
	return next > r->mask ? next - r->mask : 0;
}

uint64_t records_next(const struct records *r)
{
	return __atomic_load_n(&r->next, __ATOMIC_ACQUIRE);
}

int records_copy(const struct records *r, uint64_t n, struct record *out)
{
	const struct slot *s = &r->slot[n & r->mask];
	uint64_t word[WORDS];

	if (n >= records_next(r))
		return -EAGAIN;
	if (__atomic_load_n(&s->number, __ATOMIC_ACQUIRE) != n + 1)
		return -ESTALE;
	for (unsigned int i = 0; i < WORDS; i++)
		word[i] = __atomic_load_n(&s->word[i], __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (__atomic_load_n(&s->number, __ATOMIC_RELAXED) != n + 1)
		return -ESTALE;
	memcpy(out, word, sizeof(*out));
	return 0;
}

/* The time of a record, or of the first one after it that is still there; 0: they have all gone. */
static uint64_t time_at(const struct records *r, uint64_t n)
{
	struct record one;

	return records_copy(r, n, &one) ? 0 : one.time;
}

uint64_t records_since(const struct records *r, uint64_t time)
{
	uint64_t low = records_first(r), high = records_next(r);

	time = time > RECORDS_SKEW_NS ? time - RECORDS_SKEW_NS : 0;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (time_at(r, middle) < time)	/* what was overwritten meanwhile was older */
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void records_tick(struct records *r, uint64_t second)
{
	struct sample *s = &r->sample[second % SAMPLES];

	if (__atomic_load_n(&s->second, __ATOMIC_RELAXED) == second)
		return;
	__atomic_store_n(&s->next, r->next, __ATOMIC_RELAXED);
	__atomic_store_n(&s->second, second, __ATOMIC_RELEASE);
	__atomic_store_n(&r->now, second, __ATOMIC_RELEASE);
}

double records_rate(const struct records *r)
{
	uint64_t now = __atomic_load_n(&r->now, __ATOMIC_ACQUIRE);

	/* the oldest sample of the last minute; a writer that slept left gaps */
	for (uint64_t ago = 60; ago && ago <= now; ago--) {
		const struct sample *s = &r->sample[(now - ago) % SAMPLES];

		if (__atomic_load_n(&s->second, __ATOMIC_ACQUIRE) == now - ago)
			return (double)(records_next(r) - __atomic_load_n(&s->next, __ATOMIC_RELAXED)) / ago;
	}
	return 0;
}
