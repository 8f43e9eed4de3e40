/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random flows with everything a flow may say, also what it should not: texts that are no UTF-8, numbers at their
 * ends, empty texts in lists.
 *
 *	random_begin(&r, seed);
 *	random_flow(&r, &flow);		what it points at is good until the next one
 */
#ifndef WEIR_TESTS_WIRE_RANDOM_H
#define WEIR_TESTS_WIRE_RANDOM_H

#include "lib/flow/flow.h"

#define RANDOM_LIST 6
#define RANDOM_WIRE 4096

struct random_end {
	struct flow_end end;
	const char *label[RANDOM_LIST];
	uint8_t wire[RANDOM_WIRE];
};
struct random_flows {
	uint64_t state;
	bool tame;			/* only what an agent would say: names of pods, UTF-8 */
	struct random_end end[2];
	const char *node_label[RANDOM_LIST], *source_name[RANDOM_LIST], *destination_name[RANDOM_LIST];
	const char *isolating[RANDOM_LIST];
};

void random_begin(struct random_flows *r, uint64_t seed);
uint32_t random_below(struct random_flows *r, uint32_t n);
void random_flow(struct random_flows *r, struct flow *out);

/* Up to 'most' paths of a mask of flows, valid ones; how many. */
unsigned int random_paths(struct random_flows *r, char path[][128], unsigned int most);

#endif
