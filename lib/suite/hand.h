/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is handed to a judge: the manifests of a cluster as JSON, fitted to one node under test, and of these only
 * what changed since the last time.
 *
 *	hand = hand_new(&options);
 *	hand_over(hand, cluster, changed, gone, me);	each manifest that is new or different, each that is gone
 *	hand_free(hand);
 *
 * All pods live on the node under test, so that each verdict can be asked of it, unless 'keep_nodes' is set.  Pods on
 * the host's network stay where they are.
 */
#ifndef WEIR_LIB_SUITE_HAND_H
#define WEIR_LIB_SUITE_HAND_H

#include "lib/suite/cluster.h"

/* Ways to hand over something else than the suite says: a run with one of them must fail, or the run proves nothing. */
enum hand_broken { HAND_WHOLE, HAND_ALLOW_ALL, HAND_DENY_ALL, HAND_ONE_RULE };

struct hand_options {
	const char *node;		/* under test */
	bool stack;			/* annotate pods so that nothing is handed from pod to pod directly */
	bool own_quota;			/* leave pods their share of the flow table: no suite runs */
	bool keep_nodes;		/* pods stay on the nodes that the suite gives them */
	enum hand_broken broken;
};

struct hand;
struct hand *hand_new(const struct hand_options *options);
void hand_free(struct hand *h);

/* 'key' is Kind/namespace/name, or Kind/name.  A function that returns other than 0 ends it. */
typedef int (*hand_changed_fn)(void *ctx, const char *key, const char *json);
typedef int (*hand_gone_fn)(void *ctx, const char *key);
int hand_over(struct hand *h, const struct cluster *c, hand_changed_fn changed, hand_gone_fn gone, void *ctx);

#endif
