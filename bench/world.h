/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real datapath (agent/datapath.h) with two pods and a policy: 10.0.0.1 and fd00::1, the client, open; 10.0.0.2 and
 * fd00::2, the server, which lets each of its peers in by a rule of that peer's own, port 99 apart.
 *
 *	world_open(&w, &(struct world_options){ .ifindex = { 5, 6 }, .peers = 10000 }, &why);
 *	world_drain(w);			as the reader thread would: rings never fill
 *	world_close(w);
 */
#ifndef WEIR_BENCH_WORLD_H
#define WEIR_BENCH_WORLD_H

#include "agent/datapath.h"
#include "agent/flows.h"

#define WORLD_CLIENT 1		/* endpoint numbers */
#define WORLD_SERVER 2
#define WORLD_DENIED_PORT 99

struct world_options {
	unsigned int buckets;		/* 0: the default size */
	unsigned int ifindex[2];	/* host ends of the client's and the server's veth */
	__u8 mac[2][6];			/* the pods' own; all zero: 02::1 and 02::2 */
	__u8 gateway[2][6];		/* all zero: 02::fe */
	bool stack;			/* no redirect */
	unsigned int peers;		/* that the server has a rule for, the client among them; at least 1 */
	unsigned int ranges;		/* more port ranges in the client's table */
};
struct world {
	struct datapath *dp;
	struct flows *flows;
	unsigned int slot, cell, range;	/* next free */
	unsigned int set[2];		/* base of the open set, and of the server's */
	unsigned int classes;
};

int world_open(struct world **out, const struct world_options *options, struct complaint *why);
void world_close(struct world *w);
void world_drain(struct world *w);
struct weir_addr world_address(unsigned int pod, bool six);	/* 0: the client */
struct weir_addr world_peer(unsigned int i);			/* 10.64.0.0 + i */

/* The server's set anew, letting nobody in or everybody as before, and the generation: an edited policy. */
int world_shut(struct world *w, bool shut);

#endif
