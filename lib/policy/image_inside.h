/* SPDX-License-Identifier: Apache-2.0 */
/* The image's own structures: image.c stores, image_check.c asserts the order, image_dump.c writes it down. */
#ifndef WEIR_LIB_POLICY_IMAGE_INSIDE_H
#define WEIR_LIB_POLICY_IMAGE_INSIDE_H

#include <stdbool.h>

#include "lib/policy/image.h"

struct image_entry {
	struct weir_addr addr;
	__u32 slot, next;
};
struct image_prefix {
	struct weir_prefix prefix;
	__u32 slot;
};
struct image_sets {
	struct weir_set dir[WEIR_DIRS];
};

/* A set's cells, as long as an endpoint has it or a packet may. */
struct image_area {
	struct weir_set at;
	enum weir_dir dir;
	__u32 users;
	__u32 until;		/* without users: the epoch in which the last left it */
};
struct image_use {		/* of a class, or a slot */
	__u32 users, until;
};

struct image {
	__u64 *word;
	__u32 *cell;
	struct weir_range *range;
	struct image_sets *set;
	struct image_entry *entry;	/* from 1 */
	__u32 nentry, cap, *bucket, mask;
	struct image_prefix *prefix;	/* longest first */
	__u32 nprefix, cprefix;
	unsigned int generation;
	struct compile_adopted_entry *adopted;
	int (*each)(void *ctx, const struct op *op);
	void *each_ctx;
	char error[200];

	bool strict;
	__u32 epoch;			/* graces so far */
	struct image_area *area;
	__u32 narea, carea;
	struct image_use *class[WEIR_DIRS], *slot;
};

__attribute__((format(printf, 2, 3))) void image_breach(struct image *m, const char *format, ...);
void image_check(struct image *m, const struct op *op);		/* before the store */
void image_checked(struct image *m, const struct op *op);	/* after */
void image_check_free(struct image *m);

#endif
