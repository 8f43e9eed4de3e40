// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "lib/netns.h"
#include "tools/lab_at.h"

static bool is_pod(const struct lab_line *l, const char *text)
{
	const char *slash;

	if (strcmp(l->kind, "pod"))
		return false;
	slash = strchr(l->word[0], '/');
	return !strcmp(l->word[0], text) || (slash && !strcmp(slash + 1, text));
}

int lab_who(const struct lab *lab, const char *text, char who[LAB_WORD], char node[LAB_WORD], struct complaint *why)
{
	const struct lab_line *found = NULL;

	node[0] = '\0';
	snprintf(who, LAB_WORD, "%s", text);
	if (!strcmp(text, LAB_OUTSIDE))
		return 0;
	if (!strncmp(text, "node/", 5) && lab_line(lab, "node", text + 5)) {
		snprintf(node, LAB_WORD, "%s", text + 5);
		return 0;
	}
	for (size_t i = 0; i < lab->nlines; i++) {
		if (!is_pod(&lab->line[i], text))
			continue;
		if (found) {
			complaint_set(why, 0, 0, "'%s' is more than one pod, '%s' and '%s' among them", text, found->word[0],
				      lab->line[i].word[0]);
			return -EINVAL;
		}
		found = &lab->line[i];
	}
	if (!found) {
		complaint_set(why, 0, 0, "lab '%s' has no pod '%s' ('weir lab status' lists them; there are node/NAME and outside, too)",
			      lab->name, text);
		return -ENOENT;
	}
	snprintf(who, LAB_WORD, "%s", found->word[0]);
	snprintf(node, LAB_WORD, "%s", found->word[1]);
	return 0;
}

int lab_go(const struct lab *lab, const char *who, struct complaint *why)
{
	char name[LAB_WORD + 64];
	struct netns *ns;
	int err, back;

	lab_netns(lab, who, name, sizeof(name));
	err = netns_open(&ns, name);
	if (!err) {
		err = back = netns_enter(ns);
		netns_close(ns);
	}
	if (err < 0)
		complaint_set(why, 0, 0, "cannot enter '%s': %s", name, strerror(-err));
	return err < 0 ? err : 0;
}

static void name_server(const struct lab *lab, const char *node, const char *what, char server[PATH_MAX])
{
	snprintf(server, PATH_MAX, "unix:%s/%s.%s", lab->dir, node, what);
}

/* The ledger's relay, if it lives. */
static bool has_relay(const struct lab *lab)
{
	for (size_t i = 0; i < lab->nlines; i++)
		if (!strcmp(lab->line[i].kind, "process") && !strcmp(lab->line[i].word[2], LAB_RELAY))
			return lab_process_lives(&lab->line[i]);
	return false;
}

static bool first_server(const char *name, const char *what, char server[PATH_MAX], unsigned int *nodes)
{
	const struct lab_line *first;
	struct complaint why;
	struct lab *lab;

	if (lab_find(&lab, name, &why))
		return false;
	first = lab_line(lab, "node", NULL);
	*nodes = 0;
	for (size_t i = 0; i < lab->nlines; i++)
		*nodes += !strcmp(lab->line[i].kind, "node");
	if (first && !strcmp(what, LAB_OBSERVER) && has_relay(lab)) {
		name_server(lab, LAB_RELAY, "sock", server);
		*nodes = 1;		/* it speaks for all */
	} else if (first) {
		name_server(lab, first->word[0], what, server);
	}
	lab_close(lab);
	return first;
}

bool lab_server(char server[PATH_MAX], unsigned int *nodes)
{
	return first_server(NULL, "sock", server, nodes);
}

bool lab_observer(const char *name, char server[PATH_MAX], unsigned int *nodes)
{
	return first_server(name, LAB_OBSERVER, server, nodes);
}

bool lab_server_of(const char *pod, char server[PATH_MAX])
{
	char who[LAB_WORD], node[LAB_WORD];
	struct complaint why;
	struct lab *lab;
	bool found;

	if (lab_find(&lab, NULL, &why))
		return false;
	found = lab_who(lab, pod, who, node, &why) == 0 && *node;
	if (found)
		name_server(lab, node, "sock", server);
	lab_close(lab);
	return found;
}
