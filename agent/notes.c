// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/notes.h"

#define BYTES_MASK 0xffffffffffffULL
#define MICROSECONDS_MASK 0xffffffffffffULL

int notes_open(struct notes *n, const struct datapath *dp)
{
	const struct datapath_view *view = datapath_view(dp);

	*n = (struct notes){ .note = view->note, .count = view->note ? view->notes : 0, .agent = datapath_agent(dp),
			     .buckets = view->buckets };
	n->ledger = view->ledger ?: &n->own;
	n->noted = calloc(view->buckets, 1);
	if (!n->noted)
		return -ENOMEM;
	for (uint32_t i = 0; n->agent > 1 && i < n->count; i++)	/* the first agent finds none, and need not look */
		if (notes_taken(&n->note[i]))
			n->noted[i / WEIR_WAYS] |= 1 << i % WEIR_WAYS;
	return 0;
}

void notes_close(struct notes *n)
{
	free(n->noted);
	n->noted = NULL;
}

static uint64_t bytes_of(const struct weir_note *note, int side)
{
	return (uint64_t)note->bytes_high[side] << 32 | note->bytes[side];
}

bool notes_begin(struct notes *n, uint32_t slot, uint16_t incarnation, uint64_t first, const uint32_t name[WEIR_DIRS])
{
	struct weir_note *note = notes_at(n, slot);
	bool fresh;

	if (!note)
		return false;
	if (notes_taken(note) && note->incarnation != incarnation)
		notes_release(n, slot);
	fresh = !notes_taken(note);
	if (fresh)
		memset(note, 0, sizeof(*note));
	note->incarnation = incarnation;
	note->name[0] = name[0];
	note->name[1] = name[1];
	if (first)
		note->first = first / 1000 << 16 | n->agent;
	else
		note->first = (note->first & ~0xffffULL) | n->agent;
	n->noted[slot >> 3] |= 1 << (slot & 7);
	return fresh;
}

void notes_end(struct notes *n, uint32_t slot)
{
	struct weir_note *note = notes_at(n, slot);

	note->first = 0;
	n->noted[slot >> 3] &= ~(1 << (slot & 7));
}

void notes_release(struct notes *n, uint32_t slot)
{
	const struct weir_note *note = notes_at(n, slot);

	for (int side = 0; side < 2; side++) {
		n->ledger->twice_packets += note->packets[side];
		n->ledger->twice_bytes += bytes_of(note, side);
	}
	notes_end(n, slot);
}

uint64_t notes_age(const struct weir_note *note, uint64_t now)
{
	uint64_t first = note->first >> 16, us = (now / 1000 - first) & MICROSECONDS_MASK;

	/* a clock that was set back: it is young */
	return !first ? 0 : us > MICROSECONDS_MASK / 2 ? 1 : us * 1000 + 1;
}

void notes_report(struct weir_note *note, const struct note_totals *totals, struct note_totals *rest)
{
	for (int side = 0; side < 2; side++) {
		rest->packets[side] = (uint32_t)(totals->packets[side] - note->packets[side]);
		rest->bytes[side] = (totals->bytes[side] - bytes_of(note, side)) & BYTES_MASK;
		note->packets[side] = totals->packets[side];
		note->bytes[side] = totals->bytes[side];
		note->bytes_high[side] = totals->bytes[side] >> 32;
	}
}
