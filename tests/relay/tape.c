// SPDX-License-Identifier: Apache-2.0
// A feed's tape: what a cursor reads and what it misses is all there was, whatever goes and however it is packed.
#include <errno.h>
#include <stdlib.h>

#include "relay/pack.h"
#include "relay/tape.h"
#include "tests/check.h"

#define ROOM 4096
#define BLOCK 512

static struct packs *packs;
static struct tape *t;
static uint64_t added;			/* worth */
static unsigned int number;		/* of the next event */
static bool dull;			/* texts can be packed well */

static unsigned int poor, asked;	/* every so manieth time there is no memory; 0: always some */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static bool none(void)
{
	return poor && ++asked % poor == 0;
}

void *__wrap_malloc(size_t size)
{
	return none() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return none() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return none() ? NULL : __real_realloc(p, size);
}

static char letter(unsigned int n, size_t at)
{
	uint32_t mixed = (n * 2654435761U ^ (uint32_t)at * 2246822519U) * 3266489917U;

	return dull ? 'a' + n % 26 : 'a' + (mixed >> 16) % 26;
}

/* A text says its number, and is filled with letters of its own. */
static void add(enum tape_kind kind, uint64_t worth, uint32_t size)
{
	char text[ROOM];
	int n = snprintf(text, sizeof(text), "%u ", number);

	for (size_t i = n; i < size; i++)
		text[i] = letter(number, i);
	number++;
	added += worth;
	n = tape_add(t, &(struct tape_event){ .worth = worth, .size = size, .kind = kind }, text);
	CHECK(!n || (poor && n == -ENOMEM), "event %u fits: %d", number - 1, n);
}

/* Of the one that was read: -1 if it is not as it was written. */
static long number_of(const char *text, uint32_t size)
{
	unsigned int n = strtoul(text, NULL, 10);
	size_t at = strcspn(text, " ") + 1;

	for (; at < size; at++)
		if (text[at] != letter(n, at))
			return -1;
	return n;
}

struct reader {
	struct tape_at at;
	uint64_t got, lost;		/* worth */
	long last;			/* number */
	bool odd;			/* out of order, or not as it was */
};

static bool read_one(struct reader *r)
{
	struct tape_event event;
	char text[ROOM];
	bool is = tape_look(t, &r->at, &event);
	long n;

	r->odd |= r->at.missed > added;
	r->lost += r->at.missed;
	r->at.missed = 0;
	if (!is)
		return false;
	tape_take(t, &r->at, &event, text);
	text[event.size] = '\0';
	n = number_of(text, event.size);
	r->odd |= n < 0 || n <= r->last;
	r->last = n;
	r->got += event.worth;
	return true;
}

static struct reader reader_of(struct tape_at at)
{
	return (struct reader){ .at = at, .lost = at.worth, .last = -1 };
}

static void begin(uint64_t flows)
{
	tape_free(t);
	CHECK_EQ(tape_new(&t, &(struct tape_size){ packs, BLOCK, ROOM, flows }), 0, "a tape");
	added = 0;
	number = 0;
}

/* Fast, slow and asleep: each is told of everything, once. */
static void adds_up(uint64_t flows)
{
	struct tape_at start;
	struct reader fast, slow, asleep;

	begin(flows);
	CHECK_EQ(tape_all(t, &start), 0, "nothing is all of it");
	fast = slow = asleep = reader_of(start);
	srandom(7);
	for (unsigned int i = 0; i < 5000; i++) {
		if (i % 97 == 3) {
			tape_skip(t, 5);
			added += 5;
		}
		add(i % 50 ? TAPE_FLOW : i % 100 ? TAPE_LOST : TAPE_NODE, i % 50 ? 1 : i % 100 ? 17 : 0, 8 + random() % 300);
		while (read_one(&fast))
			;
		if (i % 3 == 0)
			read_one(&slow);
		CHECK_EQ(fast.got + fast.lost, added, "who keeps up has all, after %u", i);
	}
	CHECK(fast.lost == 5 * 52, "but for what was skipped: %llu", (unsigned long long)fast.lost);
	while (read_one(&slow))
		;
	while (read_one(&asleep))
		;
	CHECK_EQ(slow.got + slow.lost, added, "what a slow one got and was told");
	CHECK_EQ(asleep.got + asleep.lost, added, "what one that slept got and was told");
	CHECK(slow.got > asleep.got && slow.lost > fast.lost, "the slow one lost some: %llu", (unsigned long long)slow.lost);
	CHECK(!fast.odd && !slow.odd && !asleep.odd, "in order, each as it was written");
	CHECK(!tape_news(t, &fast.at) && !tape_news(t, &slow.at), "nothing is new to them");
	tape_skip(t, 3);
	CHECK(tape_news(t, &fast.at) && !read_one(&fast) && fast.lost == 5 * 52 + 3, "what is skipped is told without an event behind it");
}

static void last(void)
{
	struct tape_at at;
	struct reader r;

	begin(0);
	CHECK_EQ(tape_last(t, 1, &at), -ERANGE, "there is none");
	for (unsigned int i = 0; i < 20; i++)
		add(i % 4 == 3 ? TAPE_NODE : TAPE_FLOW, i % 4 != 3, 50);
	CHECK_EQ(tape_last(t, 16, &at), -ERANGE, "there are 15");
	for (unsigned int n = 1; n <= 15; n++) {
		CHECK_EQ(tape_last(t, n, &at), 0, "the last %u", n);
		for (r = reader_of(at); read_one(&r); )
			;
		CHECK(r.got == n && r.lost == 15 - n && r.last == 19, "are %u, to the end", n);
	}
	CHECK_EQ(tape_last(t, 0, &at), 0, "none of the past");
	r = reader_of(at);
	CHECK(!read_one(&r), "is nothing yet");
	add(TAPE_FLOW, 1, 50);
	CHECK(read_one(&r) && r.last == 20 && !read_one(&r), "and then what comes");
	CHECK_EQ(tape_all(t, &at), 0, "all that was added is there");
	for (unsigned int i = 0; i < 100; i++)
		add(TAPE_FLOW, 1, 50);
	CHECK_EQ(tape_all(t, &at), -ERANGE, "no longer");
}

/* As long as it must be to hold so many flows, and no longer. */
static void holds(void)
{
	struct tape_at at;
	struct reader r;

	begin(20);
	for (unsigned int i = 0; i < 500; i++)
		add(TAPE_FLOW, 1, 20 + i % 30);
	CHECK(tape_span(t) >= 20 * 60 && tape_span(t) <= 20 * 82 + 2 * BLOCK, "20 of up to 50 bytes and a head each: %llu",
	      (unsigned long long)tape_span(t));
	CHECK_EQ(tape_last(t, 20, &at), 0, "they are there");
	for (r = reader_of(at); read_one(&r); )
		;
	CHECK(r.got == 20 && r.last == 499 && !r.odd, "whole and in order");
	tape_limit(t, 0);
	CHECK_EQ(tape_add(t, &(struct tape_event){ .kind = TAPE_NODE, .size = ROOM - 100 }, "x"), -EMSGSIZE, "no longer, if it may not");
	tape_limit(t, ROOM);
	add(TAPE_NODE, 0, ROOM - 200);
	CHECK(read_one(&r) && r.last == 500 && !r.odd, "and for one that is larger than a block");
	add(TAPE_FLOW, 1, 50);
	CHECK(read_one(&r) && r.last == 501 && !r.odd && tape_bytes(t) <= ROOM, "which is a block by itself");
}

/* What can be packed well takes less, so more is held; and who reads it with others in turns finds it whole. */
static void packed(void)
{
	struct tape_at at;
	struct reader one, other;

	dull = true;
	begin(0);
	for (unsigned int i = 0; i < 200; i++)
		add(TAPE_FLOW, 1, 200);
	CHECK(tape_span(t) > 4 * ROOM && tape_bytes(t) <= ROOM, "%llu bytes of text in %zu", (unsigned long long)tape_span(t), tape_bytes(t));
	CHECK_EQ(tape_last(t, 90, &at), 0, "90 of them");
	one = reader_of(at);
	CHECK_EQ(tape_last(t, 60, &at), 0, "and 60");
	other = reader_of(at);
	while (read_one(&one) | read_one(&other))
		;
	CHECK(one.got == 90 && other.got == 60 && !one.odd && !other.odd, "whole and in order");
	packs_rest(packs);
	CHECK_EQ(tape_last(t, 60, &at), 0, "nothing is kept as it was");
	for (other = reader_of(at); read_one(&other); )
		;
	CHECK(other.got == 60 && !other.odd, "and they are there still");
	dull = false;
}

/* Now and then there is no memory for a block, its pack or its text: who is at it is told what it missed. */
static void wants(unsigned int of)
{
	struct tape_at start;
	struct reader fast, late;

	begin(of % 2 ? 0 : 40);
	CHECK_EQ(tape_all(t, &start), 0, "nothing is all of it");
	fast = late = reader_of(start);
	for (unsigned int i = 0; i < 3000; i++) {
		poor = of;
		add(TAPE_FLOW, 1, 20 + i % 100);
		while (read_one(&fast))
			;
		CHECK(fast.got + fast.lost == added, "who keeps up knows of all, after %u", i);
		for (unsigned int k = 0; i % 70 == 69 && k < 60; k++)
			read_one(&late);
		if (i % 200 == 0)
			packs_rest(packs);
		for (uint64_t k = 1; !tape_last(t, k, &start); k = 2 * k + 1) {
			struct reader r = reader_of(start);

			while (read_one(&r))
				;
			CHECK(r.got <= k && r.got + r.lost == added && !r.odd, "the last %llu", (unsigned long long)k);
		}
	}
	while (read_one(&late))
		;
	poor = 0;
	CHECK_EQ(late.got + late.lost, added, "and who reads what was packed");
	CHECK(!fast.odd && !late.odd && late.got, "in order, each as it was written");
}

static void bounds(void)
{
	struct tape_event large = { .kind = TAPE_FLOW, .worth = 1, .size = ROOM };
	struct tape_at at;
	struct reader r;

	begin(0);
	add(TAPE_FLOW, 1, 50);
	CHECK_EQ(tape_last(t, 1, &at), 0, "one");
	r = reader_of(at);
	CHECK_EQ(tape_add(t, &large, "x"), -EMSGSIZE, "as large as the tape");
	CHECK(read_one(&r) && !read_one(&r) && r.got == 1 && r.lost == 1, "is told as missed");
	for (unsigned int i = 0; i < 10; i++)
		add(TAPE_FLOW, 1, 50);
	while (read_one(&r))
		;
	tape_rewind(t);
	CHECK(!read_one(&r) && r.lost == 1, "who had read all misses nothing of what is forgotten");
	CHECK_EQ(tape_last(t, 1, &at), -ERANGE, "it is forgotten");
	add(TAPE_FLOW, 1, 50);
	CHECK(read_one(&r) && r.last == 11 && r.lost == 1, "it goes on");
	for (unsigned int i = 0; i < 1000; i++) {
		add(TAPE_FLOW, 1, 1 + 10 + i % 200);
		CHECK(tape_bytes(t) <= ROOM, "%zu bytes after %u", tape_bytes(t), i);
	}
}

int main(void)
{
	CHECK_EQ(packs_open(&packs, &(struct packs_size){ BLOCK, 2 }), 0, "packs");
	adds_up(0);
	adds_up(20);
	last();
	holds();
	packed();
	bounds();
	for (unsigned int of = 2; of < 9; of++)
		wants(of);
	tape_free(t);
	packs_close(packs);
	return check_done();
}
