// SPDX-License-Identifier: Apache-2.0
/* weir: the command line. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <weir/base.h>

#include "tools/verb.h"

static int version_main(int argc, char **argv)
{
	printf("weir %s (abi %d)\n", WEIR_VERSION, WEIR_ABI);
	return VERB_OK;
}

static const struct verb verbs[] = {
	{ "status", status_main, "is the node's wall up, what is rejected, dropped, full" },
	{ "endpoints", endpoints_main, "which pod, which interface, which policies" },
	{ "why", why_main, "may A reach B, who says so, and what is nearest to another answer" },
	{ "observe", observe_main, "what passed, what did not, and why, as it happens" },
	{ "policy", policy_main, "list, check and test policies" },
	{ "lab", lab_main, "pods as namespaces on this machine, from manifests" },
	{ "version", version_main, "this program's version" },
	{ NULL, NULL, NULL }
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--version"))
		return version_main(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	return verb_run(verbs, "weir", "Default-deny network policy by eBPF: says what passes, what does not, and why.",
			argc, argv);
}
