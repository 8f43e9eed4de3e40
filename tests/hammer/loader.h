/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A build of the kernel programs loaded as agent/load.c would, whichever object file it lies in, with a table as small
 * as is wanted: sound builds and broken ones.  What comes out is a struct datapath for the agent's own readers.
 *
 *	loader_open(&dp, &(struct loader_options){ .object = file, .buckets = 4, .programs = names }, &why);
 *	flow_table_each(dp, ...); datapath_op(dp, ...); loader_program(dp, "hammer");
 */
#ifndef WEIR_TESTS_HAMMER_LOADER_H
#define WEIR_TESTS_HAMMER_LOADER_H

#include "agent/datapath_inside.h"
#include "agent/flows.h"

struct loader_options {
	const char *object;
	unsigned int buckets, ring;	/* bytes of the ring of records */
	unsigned int quota, quota_half;	/* 0: as much as the table holds */
	bool silent_ends;
	const char *const *programs;	/* to be loaded, NULL at the end */
};

int loader_open(struct datapath **out, const struct loader_options *o, struct complaint *why);
void loader_close(struct datapath *dp);
int loader_program(const struct datapath *dp, const char *name);
int loader_map(const struct datapath *dp, const char *name);
void *loader_variable(const struct datapath *dp, const char *name);	/* of .bss or .data, mapped; stays until close */

/* A pod, or with number 0 an address outside.  Class 8 for all; policy is one set for all. */
void loader_address(struct datapath *dp, unsigned int slot, struct weir_addr a, unsigned int number);
int loader_pod(struct datapath *dp, unsigned int number, unsigned int ifindex, bool redirect);

/* A table of port ranges for class 8, the same for TCP and UDP: 'says' answers for each port and names the rule. */
typedef bool (*loader_says_fn)(unsigned int port, unsigned int *rule, bool flag);
void loader_set(struct datapath *dp, unsigned int base, unsigned int first_range, loader_says_fn says, bool flag);
void loader_take(struct datapath *dp, unsigned int number, unsigned int base);

/* What slots cost their payers and how many flows live away from their first bucket, by the table itself: how many of
 * the programs' own numbers differ. */
unsigned int loader_audit(const struct datapath *dp, unsigned int endpoints, bool speak);

#endif
