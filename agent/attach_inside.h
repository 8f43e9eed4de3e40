/* SPDX-License-Identifier: Apache-2.0 */
/* What the files about hooks share. */
#ifndef WEIR_AGENT_ATTACH_INSIDE_H
#define WEIR_AGENT_ATTACH_INSIDE_H

#include <stdbool.h>

#include "agent/attach.h"

/* One look at an interface: may it take part in redirect.  attach_foreign.c; on the waiting thread. */
struct attach_look {
	unsigned int ifindex;
	bool tcx, stack;
	bool always;			/* also if the chain's revision is what it was */
	__u32 prog_id[2];		/* ours */
	/* the answer */
	int err;			/* -ENODEV: the interface is gone */
	unsigned int flags;		/* enum weir_endpoint_flag */
	char why[160];
	__u64 revision[2];
};
struct clsact_qdiscs;
void attach_look(struct attach_look *look, struct clsact_qdiscs **qdiscs);	/* read if NULL yet; the caller's to free */
bool attach_look_changed(const struct attach_look *look);

/* The hooks of one interface, put there and taken away.  attach_hooks.c; on the waiting thread. */
struct attach_hooks {
	const char *pins;		/* "": nothing is pinned */
	int prog_fd[2];			/* from_pod, to_pod */
	bool tcx;
};
/* What must be held where nothing is pinned. */
struct attach_kept {
	int link_fd[2];			/* -1: none */
	bool qdisc;			/* it was made by us */
};
#define ATTACH_KEPT_NONE { { -1, -1 }, false }
int attach_hooks_put(const struct attach_hooks *h, unsigned int ifindex, struct attach_kept *kept);
void attach_hooks_take(const struct attach_hooks *h, unsigned int ifindex, struct attach_kept *kept);

/* Interfaces that pins or marks below a directory name. */
unsigned int attach_hooks_pinned(const char *pins, unsigned int *ifindex, unsigned int max);

#endif
