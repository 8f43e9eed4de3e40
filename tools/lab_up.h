/* SPDX-License-Identifier: Apache-2.0 */
/* Putting up a lab, whole or not at all. */
#ifndef WEIR_TOOLS_LAB_UP_H
#define WEIR_TOOLS_LAB_UP_H

#include "tools/lab_agent.h"

struct lab_want {
	const char *dir;		/* manifests; "demo": the shop that is built in */
	const char *name;		/* NULL: of the directory */
	bool owned;			/* goes when this process goes: the demo */
	struct opt_list outside;	/* addresses of outside; none: a few that samples use */
	struct lab_agent_options agent;
};

/* On failure nothing is left, and the reason is said in 'why'. */
int lab_up(struct lab **out, struct lab_want *want, struct complaint *why);

/* For a signal's handler: a lab that is going up stops there and is taken down again. */
void lab_interrupt(int signo);

/* The lab is the owner's, and the owner is gone. */
bool lab_orphan(const struct lab *lab);

#endif
