/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random worlds: clusters that change, as lists of events.  One seed, one world.
 *
 *	world_make(&w, seed);
 *	for each of its events: put, gone or commit
 *	world_free(&w);
 */
#ifndef WEIR_TESTS_WORLDS_WORLD_H
#define WEIR_TESTS_WORLDS_WORLD_H

#include <stdint.h>
#include <stdio.h>

#include "tests/worlds/gen.h"

enum event_kind { EVENT_PUT, EVENT_GONE, EVENT_COMMIT };
struct event {
	enum event_kind kind;
	struct value *put;		/* a manifest */
	char key[96];			/* Kind/namespace/name or Kind/name */
};

struct world {
	uint64_t seed;
	struct event *event;
	unsigned int n;
};

void world_make(struct world *w, uint64_t seed);
void world_free(struct world *w);
struct value *world_at(const struct world *w, unsigned int events);	/* the manifests after so many events: a list */
void world_print(const struct world *w, FILE *to);

#endif
