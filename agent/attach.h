/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hooks on the host end of pods' veths, and whether redirect may be used there.
 *
 *	attach_open(&a, loop, grace, dp, &options, on_path, me);
 *	attach_add(a, ifindex, attached, pod);		attached(pod, err, hook, us) on the loop, 0.2 to 40 ms later
 *	attach_remove(a, ifindex);			the interface stays, the hooks go
 *	attach_keep(a, ifindexes, n);			after adoption: hooks on other interfaces go
 *
 * tcx links, first in their chain, where the kernel has them; a clsact qdisc and two filters of our own
 * otherwise.  Links are pinned as DIR/ABI/link-IFINDEX-from and -to; a new agent finds them and replaces the
 * program in them.  Nobody else's qdisc, filter or program is touched.
 *
 * Foreign programs, filters and qdiscs are looked for when an interface is added, whenever rtnetlink reports one,
 * and each second (tcx reports nothing).  'on_path' tells which redirect flags an interface may have and, if not
 * both, why: on the loop, when it changes and once after adding, before 'attached'.
 */
#ifndef WEIR_AGENT_ATTACH_H
#define WEIR_AGENT_ATTACH_H

#include <stdbool.h>

#include "agent/datapath.h"
#include "agent/grace.h"
#include "lib/complaint.h"

struct attach;

enum attach_hook { HOOK_NONE, HOOK_TCX, HOOK_CLSACT };
const char *attach_hook_word(enum attach_hook hook);	/* "none", "tcx", "clsact" */

struct attach_options {
	enum attach_hook want;		/* HOOK_NONE: tcx if the kernel has it */
	bool stack;			/* no redirect anywhere */
};

/* 'flags' of enum weir_endpoint_flag; 'why' is "" when both are set, else one line for `weir endpoints`. */
typedef void (*attach_path_fn)(void *ctx, unsigned int ifindex, unsigned int flags, const char *why);
typedef void (*attach_done_fn)(void *ctx, unsigned int ifindex, int err, unsigned int us);

int attach_open(struct attach **out, struct loop *loop, struct grace *grace, struct datapath *dp,
		const struct attach_options *options, attach_path_fn on_path, void *ctx, struct complaint *why);
void attach_close(struct attach *a);		/* hooks stay */

enum attach_hook attach_hook(const struct attach *a);

/* Attaches both hooks, or takes over those that are pinned.  An interface that is gone by then: -ENODEV. */
int attach_add(struct attach *a, unsigned int ifindex, attach_done_fn done, void *ctx);
void attach_remove(struct attach *a, unsigned int ifindex);	/* also when the interface itself is gone */
void attach_keep(struct attach *a, const unsigned int *ifindex, unsigned int n);

/* What was last told to 'on_path'. */
unsigned int attach_path(const struct attach *a, unsigned int ifindex, const char **why);

/* Uninstall, without an agent: clsact filters of ours on every interface of this namespace, and the qdisc if it
 * was made by us and is empty.  Links go with their pins (datapath_remove). */
int attach_remove_all(const char *dir, struct complaint *why);

#endif
