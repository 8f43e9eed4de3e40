/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows that are equal in some fields as one, with how many they were.
 *
 *	export_fold_new(&f, by);			'by': the fields, a mask of flows
 *	if (!export_fold_add(f, &flow))		no room: say what there is and export_fold_clear() first
 *	while (export_fold_next(f, &i, &g))		in the order in which they came
 *		write(export_fold_line(f, &g, ...));
 *
 * A group keeps the encoded fields and nothing of the flows, so names may go meanwhile.
 */
#ifndef WEIR_AGENT_EXPORT_FOLD_H
#define WEIR_AGENT_EXPORT_FOLD_H

#include "lib/flow/flow.h"
#include "lib/wire/json_flow.h"

#define FOLD_GROUPS 65536		/* at most */
#define FOLD_BYTES (16 << 20)		/* of their fields, together */

struct export_fold_group {
	const uint8_t *fields;		/* a flow.Flow of them */
	uint32_t size, hash;
	uint64_t first, last;		/* nanoseconds of CLOCK_REALTIME */
	struct wire_aggregate flows;
};

struct export_fold;

int export_fold_new(struct export_fold **out, const struct wire_mask *by);	/* 'by' is not ours */
void export_fold_free(struct export_fold *f);		/* NULL is fine */

bool export_fold_add(struct export_fold *f, const struct flow *flow);
unsigned int export_fold_groups(const struct export_fold *f);
/* '*at' begins with 0. */
bool export_fold_next(const struct export_fold *f, unsigned int *at, const struct export_fold_group **out);
void export_fold_clear(struct export_fold *f);

/* A group as a JSON line: its fields, the time of the last one, the counts.  0: it did not fit. */
size_t export_fold_line(const struct export_fold_group *g, const char *node, char *buf, size_t size);

#endif
