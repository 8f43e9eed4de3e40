/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the bench.  Each opens what it needs, reports rows and goals, and leaves nothing behind. */
#ifndef WEIR_BENCH_BENCH_H
#define WEIR_BENCH_BENCH_H

#include <stdbool.h>

#include "bench/report.h"
#include "lib/complaint.h"

struct bench {
	unsigned int rounds;
	bool reduced;			/* the rows that a control needs, and no others */
	const char *row;		/* of 'programs': only those whose name has this in it, or NULL */
	const char *agent, *compiler;	/* programs that 'memory' and 'compiler' run */
	const char *directory;		/* for the JSON, and for worlds of manifests below it */
	struct complaint why;
};

/* 0, or -errno with one line in 'why' */
typedef int (*bench_part_fn)(struct bench *b, struct report *r);
int part_programs(struct bench *b, struct report *r);
int part_policies(struct bench *b, struct report *r);
int part_traffic(struct bench *b, struct report *r);
int part_table(struct bench *b, struct report *r);
int part_changes(struct bench *b, struct report *r);
int part_attach(struct bench *b, struct report *r);
int part_memory(struct bench *b, struct report *r);
int part_compiler(struct bench *b, struct report *r);

/* A namespace of its own that this process moves to, with a veth between two ends that are up: for test-runs. */
int bench_netns(struct bench *b, unsigned int ifindex[2]);
void bench_netns_done(void);

#define BENCH_OPENINGS 5	/* of fresh maps for each row: where their pages lie is part of the spread */
#define BENCH_ROUNDS_MAX 256
#define BENCH_SUBJECTS_MAX 16
typedef double bench_table[BENCH_SUBJECTS_MAX][BENCH_ROUNDS_MAX];

#endif
