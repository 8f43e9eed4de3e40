/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy compiler of one node: objects in, ordered stores out.  Pure: no I/O, no clock, no kernel.
 *
 *	compile_new(&c, &limits, sink, ctx);
 *	compile_object(c, object, &why);  ...		anything, in any order; copies what it keeps
 *	compile_commit(c, &report);			stores, in the order that was proved
 *	-- a grace that began after the commit passes --
 *	compile_settle(c);				removal and joins; may store; again after the next grace, while
 *							compile_unsettled(c)
 *	mark = compile_sweep_mark(c);
 *	-- flow table swept, rings drained --
 *	compile_swept(c, mark, held);			slots, endpoints and rule numbers that were given up may serve
 *							again; an address that changed hands opens (a store)
 *	compile_finish(c);				all of that at once, for a judge without a kernel
 *
 * Incremental result = fresh result, whatever the order of events.  What does not fit is refused: the changed
 * policies that do not fit are put back to their last good version, the others stand.  One thread.  Memory that
 * cannot be had ends the process: the kernel goes on enforcing, and the next agent adopts.
 */
#ifndef WEIR_LIB_POLICY_COMPILE_H
#define WEIR_LIB_POLICY_COMPILE_H

#include <stddef.h>

#include "lib/complaint.h"
#include "lib/netpol/object.h"
#include "lib/policy/op.h"

struct compiler;

enum compile_mode {
	MODE_KUBERNETES,		/* a pod is open until a policy isolates it */
	MODE_DEFAULT_DENY_AUDIT,	/* nothing would pass without a rule: would-be verdicts only */
	MODE_DEFAULT_DENY,		/* nothing passes without a rule */
};

struct compile_limits {			/* 0: the default, which is the maps' size */
	__u32 classes;			/* per direction */
	__u32 sets, cells, ranges, rules, addresses, prefixes;
	__u32 namespace_classes;	/* budget of classes that one namespace's policies may cause */
};

enum compile_bound {
	BOUND_NONE, BOUND_CLASSES, BOUND_SETS, BOUND_CELLS, BOUND_RANGES, BOUND_RULES, BOUND_ADDRESSES, BOUND_PREFIXES,
	BOUND_TABLE, BOUND_ENDPOINTS, BOUND_NAMESPACE,
};
const char *compile_bound_text(enum compile_bound b);	/* "range table is full (262,144 ranges)" */

struct compile_report {
	enum compile_bound bound;	/* BOUND_NONE: accepted */
	unsigned int nrefused;		/* objects of this commit that were put back to their last good version */
	bool raised;			/* the generation rose */
	unsigned int cells, ranges, words;	/* stored */
	unsigned int held;		/* local pods whose new policies did not fit: the old ones stand, new pods stay closed */
};

/* An object that was put back, and the bound in its way.  Valid until the next commit. */
struct compile_refusal {
	enum compile_bound bound;
	enum object_kind kind;
	const char *ns, *name;
};

struct compile_counts {
	__u32 pods, policies, local_policies, endpoints, classes[WEIR_DIRS], sets, tables, ranges, cells, rules, addresses,
	      prefixes;
	__u32 over;			/* addresses closed because there is no class or no slot for them */
	__u32 refused;			/* policies put back, ever */
	size_t bytes;			/* held by the compiler */
};

/* Who a rule number is.  Strings live until the number is reused. */
struct compile_rule {
	enum policy_tier tier;
	enum weir_dir dir;
	const char *ns, *policy;	/* ns "" for cluster tiers */
	unsigned int index;		/* in written order, from 0 */
	const char *name;		/* of the rule, or "" */
	const char *text;		/* what it says, in one line: "from app=web in ns=shop: TCP 80, 8000-8007" */
};

int compile_new(struct compiler **out, const struct compile_limits *limits, op_fn sink, void *ctx);
void compile_free(struct compiler *c);
void compile_node_name(struct compiler *c, const char *node);	/* which pods are local; before the first object */
void compile_all_local(struct compiler *c);		/* every pod is: for tests and judges */
void compile_set_mode(struct compiler *c, enum compile_mode mode);

/* Added or changed.  -EINVAL with a complaint if the object cannot be taken at all. */
int compile_object(struct compiler *c, const struct object *o, struct complaint *why);
void compile_gone(struct compiler *c, enum object_kind kind, const char *ns, const char *name);

/* Addresses of the node itself that no Node object names (a bridge, a gateway). */
int compile_host_address(struct compiler *c, const struct weir_addr *a, bool there);

int compile_commit(struct compiler *c, struct compile_report *report);	/* 0, -E2BIG (something was refused), or the sink's */
bool compile_refused(const struct compiler *c, unsigned int i, struct compile_refusal *out);
int compile_settle(struct compiler *c);		/* after a grace that began after the last commit or settle; may store */
bool compile_unsettled(const struct compiler *c);	/* is there anything for settle to do */
int compile_finish(struct compiler *c);		/* settles and sweeps until nothing rests: where there is no kernel */

/* What must be found nowhere before its number serves again.  'mark' is taken before the sweep begins; 'held' has
 * a bit for each rule number that the sweep still found in a slot, or is NULL.  May store (addresses open). */
unsigned int compile_sweep_mark(const struct compiler *c);
bool compile_unswept(const struct compiler *c);
int compile_swept(struct compiler *c, unsigned int mark, const __u64 held[WEIR_RULES / 64]);

/*
 * A new agent over old maps.  'old' is what the maps hold, and what the agent wrote down about the numbers; it is
 * copied.  Call before the first object.  The first commit then is the adopting one: every number found is taken
 * as used, old sets are copied to where there is room for new classes, the generation always rises.  What the maps
 * hold and no object accounts for leaves with it.
 */
struct compile_adopted_entry {			/* of the hash of addresses (length 128), or of prefixes */
	struct weir_prefix prefix;
	__u32 slot;
};
struct compile_adopted_endpoint {
	__u32 number;
	const char *ns, *pod;			/* "" where the agent kept no name */
	struct weir_set set[WEIR_DIRS];
};
struct compile_adopted_rule {			/* as compile_rule_of() told them to the earlier agent */
	__u32 number;
	struct compile_rule rule;
};
struct compile_adopted {
	const __u64 *word;			/* slots, WEIR_SLOTS of them */
	const __u32 *cell;			/* WEIR_CELLS */
	const struct weir_range *range;		/* WEIR_RANGES */
	const struct compile_adopted_entry *address, *prefix;
	const struct compile_adopted_endpoint *endpoint;
	const struct compile_adopted_rule *rule;
	unsigned int naddress, nprefix, nendpoint, nrule;
};
int compile_adopt(struct compiler *c, const struct compile_adopted *old);

/* Questions. */
unsigned int compile_endpoint(const struct compiler *c, const char *ns, const char *pod);	/* 0: no local one */
bool compile_endpoint_name(const struct compiler *c, unsigned int endpoint, const char **ns, const char **pod);
bool compile_armed(const struct compiler *c, unsigned int endpoint);	/* both its sets are in force */
unsigned int compile_namespace_id(const struct compiler *c, const char *ns);	/* for granted prefixes; 0: unknown */
const char *compile_namespace_name(const struct compiler *c, unsigned int id);	/* "" for an unknown one */
bool compile_rule_of(const struct compiler *c, unsigned int number, struct compile_rule *out);
void compile_count(const struct compiler *c, struct compile_counts *out);

#endif
