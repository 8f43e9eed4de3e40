/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest world that still fails: events, then rules, peers and ports are left out one at a time. */
#ifndef WEIR_TESTS_WORLDS_SHRINK_H
#define WEIR_TESTS_WORLDS_SHRINK_H

#include "tests/worlds/world.h"

typedef bool (*shrink_fails_fn)(void *ctx, const struct world *w);
void shrink(struct world *w, shrink_fails_fn fails, void *ctx);

#endif
