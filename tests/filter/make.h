/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random flows and filters of few words, so that they meet: half the point of a filter is what passes.
 *
 *	make_flow(&seed, &flow);		views into constants; 'flow' is good until it is made again
 *	f = make_filter(&seed, fields);		one to so many fields; flow__flow_filter__free_unpacked(f, NULL)
 */
#ifndef WEIR_TESTS_FILTER_MAKE_H
#define WEIR_TESTS_FILTER_MAKE_H

#include <stdint.h>

#include "flow/flow.pb-c.h"
#include "lib/flow/flow.h"

struct made {
	struct flow flow;
	struct flow_end source, destination;
	struct flow_more more;
	struct flow_header header[2];
	const char *labels[2][6], *names[2][3], *node_labels[3];
};

uint32_t make_random(uint64_t *seed, uint32_t below);
void make_flow(uint64_t *seed, struct made *to);
Flow__FlowFilter *make_filter(uint64_t *seed, unsigned int fields);

#endif
