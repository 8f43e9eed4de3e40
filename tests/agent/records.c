// SPDX-License-Identifier: Apache-2.0
/* The ring of records: numbers, what is overwritten, and no torn record while one writes and others read. */
#include <errno.h>
#include <pthread.h>

#include "agent/records.h"
#include "tests/check.h"

#define ROUNDS 300000

static struct records *ring;
static unsigned long torn, stale, good;

static struct record record_of(uint64_t n)
{
	struct record r = { .time = n, .sport = n, .span = n };

	r.total.packets[0] = n;
	r.total.bytes[1] = n;
	r.src.w[0] = n;
	return r;
}

static void *read_all(void *unused)
{
	uint64_t n = 0;
	struct record r;

	while (n < ROUNDS) {
		int err = records_copy(ring, n, &r);

		if (err == -EAGAIN)
			continue;
		if (err == -ESTALE) {
			stale++;
			n = records_first(ring);
			continue;
		}
		if (r.time != n || r.total.packets[0] != n || r.total.bytes[1] != n || r.src.w[0] != n ||
		    r.sport != (uint16_t)n)
			torn++;
		else
			good++;
		n++;
	}
	return NULL;
}

static void numbers(void)
{
	struct record r;

	CHECK_EQ(records_new(&ring, 60), 0, "new");
	CHECK_EQ(records_capacity(ring), 64, "a power of two");
	CHECK_EQ(records_copy(ring, 0, &r), -EAGAIN, "nothing yet");
	for (uint64_t n = 0; n < 100; n++) {
		r = record_of(n);
		records_add(ring, &r);
	}
	CHECK_EQ(records_next(ring), 100, "a hundred came");
	CHECK_EQ(records_first(ring), 37, "all but one place are kept");
	CHECK_EQ(records_copy(ring, 36, &r), 0, "the oldest one is whole while nobody writes");
	CHECK_EQ(records_copy(ring, 35, &r), -ESTALE, "the one before is overwritten");
	CHECK_EQ(records_copy(ring, 99, &r), 0, "the newest");
	CHECK_EQ(r.time, 99, "the newest is the last");
	CHECK_EQ(records_copy(ring, 100, &r), -EAGAIN, "the next is not there");
	records_free(ring);
}

/* A span in one word: nothing runs into anything else, and what is too long stays the longest. */
static void spans(void)
{
	static const struct record_span span[] = {
		{ 0, 0, false, false }, { 50000, 0, true, false }, { 0, 62500000, false, true }, { 123456789ULL * 50000, 61 * 1000000000ULL, true, true },
		{ ((1ULL << 42) - 1) * 50000, ((1ULL << 20) - 1) * 62500000, true, true },
	};
	struct record r = { .span = record_span_word(&(struct record_span){ UINT64_MAX, UINT64_MAX, false, false }) };
	struct record_span s = record_span(&r);

	CHECK(s.ns == span[4].ns && s.idle == span[4].idle && !s.at_least && !s.ended, "the longest");
	for (unsigned int i = 0; i < 5; i++) {
		r.span = record_span_word(&span[i]);
		s = record_span(&r);
		CHECK(s.ns == span[i].ns && s.idle == span[i].idle && s.at_least == span[i].at_least && s.ended == span[i].ended,
		      "span %u comes out as it went in", i);
	}
	r.span = record_span_word(&(struct record_span){ 50000 * 3 + 49999, 62500000 * 2 - 1, false, false });
	s = record_span(&r);
	CHECK(s.ns == 50000 * 3 && s.idle == 62500000, "a part of a unit is left out");
}

static void threads(void)
{
	pthread_t reader;

	CHECK_EQ(records_new(&ring, 256), 0, "new");
	pthread_create(&reader, NULL, read_all, NULL);
	for (uint64_t n = 0; n < ROUNDS; n++) {
		struct record r = record_of(n);

		records_add(ring, &r);
	}
	pthread_join(reader, NULL);
	CHECK_EQ(torn, 0, "no record is torn (%lu read, lapped %lu times)", good, stale);
	CHECK(good > 0, "some were read");
	records_free(ring);
}

int main(void)
{
	numbers();
	spans();
	threads();
	return check_done();
}
