/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir policy test: suites of policy and whoever judges them.
 *
 *	judge_open(&j, JUDGE_ENGINE, &options, &why);
 *	judge_hand(j, cluster, &why);			what the cluster is now
 *	judge_ask(j, cluster, cells, n, &why);		fills 'got' and 'why' of each cell
 *	judge_close(j);
 *
 * Three judges: the engine in this process, the real programs by test-run in an agent of its own, and real packets
 * through namespaces.  None sees what is expected.
 */
#ifndef WEIR_TOOLS_POLICY_TEST_H
#define WEIR_TOOLS_POLICY_TEST_H

#include "lib/complaint.h"
#include "lib/suite/hand.h"
#include "lib/suite/suite.h"

enum judge_kind { JUDGE_ENGINE, JUDGE_KERNEL, JUDGE_PACKETS, JUDGES };
const char *judge_text(enum judge_kind kind);

struct judge_options {
	struct hand_options hand;
	bool hairpin;			/* a pod's packet to itself by a Service is judged; else allowed */
	const char *agent;		/* path of weir-agent */
};

struct judge;
struct judge_ops {
	int (*open)(struct judge **out, const struct judge_options *options, struct complaint *why);
	void (*close)(struct judge *j);
	int (*hand)(struct judge *j, const struct cluster *c, struct complaint *why);
	int (*ask)(struct judge *j, const struct cluster *c, struct cell *cell, unsigned int n, struct complaint *why);
};
/* What every judge begins with. */
struct judge {
	const struct judge_ops *ops;
	struct judge_options options;
	struct hand *hand;
};
extern const struct judge_ops judge_engine, judge_kernel, judge_packets;

int judge_open(struct judge **out, enum judge_kind kind, const struct judge_options *options, struct complaint *why);
void judge_close(struct judge *j);		/* NULL is fine */

/* Who sends and who receives, for a judge.  False: it cannot be asked, and 'why' of the cell says so. */
struct judge_pair {
	struct weir_addr src, dst;
	bool from_pod, to_pod;		/* a pod under test at that end */
	bool own_node;			/* a socket of the receiver's own node sends */
	bool itself;			/* a pod to itself, by a Service */
};
bool judge_pair(const struct judge *j, const struct cluster *c, struct cell *cell, struct judge_pair *out);

/* What came of a suite. */
#define SUITE_WHY 8
struct suite_result {
	unsigned int cases, cells, passed, failed, ignored;
	struct {
		char why[192];
		unsigned int n;
	} ignored_why[SUITE_WHY];
	unsigned int ms;
};

/* A failing cell is named as it is met. */
typedef void (*suite_failed_fn)(void *ctx, const struct suite_case *c, const char *step, const struct cell *cell, const char *what);
int suite_run(const struct suite *s, struct judge *j, struct suite_result *out, suite_failed_fn failed, void *ctx,
	      struct complaint *why);

#endif
