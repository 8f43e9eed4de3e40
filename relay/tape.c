// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "relay/pack.h"
#include "relay/tape.h"

/* Lies before each text. */
struct head {
	uint64_t before;		/* worth of all that is before it */
	struct tape_event event;
};

/* Whole events.  What could not be packed for want of memory is missing between two of them. */
struct block {
	struct block *next;		/* a younger one */
	struct pack *pack;		/* NULL: the last, which is written to */
	uint64_t first, end;		/* bytes ever written before them */
	uint64_t flows;
};

struct tape {
	struct tape_size size;
	struct block *oldest, *open;	/* and youngest */
	struct block *seen;		/* where a cursor was last */
	uint8_t *text;			/* of the open one */
	size_t room;			/* bytes of it */
	const uint8_t *looked;		/* the text of who was looked at last */
	size_t bytes;
	uint64_t worth;			/* of all there was */
	uint64_t flows;			/* on the tape */
};

/* -- blocks -- */

static struct block *open_block(struct tape *t, uint64_t first)
{
	struct block *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->first = b->end = first;
	t->bytes += sizeof(*b);
	if (t->open)
		t->open->next = b;
	else
		t->oldest = b;
	t->open = b;
	return b;
}

static void drop_oldest(struct tape *t)
{
	struct block *b = t->oldest;

	t->oldest = b->next;
	if (t->open == b)
		t->open = NULL;
	if (t->seen == b)
		t->seen = NULL;
	t->flows -= b->flows;
	t->bytes -= sizeof(*b) + (b->pack ? pack_bytes(b->pack) : 0);
	pack_free(t->size.packs, b->pack);
	free(b);
}

/* The first one that ends behind this byte; there is one. */
static struct block *block_of(struct tape *t, uint64_t byte)
{
	struct block *b = t->seen && byte >= t->seen->first ? t->seen : t->oldest;

	while (b->next && byte >= b->end)
		b = b->next;
	t->seen = b;
	return b;
}

static const uint8_t *text_of(struct tape *t, const struct block *b)
{
	return b->pack ? pack_text(t->size.packs, b->pack) : t->text;
}

/* Room for so much in the open block, which is empty. */
static int widen(struct tape *t, size_t need)
{
	size_t room = need > t->size.block ? need : t->size.block;
	uint8_t *text = room == t->room ? t->text : malloc(room);

	if (!text)
		return -ENOMEM;
	if (text != t->text)
		free(t->text);
	t->bytes += room - t->room;
	t->text = text;
	t->room = room;
	return 0;
}

/* The open one is full.  Without memory for its pack it is forgotten: who would have read it misses it. */
static int seal(struct tape *t, size_t need)
{
	struct block *full = t->open;
	struct pack *pack = full->end > full->first ? pack_new(t->size.packs, t->text, full->end - full->first) : NULL;

	if (pack && open_block(t, full->end)) {
		full->pack = pack;
		t->bytes += pack_bytes(pack);
	} else {
		pack_free(t->size.packs, pack);
		t->flows -= full->flows;
		full->first = full->end;
		full->flows = 0;
	}
	return widen(t, need);
}

static void make_room(struct tape *t)
{
	while (t->oldest != t->open && (t->bytes > t->size.most ||
					(t->size.flows && t->flows - t->oldest->flows >= t->size.flows)))
		drop_oldest(t);
}

/* -- tapes -- */

int tape_new(struct tape **out, const struct tape_size *size)
{
	struct tape *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->size = *size;
	t->bytes = t->room = size->block;
	t->text = malloc(t->room);
	if (!t->text || !open_block(t, 0)) {
		free(t->text);
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
	while (t->oldest)
		drop_oldest(t);
	free(t->text);
	free(t);
}

int tape_add(struct tape *t, const struct tape_event *event, const void *text)
{
	struct head h = { .before = t->worth, .event = *event };
	size_t need = sizeof(h) + event->size;
	struct block *b = t->open;
	uint8_t *to;

	if (need > t->size.most) {
		tape_skip(t, event->worth);
		return -EMSGSIZE;
	}
	if (b->end - b->first + need > t->room && seal(t, need)) {
		tape_skip(t, event->worth);
		return -ENOMEM;
	}
	b = t->open;
	to = t->text + (b->end - b->first);
	memcpy(to, &h, sizeof(h));
	memcpy(to + sizeof(h), text, event->size);
	b->end += need;
	b->flows += event->kind == TAPE_FLOW;
	t->flows += event->kind == TAPE_FLOW;
	t->worth += event->worth;
	make_room(t);
	return 0;
}

void tape_skip(struct tape *t, uint64_t worth)
{
	t->worth += worth;
}

void tape_rewind(struct tape *t)
{
	struct block *b = t->open;

	while (t->oldest != b)
		drop_oldest(t);
	b->first = b->end;
	b->flows = t->flows = 0;
}

void tape_limit(struct tape *t, size_t most)
{
	t->size.most = most > t->bytes ? most : t->bytes;
}

uint64_t tape_end(const struct tape *t)
{
	return t->open->end;
}

uint64_t tape_span(const struct tape *t)
{
	return t->open->end - t->oldest->first;
}

size_t tape_bytes(const struct tape *t)
{
	return t->bytes;
}

/* -- cursors -- */

static struct head head_in(const uint8_t *text, uint64_t at)
{
	struct head h;

	memcpy(&h, text + at, sizeof(h));
	return h;
}

static uint64_t behind(uint64_t at, const struct head *h)
{
	return at + sizeof(*h) + h->event.size;
}

/* Where the flow lies that comes after so many of the block's. */
static int find(struct tape *t, const struct block *b, uint64_t skip, struct tape_at *at)
{
	const uint8_t *text = text_of(t, b);
	uint64_t byte = 0;
	struct head h;

	if (!text)
		return -ENOMEM;
	for (h = head_in(text, 0); h.event.kind != TAPE_FLOW || skip--; h = head_in(text, byte))
		byte = behind(byte, &h);
	*at = (struct tape_at){ .byte = b->first + byte, .worth = h.before };
	return 0;
}

int tape_last(struct tape *t, uint64_t flows, struct tape_at *at)
{
	const struct block *b = t->oldest;
	uint64_t skip;

	if (flows > t->flows)
		return -ERANGE;
	*at = (struct tape_at){ .byte = t->open->end, .worth = t->worth };
	if (!flows)
		return 0;
	for (skip = t->flows - flows; skip >= b->flows; b = b->next)
		skip -= b->flows;
	return find(t, b, skip, at);
}

int tape_all(const struct tape *t, struct tape_at *at)
{
	if (t->oldest->first)
		return -ERANGE;
	*at = (struct tape_at){ 0 };
	return 0;
}

/* What was lapped will be again, soon, if it goes on at the oldest. */
static uint64_t middle(const struct tape *t)
{
	const struct block *b = t->oldest;

	while (b != t->open && t->open->end - b->first > tape_span(t) / 2)
		b = b->next;
	return b->first;
}

bool tape_news(const struct tape *t, const struct tape_at *at)
{
	return at->byte != t->open->end || at->worth != t->worth;
}

/* To the next block's begin, if what lay here is gone. */
static struct block *settle(struct tape *t, struct tape_at *at)
{
	struct block *b;

	if (at->byte < t->oldest->first)
		at->byte = middle(t);
	b = block_of(t, at->byte);
	t->looked = text_of(t, b);
	if (!t->looked) {
		b = t->open;
		t->looked = t->text;
	}
	if (at->byte < b->first)
		at->byte = b->first;
	t->looked += at->byte - b->first;
	return b;
}

bool tape_look(struct tape *t, struct tape_at *at, struct tape_event *event)
{
	struct head h = { .before = t->worth };
	bool is = settle(t, at)->end > at->byte;

	if (is)
		h = head_in(t->looked, 0);
	at->missed += h.before - at->worth;
	at->worth = h.before;
	*event = h.event;
	return is;
}

void tape_take(const struct tape *t, struct tape_at *at, const struct tape_event *event, char *text)
{
	memcpy(text, t->looked + sizeof(struct head), event->size);
	tape_pass(at, event);
}

void tape_pass(struct tape_at *at, const struct tape_event *event)
{
	at->byte += sizeof(struct head) + event->size;
	at->worth += event->worth;
}
