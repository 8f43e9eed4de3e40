/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quiet points: when memory that other threads may still be looking at can be freed.
 *
 *	quiet_point(q, QUIET_RPC);		each turn of a thread's loop: it holds nothing that it got before
 *	quiet_away(q, QUIET_RPC);		before it sleeps: nor will it get anything until its next quiet_point()
 *
 *	unpublish(thing); when = quiet_mark(q);	the owner; and some turns later
 *	if (quiet_passed(q, when)) free(thing);
 *
 * Readers take no lock and write one word a turn.  A thread that has never called is away.
 */
#ifndef WEIR_AGENT_QUIET_H
#define WEIR_AGENT_QUIET_H

#include <stdbool.h>
#include <stdint.h>

enum quiet_thread { QUIET_LOOP, QUIET_READER, QUIET_RPC, QUIET_EXPORT, QUIET_OTHER, QUIET_OTLP, QUIET_THREADS };

struct quiet;

int quiet_new(struct quiet **out);
void quiet_free(struct quiet *q);		/* NULL is fine */

void quiet_point(struct quiet *q, enum quiet_thread who);
void quiet_away(struct quiet *q, enum quiet_thread who);

uint64_t quiet_mark(struct quiet *q);		/* any thread */
bool quiet_passed(const struct quiet *q, uint64_t mark);

#endif
