/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy compiler of one node: objects in, ordered stores out.  Pure: no I/O, no clock, no kernel.
 *
 *	compile_new(&c, &limits, sink, ctx);
 *	compile_object(c, object, &why);  ...		anything, in any order; copies what it keeps
 *	compile_commit(c, &report);			stores, in the order that was proved
 *	-- a grace passes --
 *	compile_settle(c);				removal; joins; numbers rest and come back
 *
 * Incremental result = fresh result, whatever the order of events.  A commit that does not fit is refused
 * whole: what was changed since the last one is undone, the last good versions stand, the report names the
 * bound and the objects.  One thread.
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
};

struct compile_counts {
	__u32 pods, policies, local_policies, classes[WEIR_DIRS], sets, tables, ranges, cells, rules, addresses, prefixes,
	      over, refused;
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

int compile_commit(struct compiler *c, struct compile_report *report);	/* 0, -E2BIG (refused), -ENOMEM, or the sink's */
int compile_settle(struct compiler *c);		/* after the grace that ended the commit; may store, too */
bool compile_unsettled(const struct compiler *c);	/* is there anything for settle to do */

/*
 * A new agent over old maps: 'old' is what the maps hold.  Call before the first commit; that commit then is
 * the adopting one: every number found is taken as used, rows of old sets are copied for new classes, the
 * generation always rises.  Endpoints keep their numbers: 'endpoint_of' in the image names pod to number.
 */
struct compile_adopted;
int compile_adopt(struct compiler *c, const struct compile_adopted *old);

/* Questions. */
unsigned int compile_endpoint(const struct compiler *c, const char *ns, const char *pod);	/* 0: no local one */
bool compile_rule_of(const struct compiler *c, unsigned int number, struct compile_rule *out);
void compile_count(const struct compiler *c, struct compile_counts *out);

#endif
