/* SPDX-License-Identifier: Apache-2.0 */
/* A world, a compiler that is told of it, the maps it fills, and the laws that hold between them. */
#ifndef WEIR_TESTS_POLICY_RUN_H
#define WEIR_TESTS_POLICY_RUN_H

#include "lib/policy/image.h"
#include "tests/policy/world.h"

#define RUN_ADDRESSES 64
#define RUN_OBJECTS (WORLD_SPACES + WORLD_PODS + WORLD_NODES + WORLD_POLICIES)

typedef __u64 run_state[WORLD_PODS][WEIR_DIRS][RUN_ADDRESSES];

struct run {
	struct world w;
	struct compiler *c;
	struct image *m;
	struct weir_addr at[RUN_ADDRESSES];
	unsigned int nat;
	run_state before, after;
	run_state *states;		/* after each store */
	unsigned int nstates, cstates;
	bool watching;
	bool several;			/* events in this commit: then only addresses that were pods' and are must change at once */
	bool stays[RUN_ADDRESSES];
	bool tight;			/* limits so small that much is refused */
	struct made *kept[WORLD_POLICIES];	/* the last good version, while a newer one waits for its commit */
	bool changed[WORLD_POLICIES];
	unsigned int refused, held;
	__u64 closed;			/* an adopter may say this of who was a stranger until now; 0: nobody may */
	char what[96];
};

__attribute__((format(printf, 2, 3))) void run_check(bool ok, const char *format, ...);
bool run_failed(void);
int run_done(void);				/* the closing line, and the exit code */

extern unsigned long run_cells, run_dumps, run_steps;

void run_event(struct run *x);			/* one, at random */
void run_commit(struct run *x, bool one);	/* and now and then a grace, settling, a sweep; 'one' event: old or new at every store */
void run_forget(struct run *x);			/* all objects go */
void run_addresses(struct run *x);		/* to ask about */
const struct object *run_object(const struct run *x, unsigned int n);	/* NULL: not there */

void run_check_naive(struct run *x);		/* maps = objects */
void run_check_fresh(struct run *x);		/* dump = that of a fresh compiler */
void run_check_steps(struct run *x);		/* each state is in 'before' or in 'after' */
void run_snapshot(struct run *x, run_state to);
int run_each(void *ctx, const struct op *op);	/* for image_watch */
char *run_dump(struct image *m, struct compiler *c);

#endif
