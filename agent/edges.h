/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edges: sums between workloads, by protocol and destination port, since the agent began.
 *
 *	edges_records(e, ...), edges_live(e, ...);		the reader, per batch of records and per reading of the flow table
 *	for (i = 0; i < edges_end(e); i++)
 *		if (edges_copy(e, i, since, &edge))		any thread: a copy that is whole
 *			push(&edge);
 *
 * Traffic and openings are counted by the source's node, or by the destination's if the source is no pod; denials by
 * the node that denied.  What has no room is counted under the edge "other" (number EDGES_OTHER), what was lost with a
 * record under EDGES_LOST: sum over all edges = what the kernel counted.
 */
#ifndef WEIR_AGENT_EDGES_H
#define WEIR_AGENT_EDGES_H

#include "agent/ends.h"
#include "agent/records.h"

#define EDGES_DEFAULT 16384
#define EDGES_PORTS 64			/* of one pair and protocol; what is beyond has port 0 */
#define EDGES_IDLE_S 3600		/* silent and without a live flow for so long: it goes to "other" */
#define EDGES_BUCKETS 16

enum { EDGES_OTHER, EDGES_LOST, EDGES_FIRST };

struct edge_sums {
	uint64_t opened, closed;	/* flows */
	uint64_t packets[2], bytes[2];	/* [0] source to destination */
	uint64_t denied, dropped;	/* packets: by policy, for any other reason */
	uint64_t would_deny;		/* flows */
	uint64_t handshakes, handshake_us;
	uint64_t answers, answer_us;	/* TCP: from the SYN to the SYN-ACK, there and back; their sum */
	uint32_t handshake_bucket[EDGES_BUCKETS];	/* by power of two of microseconds, from 64 on */
	uint32_t live;			/* flows that went on (weir_live()) when the table was last read */
	uint32_t denied_rule;		/* the last denial's author, as rules_get() knows it; 0: none */
	uint64_t denied_time;
	bool denied_egress;		/* the source's side said so */
	uint32_t denied_name;		/* whose side that is, where no rule decided; 0: one did */
};

struct edge {
	struct ends_group source, destination;	/* strings: until the thread's next quiet point */
	uint16_t port;			/* 0: has none, or too many */
	uint8_t proto;
	uint64_t version;		/* of its last change: edges_version() */
	uint64_t last;			/* CLOCK_REALTIME, nanoseconds */
	struct edge_sums sums;
};

struct edges;

int edges_new(struct edges **out, struct ends *ends, unsigned int capacity);
void edges_free(struct edges *e);		/* NULL is fine */

/* Any thread. */
unsigned int edges_end(const struct edges *e);
bool edges_copy(const struct edges *e, unsigned int i, uint64_t since, struct edge *out);	/* false: none, or not changed since */

/*
 * To be told only what changed: take the version, look at all, keep it for the next time as 'since'.  An edge that
 * changes meanwhile may be told twice, never missed.  'since' 0: all.  If edges_removed() changed, an edge went to
 * "other": tell all anew.
 */
uint64_t edges_version(struct edges *e);
uint64_t edges_removed(const struct edges *e);

struct edges_counts {
	unsigned int edges, capacity;
	uint64_t refused;		/* records and readings that went to "other" for want of room */
	uint64_t elsewhere_packets, elsewhere_bytes;	/* traffic that the source's node counts */
	uint64_t elsewhere_opened, elsewhere_closed;
	uint64_t cut_bytes;		/* of packets of cut flows: as packets they are under 'denied' */
};
void edges_count(const struct edges *e, struct edges_counts *out);

/* The reader's thread. */
#define EDGES_BATCH 64
struct edge_traffic {
	uint64_t packets[2], bytes[2];	/* since they were last reported: [0] source to destination */
	uint32_t answer_us;		/* of a closing: TCP's SYN to SYN-ACK; 0: not measured */
};
/* At most EDGES_BATCH; 'traffic' of each record, for openings and closings. */
void edges_records(struct edges *e, const struct record *r, const struct edge_traffic *traffic, unsigned int n, uint64_t now);
void edges_live_begin(struct edges *e);		/* a reading of the flow table begins: then per flow ... */
struct edge_flow {
	uint32_t name[WEIR_DIRS];
	uint16_t source_endpoint;
	uint16_t port;			/* destination's, host order */
	uint8_t proto;
	bool cut;			/* the packets were dropped */
	bool live;			/* weir_live(); else only its traffic counts */
	struct edge_traffic traffic;
};
void edges_live(struct edges *e, const struct edge_flow *f, uint64_t now);
void edges_live_end(struct edges *e, uint64_t now);	/* ... and its end; idle edges leave */
/* More was lost; 'packets' and 'bytes' may be below zero, when what was told as lost is found to have been counted. */
void edges_lost(struct edges *e, uint64_t opened, uint64_t denied, int64_t packets, int64_t bytes, uint64_t now);

#endif
