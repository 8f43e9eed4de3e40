// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/addr.h"
#include "tools/files.h"
#include "tools/lab_relay.h"
#include "tools/lab_shop.h"
#include "tools/lab_up.h"

static const char *const usual_outside[] = { "203.0.113.7", "2001:db8:203::7" };

static volatile sig_atomic_t interrupted;

void lab_interrupt(int signo)
{
	interrupted = 1;
}

static int go_on(struct complaint *why)
{
	if (!interrupted)
		return 0;
	complaint_set(why, 0, 0, "interrupted");
	return -EINTR;
}

static int parse_outside(struct lab_net *n, const struct opt_list *list, struct complaint *why)
{
	unsigned int many = list->n ? list->n : 2;

	for (unsigned int i = 0; i < many; i++) {
		const char *text = list->n ? list->value[i] : usual_outside[i];

		if (n->naddress == LAB_OUTSIDE_MAX || addr_parse(text, &n->address[n->naddress++])) {
			complaint_set(why, 0, 0, "'%s' is no address for outside (at most %d)", text, LAB_OUTSIDE_MAX);
			return -EINVAL;
		}
	}
	return 0;
}

/* Pods one after the other: interface, the agent's answer, and only then the way to it. */
static int bring_pods(struct lab_net *n, struct complaint *why)
{
	int err = 0;

	for (unsigned int p = 0; p < n->world->npods && !err; p++) {
		err = go_on(why);
		if (!err)
			err = lab_net_pod(n, p, why);
		if (!err)
			err = lab_agent_add(n, p, why);
		if (!err)
			err = lab_net_reach(n, p, why);
	}
	return err;
}

static int bring_up(struct lab *lab, struct lab_want *want, struct complaint *why)
{
	struct lab_net n = { .lab = lab };
	struct world *w;
	int err = world_read(&w, want->agent.state, why);

	if (err)
		return err;
	n.world = w;
	err = parse_outside(&n, &want->outside, why);
	if (!err)
		err = lab_net_make(&n, why);
	for (unsigned int i = 0; i < w->nnodes && !err; i++)
		err = lab_agent_start(&n, i, &want->agent, why) ?: go_on(why);
	if (!err)
		err = bring_pods(&n, why);
	/* the rest of the lab is as good without */
	if (!err && lab_net_node_ports(&n, why))
		fprintf(stderr, "weir lab: %s\n", why->text);
	if (!err && lab_relay_start(&n, why))
		fprintf(stderr, "weir lab: %s\n", why->text);
	lab_net_close(&n);
	world_free(w);
	return err;
}

/* "policies/shop/" is the lab 'shop'. */
static void name_of(const char *dir, char name[LAB_NAME_MAX + 1])
{
	char path[PATH_MAX];
	size_t n = 0;
	char *base;

	if (!realpath(dir, path))
		snprintf(path, sizeof(path), "%s", dir);
	base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	for (; *base && n < LAB_NAME_MAX; base++)
		if ((*base >= 'a' && *base <= 'z') || (*base >= '0' && *base <= '9') || (*base == '-' && n))
			name[n++] = *base;
	name[n] = '\0';
	if (!n)
		strcpy(name, "lab");
}

bool lab_orphan(const struct lab *lab)
{
	const struct lab_line *owner = lab_line(lab, "owner", NULL);

	return owner && !lab_process_lives(owner);
}

/* A demo that was killed leaves its lab behind; the next one sweeps it up. */
static void sweep_orphan(const char *name)
{
	struct complaint why;
	struct lab *old;

	if (lab_find(&old, name, &why))
		return;
	if (lab_orphan(old))
		lab_down(old);
	lab_close(old);
}

static int prepare(struct lab *lab, struct lab_want *want, char state[PATH_MAX], struct complaint *why)
{
	int err = want->owned ? lab_note_process(lab, "owner", getpid(), "demo") : 0;

	if (!strcmp(want->dir, "demo")) {
		path_join(state, PATH_MAX, lab->dir, "state");
		if (!err)
			err = shop_write(state);
		if (err)
			complaint_set(why, 0, 0, "cannot write the shop's manifests to '%s': %s", state, strerror(-err));
	} else if (!realpath(want->dir, state)) {
		err = -errno;
		complaint_set(why, 0, 0, "cannot read manifests from '%s': %s", want->dir, strerror(-err));
	}
	want->agent.state = state;
	return err ? err : lab_note(lab, "state", state, NULL, NULL);
}

int lab_up(struct lab **out, struct lab_want *want, struct complaint *why)
{
	char name[LAB_NAME_MAX + 1];
	static char state[PATH_MAX];
	struct lab *lab;
	int err;

	if (geteuid() != 0) {
		complaint_set(why, 0, 0, "a lab needs root: it makes network namespaces and loads BPF programs");
		return -EPERM;
	}
	if (!want->name)
		name_of(want->dir, name);
	sweep_orphan(want->name ? want->name : name);
	err = lab_make(&lab, want->name ? want->name : name, why);
	if (err)
		return err;
	err = prepare(lab, want, state, why);
	if (!err)
		err = bring_up(lab, want, why);
	if (err) {
		lab_down(lab);
		lab_close(lab);
		return err;
	}
	*out = lab;
	return 0;
}
