/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who talks to whom: an agent's or a relay's edges as they come, and what changed in the last seconds.
 *
 *	edges_take(&e, reply);			true: an interval is complete
 *	edges_turn(&e);				what was told lately is what was
 *	n = edges_rows(&e, &how, row, max);	the busiest first
 *	edges_free(&e);
 *
 * A relay hears of its nodes every 5 s, each at its own time: what changed is told over 5 to 10 s, not between two tellings.
 * Sums begin anew when the teller does (its instance changes).  At most EDGES_MOST are kept; others are counted.
 */
#ifndef WEIR_TOOLS_EDGES_H
#define WEIR_TOOLS_EDGES_H

#include <stdbool.h>

#include "proto/weir/v1/agent.pb-c.h"

#define EDGES_MOST 200000
#define EDGES_TURN_NS 5000000000ULL

struct edge_sums {
	uint64_t bytes, packets, opened, closed, denied, would_deny, dropped, handshakes, handshake_us, answers, answer_us;
};

struct edge {
	char *source, *destination;	/* "shop/cart", "node n1", "world" */
	uint32_t proto, port;
	struct edge_sums now, middle, then;
	uint32_t live;
	char *author;			/* of the last denial: "shop/default-deny#2"; NULL: none */
};

struct edges {
	struct edge *edge;
	uint32_t *place;		/* by hash, number from 1; 0: free */
	uint32_t n, room, places;
	uint64_t instance;
	uint64_t left_out;		/* edges that had no room */
	uint64_t since, at;		/* ns of CLOCK_REALTIME: sums are since; now */
	uint64_t middle, before;	/* of edge.middle, edge.then; 0: none yet */
	uint64_t lost;			/* events, by all counters */
	char *node;
};

enum edges_by { EDGES_BYTES, EDGES_FLOWS, EDGES_DENIALS };

struct edges_how {
	enum edges_by by;
	bool pairs;			/* ports of one pair together */
	bool totals;			/* since the start, not of the last seconds */
	const char *ns;			/* only what has an end in it; NULL: all */
};

struct edges_row {
	const struct edge *edge;	/* names; of a pair its busiest port's */
	struct edge_sums sums;
	uint32_t live;
	bool ports;			/* more than one */
};

/* In milliseconds since the sums began that edges_rows() tells. */
uint64_t edges_span(const struct edges *e, const struct edges_how *how);
bool edges_take(struct edges *e, const Weir__V1__EdgesReply *r);
unsigned int edges_rows(const struct edges *e, const struct edges_how *how, struct edges_row *row, unsigned int max,
			unsigned int *all);	/* '*all': without 'max' */
void edges_turn(struct edges *e);
void edges_free(struct edges *e);

#endif
