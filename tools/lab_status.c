// SPDX-License-Identifier: Apache-2.0
/* weir lab status: which labs are up, with which nodes and pods. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json_write.h"
#include "tools/lab.h"
#include "tools/lab_relay.h"
#include "tools/lab_verbs.h"
#include "tools/table.h"
#include "tools/verb.h"

static struct verb_want want;

static const char *agent_state(const struct lab *lab, const char *node, pid_t *pid)
{
	for (size_t i = 0; i < lab->nlines; i++) {
		const struct lab_line *l = &lab->line[i];

		if (strcmp(l->kind, "process") || strcmp(l->word[2], node))
			continue;
		*pid = atoi(l->word[0]);
		return lab_process_lives(l) ? "running" : "gone";
	}
	*pid = 0;
	return "not started";
}

static bool print_nodes(const struct lab *lab)
{
	const char *state;
	struct table t;
	bool well = true;
	pid_t pid;

	table_begin(&t, "NODE", "AGENT", "SERVER", "LOG", NULL);
	for (size_t i = 0; i < lab->nlines; i++) {
		const char *node = lab->line[i].word[0];

		if (strcmp(lab->line[i].kind, "node"))
			continue;
		state = agent_state(lab, node, &pid);
		well &= !strcmp(state, "running");
		table_cell(&t, "%s", node);
		table_cell(&t, "%s (%d)", state, pid);
		table_cell(&t, "unix:%s/%s.sock", lab->dir, node);
		table_cell(&t, "%s/%s.log", lab->dir, node);
	}
	state = agent_state(lab, LAB_RELAY, &pid);
	if (pid) {
		table_cell(&t, "(relay)");
		table_cell(&t, "%s (%d)", state, pid);
		table_cell(&t, "unix:%s/" LAB_RELAY ".sock", lab->dir);
		table_cell(&t, "%s/" LAB_RELAY ".log", lab->dir);
	}
	table_end(&t, stdout);
	return well;
}

static void print_pods(const struct lab *lab)
{
	struct table t;
	char name[600];

	table_begin(&t, "POD", "NODE", "INTERFACE THERE", "NAMESPACE OF ITS OWN", NULL);
	for (size_t i = 0; i < lab->nlines; i++) {
		const struct lab_line *l = &lab->line[i];

		if (strcmp(l->kind, "pod"))
			continue;
		lab_netns(lab, l->word[0], name, sizeof(name));
		table_cell(&t, "%s", l->word[0]);
		table_cell(&t, "%s", l->word[1]);
		table_cell(&t, "%s", l->word[2]);
		table_cell(&t, "%s", name);
	}
	table_end(&t, stdout);
}

static bool json_lab(struct json_out *j, const struct lab *lab)
{
	const struct lab_line *state = lab_line(lab, "state", NULL);
	const char *agent;
	bool well = true;
	char text[PATH_MAX], url[LAB_RELAY_URL];
	pid_t pid;

	json_object(j, NULL);
	json_text(j, "name", lab->name);
	json_text(j, "state", state ? state->word[0] : "");
	if (lab_relay_at(lab, url))
		json_text(j, "page", url);
	json_array(j, "nodes");
	for (size_t i = 0; i < lab->nlines; i++) {
		const char *node = lab->line[i].word[0];

		if (strcmp(lab->line[i].kind, "node"))
			continue;
		agent = agent_state(lab, node, &pid);
		well &= !strcmp(agent, "running");
		json_object(j, NULL);
		json_text(j, "name", node);
		json_text(j, "agent", agent);
		json_uint(j, "pid", pid);
		lab_file(lab, node, "sock", text);
		json_text(j, "socket", text);
		lab_file(lab, node, LAB_OBSERVER, text);
		json_text(j, "observer", text);
		json_end(j);
	}
	json_end(j);
	agent = agent_state(lab, LAB_RELAY, &pid);
	json_text(j, "relay", pid ? agent : NULL);
	json_array(j, "pods");
	for (size_t i = 0; i < lab->nlines; i++) {
		const struct lab_line *l = &lab->line[i];

		if (strcmp(l->kind, "pod"))
			continue;
		json_object(j, NULL);
		json_text(j, "name", l->word[0]);
		json_text(j, "node", l->word[1]);
		json_text(j, "interface", l->word[2]);
		lab_netns(lab, l->word[0], text, sizeof(text));
		json_text(j, "netns", text);
		json_end(j);
	}
	json_end(j);
	json_end(j);
	return well;
}

static bool print_lab(const struct lab *lab, struct json_out *j)
{
	const struct lab_line *state = lab_line(lab, "state", NULL);
	char url[LAB_RELAY_URL];
	bool well;

	if (want.json)
		return json_lab(j, lab);
	printf("lab %s   manifests %s\n\n", lab->name, state ? state->word[0] : "(none yet)");
	well = print_nodes(lab);
	if (lab_relay_at(lab, url))
		printf("\nthe page is at %s\n", url);
	putchar('\n');
	print_pods(lab);
	return well;
}

int lab_status_main(int argc, char **argv)
{
	static const struct opt options[] = { VERB_OUTPUT_OPTIONS(&want), OPT_END };
	static const struct verb_help help = {
		"lab status [OPTION...] [NAME]",
		"Shows the labs that are up: their nodes, agents and pods.",
		"0 all agents run, 1 no lab, or an agent is gone", false,
	"  weir lab status\n"
	"  weir lab status demo -o json\n",
	NULL
	};
	char names[64][LAB_NAME_MAX + 1];
	struct verb_words words;
	struct json_out j;
	bool well = true;
	int code = verb_begin(&help, &want, options, &words, argc, argv), n;

	if (code != VERB_GO)
		return code;
	n = words.n ? 1 : lab_names(names, 64);
	if (want.json) {
		json_begin(&j, stdout, true);
		json_object(&j, NULL);
		json_array(&j, "labs");
	}
	for (int i = 0; i < n && i < 64; i++) {
		struct complaint why = { 0 };
		struct lab *lab;

		if (lab_find(&lab, words.n ? words.word[0] : names[i], &why))
			return verb_complain(VERB_NO, &why);
		if (i && !want.json)
			putchar('\n');
		well &= print_lab(lab, &j);
		lab_close(lab);
	}
	if (want.json) {
		json_end(&j);
		json_end(&j);
		json_done(&j);
	} else if (!n) {
		printf("no lab is up ('weir lab up DIR' or 'weir lab up demo' makes one)\n");
	}
	return n && well ? VERB_OK : VERB_NO;
}
