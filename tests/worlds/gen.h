/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The random parts of a world: namespaces, nodes, pods and policies as manifests, and connections to ask about.  The same
 * chance, the same parts.
 *
 *	struct chance c = { seed };
 *	m = gen_pod(&c, 3, 1);			the caller's to free
 *	gen_question(&c, &q);
 *
 * Labels of three keys and three values; every operator; nil and empty wherever a field may be missing; blocks in each
 * other around pods, nodes and outside; ranges, names with different numbers; both families; three tiers; audit.
 */
#ifndef WEIR_TESTS_WORLDS_GEN_H
#define WEIR_TESTS_WORLDS_GEN_H

#include <stdint.h>

#include <weir/base.h>

#include "lib/suite/value.h"

#define WORLD_NODE "n1"			/* the node under test */

struct chance {
	uint64_t state;
};
uint32_t chance_below(struct chance *c, uint32_t n);
static inline bool chance_of(struct chance *c, unsigned int percent)
{
	return chance_below(c, 100) < percent;
}

#define GEN_NAMESPACES 3
#define GEN_NODES 2
#define GEN_PODS 9
extern const char *const gen_namespaces[GEN_NAMESPACES];

/* Objects.  Number 'i' has always the same name: pod p<i> lives in gen_namespaces[i % GEN_NAMESPACES], node n<i + 1>. */
struct value *gen_namespace(struct chance *c, const char *name);
struct value *gen_node(struct chance *c, unsigned int i);
struct value *gen_pod(struct chance *c, unsigned int i, unsigned int born);	/* 'born': seconds, for who came last */
struct value *gen_policy(struct chance *c, const char *ns, const char *name);
struct value *gen_cluster_policy(struct chance *c, const char *name);

/* Parts of policies, for changes and for laws. */
struct value *gen_rule(struct chance *c, int dir);
struct value *gen_selector(struct chance *c, bool of_namespaces);
void gen_audit(struct chance *c, struct value *policy);		/* audited, now and then */

/* One connection to ask about. */
struct question {
	struct weir_addr src, dst;
	__u8 proto;
	__u16 port;
};
void gen_question(struct chance *c, struct question *q);

#endif
