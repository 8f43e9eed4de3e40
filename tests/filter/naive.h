/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What passes, read straight from the messages each time: slow, obvious, and nothing of lib/filter.
 *
 *	naive_pass(white, n, black, m, &flow)
 */
#ifndef WEIR_TESTS_FILTER_NAIVE_H
#define WEIR_TESTS_FILTER_NAIVE_H

#include <stdbool.h>

#include "flow/flow.pb-c.h"
#include "lib/flow/flow.h"

bool naive_pass(Flow__FlowFilter *const *white, size_t n_white, Flow__FlowFilter *const *black, size_t n_black,
		const struct flow *flow);

#endif
