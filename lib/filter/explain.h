/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What filters select, in a sentence.
 *
 *	text = filters_explain(white, n, black, m);	"flows where (source pod is shop/cart* or destination pod is
 *	free(text);					shop/cart*) and verdict is DROPPED"; NULL: no memory
 *
 * For filters that filters_new() has taken; others come out as they are written.
 */
#ifndef WEIR_LIB_FILTER_EXPLAIN_H
#define WEIR_LIB_FILTER_EXPLAIN_H

#include "lib/filter/filter.h"

char *filters_explain(Flow__FlowFilter *const *white, size_t n_white, Flow__FlowFilter *const *black, size_t n_black);

#endif
