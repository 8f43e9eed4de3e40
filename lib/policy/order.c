// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "lib/policy/order.h"

#define MAY(kind) (1u << (kind))

static int step(struct order *o, order_put_fn put, void *from, unsigned int may)
{
	o->step = may;
	return put ? put(from, o) : 0;
}

static int wait(struct order *o, enum op_kind kind)
{
	o->step = MAY(kind);
	return order_put(o, &(struct op){ .kind = kind });
}

/*
 * Until an endpoint takes its new set, everything new is beside what packets read: ranges and cells are written
 * where nobody points.  A class is in every set that a packet may hold before an address has it.  An address has
 * its class before a set that tells it apart is taken, and the sets are taken before the generation says so.
 *
 * On weakly ordered CPUs a program's load of the set may come before that of the word, and that of the generation
 * before both: hence the fences.  A set that moved must have been read by everybody before a class beyond its old
 * limit shows up: the only grace in the middle, and settling moves sets ahead of need so that it stays rare.
 */
int order_commit(const struct order_source *s, void *from, struct order *o)
{
	int err = s->adopts(from) ? wait(o, OP_GRACE) : 0;	/* for what the earlier agent had just left */

	err = err ?: step(o, s->ranges, from, MAY(OP_RANGES))
		?: step(o, s->cells, from, MAY(OP_CELLS))
		?: step(o, s->grown, from, MAY(OP_SET));
	if (!err && (o->sent[OP_SET] || s->apart(from)))
		err = wait(o, OP_GRACE);
	err = err ?: step(o, s->words, from, MAY(OP_WORD))
		?: step(o, s->addresses, from, MAY(OP_WORD) | MAY(OP_ADDRESS))
		?: step(o, s->prefixes, from, MAY(OP_WORD) | MAY(OP_PREFIX))
		?: wait(o, OP_FENCE)
		?: step(o, s->sets, from, MAY(OP_SET));
	if (err)
		return err;
	if (s->raise(from))
		err = wait(o, OP_FENCE) ?: wait(o, OP_GENERATION);
	return err ?: wait(o, OP_GRACE);
}

/* After a grace.  Classes that nothing tells apart join, sets move to where classes have room; entries go whose
 * word already says what remains without them. */
int order_settle(const struct order_source *s, void *from, struct order *o)
{
	return step(o, s->ranges, from, MAY(OP_RANGES))
		?: step(o, s->cells, from, MAY(OP_CELLS))
		?: step(o, s->grown, from, MAY(OP_SET))
		?: step(o, s->words, from, MAY(OP_WORD))
		?: step(o, s->prefixes, from, MAY(OP_WORD))
		?: step(o, s->gone, from, MAY(OP_ADDRESS_GONE) | MAY(OP_PREFIX_GONE));
}

int order_put(struct order *o, const struct op *op)
{
	if (!(o->step & MAY(op->kind)))
		return -EPROTO;
	o->sent[op->kind]++;
	o->cells += op->kind == OP_CELLS ? op->count : 0;
	o->ranges += op->kind == OP_RANGES ? op->count : 0;
	return o->sink(o->ctx, op);
}
