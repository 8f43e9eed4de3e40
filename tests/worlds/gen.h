/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random worlds: clusters that change, as lists of events.  One seed, one world.
 *
 *	world_make(&w, seed);
 *	for each of its events: put, gone or commit
 *	world_free(&w);
 *
 * Labels of three keys and three values; every operator; nil and empty wherever a field may be missing; blocks in each
 * other around pods, nodes and outside; ranges, names with different numbers; both families; three tiers; audit.
 */
#ifndef WEIR_TESTS_WORLDS_GEN_H
#define WEIR_TESTS_WORLDS_GEN_H

#include <stdint.h>

#include <weir/base.h>

#include "lib/suite/value.h"

#define WORLD_NODE "n1"			/* the node under test */

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

struct chance {
	uint64_t state;
};
uint32_t chance_below(struct chance *c, uint32_t n);
static inline bool chance_of(struct chance *c, unsigned int percent)
{
	return chance_below(c, 100) < percent;
}

void world_make(struct world *w, uint64_t seed);
void world_free(struct world *w);
struct value *world_at(const struct world *w, unsigned int events);	/* the manifests after so many events: a list */
void world_print(const struct world *w, FILE *to);

/* Random parts, for laws. */
struct value *gen_policy(struct chance *c, const char *ns, const char *name);
struct value *gen_rule(struct chance *c, int dir);

/* One connection to ask about. */
struct question {
	struct weir_addr src, dst;
	__u8 proto;
	__u16 port;
};
void gen_question(struct chance *c, struct question *q);

#endif
