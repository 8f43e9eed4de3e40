// SPDX-License-Identifier: Apache-2.0
/* weir lab: up and down, and the table of its verbs. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tools/lab_up.h"
#include "tools/lab_verbs.h"
#include "tools/verb.h"

static struct verb_want want;

int lab_up_main(int argc, char **argv)
{
	static struct lab_want up;
	static const struct opt options[] = {
		OPT_TEXT(0, "name", &up.name, "NAME", "what to call the lab (default: as the directory)"),
		OPT_LIST(0, "outside", &up.outside, "ADDRESS", "an address of 'outside' (default: 203.0.113.7 and 2001:db8:203::7)"),
		OPT_TEXT(0, "agent", &up.agent.program, "PATH", "the weir-agent to run (default: the one beside this program)"),
		OPT_LIST('A', "agent-option", &up.agent.more, "OPTION", "handed on to every agent: -A --stack"),
		VERB_OUTPUT_OPTIONS(&want),
		OPT_END
	};
	static const struct verb_help help = {
		"lab up [OPTION...] DIR|demo",
		"Makes a namespace for every Pod of the manifests in DIR and one for every Node, with an agent in each node that\n"
		"follows DIR: change a file, and what is enforced changes. 'demo' is a small shop that is built in. The namespace\n"
		"'outside' stands for the rest of the world.",
		"0 up", false,
	"  weir lab up demo                      # the shop, as a sample\n"
	"  weir lab up policies/tenants --name t\n",
	"demo"
	};
	struct sigaction stop = { .sa_handler = lab_interrupt };
	struct complaint why = { 0 };
	struct verb_words words;
	struct lab *lab;
	int code = verb_begin(&help, &want, options, &words, argc, argv);

	if (code != VERB_GO)
		return code;
	if (words.n != 1)
		return verb_fail(VERB_USAGE, "one directory is wanted, or 'demo'");
	up.dir = words.word[0];
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	if (lab_up(&lab, &up, &why))
		return verb_complain(VERB_FAILED, &why);
	if (!want.json)
		printf("lab '%s' is up: 'weir lab status' shows it, 'weir lab down %s' takes it down\n", lab->name, lab->name);
	else
		printf("{\"lab\": \"%s\"}\n", lab->name);
	lab_close(lab);
	return VERB_OK;
}

static int down_one(const char *name)
{
	struct complaint why = { 0 };
	struct lab *lab;
	int err = lab_find(&lab, name, &why);

	if (err)
		return verb_complain(VERB_NO, &why);
	err = lab_down(lab);
	if (!want.json)
		printf(err ? "lab '%s' is not wholly gone: try again\n" : "lab '%s' is gone\n", lab->name);
	lab_close(lab);
	return err ? VERB_FAILED : VERB_OK;
}

int lab_down_main(int argc, char **argv)
{
	static bool all;
	static const struct opt options[] = {
		OPT_FLAG('a', "all", &all, "every lab on this machine"),
		VERB_OUTPUT_OPTIONS(&want),
		OPT_END
	};
	static const struct verb_help help = {
		"lab down [OPTION...] [NAME...]",
		"Takes down what `lab up` made and nothing else, also what a crash left half made. Without a name: the only lab.",
		"0 gone, 1 no such lab", false,
	"  weir lab down\n"
	"  weir lab down t\n",
	NULL
	};
	char names[64][LAB_NAME_MAX + 1];
	struct verb_words words;
	int code = verb_begin(&help, &want, options, &words, argc, argv), n = 0;

	if (code != VERB_GO)
		return code;
	if (all)
		n = lab_names(names, 64);
	code = VERB_OK;
	for (int i = 0; i < n && i < 64 && code == VERB_OK; i++)
		code = down_one(names[i]);
	for (int i = 0; i < words.n && code == VERB_OK; i++)
		code = down_one(words.word[i]);
	return all || words.n ? code : down_one(NULL);
}

int lab_main(int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "up", lab_up_main, "make namespaces and agents from a directory of manifests, or the demo's shop" },
		{ "down", lab_down_main, "take it all away again" },
		{ "status", lab_status_main, "which labs are up, with which nodes and pods" },
		{ "exec", lab_exec_main, "run a command in a pod, in node/NAME, or outside" },
		{ "probe", lab_probe_main, "try a connection from one to another, really" },
		{ "serve", lab_serve_main, "answer on ports, in the namespace one is in" },
		{ "demo", lab_demo_main, "a small shop with traffic, live" },
		{ NULL, NULL, NULL }
	};

	return verb_run(verbs, "weir lab", "Pods as namespaces on this machine, from the same manifests as a cluster's.",
			argc, argv);
}
