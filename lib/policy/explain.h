/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why: what policy says about one connection and how close the nearest rule came, from the objects themselves.
 * The verdict and its author come from the tables (image, or the kernel's maps); this page only words them.
 */
#ifndef WEIR_LIB_POLICY_EXPLAIN_H
#define WEIR_LIB_POLICY_EXPLAIN_H

#include "lib/netpol/object.h"

/* What is known of one end.  'pod' is NULL for an address that is no pod's. */
struct explain_end {
	const struct object *pod;
	const struct object *ns;	/* its Namespace, or NULL */
	const struct object *node;	/* the Node whose address it is, or NULL */
	struct weir_addr addr;
};

struct explain_miss {
	const struct object *policy;
	enum weir_dir dir;
	unsigned int index;		/* rule, from 0 */
	unsigned int score;		/* higher is closer; 0: no policy selects the pod in that direction */
	char text[512];			/* "rule 2 of shop/db allows TCP 5432 from app=cart in ns=shop; 'rogue' lacks label app" */
};

/* The rule that came closest to allowing it, among the policies that select the judged end.  Returns false if
 * there is none. */
bool explain_miss(const struct object *const *policies, unsigned int n, enum weir_dir dir,
		  const struct explain_end *src, const struct explain_end *dst, uint8_t proto, uint16_t port,
		  struct explain_miss *out);

/* The policies that isolate an end in a direction, as "ns/a, ns/b"; how many there are. */
unsigned int explain_isolating(const struct object *const *policies, unsigned int n, enum weir_dir dir,
			       const struct explain_end *subject, char *buf, size_t size);

/* One line for a rule: "from app=web in ns=shop: TCP 80, 8000-8007". */
void explain_rule_text(const struct object *policy, enum weir_dir dir, unsigned int index, char *buf, size_t size);

#endif
