/* SPDX-License-Identifier: Apache-2.0 */
/* What agent/ends.c and agent/end_make.c share: one block per end, and the workloads that ends belong to. */
#ifndef WEIR_AGENT_END_INSIDE_H
#define WEIR_AGENT_END_INSIDE_H

#include "agent/ends.h"

struct group {
	struct ends_group public;
	struct group *next;		/* by hash; then the next in limbo */
	unsigned int held;		/* by ends and edges */
	uint64_t mark;
	char bytes[];
};

struct end {
	struct flow_end flow;
	struct end *next;		/* all of them; then the next in limbo */
	uint64_t mark;
	size_t size;			/* of the block */
	struct group *group;
	bool elsewhere;			/* a pod of another node */
	uint32_t ifindex;
	char interface[16];
	uint16_t ns;			/* whose namespace has traffic; 0: none */
	char bytes[] __attribute__((aligned(8)));	/* labels, strings, the encoded message */
};

/* Of a pod, a node or a service.  NULL: no memory. */
struct end *end_of_name(const struct name *name, const char *own_node, const char *cluster);
struct end *end_reserved(uint32_t number, uint32_t identity, const char *label, const char *node, const char *cluster);

#endif
