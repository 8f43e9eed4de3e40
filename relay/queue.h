/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue of messages, their bytes one behind the other in a ring: nothing is allocated per message.
 *
 *	queue_push(&q, &(struct message){ .key = when, .size = n }, bytes);
 *	while ((m = queue_first(&q))) {
 *		send(queue_bytes(m), m->size);
 *		queue_pop(&q);
 *	}
 *	queue_free(&q);
 *
 * The ring doubles as it fills, and is given back when it has been far too wide for long; who pushes keeps it bounded.  Zeroed
 * before its first use.  One thread.
 */
#ifndef WEIR_RELAY_QUEUE_H
#define WEIR_RELAY_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct message {
	uint64_t key;			/* by which it is put in order */
	uint64_t arrived;		/* nanoseconds, monotonic */
	uint32_t size;			/* of the bytes behind */
	uint32_t kind;			/* its user's */
};

struct queue {
	uint8_t *ring;
	size_t room;			/* bytes of the ring, a power of two */
	uint64_t first, end;		/* positions; they only grow */
	unsigned int count;
	size_t bytes;			/* of messages, heads included */
	size_t most;			/* that there were since it was looked whether so much is needed */
	unsigned int empty;		/* how often it was, since then */
};

int queue_push(struct queue *q, const struct message *m, const void *bytes);
/* NULL: empty.  Good until the next push or pop. */
const struct message *queue_first(const struct queue *q);
void queue_pop(struct queue *q);
void queue_free(struct queue *q);

static inline const uint8_t *queue_bytes(const struct message *m)
{
	return (const uint8_t *)(m + 1);
}

#endif
