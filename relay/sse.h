/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Responses of GetFlows as server-sent events, one after the other in the same buffer.
 *
 *	sse_open(&s);
 *	if (!sse_response(&s, data, size, &event))
 *		tape_add(tape, &event, s.text);
 *	sse_lost(&s, 17, &event);	what we could not keep for this client
 *	sse_end(&s, "", &event);	the last one, and why
 *	sse_close(&s);
 *
 * The text is good until the next one is made.  One thread.
 */
#ifndef WEIR_RELAY_SSE_H
#define WEIR_RELAY_SSE_H

#include <stdint.h>
#include <stdio.h>

#include "relay/tape.h"

struct sse {
	FILE *to;
	char *text;
	size_t size;			/* as the stream left it; the event says its own */
};

int sse_open(struct sse *s);
void sse_close(struct sse *s);		/* zeroed is fine */

int sse_response(struct sse *s, const uint8_t *data, size_t size, struct tape_event *out);	/* -EBADMSG, -ENOMEM */
/* Kind and worth alone, from a look at it. */
void sse_look(const uint8_t *data, size_t size, struct tape_event *out);
int sse_lost(struct sse *s, uint64_t lost, struct tape_event *out);
int sse_end(struct sse *s, const char *error, struct tape_event *out);

#endif
