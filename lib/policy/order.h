/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in which a commit reaches the kernel, and the only way out of the compiler.  tests/model/order.pml is
 * about this file.
 *
 *	static const struct order_source source = { .ranges = put_ranges, .cells = put_cells, ... };
 *	err = order_commit(&source, c, sink, sink_ctx);
 *
 * A source tells what is to be stored in a step by calling order_put(); the steps and their order are here.  An op
 * that does not belong to the step under way is refused with -EPROTO, before it reaches the sink.
 */
#ifndef WEIR_LIB_POLICY_ORDER_H
#define WEIR_LIB_POLICY_ORDER_H

#include <stdbool.h>

#include "lib/policy/op.h"

struct order {			/* of one commit, on its way */
	op_fn sink;
	void *ctx;
	unsigned int step;
	__u32 sent[OP_KINDS];	/* how many of each went out */
	__u32 cells, ranges;
};

typedef int (*order_put_fn)(void *from, struct order *o);
struct order_source {
	bool (*adopts)(void *from);	/* is it the first over an earlier agent's maps? */
	order_put_fn ranges;	/* tables of new rows: nobody points to them yet */
	order_put_fn cells;	/* rows of new sets, and of new classes in sets that a packet may hold */
	order_put_fn grown;	/* sets that moved to where there is room for more classes: same verdicts */
	bool (*apart)(void *from);	/* may a packet hold a set's old place, and is there a class that it lacks? */
	order_put_fn words;	/* addresses that have a slot change their meaning */
	order_put_fn addresses;	/* new addresses: the word, then the entry */
	order_put_fn prefixes;	/* deeper ones first: the word, and for a new one the entry behind it */
	order_put_fn sets;	/* endpoints take their new sets */
	bool (*raise)(void *from);	/* must the generation rise?  Asked when all else is out */
	order_put_fn gone;	/* settling only: entries that nobody is to find any more */
};

int order_commit(const struct order_source *s, void *from, struct order *o);
int order_settle(const struct order_source *s, void *from, struct order *o);	/* joins and removal: no verdict changes */
int order_put(struct order *o, const struct op *op);

#endif
