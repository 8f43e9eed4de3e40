/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lab's agents: one per node, in the node's namespace, with its own bpffs, data and socket.
 *
 *	lab_agent_start(net, i, &options, &why);	answers by its socket when this returns
 *	lab_agent_add(net, pod, &why);			the pod's policy is in force when this returns
 */
#ifndef WEIR_TOOLS_LAB_AGENT_H
#define WEIR_TOOLS_LAB_AGENT_H

#include "lib/opt.h"
#include "tools/lab_net.h"

struct lab_agent_options {
	const char *program;		/* NULL: beside this one, else in PATH */
	const char *state;		/* directory of manifests */
	struct opt_list more;		/* options handed on */
};

int lab_agent_start(struct lab_net *n, unsigned int node, const struct lab_agent_options *options,
		    struct complaint *why);
int lab_agent_add(struct lab_net *n, unsigned int pod, struct complaint *why);

#endif
