/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edges of the cluster: the sums that agents push, added up over the nodes.
 *
 *	edges_open(&edges, &options);
 *	edges_take(edges, "node-a", reply, now);		relay/edges_follow.c, for every EdgesReply
 *	for (i = 0; i < edges_end(edges); i++)
 *		if ((e = edges_at(edges, i)))
 *			printf("%s %llu\n", e->source.workload, e->sum[EDGE_BYTES]);
 *
 * An agent tells totals since its process began.  What it told last is noted per node and edge, so that a total adds
 * only what is new; after a restart (another instance) it begins anew and what was counted stays.  Sums here never go
 * backwards.  What has no room goes to the edge "other"; edges that no node has told anything new of for an hour go
 * there, too.  Loop's thread only.
 */
#ifndef WEIR_RELAY_EDGES_H
#define WEIR_RELAY_EDGES_H

#include <stdbool.h>
#include <stdint.h>

#define EDGES_DEFAULT	32768		/* edges; notes are four times as many: 27 MiB when all are in use */
#define EDGES_IDLE_S	3600
#define EDGES_BUCKETS	16
#define EDGES_OTHER	0		/* number of the edge whose ends are both "other" */
#define EDGES_AUTHOR	1024		/* bytes of an author; a longer one is left out */

struct edge_end {
	const char *ns, *workload, *kind;	/* never NULL */
};

/* Numbers in the order of weir.v1.Edge; live is no sum: it is how many there are now. */
enum edge_sum {
	EDGE_OPENED, EDGE_DENIED, EDGE_WOULD_DENY, EDGE_DROPPED, EDGE_PACKETS, EDGE_BYTES, EDGE_REPLY_PACKETS,
	EDGE_REPLY_BYTES, EDGE_CLOSED, EDGE_HANDSHAKES, EDGE_HANDSHAKE_US,
	EDGE_ANSWERS, EDGE_ANSWER_US, EDGE_SUMS
};

struct edge {
	struct edge_end source, destination;
	uint16_t port;
	uint8_t proto;
	uint64_t sum[EDGE_SUMS];
	uint64_t bucket[EDGES_BUCKETS];	/* handshakes by power of two of microseconds, from 64 on */
	uint64_t live;
	uint64_t version;		/* of its last change: edges_version() */
	uint64_t changed;		/* CLOCK_REALTIME, nanoseconds */
	bool denied_egress;		/* the last denial was the source's side's */
	const uint8_t *author;		/* of the last denial, a weir.v1.Decision; NULL: none known */
	uint32_t author_size;
};

struct edges;
struct Weir__V1__EdgesReply;

int edges_open(struct edges **out, unsigned int capacity);	/* 0: EDGES_DEFAULT */
void edges_close(struct edges *edges);		/* NULL is fine */

void edges_take(struct edges *edges, const char *node, const struct Weir__V1__EdgesReply *reply, uint64_t now);
void edges_silent(struct edges *edges, const char *node);	/* not connected: nothing of it is live */
void edges_gone(struct edges *edges, const char *node, uint64_t now);	/* no longer a peer */
void edges_expire(struct edges *edges, uint64_t now);		/* every minute or so */

unsigned int edges_end(const struct edges *edges);		/* one past the last number */
const struct edge *edges_at(const struct edges *edges, unsigned int i);	/* NULL: none; good until the next change */
uint64_t edges_version(const struct edges *edges);		/* rises with each change; 0: none yet */
uint64_t edges_removed(const struct edges *edges);		/* edges that went to "other" */

struct edges_counts {
	unsigned int edges, capacity, notes, notes_capacity, nodes;
	uint64_t folded;		/* edges without room, counted under "other" */
	uint64_t unnoted;		/* totals that could not even be noted: in no sum */
	uint64_t restarts;		/* of agents */
	uint64_t bytes;			/* of memory */
};
void edges_count(const struct edges *edges, struct edges_counts *out);
unsigned int edges_of(const struct edges *edges, const char *node);	/* that it has told */

/* What agents said to have lost, by where, summed over nodes and restarts.  Number 'i' from 0; false past the last. */
struct edges_lost {
	const char *where;
	uint64_t events;
};
bool edges_lost(const struct edges *edges, unsigned int i, struct edges_lost *out);

#endif
