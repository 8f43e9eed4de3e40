/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nearest: how close a rule came to letting a denied record through.  Worked out when somebody asks, never when the
 * record comes; what was worked out is kept for a while, so that a flood of equal denials costs once.
 *
 *	text = nearest_miss(n, a, &record);	"" if nothing came close, or nothing more may be spent now
 */
#ifndef WEIR_AGENT_NEAREST_H
#define WEIR_AGENT_NEAREST_H

#include "agent/agent.h"

#define NEAREST_KEPT 512		/* answers */
#define NEAREST_AT_ONCE 32		/* worked out between two calls of nearest_breathe() */

struct nearest;

int nearest_new(struct nearest **out);
void nearest_free(struct nearest *n);		/* NULL is fine */
void nearest_breathe(struct nearest *n);	/* a new reply begins */

/*
 * What a denial's answers depend on; false: it is none of policy, and there is nothing to find out.  Any thread.
 */
struct nearest_key {
	struct weir_addr src, dst;
	uint32_t name[WEIR_DIRS];
	uint32_t generation;
	uint16_t port;
	uint8_t proto, dir, reason, spare[3];
};
bool nearest_key(const struct agent *a, const struct record *r, struct nearest_key *key);
uint32_t nearest_hash(const struct nearest_key *key);

/* Without keeping anything: who isolates the pod ("shop/a, shop/b"; of a default deny) and how close a rule came. */
struct nearest_answer {
	char text[512], isolating[2048];
};
void nearest_work(const struct agent *a, const struct record *r, struct nearest_answer *out);

/* The text lives until NEAREST_KEPT others have been worked out. */
const char *nearest_miss(struct nearest *n, const struct agent *a, const struct record *r);

#endif
