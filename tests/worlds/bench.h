/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiler under test, with a sink of memory and, if asked for, the kernel's maps; and its answers beside the
 * reference's.
 *
 *	bench_new(&b, BREAK_NOTHING);
 *	bench_event(b, &world.event[i]);		put, gone, or commit
 *	r = reference_new(world_at(&world, i + 1), REFERENCE_KUBERNETES);
 *	if (!bench_agrees(b, r, &question, &difference)) ...
 */
#ifndef WEIR_TESTS_WORLDS_BENCH_H
#define WEIR_TESTS_WORLDS_BENCH_H

#include "lib/policy/compile.h"
#include "lib/policy/image.h"
#include "tests/reference/reference.h"
#include "tests/worlds/world.h"

/* What a broken build would store.  A run with one of them that finds nothing proves nothing. */
enum bench_break { BREAK_NOTHING, BREAK_ALLOW, BREAK_DENY, BREAK_ONE, BREAK_AUTHOR, BREAK_AUDIT, BREAK_PORT, BREAKS };
const char *bench_break_text(enum bench_break how);

struct bench {
	struct compiler *compiler;
	struct image *image;
	enum bench_break broken;
	unsigned int rejected;		/* manifests that were not taken: the generator's fault */
	char why[512];			/* of the last one, or what went wrong in a commit */
	op_fn also;			/* a second sink, or NULL */
	void *also_ctx;
};

int bench_new(struct bench *b, enum bench_break broken);
void bench_free(struct bench *b);
int bench_event(struct bench *b, const struct event *e);	/* 0, or -errno and 'why' */
int bench_put(struct bench *b, const struct value *manifest);
int bench_commit(struct bench *b);

/* Both sides of one connection: verdict, author, would-be verdict.  Counts what was compared. */
bool bench_agrees(const struct bench *b, const struct reference *r, const struct question *q, unsigned long *compared,
		  char *difference, size_t size);
bool bench_is_stranger(const struct bench *b, const struct weir_addr *remote, enum weir_dir d);
/* Is a rule number whom the reference names. */
bool bench_author_is(const struct bench *b, unsigned int number, const struct reference_said *said);
bool bench_allows(const struct bench *b, const struct question *q);

#endif
