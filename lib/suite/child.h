/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent of one's own: a child process that takes manifests and frames by its socket (weir-agent --judge).  It
 * pins nothing and ends with whoever started it.
 *
 *	child_start(&child, &options, &why);
 *	child_apply(child, manifests, gone, ngone, &why);
 *	child_ask(child, &request, &reply, &why);
 *	child_stop(child);
 */
#ifndef WEIR_LIB_SUITE_CHILD_H
#define WEIR_LIB_SUITE_CHILD_H

#include "lib/control/client.h"
#include "lib/suite/hand.h"

struct child_options {
	const char *agent;		/* its program; NULL: beside this one */
	const char *node;
	bool hairpin;			/* judged */
	bool stack;			/* nothing is handed from pod to pod directly */
	int netns;			/* where it runs; -1: in a network namespace of its own */
	bool standing;			/* an agent as nodes have it: it follows a directory of manifests and pins what it makes */
	bool keep_nodes;		/* pods may live on other nodes */
	bool talk;			/* its log comes through */
};

struct child;
int child_start(struct child **out, const struct child_options *options, struct complaint *why);
void child_stop(struct child *c);	/* NULL is fine */

/* What changed in a cluster since the last time, until it is enforced. */
int child_hand(struct child *c, struct hand *hand, const struct cluster *cluster, struct complaint *why);
/* A standing one: gone as by a crash, and another in its place. */
void child_kill(struct child *c);
int child_again(struct child *c, struct complaint *why);

void child_abandon(struct child *c);	/* in a signal handler: it ends, and its files go */

struct control *child_control(struct child *c);
int child_pid(const struct child *c);
const char *child_pins(struct child *c);	/* of a standing one: where its maps are pinned */

#endif
