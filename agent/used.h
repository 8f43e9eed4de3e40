/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Used: what the kept records say of policies: when each rule decided last, how often rules and defaults denied, or would.
 *
 *	used_read(&used, records, rules);	looks at all of them once: some ms for 65,536
 *	used.rule[kernel_number].last		a rule's last decision; .n: what it denied (of an audited policy: would)
 *	used.side[endpoint][dir][false].n	denied because policies isolate the pod; [true]: audited ones would
 *	used_free(&used);
 *
 * Counts go back as far as the records do, not to the agent's start.
 */
#ifndef WEIR_AGENT_USED_H
#define WEIR_AGENT_USED_H

#include "agent/records.h"
#include "agent/rules.h"

#define USED_ENDPOINTS 32768

struct used_count {
	uint64_t last;			/* nanoseconds of CLOCK_REALTIME; 0: not in the records */
	uint64_t n;
};
struct used {
	struct used_count *rule;	/* by the kernel's number, of those in force */
	struct used_count (*side)[WEIR_DIRS][2];	/* by endpoint and direction; audited */
};

int used_read(struct used *u, const struct records *records, const struct rules *rules);
void used_free(struct used *u);

#endif
