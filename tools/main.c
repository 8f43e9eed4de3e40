// SPDX-License-Identifier: Apache-2.0
/* weir: the command line. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <weir/base.h>

#include "tools/verb.h"

const struct verb weir_verbs[] = {
	{ "status", status_main, "is the node's wall up, the cluster whole, what is rejected, dropped, full" },
	{ "observe", observe_main, "what passed, what did not, and why, as it happens" },
	{ "top", top_main, "who talks to whom: by bytes, flows or denials, live" },
	{ "map", map_main, "who talks to whom, as a map: text, dot, mermaid, JSON" },
	{ "list", list_main, "nodes, namespaces" },
	{ "endpoints", endpoints_main, "which pod, which interface, which policies" },
	{ "why", why_main, "may A reach B, who says so, and what is nearest to another answer" },
	{ "policy", policy_main, "list, check and test policies" },
	{ "lab", lab_main, "pods as namespaces on this machine, from manifests" },
	{ "watch", watch_main, "peers, as they come and go" },
	{ "config", config_main, "settings of this command: whom to ask, and how" },
	{ "version", version_main, "this program's version, and the server's" },
	{ "completion", completion_main, "a script that completes options: bash, zsh, fish" },
	{ "man", man_main, NULL },
	{ "health", health_main, NULL },
	{ "reflect", reflect_main, NULL },
	{ NULL, NULL, NULL }
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--version")) {
		printf("weir %s (abi %d)\n", WEIR_VERSION, WEIR_ABI);
		return VERB_OK;
	}
	signal(SIGPIPE, SIG_IGN);
	return verb_run(weir_verbs, "weir", "Default-deny network policy by eBPF: says what passes, what does not, and why.",
			argc, argv);
}
