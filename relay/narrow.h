/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left of an edge's sums when only some flows count.
 *
 *	if (narrow(&edge, select)) ...			something is
 *
 * Of an edge that is selected with none of its verdicts nothing is left.  What would be denied by audited policies was opened, too,
 * and counts so for who asks for it alone; how many of the edge's bytes it moved nobody has counted.  Pure.
 */
#ifndef WEIR_RELAY_NARROW_H
#define WEIR_RELAY_NARROW_H

#include "lib/select/select.h"
#include "relay/past.h"

bool narrow(struct past_edge *e, const struct select *only);

#endif
