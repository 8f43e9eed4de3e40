/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notes: what the agent keeps of each live flow beside its slot: who its ends are, since when, what was last reported.
 * They are pinned with the flow table, so that the next agent goes on where this one ended.  The reader's thread.
 *
 *	note = notes_at(n, record->slot);
 *	if (note && notes_fits(note, record->incarnation))	it is this flow's
 *		notes_rest(note, &record->total, &rest);	what was not yet reported
 *	notes_end(n, slot);					the flow is over
 *
 * A note of a flow that ended without our seeing its last record is found later (agent/totals.c) and released; what it
 * had reported, the kernel has counted a second time as lost: the ledger's 'twice' says how much that is.
 */
#ifndef WEIR_AGENT_NOTES_H
#define WEIR_AGENT_NOTES_H

#include "agent/datapath.h"

struct notes {
	struct weir_note *note;		/* NULL: there are none, and nothing is kept */
	unsigned int count;
	uint16_t agent;			/* ours: datapath_agent() */
	uint8_t *noted;			/* by bucket: a bit per slot that has a note */
	unsigned int buckets;
	struct weir_ledger *ledger;	/* never NULL */
	struct weir_ledger own;		/* where no other is kept */
};

int notes_open(struct notes *n, const struct datapath *dp);
void notes_close(struct notes *n);

static inline struct weir_note *notes_at(const struct notes *n, uint32_t slot)
{
	return WEIR_NOTE_OF(slot) < n->count ? &n->note[WEIR_NOTE_OF(slot)] : NULL;
}

static inline bool notes_taken(const struct weir_note *note)
{
	return note->first & 0xffff;
}

static inline bool notes_fits(const struct weir_note *note, uint16_t incarnation)
{
	return notes_taken(note) && note->incarnation == incarnation;
}

/* Are its names those that this agent gave? */
static inline bool notes_ours(const struct notes *n, const struct weir_note *note)
{
	return (note->first & 0xffff) == n->agent;
}

/* A flow's note begins.  What a note of the same flow has reported stays reported (false); another flow's is released. */
bool notes_begin(struct notes *n, uint32_t slot, uint16_t incarnation, uint64_t first, const uint32_t name[WEIR_DIRS]);
void notes_end(struct notes *n, uint32_t slot);
void notes_release(struct notes *n, uint32_t slot);	/* over, and its last record will not come */

/* How long it has lived, nanoseconds; 0: its beginning was not seen. */
uint64_t notes_age(const struct weir_note *note, uint64_t now);

/* What of these totals was not yet reported; from now on it is. */
struct note_totals {
	uint64_t packets[2], bytes[2];	/* [0] what the opener sent */
};
void notes_report(struct weir_note *note, const struct note_totals *totals, struct note_totals *rest);

#endif
