/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies: objects through the compiler into the kernel, and what the compiler needs done afterwards.
 *
 *	policies_open(&p, &with, &options);
 *	policies_object(p, object);  policies_gone(p, kind, ns, name);	as the cluster changes
 *	policies_settled(p);						what was said belongs together
 *
 * The first change is committed at once, those within the next POLICIES_JOIN_MS join one commit.  A commit is
 * enforced when it returns from a grace; then the compiler settles, what left is swept from the flow table, and the
 * numbers that nobody names any more serve again.  All waiting is done elsewhere (grace.h, sweep.h).
 *
 * Refused whole: an object that the compiler does not take, or whose policy would not fit.  Its last good version
 * stays in force, and it is listed with the reason until it changes.  Policies, namespaces and nodes are kept as
 * objects, in the version that is in force, for who asks why.
 */
#ifndef WEIR_AGENT_POLICIES_H
#define WEIR_AGENT_POLICIES_H

#include "agent/datapath.h"
#include "agent/grace.h"
#include "agent/kept.h"
#include "agent/names.h"
#include "agent/records.h"
#include "agent/rules.h"
#include "agent/state.h"
#include "agent/sweep.h"
#include "lib/policy/compile.h"

#define POLICIES_JOIN_MS 50

struct policies;

struct policies_with {			/* none of them ours */
	struct loop *loop;
	struct datapath *datapath;
	struct grace *grace;
	struct sweep *sweep;
	struct rules *rules;
	const struct records *records;
	void (*naming)(void *ctx);	/* a commit is about to give sets to endpoints: write down who they are */
	void (*committed)(void *ctx);	/* what was committed is in the maps */
	void *ctx;
};

struct policies_options {
	enum compile_mode mode;
	const char *node;		/* NULL: every pod is local */
	struct compile_limits limits;
};

int policies_open(struct policies **out, const struct policies_with *with, const struct policies_options *options);
void policies_close(struct policies *p);		/* NULL is fine; what is enforced stays */
struct compiler *policies_compiler(const struct policies *p);

/* 0: taken, and the object is ours from now on; -EINVAL: refused, listed, and freed. */
int policies_object(struct policies *p, struct object *o);
void policies_gone(struct policies *p, enum object_kind kind, const char *ns, const char *name);
void policies_host_address(struct policies *p, const struct weir_addr *a, bool there);
void policies_settled(struct policies *p);
void policies_hurry(struct policies *p);		/* commits what was said, joined or not: a judge's worlds */

/* An endpoint that was disarmed: 'swept' once nothing names its number any more. */
int policies_left(struct policies *p, unsigned int number, loop_fn swept, void *ctx);

/* 'fn' when everything said until now is enforced; with 'quiet', also when nothing rests or waits any more. */
int policies_when_enforced(struct policies *p, bool quiet, loop_fn fn, void *ctx);

/* The Namespace or Node in force, or NULL. */
const struct object *policies_find(const struct policies *p, enum object_kind kind, const char *ns, const char *name);

/* Policies in force of one kind, in no order; 'ns' NULL: of every namespace.  The object is 'fn's to free. */
void policies_each(const struct policies *p, enum object_kind kind, const char *ns, kept_policy_fn fn, void *ctx);
void policies_rejected(const struct policies *p, state_reject_fn fn, void *ctx);
void policies_refused(const struct policies *p, kept_refused_fn fn, void *ctx);

/* How long changes took to be enforced: so many up to each bound, and in the last place those beyond. */
#define POLICIES_APPLY_BOUNDS 13
extern const uint32_t policies_apply_bound_us[POLICIES_APPLY_BOUNDS];

struct policies_counts {
	uint64_t commits, refused;
	uint64_t apply_last_us;		/* from the first change of the last commit to its enforcement */
	uint64_t apply_most_us;
	uint64_t apply_bucket[POLICIES_APPLY_BOUNDS + 1], apply_sum_us;
	bool busy;			/* something is on its way to the kernel, or rests */
};
void policies_count(const struct policies *p, struct policies_counts *out);

#endif
