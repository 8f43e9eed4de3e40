/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests in namespaces share: an agent's kernel parts without the agent, namespaces without names, a bpffs that
 * nobody else sees.  All of it ends with the process.
 */
#ifndef WEIR_TESTS_NET_PARTS_H
#define WEIR_TESTS_NET_PARTS_H

#include "agent/attach.h"
#include "agent/flows.h"
#include "agent/sweep.h"
#include "lib/netns.h"

struct part {
	struct loop *loop;
	struct grace *grace;
	struct datapath *dp;
	struct attach *attach;
	struct flows *flows;
	struct sweep *sweep;
	struct loop_timer drain;
	/* of the last attach_add */
	int done, err;
	unsigned int us;
	/* of the last on_path */
	unsigned int paths, flags, ifindex;
	char why[160];
	/* drained */
	unsigned int kinds[8];
	struct weir_record last[8];	/* by kind */
};

int part_open(struct part *p, const char *pins, enum attach_hook hook, struct complaint *why);
void part_close(struct part *p);
void part_run(struct part *p, unsigned int ms);		/* its loop, until a path is told or an attach done */
int part_add(struct part *p, unsigned int ifindex);	/* attach_add, waited for */
void part_done(void *part, unsigned int ifindex, int err, unsigned int us);

struct netns *fresh_netns(void);			/* the process is in it afterwards */
int own_bpffs(const char *name, char dir[128]);		/* a mount namespace of our own, DIR on a bpffs in it */
void own_bpffs_end(const char *dir);

int command(const char *text);				/* exit code of a shell's command */

#endif
