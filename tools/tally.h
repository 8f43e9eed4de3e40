/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How complete an answer was: flows shown, events lost, nodes that answered.
 *
 *	tally_add(&t, response);	each response, shown or not
 *	tally_print(&t, stderr);	12 shown, 0 lost, 3/3 nodes
 *	if (!tally_complete(&t)) ...
 *	tally_free(&t);
 *
 * A relay tells of its nodes; an agent does not, and is one.
 */
#ifndef WEIR_TOOLS_TALLY_H
#define WEIR_TOOLS_TALLY_H

#include <stdbool.h>
#include <stdio.h>

#include "proto/observer/observer.pb-c.h"

struct tally_node {
	char *name, *why;	/* why: it did not answer, or ceased to */
	bool answers, was_away;	/* away: after it had answered, so what it saw meanwhile may be missing */
};

struct tally {
	unsigned long long shown, denied, lost;
	struct tally_node *node;	/* by name */
	size_t nodes, room;
};

void tally_add(struct tally *t, const Observer__GetFlowsResponse *r);
bool tally_complete(const struct tally *t);
void tally_print(const struct tally *t, FILE *to);
void tally_free(struct tally *t);

#endif
