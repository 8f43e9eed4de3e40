/* SPDX-License-Identifier: Apache-2.0 */
/* What relay/edges.c (sums) and relay/edge_notes.c (what each node told last) share; no one else. */
#ifndef WEIR_RELAY_EDGES_INSIDE_H
#define WEIR_RELAY_EDGES_INSIDE_H

#include <stddef.h>

#include "relay/edges.h"

#define NONE	   UINT32_MAX
#define LOST_WHERE 16			/* kinds of loss that are told apart */

struct row {
	struct edge edge;
	uint64_t hash;
	uint32_t next;			/* of its bucket, or free */
	uint32_t notes;			/* nodes that tell it */
	bool used;
	char *texts;			/* its ends' strings, one behind the other */
	size_t texts_size;
};

/* What one node told last of one edge. */
struct note {
	uint64_t hash;			/* of the edge */
	uint64_t sum[EDGE_SUMS];
	uint32_t bucket[EDGES_BUCKETS];
	uint32_t live;
	uint32_t row, node;
	uint32_t next;			/* of its bucket, or free */
	uint32_t of_node;		/* the node's next */
	uint32_t pass;
};

/* Sums on their way from one place to another. */
struct moved {
	uint64_t sum[EDGE_SUMS];
	uint64_t bucket[EDGES_BUCKETS];
};

struct node {
	char name[256];
	uint64_t instance;		/* 0: it has told nothing yet */
	uint64_t gone;			/* no longer a peer since; CLOCK_REALTIME; 0: it is one */
	uint32_t first, notes;
	uint32_t pass;			/* rises with each telling of all */
	bool whole;			/* amid one */
	bool forgotten;			/* its notes went, its instance may come back: what it then tells was counted */
	struct moved other;		/* amid one: what is new under "other" */
	uint64_t lost[LOST_WHERE];
	struct node *next;
};

struct edges {
	struct row *row;
	uint32_t end, capacity, free_row;	/* rows: numbers given out; the most; list of free ones */
	uint32_t *row_bucket, buckets;
	struct note *note;
	uint32_t notes_end, notes_room, notes_capacity, free_note;
	uint32_t *note_bucket, note_buckets;
	struct node **node;
	uint32_t nodes, nodes_room;
	uint64_t version, removed;
	struct edges_counts counts;
	char where[LOST_WHERE][64];
	uint64_t lost[LOST_WHERE];
	size_t texts;			/* bytes of strings and authors */
};

int notes_open(struct edges *e);
void notes_close(struct edges *e);
struct node *notes_node(struct edges *e, const char *name, bool make);	/* NULL: none, or no memory */
/* The node's note of that edge, made if need be; NULL: there is no room. */
struct note *notes_get(struct edges *e, uint32_t node, uint64_t hash, bool *fresh);
uint32_t notes_number(const struct edges *e, const struct node *n);
/* Drops the node's notes of before 'pass'; what they had told is added to 'to' if it is not NULL. */
void notes_drop(struct edges *e, struct node *n, uint32_t pass, struct moved *to);
void notes_drop_node(struct edges *e, struct node *n);

void row_live(struct edges *e, struct row *r, struct note *note, uint32_t live);

#endif
