// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "relay/queue.h"

#define ROOM_FIRST 4096
#define ROOM_KEEP  65536		/* a wider ring is given back once it is empty */
#define EMPTY 64			/* after having been empty so often it is looked whether it must be so wide */
#define SKIP UINT32_MAX			/* a head that says: go on at the ring's beginning */

static size_t span(uint32_t size)
{
	return (sizeof(struct message) + size + 7) & ~(size_t)7;
}

static struct message *at(const struct queue *q, uint64_t position)
{
	return (struct message *)(q->ring + (position & (q->room - 1)));
}

/* Bytes from 'position' to where the ring begins again. */
static size_t to_edge(const struct queue *q, uint64_t position)
{
	return q->room - (position & (q->room - 1));
}

/* Where the next head lies, once what is skipped is skipped.  A rest too small for a head is skipped unsaid. */
static uint64_t settle(const struct queue *q, uint64_t position)
{
	size_t rest = to_edge(q, position);

	return rest < sizeof(struct message) || at(q, position)->kind == SKIP ? position + rest : position;
}

static int grow(struct queue *q, size_t need)
{
	struct queue wider = { .room = q->room ? q->room : ROOM_FIRST / 2 };
	const struct message *m;

	do
		wider.room *= 2;
	while (wider.room < q->bytes + need * 2);
	wider.most = q->most;
	wider.ring = malloc(wider.room);
	if (!wider.ring)
		return -ENOMEM;
	while ((m = queue_first(q))) {		/* no push below can need to grow */
		memcpy(at(&wider, wider.end), m, span(m->size));
		wider.end += span(m->size);
		wider.bytes += span(m->size);
		wider.count++;
		queue_pop(q);
	}
	free(q->ring);
	*q = wider;
	return 0;
}

/* It is empty. */
static void settle_down(struct queue *q)
{
	bool look = ++q->empty >= EMPTY;

	q->first = q->end = 0;			/* the same few pages, while it keeps up */
	if (q->room > ROOM_KEEP || (look && q->room > ROOM_FIRST && q->most < q->room / 4))
		queue_free(q);
	if (look)
		q->most = q->empty = 0;
}

int queue_push(struct queue *q, const struct message *m, const void *bytes)
{
	size_t need = span(m->size), skip;
	struct message *to;

	if (!q->count)
		settle_down(q);
	skip = q->room && to_edge(q, q->end) < need ? to_edge(q, q->end) : 0;
	if (q->end - q->first + skip + need > q->room) {
		int err = grow(q, need);

		if (err)
			return err;
		skip = 0;
	}
	if (skip >= sizeof(*m))
		at(q, q->end)->kind = SKIP;
	q->end += skip;
	to = at(q, q->end);
	*to = *m;
	if (m->size)
		memcpy(to + 1, bytes, m->size);
	q->end += need;
	q->bytes += need;
	q->most = q->bytes > q->most ? q->bytes : q->most;
	q->count++;
	return 0;
}

const struct message *queue_first(const struct queue *q)
{
	return q->count ? at(q, settle(q, q->first)) : NULL;
}

void queue_pop(struct queue *q)
{
	uint64_t first = settle(q, q->first);
	size_t size = span(at(q, first)->size);

	q->first = first + size;
	q->bytes -= size;
	q->count--;
}

void queue_free(struct queue *q)
{
	free(q->ring);
	*q = (struct queue){ 0 };
}
