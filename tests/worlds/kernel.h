/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real programs and maps beside the tables in memory: what the compiler stores goes to both, and every question
 * is put to the programs as a frame.
 *
 *	kernel_open(&k, &why);			in a network namespace of its own; pins nothing
 *	b.also = kernel_op, b.also_ctx = k;
 *	kernel_sync(k, &b, manifests);		after each commit: endpoints armed
 *	kernel_agrees(k, &b, r, &question, redirect, &compared, text, size);
 */
#ifndef WEIR_TESTS_WORLDS_KERNEL_H
#define WEIR_TESTS_WORLDS_KERNEL_H

#include "tests/worlds/bench.h"

struct kernel;
int kernel_open(struct kernel **out, struct complaint *why);
void kernel_close(struct kernel *k);
int kernel_op(void *kernel, const struct op *op);
int kernel_sync(struct kernel *k, const struct bench *b, const struct value *manifests, bool redirect);
bool kernel_agrees(struct kernel *k, const struct bench *b, const struct reference *r, const struct question *q, bool redirect,
		   unsigned long *compared, char *difference, size_t size);

#endif
