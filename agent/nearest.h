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

/* The text lives until NEAREST_KEPT others have been worked out. */
const char *nearest_miss(struct nearest *n, const struct agent *a, const struct record *r);

#endif
