/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends: name numbers as blocks that never change (struct flow_end), for threads that may not look into the names.
 *
 *	number = ends_name(e, endpoint, &addr, n);	the reader, at event time: who it is, and record n says so
 *	end = ends_get(e, record.name[0]);		any thread between two of its quiet points
 *
 * Only who is named by a flow has a block.  It lives while a record in the history or a live flow names it, and until
 * every thread has passed a quiet point (agent/quiet.h) after that.
 */
#ifndef WEIR_AGENT_ENDS_H
#define WEIR_AGENT_ENDS_H

#include "agent/names.h"
#include "agent/quiet.h"
#include "lib/flow/flow.h"

struct datapath;
struct ends;

struct ends_with {		/* none of them ours */
	struct names *names;
	struct quiet *quiet;
	const struct datapath *datapath;	/* which interface an endpoint has; NULL: none is told */
	const char *cluster;	/* "" or the cluster's name */
};
int ends_new(struct ends **out, const struct ends_with *with);
void ends_free(struct ends *e);			/* NULL is fine */

const struct flow_end *ends_get(const struct ends *e, uint32_t number);	/* never NULL: world for whom nobody knows */

/* The host's end of a local pod's interface, when a flow first named the pod; "": none is known. */
const char *ends_interface(const struct ends *e, uint32_t number, uint32_t *ifindex);

/* The reader's thread. */
#define ENDS_MOST 65536			/* blocks; whoever finds no room is told as world */
void ends_now(struct ends *e, uint64_t now);		/* CLOCK_REALTIME, nanoseconds, of what follows */
uint32_t ends_name(struct ends *e, unsigned int endpoint, const struct weir_addr *a, uint64_t record);
void ends_touch(struct ends *e, uint32_t number, uint64_t record);	/* a live flow, or its closing, still names it */
void ends_forget(struct ends *e, uint64_t oldest);	/* no record before this one is asked for */

/* Who, as far as an edge cares; the same pointer for the same workload while it is held.  The reader's thread. */
struct ends_group {
	const char *ns, *workload, *kind;	/* kind: Deployment ..., Node, Service, World */
	uint32_t number;
	bool pod;				/* of pods */
};
const struct ends_group *ends_group(const struct ends *e, uint32_t number);
bool ends_elsewhere(const struct ends *e, uint32_t number);	/* a pod of another node, which counts its traffic itself */
void ends_group_hold(const struct ends_group *g);
void ends_group_drop(struct ends *e, const struct ends_group *g);

/* Namespaces with traffic in the last 'ns' nanoseconds before 'now' (CLOCK_REALTIME), sorted.  Any thread. */
typedef void (*ends_namespace_fn)(void *ctx, const char *ns, uint64_t last);
unsigned int ends_namespaces(const struct ends *e, uint64_t now, uint64_t ns, ends_namespace_fn fn, void *ctx);

struct ends_counts {
	size_t ends, groups, namespaces;
	size_t bytes;			/* of the ends' blocks */
	uint64_t made, refused;		/* refused: there was no room; told as world */
};
void ends_count(const struct ends *e, struct ends_counts *out);

#endif
