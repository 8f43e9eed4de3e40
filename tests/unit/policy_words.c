// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "lib/policy/numbers.h"
#include "lib/policy/words.h"
#include "tests/check.h"

static void interner(void)
{
	struct intern t = { 0 };
	u32 a[] = { 1, 2, 3 }, b[] = { 1, 2, 4 }, x, y;

	x = intern_get(&t, a, 3);
	y = intern_get(&t, b, 3);
	CHECK(x && y && x != y, "different lists, different numbers");
	CHECK_EQ(intern_get(&t, a, 3), x, "an equal list has the same");
	CHECK_EQ(intern_find(&t, a, 2), 0, "a shorter one is another");
	CHECK(intern_get(&t, NULL, 0), "the empty list has one, too");
	CHECK(!intern_put(&t, x), "held twice, given back once");
	CHECK(intern_put(&t, x), "the last one frees it");
	CHECK_EQ(intern_find(&t, a, 3), 0, "and it is not there any more");
	CHECK_EQ(intern_get(&t, (u32[]){ 9 }, 1), x, "its number serves again");
	intern_free(&t);
}

static void interner_shrinks(void)
{
	struct intern t = { 0 };
	size_t before = words_bytes(), most;

	for (u32 i = 1; i <= 50000; i++)
		intern_get(&t, &i, 1);
	most = words_bytes() - before;
	for (u32 i = 50000; i; i--)
		intern_put(&t, intern_find(&t, &i, 1));
	CHECK(words_bytes() - before < most / 50, "emptied it holds %zu of %zu bytes", words_bytes() - before, most);
	intern_free(&t);
	CHECK_EQ(words_bytes(), before, "freed it holds none");
}

static void texts(void)
{
	struct intern t = { 0 };
	u32 a = intern_text(&t, "app"), b = intern_text(&t, "apple");

	CHECK(a != b, "texts differ");
	CHECK_TEXT(intern_text_of(&t, b), "apple", "a text comes back");
	CHECK_TEXT(intern_text_of(&t, 0), "", "no number, no text");
	CHECK_EQ(intern_find_text(&t, "app"), a, "found by its text");
	CHECK_EQ(intern_find_text(&t, "appl"), 0, "a text nobody has");
	intern_free(&t);
}

/* Against an array: what is set is found, what is removed is not, whatever gaps were closed in between. */
static void map(void)
{
	struct hmap m = { 0 };
	static u32 is[3000];

	srand(5);
	for (int i = 0; i < 200000; i++) {
		u32 k = rand() % 3000, v = rand() % 3 ? rand() % 1000 + 1 : 0;

		hmap_set(&m, k + 1, v);
		is[k] = v;
	}
	for (u32 k = 0; k < 3000; k++)
		CHECK_EQ(hmap_get(&m, k + 1), is[k], "key %u", k);
	for (u32 k = 0; k < 3000; k++)
		hmap_set(&m, k + 1, 0);
	CHECK_EQ(m.n, 0, "all removed");
	hmap_free(&m);
}

static u32 thing_hash(const void *things, u32 id)
{
	return ((const u32 *)things)[id] * 7;
}

static bool thing_is(const void *things, u32 id, const void *key)
{
	return ((const u32 *)things)[id] == *(const u32 *)key;
}

static void index_of_things(void)
{
	static u32 thing[5001];
	struct index x = { 0 };
	u32 key;

	for (u32 i = 1; i <= 5000; i++) {
		thing[i] = i * 31;
		index_add(&x, i, thing_hash, thing);
	}
	for (u32 i = 1; i <= 5000; i += 2)
		index_drop(&x, i, thing_hash, thing);
	for (u32 i = 1; i <= 5000; i++) {
		key = i * 31;
		CHECK_EQ(index_find(&x, key * 7, thing_is, thing, &key), i % 2 ? 0 : i, "thing %u", i);
	}
	index_free(&x);
}

static void numbers(void)
{
	struct numbers x = { .first = 8, .end = 12 };
	u32 a = number_take(&x), b = number_take(&x);

	CHECK_EQ(a, 8, "the first");
	CHECK_EQ(b, 9, "the next");
	CHECK(!number_claim(&x, 9), "one in use cannot be claimed");
	CHECK(number_claim(&x, 11), "a free one can");
	CHECK_EQ(number_take(&x), 10, "the lowest that is free");
	CHECK_EQ(number_take(&x), 0, "none is left");
	number_give(&x, a);
	CHECK_EQ(number_take(&x), 0, "what was given back rests");
	numbers_rested(&x);
	CHECK_EQ(number_take(&x), a, "and serves again afterwards");
	number_free(&x, 11);
	CHECK_EQ(x.next, 11, "the highest in use moves down");
	numbers_free(&x);
}

static void stretches(void)
{
	struct extents x;
	u32 a, b, c;

	extents_init(&x, 1, 101);
	a = extent_take(&x, 40);
	b = extent_take(&x, 40);
	CHECK(a && b && a != b, "two fit");
	CHECK_EQ(extent_take(&x, 40), 0, "a third does not");
	c = extent_take(&x, 20);
	CHECK(c, "a shorter one does");
	extent_free(&x, a, 40);
	extent_give(&x, b, 40);
	CHECK_EQ(extent_take(&x, 80), 0, "what rests is not free");
	extents_rested(&x);
	CHECK_EQ(extent_take(&x, 80), a, "two that touch are one again");
	CHECK(!extent_claim(&x, c, 5), "part of one in use cannot be claimed");
	extent_free(&x, a, 80);
	CHECK(extent_claim(&x, a + 10, 5), "the middle of a free one can");
	CHECK_EQ(x.left, 75, "what is left");
	CHECK_EQ(x.n, 2, "in two parts");
	extents_free(&x);
}

int main(void)
{
	interner();
	interner_shrinks();
	texts();
	map();
	index_of_things();
	numbers();
	stretches();
	CHECK_EQ(words_bytes(), 0, "nothing is held");
	return check_done();
}
