/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's policy maps in memory: a sink for ops, and a judge over them by the same header as the kernel's.
 *
 *	image_new(&image); compile_new(&c, NULL, image_op, image); ... compile_commit(c, &report); compile_finish(c);
 *	image_judge(image, &src, &dst, proto, port, WEIR_SIDE(WEIR_EGRESS) | WEIR_SIDE(WEIR_INGRESS), &answer);
 *
 * In tests (image_strict) it also checks the order that was proved: what a packet can reach is never rewritten,
 * numbers rest until a grace has passed; the first breach is kept as a sentence.  A grace is OP_GRACE, or whenever
 * the caller says so by image_grace().
 */
#ifndef WEIR_LIB_POLICY_IMAGE_H
#define WEIR_LIB_POLICY_IMAGE_H

#include <stdio.h>

#include <weir/answer.h>
#include <weir/flow.h>

#include "lib/policy/op.h"

struct image;

int image_new(struct image **out);
void image_free(struct image *image);
int image_op(void *image, const struct op *op);
void image_strict(struct image *image);
void image_grace(struct image *image);

/* Called after every operation; other than 0 it ends the commit, as a killed agent would. */
void image_watch(struct image *image, int (*each)(void *ctx, const struct op *op), void *ctx);

__u64 image_word(const struct image *image, const struct weir_addr *a);	/* 0: nobody said anything */
struct weir_set image_set(const struct image *image, unsigned int endpoint, enum weir_dir dir);

/* A connection from src to dst; sides whose address is no local endpoint are left out. */
enum weir_reason image_judge(const struct image *image, const struct weir_addr *src, const struct weir_addr *dst,
			     __u8 proto, __u16 port, unsigned int sides, struct weir_answer *answer);

/* What one endpoint's policy says of an address: UNDECIDED and 'said', or why nothing could be said. */
enum weir_reason image_says(const struct image *image, unsigned int endpoint, enum weir_dir dir,
			    const struct weir_addr *peer, __u8 proto, __u16 port, struct weir_said *said);

/* The same for all ports at once, as a number that stands for what is said and by whom; below 256: a reason. */
struct compiler;
__u64 image_meaning(const struct image *image, const struct compiler *names, unsigned int endpoint, enum weir_dir dir,
		    const struct weir_addr *peer);

/* Every address and prefix with its word, every endpoint's sets, as text in which numbers are replaced by what
 * they stand for: classes by their tables, tables by their ranges, rules by name.  Equal worlds, equal dumps. */
void image_dump(const struct image *image, const struct compiler *names, FILE *to);

/* The maps, for an adopter; valid until the next operation.  Names of endpoints and rules are the caller's to add. */
struct compile_adopted;
void image_adopted(struct image *image, struct compile_adopted *out);

const char *image_error(const struct image *image);	/* the first breach of the order, or NULL */

#endif
