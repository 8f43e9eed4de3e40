/* SPDX-License-Identifier: Apache-2.0 */
/* What a map is made of: map.c takes things in, map_fold.c chooses, map_write.c writes. */
#ifndef WEIR_RELAY_MAP_INSIDE_H
#define WEIR_RELAY_MAP_INSIDE_H

#include "relay/map.h"

enum map_kind { MAP_WORKLOAD, MAP_OUT, MAP_NODE, MAP_OTHER };

/* A workload, or a name outside. */
struct map_end {
	struct map_end *next;		/* of its bucket */
	uint32_t hash, space;		/* number of its namespace; 0: it has none */
	uint32_t number;
	uint32_t mark;			/* where it is shown; MAP_NO_MARK: nowhere */
	uint8_t map_kind;
	bool calls, called;
	bool kept;			/* by focus */
	bool shown;			/* already */
	uint64_t rate, denies;		/* flows to and from it; denials it caused or met */
	char *ns, *name, *kind;		/* the first owns the block */
};

struct map_space {
	char *name;			/* an end's */
	uint32_t ends, first;		/* 'first': some end of it */
	uint64_t rate, denies;
	uint32_t alone;			/* not open: so many of its ends stand alone all the same, the most interesting */
	bool open, wanted, shut;
	uint8_t shown;			/* already: 1 as one mark, 2 opened */
};

struct map_line {			/* one edge, or several merged */
	uint32_t from, to;		/* ends, or marks */
	uint16_t port;
	uint8_t proto;
	bool egress;			/* the source's side denied last */
	uint64_t sum[PAST_SUMS];
	const uint8_t *decision;	/* not ours, until the map is written */
	size_t decision_size;
};

struct map_mark {
	uint32_t end;			/* one of those it stands for */
	uint32_t count;			/* how many */
	uint32_t space;			/* folded: which namespace; 0: a single one, or MAP_REST */
	bool folded, rest;
	bool calls, called, from_outside;
	uint8_t layer;
	uint64_t denies;
	uint32_t ports;			/* where in 'port' */
	uint64_t spark[MAP_POINTS];
};

#define MAP_NO_MARK UINT32_MAX

struct map {
	uint64_t window_ms;
	unsigned int points;
	struct map_end **end, **bucket;
	uint32_t nend, ends_room, nbucket;
	struct map_space *space;	/* from 1 */
	uint32_t nspace, spaces_room;
	struct map_line *line;		/* as they came: ends */
	uint32_t nline, lines_room;
	uint32_t *line_of, nline_of;	/* hash table of (from, to, proto, port), + 1 */
	uint64_t (*spark)[MAP_POINTS];	/* calls in, by end */
	struct map_mark *mark;
	uint32_t nmark;
	struct map_line *merged;
	uint32_t nmerged;
	struct map_counts counts;
};

#endif
