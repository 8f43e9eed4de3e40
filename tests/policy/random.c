// SPDX-License-Identifier: Apache-2.0
/*
 * Random worlds, random events, one law after each:
 *   - what the maps say equals what the objects say, verdict and author, enforced and would-be
 *   - after every single store each (endpoint, address) has its old or its new table, never none
 *   - the order's assertions of the image hold
 *   - a compiler started fresh, told the same objects in another order, gives an equal dump
 *   - when all is gone, all memory is
 *
 *	random [-s seed] [-n sequences] [-e events] [-t: limits so tight that much is refused; else every fourth]
 */
#include <stdlib.h>
#include <unistd.h>

#include "lib/policy/words.h"
#include "tests/policy/run.h"

/* Each bound in turn, and all at once. */
static const struct compile_limits small[] = {
	{ .sets = 6 }, { .cells = 600 }, { .ranges = 120 }, { .rules = 30 }, { .prefixes = 7 }, { .addresses = 14 }, { .classes = 14 },
	{ .sets = 9, .cells = 700, .ranges = 200, .rules = 40, .prefixes = 10, .addresses = 18, .classes = 20 },
};
static unsigned long refused, held, closed;

static void sequence(unsigned int seed, unsigned int events, bool tight)
{
	struct run *x = calloc(1, sizeof(*x));
	struct compile_counts n;

	world_seed(seed * 1000003ULL + 17);
	image_new(&x->m);
	image_strict(x->m);
	image_watch(x->m, run_each, x);
	x->tight = world_steady = tight;
	compile_new(&x->c, tight ? &small[seed / 4 % 8] : NULL, image_op, x->m);
	compile_node_name(x->c, "node0");
	compile_commit(x->c, NULL);
	for (unsigned int e = 0; e < events && !run_failed(); e++) {
		unsigned int several = chance(80) ? 1 : 2 + rnd(3);

		snprintf(x->what, sizeof(x->what), "seed %u event %u", seed, e);
		for (unsigned int i = 0; i < several; i++)
			run_event(x);
		run_commit(x, several == 1);
		run_check(!image_error(x->m), "%s: %s", x->what, image_error(x->m));
		if (chance(25)) {
			compile_finish(x->c);
			run_addresses(x);
			if (!x->held)
				run_check_naive(x);
			if (!tight)
				run_check_fresh(x);
		}
		compile_count(x->c, &n);
		held += x->held;
		closed += n.over;
	}
	refused += x->refused;
	run_forget(x);
	compile_count(x->c, &n);
	run_check(!n.pods && !n.policies && !n.sets && !n.rules && !n.cells && n.prefixes == 2 && !n.addresses && n.tables == 0,
	      "seed %u: all gone: pods %u policies %u sets %u rules %u cells %u prefixes %u addresses %u tables %u", seed, n.pods,
	      n.policies, n.sets, n.rules, n.cells, n.prefixes, n.addresses, n.tables);
	compile_free(x->c);
	run_check(!words_bytes(), "seed %u: %zu bytes are still held", seed, words_bytes());
	image_free(x->m);
	world_free(&x->w);
	free(x->states);
	free(x);
}

int main(int argc, char **argv)
{
	unsigned int seed = 1, n = 60, events = 40;
	bool tight = false;
	int opt;

	while ((opt = getopt(argc, argv, "s:n:e:t")) != -1)
		switch (opt) {
		case 's': seed = atoi(optarg); break;
		case 'n': n = atoi(optarg); break;
		case 'e': events = atoi(optarg); break;
		case 't': tight = true; break;
		}
	for (unsigned int i = 0; i < n && !run_failed(); i++)
		sequence(seed + i, events, tight || i % 4 == 3);
	printf("%lu policies refused, %lu endpoints held back, %lu addresses closed\n", refused, held, closed);
	return run_done();
}
