/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers that the kernel sees, and stretches of its arrays: unused until taken, and once given back they rest
 * until a grace has passed.
 *
 *	n = number_take(&x);			0: none left; the lowest that is free
 *	number_give(&x, n);  ...grace...  numbers_rested(&x);
 */
#ifndef WEIR_LIB_POLICY_NUMBERS_H
#define WEIR_LIB_POLICY_NUMBERS_H

#include "lib/policy/words.h"

struct numbers {
	u64 *used;			/* a bit each */
	u32 cap;			/* of 'used', in words */
	u32 low;			/* no free one below */
	u32 first, end;			/* first <= n < end */
	u32 next;			/* above every number in use */
	u32 live;			/* in use or resting */
	struct vec rest;
};

u32 number_take(struct numbers *x);
bool number_claim(struct numbers *x, u32 n);	/* this very one; false if it is in use */
void number_give(struct numbers *x, u32 n);	/* rests */
void number_free(struct numbers *x, u32 n);	/* nobody ever saw it, or its rest is over */
void numbers_rested(struct numbers *x);
void numbers_free(struct numbers *x);

struct extent {
	u32 first, count;
};
struct extents {
	struct extent *free;		/* sorted, apart */
	u32 n, cap;
	u32 left;			/* free in all */
	struct extent *rest;
	u32 nrest, crest;
};

void extents_init(struct extents *x, u32 first, u32 end);
u32 extent_take(struct extents *x, u32 count);		/* 0: no stretch that long */
bool extent_claim(struct extents *x, u32 first, u32 count);	/* this very one; false if part of it is in use */
void extent_give(struct extents *x, u32 first, u32 count);	/* rests */
void extent_free(struct extents *x, u32 first, u32 count);
void extents_rested(struct extents *x);
void extents_free(struct extents *x);

#endif
