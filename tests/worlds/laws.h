/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold whatever a world says, without anybody knowing the right verdicts:
 *
 *	order		shuffled objects compile to the same tables
 *	fresh		a world that changed step by step is the world that was compiled at once
 *	add-rule	another NetworkPolicy rule never turns allow into deny
 *	add-policy	another NetworkPolicy takes verdicts only from pods that it newly isolates
 *	reverse		the order of peers, ports and NetworkPolicy rules changes no verdict
 *	split		one policy with two rules is two policies with one each
 */
#ifndef WEIR_TESTS_WORLDS_LAWS_H
#define WEIR_TESTS_WORLDS_LAWS_H

#include "tests/worlds/bench.h"

/* True: it holds for the world at its end.  Else 'why' says what does not. */
typedef bool (*law_fn)(const struct world *w, struct chance *c, char *why, size_t size);
struct law {
	const char *name;
	law_fn holds;
};
extern const struct law laws[];
extern const unsigned int nlaws;

#endif
