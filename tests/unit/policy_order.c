// SPDX-License-Identifier: Apache-2.0
/* The order of a commit: each step says what it may store, and the steps come in one order only. */
#include <errno.h>

#include "lib/policy/order.h"
#include "tests/check.h"

static char trail[64];
static bool grows, apart, raises, adopts;
static enum op_kind bad;		/* what put_cells says beside its own */

static int sink(void *ctx, const struct op *op)
{
	static const char letter[] = "RCWAPSG!fap";

	trail[strlen(trail)] = letter[op->kind];
	return 0;
}

static int put(struct order *o, enum op_kind kind)
{
	return order_put(o, &(struct op){ .kind = kind, .count = 1 });
}

static int put_ranges(void *from, struct order *o) { return put(o, OP_RANGES); }
static int put_cells(void *from, struct order *o) { return put(o, OP_CELLS) ?: bad ? put(o, bad) : 0; }
static int put_grown(void *from, struct order *o) { return grows ? put(o, OP_SET) : 0; }
static int put_words(void *from, struct order *o) { return put(o, OP_WORD); }
static int put_addresses(void *from, struct order *o) { return put(o, OP_WORD) ?: put(o, OP_ADDRESS); }
static int put_prefixes(void *from, struct order *o) { return put(o, OP_WORD); }
static int put_sets(void *from, struct order *o) { return put(o, OP_SET); }
static int put_gone(void *from, struct order *o) { return put(o, OP_ADDRESS_GONE) ?: put(o, OP_PREFIX_GONE); }
static bool is_apart(void *from) { return apart; }
static bool must_raise(void *from) { return raises; }
static bool is_adopting(void *from) { return adopts; }

static const struct order_source source = {
	.adopts = is_adopting, .ranges = put_ranges, .cells = put_cells, .grown = put_grown, .apart = is_apart,
	.words = put_words, .addresses = put_addresses, .prefixes = put_prefixes, .sets = put_sets, .raise = must_raise,
	.gone = put_gone,
};

static const char *commit(int *err)
{
	struct order o = { .sink = sink };

	memset(trail, 0, sizeof(trail));
	*err = order_commit(&source, NULL, &o);
	return trail;
}

int main(void)
{
	struct order o = { .sink = sink };
	int err;

	raises = true;
	CHECK_TEXT(commit(&err), "RCWWAWfSfG!", "tables, rows, words, entries, prefixes, sets, the generation, the grace");
	raises = false;
	CHECK_TEXT(commit(&err), "RCWWAWfS!", "a commit that changes no verdict raises nothing");
	grows = true;
	CHECK_TEXT(commit(&err), "RCS!WWAWfS!", "sets that moved are waited for before a new class shows up");
	grows = false;
	apart = true;
	CHECK_TEXT(commit(&err), "RC!WWAWfS!", "those that moved a moment ago, too");
	apart = false;
	adopts = true;
	CHECK_TEXT(commit(&err), "!RCWWAWfS!", "an adopter begins with a grace");
	adopts = false;
	bad = OP_WORD;
	CHECK_TEXT(commit(&err), "RC", "a word among the cells does not go out");
	CHECK_EQ(err, -EPROTO, "and ends the commit");
	bad = OP_GENERATION;
	commit(&err);
	CHECK_EQ(err, -EPROTO, "nor the generation before its time");
	bad = 0;
	memset(trail, 0, sizeof(trail));
	CHECK_EQ(order_settle(&source, NULL, &o), 0, "settling");
	CHECK_TEXT(trail, "RCWWap", "joins, then removal");
	CHECK_EQ(o.cells, 1, "cells are counted");
	return check_done();
}
