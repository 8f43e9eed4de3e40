// SPDX-License-Identifier: Apache-2.0
/*
 * The order as assertions.  A packet may hold whatever was reachable since the last grace: sets that endpoints had,
 * classes that words had, slots that entries had.  Nothing of that is rewritten, and nothing new is reachable before
 * all that it leads to is there.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/policy/image_inside.h"

#define CLASSES 65536

void image_strict(struct image *m)
{
	m->strict = true;
	for (int d = 0; d < WEIR_DIRS; d++)
		m->class[d] = calloc(CLASSES, sizeof(struct image_use));
	m->slot = calloc(WEIR_SLOTS, sizeof(struct image_use));
	m->carea = 4096;
	m->area = calloc(m->carea, sizeof(struct image_area));
}

void image_check_free(struct image *m)
{
	free(m->class[0]);
	free(m->class[1]);
	free(m->slot);
	free(m->area);
}

static bool in_use(const struct image *m, __u32 users, __u32 until)
{
	return users || until == m->epoch;
}

static bool class_in_use(const struct image *m, enum weir_dir d, __u32 k)
{
	return k == WEIR_CLASS_STRANGER || in_use(m, m->class[d][k].users, m->class[d][k].until);
}

static struct image_area *area_find(struct image *m, enum weir_dir dir, struct weir_set at)
{
	for (__u32 i = 0; i < m->narea; i++)
		if (m->area[i].dir == dir && m->area[i].at.base == at.base && m->area[i].at.limit == at.limit)
			return &m->area[i];
	if (m->narea == m->carea)
		return NULL;
	m->area[m->narea] = (struct image_area){ .at = at, .dir = dir };
	return &m->area[m->narea++];
}

static void areas_forget(struct image *m)
{
	for (__u32 i = 0; i < m->narea;)
		if (in_use(m, m->area[i].users, m->area[i].until))
			i++;
		else
			m->area[i] = m->area[--m->narea];
}

static void check_cells(struct image *m, const struct op *op)
{
	areas_forget(m);
	for (__u32 i = 0; i < m->narea; i++) {
		const struct image_area *a = &m->area[i];

		for (__u32 n = 0; n < op->count; n++) {
			__u32 at = op->first + n, k = at - a->at.base;

			if (at < a->at.base || k >= a->at.limit || m->cell[at] == op->cell[n] || !m->cell[at])
				continue;
			if (class_in_use(m, a->dir, k))
				image_breach(m, "rewrites a cell in use: class %u of set at %u", k, a->at.base);
		}
	}
	for (__u32 n = 0; n < op->count; n++) {
		__u32 cell = op->cell[n], last = WEIR_CELL_FIRST(cell) + WEIR_CELL_COUNT(cell) - 1;

		if (cell && (last >= WEIR_RANGES || m->range[last].last != 65535 || m->range[last].proto != 132))
			image_breach(m, "a cell before its ranges: %u + %u", WEIR_CELL_FIRST(cell), WEIR_CELL_COUNT(cell));
	}
}

static bool overlaps(__u32 cell, const struct op *op)
{
	__u32 first = WEIR_CELL_FIRST(cell), end = first + WEIR_CELL_COUNT(cell);

	return cell && first < op->first + op->count && op->first < end;
}

static void check_ranges(struct image *m, const struct op *op)
{
	areas_forget(m);
	if (!memcmp(m->range + op->first, op->range, op->count * sizeof(*op->range)))
		return;
	for (__u32 i = 0; i < m->narea; i++)
		for (__u32 k = 0; k < m->area[i].at.limit; k++)
			if (overlaps(m->cell[m->area[i].at.base + k], op) && class_in_use(m, m->area[i].dir, k))
				image_breach(m, "rewrites ranges in use: %u, by class %u of set at %u", op->first, k,
					     m->area[i].at.base);
}

static bool row_there(const struct image *m, const struct image_area *a, __u32 k)
{
	return k < a->at.limit && m->cell[a->at.base + k];
}

/* A class shows up in a word: every set that a packet may hold has a cell for it. */
static void check_word(struct image *m, const struct op *op)
{
	areas_forget(m);
	if (!(WEIR_WORD_FLAGS(op->word) & WEIR_WORD_SET))
		image_breach(m, "a word that is no word, in slot %u", op->first);
	for (int d = 0; d < WEIR_DIRS; d++) {
		__u32 k = WEIR_WORD_CLASS(op->word, d);

		if (k < WEIR_CLASS_FIRST || m->class[d][k].users)
			continue;
		for (__u32 i = 0; i < m->narea; i++)
			if (m->area[i].dir == (enum weir_dir)d && !row_there(m, &m->area[i], k))
				image_breach(m, "class %u before its cell in the set at %u", k, m->area[i].at.base);
	}
}

/* A packet reads its set before the peer's class: it never has a new set with a class that words have left. */
static void check_set(struct image *m, const struct op *op)
{
	const struct image_area a = { .at = op->set, .dir = op->dir };

	for (__u32 k = WEIR_CLASS_FIRST; op->set.limit && k < CLASSES; k++)
		if (m->class[op->dir][k].users && !row_there(m, &a, k))
			image_breach(m, "set at %u before its cell of class %u", op->set.base, k);
}

static void check_entry(struct image *m, const struct op *op)
{
	if (in_use(m, m->slot[op->first].users, m->slot[op->first].until))
		image_breach(m, "slot %u serves again before a grace", op->first);
	if (!m->word[op->first])
		image_breach(m, "an entry before its word: slot %u", op->first);
}

void image_check(struct image *m, const struct op *op)
{
	switch (op->kind) {
	case OP_CELLS:
		check_cells(m, op);
		break;
	case OP_RANGES:
		check_ranges(m, op);
		break;
	case OP_WORD:
		check_word(m, op);
		/* the old word's classes are used less */
		if (m->slot[op->first].users)
			for (int d = 0; d < WEIR_DIRS; d++) {
				struct image_use *u = &m->class[d][WEIR_WORD_CLASS(m->word[op->first], d)];

				u->users--;
				u->until = m->epoch;
			}
		break;
	case OP_ADDRESS:
	case OP_PREFIX:
		check_entry(m, op);
		break;
	case OP_SET: {
		struct weir_set was = m->set[op->first].dir[op->dir];
		struct image_area *a = was.limit ? area_find(m, op->dir, was) : NULL;

		check_set(m, op);
		if (a) {
			a->users--;
			a->until = m->epoch;
		}
		break;
	}
	default:
		break;
	}
}

static void slot_classes(struct image *m, __u32 slot, int by)
{
	for (int d = 0; d < WEIR_DIRS; d++) {
		struct image_use *u = &m->class[d][WEIR_WORD_CLASS(m->word[slot], d)];

		u->users += by;
		u->until = m->epoch;
	}
}

void image_checked(struct image *m, const struct op *op)
{
	struct image_area *a;

	switch (op->kind) {
	case OP_WORD:
		if (m->slot[op->first].users)
			slot_classes(m, op->first, 1);
		break;
	case OP_ADDRESS:
	case OP_PREFIX:
		m->slot[op->first].users++;
		slot_classes(m, op->first, 1);
		break;
	case OP_ADDRESS_GONE:
	case OP_PREFIX_GONE:
		m->slot[op->first].users--;
		m->slot[op->first].until = m->epoch;
		slot_classes(m, op->first, -1);
		break;
	case OP_SET:
		a = op->set.limit ? area_find(m, op->dir, op->set) : NULL;
		if (a)
			a->users++;
		break;
	default:
		break;
	}
}
