/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: what happened to the agent itself, as messages observer.GetAgentEventsResponse, the oldest forgotten first.
 *
 *	events_policy(e, object, generation, false);		the loop, as it happens
 *	for (n = events_first(e); !events_copy(e, n, &event); n++)	any thread
 *		send(event.data, event.size);
 *
 * Events keep their number.  One writer, any number of readers; a lock is held while one is copied.
 */
#ifndef WEIR_AGENT_EVENTS_H
#define WEIR_AGENT_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/netpol/object.h"

#define EVENTS_KEPT 1024
#define EVENT_SIZE 2048			/* bytes; labels that do not fit are left out */

struct events;

struct event {
	uint64_t time;			/* nanoseconds of CLOCK_REALTIME */
	size_t size;
	uint8_t data[EVENT_SIZE];
};

/* 'node' as flows name it; 'news' is called on the writer's thread.  Borrowed. */
int events_new(struct events **out, const char *node, void (*news)(void *ctx), void *ctx);
void events_free(struct events *e);		/* NULL is fine */

/* The writer.  All may be called with NULL: then nobody wants to know. */
void events_started(struct events *e);
void events_policy(struct events *e, const struct object *o, uint64_t revision);
void events_policy_gone(struct events *e, enum object_kind kind, const char *ns, const char *name, uint64_t revision);
void events_endpoint(struct events *e, unsigned int number, const char *ns, const char *name, bool there);
void events_endpoint_refused(struct events *e, unsigned int number, const char *ns, const char *name, const char *why);

/* Any thread. */
uint64_t events_first(struct events *e);	/* the oldest that is kept; from 0 */
uint64_t events_next(struct events *e);		/* one past the newest */
int events_copy(struct events *e, uint64_t n, struct event *out);	/* -ESTALE: forgotten; -EAGAIN: not yet */

#endif
