// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "relay/edges_inside.h"

static uint32_t bucket_of(const struct edges *e, uint32_t node, uint64_t hash)
{
	uint64_t h = (hash ^ (node + 1) * 0x9e3779b97f4a7c15ULL) * 0xff51afd7ed558ccdULL;

	return (uint32_t)(h >> 32) & (e->note_buckets - 1);
}

int notes_open(struct edges *e)
{
	for (e->note_buckets = 1024; e->note_buckets < e->notes_capacity; e->note_buckets *= 2)
		;
	e->note_bucket = malloc(e->note_buckets * sizeof(*e->note_bucket));
	if (!e->note_bucket)
		return -ENOMEM;
	memset(e->note_bucket, 0xff, e->note_buckets * sizeof(*e->note_bucket));
	e->free_note = NONE;
	return 0;
}

void notes_close(struct edges *e)
{
	for (uint32_t i = 0; i < e->nodes; i++)
		free(e->node[i]);
	free(e->node);
	free(e->note);
	free(e->note_bucket);
}

static struct node *node_new(struct edges *e, uint32_t at, const char *name)
{
	struct node *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	strncpy(n->name, name, sizeof(n->name) - 1);
	n->first = NONE;
	e->node[at] = n;
	if (at == e->nodes)
		e->nodes++;
	return n;
}

/* Few, and asked for by name once per reply. */
struct node *notes_node(struct edges *e, const char *name, bool make)
{
	uint32_t at = e->nodes;

	for (uint32_t i = 0; i < e->nodes; i++) {
		if (e->node[i] && !strncmp(e->node[i]->name, name, sizeof(e->node[i]->name) - 1))
			return e->node[i];
		if (!e->node[i])
			at = i;
	}
	if (!make)
		return NULL;
	if (at == e->nodes_room) {
		uint32_t room = e->nodes_room ? e->nodes_room * 2 : 16;
		struct node **wider = realloc(e->node, room * sizeof(*wider));

		if (!wider)
			return NULL;
		e->node = wider;
		e->nodes_room = room;
	}
	return node_new(e, at, name);
}

uint32_t notes_number(const struct edges *e, const struct node *n)
{
	uint32_t i = 0;

	while (e->node[i] != n)
		i++;
	return i;
}

static uint32_t note_alloc(struct edges *e)
{
	uint32_t i = e->free_note;

	if (i != NONE) {
		e->free_note = e->note[i].next;
		return i;
	}
	if (e->notes_end == e->notes_capacity)
		return NONE;
	if (e->notes_end == e->notes_room) {
		uint32_t room = e->notes_room ? e->notes_room * 2 : 1024;
		struct note *wider;

		if (room > e->notes_capacity)
			room = e->notes_capacity;
		wider = realloc(e->note, room * sizeof(*wider));
		if (!wider)
			return NONE;
		e->note = wider;
		e->notes_room = room;
	}
	return e->notes_end++;
}

struct note *notes_get(struct edges *e, uint32_t node, uint64_t hash, bool *fresh)
{
	uint32_t *bucket = &e->note_bucket[bucket_of(e, node, hash)], i;
	struct node *n = e->node[node];

	*fresh = false;
	for (i = *bucket; i != NONE; i = e->note[i].next)
		if (e->note[i].hash == hash && e->note[i].node == node)
			return &e->note[i];
	i = n->notes < e->notes_capacity / 4 ? note_alloc(e) : NONE;	/* one node does not take all the room */
	if (i == NONE)
		return NULL;
	e->note[i] = (struct note){ .hash = hash, .node = node, .row = NONE, .next = *bucket, .of_node = n->first };
	*bucket = n->first = i;
	n->notes++;
	e->counts.notes++;
	*fresh = true;
	return &e->note[i];
}

static void note_free(struct edges *e, uint32_t i)
{
	struct note *note = &e->note[i];
	uint32_t *at = &e->note_bucket[bucket_of(e, note->node, note->hash)];

	while (*at != i)
		at = &e->note[*at].next;
	*at = note->next;
	note->next = e->free_note;
	e->free_note = i;
	e->counts.notes--;
}

void notes_drop(struct edges *e, struct node *n, uint32_t pass, struct moved *to)
{
	uint32_t *at = &n->first;

	while (*at != NONE) {
		struct note *note = &e->note[*at];
		uint32_t i = *at;

		if (note->pass >= pass) {
			at = &note->of_node;
			continue;
		}
		for (int k = 0; to && k < EDGE_SUMS; k++)
			to->sum[k] += note->sum[k];
		for (int k = 0; to && k < EDGES_BUCKETS; k++)
			to->bucket[k] += note->bucket[k];
		row_live(e, &e->row[note->row], note, 0);
		e->row[note->row].notes--;
		n->notes--;
		*at = note->of_node;
		note_free(e, i);
	}
}

void notes_drop_node(struct edges *e, struct node *n)
{
	uint32_t i = notes_number(e, n);

	notes_drop(e, n, UINT32_MAX, NULL);
	e->node[i] = NULL;
	free(n);
}
