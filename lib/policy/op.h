/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the compiler asks to be stored, in the order in which it must reach the kernel.  Numbers are final: a
 * sink (agent/datapath.c for the kernel's maps, lib/policy/image.c for memory) stores and decides nothing.
 */
#ifndef WEIR_LIB_POLICY_OP_H
#define WEIR_LIB_POLICY_OP_H

#include <weir/policy.h>

enum op_kind {
	OP_RANGES,		/* ranges[first .. first + count) = range */
	OP_CELLS,		/* cells[first .. first + count) = cell */
	OP_WORD,		/* slots[first] = word: one 8-byte store */
	OP_ADDRESS,		/* addresses[addr] = slot 'first' with its tag: a new entry, after its word */
	OP_PREFIX,		/* prefixes[prefix] = slot 'first': a new entry, after its word */
	OP_SET,			/* endpoint 'first', direction 'dir': its set, one 8-byte store; limit 0: it left */
	OP_GENERATION,		/* raise it */
	OP_GRACE,		/* every program that was running must have ended before the next operation: at the end of a
				 * commit (settle comes after it), and in the middle of one only when sets had to grow */
	OP_FENCE,		/* the same, needed only on weakly ordered CPUs */
	OP_ADDRESS_GONE,	/* the hash entry goes; its slot is free after the next grace */
	OP_PREFIX_GONE,
	OP_KINDS
};

struct op {
	enum op_kind kind;
	enum weir_dir dir;
	__u32 first, count;
	__u64 word;
	struct weir_set set;
	struct weir_prefix prefix;	/* ADDRESS: its addr, length 128 */
	const struct weir_range *range;	/* valid during the call */
	const __u32 *cell;
};

/* Returns 0 or -errno; an error leaves the rest of the commit unsent and is the caller's to handle. */
typedef int (*op_fn)(void *ctx, const struct op *op);

#endif
