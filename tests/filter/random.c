// SPDX-License-Identifier: Apache-2.0
/*
 * Compiled filters against a slow reading of the same, on random flows: any difference fails, and says the filters.
 *
 *	random [PAIRS [SEED]]		the same each time, that no run fails by the clock; SEED 0: others each time
 */
#include <stdlib.h>
#include <time.h>

#include "lib/filter/filter.h"
#include "lib/wire/json.h"
#include "tests/check.h"
#include "tests/filter/make.h"
#include "tests/filter/naive.h"

#define FLOWS 2000
#define PAIRS 3000000
#define LIST_MOST 3

static struct made flows[FLOWS];

struct lists {
	Flow__FlowFilter *white[LIST_MOST], *black[LIST_MOST];
	size_t whites, blacks;
};

static void make_lists(uint64_t *seed, struct lists *l)
{
	l->whites = make_random(seed, LIST_MOST + 1);
	l->blacks = make_random(seed, 3) ? 0 : make_random(seed, LIST_MOST + 1);
	for (size_t i = 0; i < l->whites; i++)
		l->white[i] = make_filter(seed, 4);
	for (size_t i = 0; i < l->blacks; i++)
		l->black[i] = make_filter(seed, 4);
}

static void free_lists(struct lists *l)
{
	for (size_t i = 0; i < l->whites; i++)
		flow__flow_filter__free_unpacked(l->white[i], NULL);
	for (size_t i = 0; i < l->blacks; i++)
		flow__flow_filter__free_unpacked(l->black[i], NULL);
}

static void say(const struct lists *l, uint64_t seed)
{
	struct json_out j;

	json_begin(&j, stdout, false);
	json_array(&j, NULL);
	for (size_t i = 0; i < l->whites; i++)
		wire_json(&j, NULL, &l->white[i]->base);
	for (size_t i = 0; i < l->blacks; i++)
		wire_json(&j, NULL, &l->black[i]->base);
	json_end(&j);
	json_done(&j);
	printf("(%zu white, then %zu black; seed %llu)\n", l->whites, l->blacks, (unsigned long long)seed);
}

int main(int argc, char **argv)
{
	unsigned long pairs = argc > 1 ? strtoul(argv[1], NULL, 10) : PAIRS, passed = 0, done = 0, filters = 0;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1, begin;

	if (!seed)
		seed = (uint64_t)time(NULL) | 1;
	begin = seed;

	for (unsigned int i = 0; i < FLOWS; i++)
		make_flow(&seed, &flows[i]);
	while (done < pairs && !check_failed) {
		uint64_t before = seed;
		struct complaint why = { 0 };
		struct filters *f = NULL;
		struct lists l;
		int err;

		make_lists(&seed, &l);
		err = filters_new(&f, l.white, l.whites, l.black, l.blacks, &why);
		CHECK_EQ(err, 0, "%s", why.text);
		for (unsigned int i = 0; i < FLOWS && !err; i++) {
			bool got = filters_pass(f, &flows[i].flow);

			passed += got;
			done++;
			if (got == naive_pass(l.white, l.whites, l.black, l.blacks, &flows[i].flow))
				continue;
			check_fail(__FILE__, __LINE__, got ? "passes" : "does not pass", "flow %u of seed %llu", i,
				   (unsigned long long)begin);
			say(&l, before);
			break;
		}
		filters++;
		filters_free(f);
		free_lists(&l);
	}
	CHECK(passed > done / 20 && passed < done, "some pass and some do not");
	check_passed += done - check_failed;
	printf("seed %llu: %lu pairs of %lu filters and %u flows, %lu passed\n", (unsigned long long)begin, done, filters, FLOWS, passed);
	return check_done();
}
