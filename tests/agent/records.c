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
	struct record r = { .time = n, .sport = n, .duration = n };

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
	threads();
	return check_done();
}
