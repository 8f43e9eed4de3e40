// SPDX-License-Identifier: Apache-2.0
/*
 * Random worlds, random events, one law after each:
 *   - what the maps say equals what the objects say, verdict and author, enforced and would-be
 *   - after every single store each (endpoint, address) has its old or its new table, never none
 *   - the order's assertions of the image hold
 *   - a compiler started fresh, told the same objects in another order, gives an equal dump
 *   - when all is gone, all memory is
 *
 *	random [-s seed] [-n sequences] [-e events] [-v]
 */
#include <stdlib.h>
#include <unistd.h>

#include "lib/policy/words.h"
#include "tests/policy/run.h"

static void sequence(unsigned int seed, unsigned int events)
{
	struct run *x = calloc(1, sizeof(*x));
	struct compile_counts n;

	world_seed(seed * 1000003ULL + 17);
	image_new(&x->m);
	image_strict(x->m);
	image_watch(x->m, run_each, x);
	compile_new(&x->c, NULL, image_op, x->m);
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
			run_check_naive(x);
			run_check_fresh(x);
		}
	}
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
	int opt;

	while ((opt = getopt(argc, argv, "s:n:e:")) != -1)
		switch (opt) {
		case 's': seed = atoi(optarg); break;
		case 'n': n = atoi(optarg); break;
		case 'e': events = atoi(optarg); break;
		}
	for (unsigned int i = 0; i < n && !run_failed(); i++)
		sequence(seed + i, events);
	return run_done();
}
