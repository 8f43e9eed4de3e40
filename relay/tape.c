// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "relay/tape.h"

/* Lies before each text; both go round the edge as they come. */
struct head {
	uint64_t before;		/* worth of all that is before it */
	struct tape_event event;
};

struct tape {
	struct tape_size size;
	uint8_t *ring;
	size_t room;
	uint64_t first, end;		/* bytes ever written before them */
	uint64_t worth;			/* of all there was */
	uint64_t flows;			/* on the tape */
};

int tape_new(struct tape **out, const struct tape_size *size)
{
	struct tape *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->size = *size;
	t->room = size->first;
	t->ring = malloc(t->room);
	if (!t->ring) {
		free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

void tape_free(struct tape *t)
{
	if (!t)
		return;
	free(t->ring);
	free(t);
}

static void write_at(struct tape *t, uint64_t at, const void *data, size_t size)
{
	size_t from = at % t->room, rest = t->room - from < size ? t->room - from : size;

	memcpy(t->ring + from, data, rest);
	memcpy(t->ring, (const uint8_t *)data + rest, size - rest);
}

static void read_at(const struct tape *t, uint64_t at, void *data, size_t size)
{
	size_t from = at % t->room, rest = t->room - from < size ? t->room - from : size;

	memcpy(data, t->ring + from, rest);
	memcpy((uint8_t *)data + rest, t->ring, size - rest);
}

static struct head head_at(const struct tape *t, uint64_t at)
{
	struct head h;

	read_at(t, at, &h, sizeof(h));
	return h;
}

static uint64_t behind(uint64_t at, const struct head *h)
{
	return at + sizeof(*h) + h->event.size;
}

static void drop_first(struct tape *t)
{
	struct head h = head_at(t, t->first);

	t->first = behind(t->first, &h);
	t->flows -= h.event.kind == TAPE_FLOW;
}

/* A byte's place depends on the length. */
static bool lengthen(struct tape *t)
{
	struct tape longer = { .room = t->room + t->room / 2 };
	size_t n;

	if (longer.room > t->size.most)
		longer.room = t->size.most;
	if (t->room >= t->size.most || !(longer.ring = malloc(longer.room)))
		return false;
	for (uint64_t at = t->first; at < t->end; at += n) {
		n = t->room - at % t->room;	/* to the edge */
		if (n > t->end - at)
			n = t->end - at;
		write_at(&longer, at, t->ring + at % t->room, n);
	}
	free(t->ring);
	t->ring = longer.ring;
	t->room = longer.room;
	return true;
}

int tape_add(struct tape *t, const struct tape_event *event, const void *text)
{
	struct head h = { .before = t->worth, .event = *event };
	size_t need = sizeof(h) + event->size;

	if (need > t->size.most) {
		tape_skip(t, event->worth);
		return -EMSGSIZE;
	}
	while (t->end - t->first + need > t->room) {
		bool longer = t->flows < t->size.flows || need > t->room;

		if (longer && lengthen(t))
			continue;
		if (t->first == t->end) {
			tape_skip(t, event->worth);
			return -ENOMEM;
		}
		drop_first(t);
	}
	write_at(t, t->end, &h, sizeof(h));
	write_at(t, t->end + sizeof(h), text, event->size);
	t->end += need;
	t->worth += event->worth;
	t->flows += event->kind == TAPE_FLOW;
	return 0;
}

void tape_skip(struct tape *t, uint64_t worth)
{
	t->worth += worth;
}

void tape_rewind(struct tape *t)
{
	t->end += t->room - t->end % t->room;
	t->first = t->end;
	t->flows = 0;
}

void tape_limit(struct tape *t, size_t most)
{
	t->size.most = most > t->room ? most : t->room;
}

uint64_t tape_end(const struct tape *t)
{
	return t->end;
}

size_t tape_room(const struct tape *t)
{
	return t->room;
}

int tape_last(const struct tape *t, uint64_t flows, struct tape_at *at)
{
	uint64_t byte = t->end, skip;

	if (flows > t->flows)
		return -ERANGE;
	if (flows)
		byte = t->first;
	for (skip = t->flows - flows; flows; ) {
		struct head h = head_at(t, byte);

		if (h.event.kind == TAPE_FLOW && !skip--)
			break;
		byte = behind(byte, &h);
	}
	*at = (struct tape_at){ .byte = byte, .worth = flows ? head_at(t, byte).before : t->worth };
	return 0;
}

int tape_all(const struct tape *t, struct tape_at *at)
{
	if (t->first)
		return -ERANGE;
	*at = (struct tape_at){ 0 };
	return 0;
}

/* What was lapped will be again, soon, if it goes on at the oldest. */
static uint64_t middle(const struct tape *t)
{
	uint64_t byte = t->first;

	while (t->end - byte > t->room / 2) {
		struct head h = head_at(t, byte);

		byte = behind(byte, &h);
	}
	return byte;
}

bool tape_news(const struct tape *t, const struct tape_at *at)
{
	return at->byte != t->end || at->worth != t->worth;
}

bool tape_look(const struct tape *t, struct tape_at *at, struct tape_event *event)
{
	struct head h = { .before = t->worth };
	bool is;

	if (at->byte < t->first)
		at->byte = middle(t);
	is = at->byte < t->end;
	if (is)
		h = head_at(t, at->byte);
	at->missed += h.before - at->worth;
	at->worth = h.before;
	*event = h.event;
	return is;
}

void tape_take(const struct tape *t, struct tape_at *at, const struct tape_event *event, char *text)
{
	read_at(t, at->byte + sizeof(struct head), text, event->size);
	tape_pass(at, event);
}

void tape_pass(struct tape_at *at, const struct tape_event *event)
{
	at->byte += sizeof(struct head) + event->size;
	at->worth += event->worth;
}
