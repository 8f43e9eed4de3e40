/* SPDX-License-Identifier: Apache-2.0 */
/* What the relay's metrics are written from: a copy, made on gRPC's thread, read on the main one. */
#ifndef WEIR_RELAY_METRICS_LOOK_H
#define WEIR_RELAY_METRICS_LOOK_H

#include "relay/edges.h"
#include "relay/flows.h"
#include "relay/peers.h"

#define LOOK_LOST_MOST 64		/* stages that agents name */

struct look_peer {
	char name[PEER_TEXT];
	enum peer_state state;
	bool foreign, clock_known;
	int64_t clock_offset;
	uint64_t round_trip, passed, late, lost, garbage;
	unsigned int connects;
};

struct look_edge {
	struct edge_end source, destination;	/* pointers into 'text' once all is copied */
	uint8_t proto;
	uint64_t sum[EDGE_SUMS], bucket[EDGES_BUCKETS], live;
};

struct look {
	struct look_peer *peer;
	unsigned int peers, peer_room;
	struct look_edge *edge;
	unsigned int edges, edge_room;
	char *text;
	size_t text_used, text_room;
	struct { char where[64]; uint64_t events; } lost[LOOK_LOST_MOST];
	unsigned int losts;
	struct peers_counts peers_counts;
	struct edges_counts edges_counts;
	struct flows_counts flows_counts;
};

struct relay;
void look_take(struct look *l, struct relay *relay);	/* memory is kept for the next time */
void look_free(struct look *l);

#endif
