// SPDX-License-Identifier: Apache-2.0
/* Taking a lab down: the ledger, latest line first. */
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/netns.h"
#include "tools/lab.h"

#define TERM_WAIT_MS 3000	/* an agent ends within milliseconds; then it is killed, */
#define KILL_WAIT_MS 30000	/* and gone once the kernel lets go of it: loading a program takes seconds */

static void signal_all(const struct lab *lab, int signo)
{
	for (size_t i = lab->nlines; i-- > 0;)
		if (!strcmp(lab->line[i].kind, "process") && lab_process_lives(&lab->line[i]))
			kill(atoi(lab->line[i].word[0]), signo);
}

static bool any_lives(const struct lab *lab)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;			/* our own children would live on as zombies */
	for (size_t i = 0; i < lab->nlines; i++)
		if (!strcmp(lab->line[i].kind, "process") && lab_process_lives(&lab->line[i]))
			return true;
	return false;
}

static void end_processes(const struct lab *lab)
{
	signal_all(lab, SIGTERM);
	for (int ms = 0; any_lives(lab) && ms < TERM_WAIT_MS; ms += 10)
		usleep(10000);
	signal_all(lab, SIGKILL);
	for (int ms = 0; any_lives(lab) && ms < KILL_WAIT_MS; ms += 10)
		usleep(10000);
}

/* A pod's host end: with it go both ends and what hangs on them, at once and not when the kernel gets to it. */
static int delete_link(const struct lab *lab, const char *node, const char *link)
{
	char who[300], name[400];
	struct netns *ns;
	int err;

	snprintf(who, sizeof(who), "node/%s", node);
	lab_netns(lab, who, name, sizeof(name));
	err = netns_open(&ns, name);
	if (err)
		return err == -ENOENT || err == -EINVAL ? 0 : err;	/* EINVAL: a name without its namespace */
	err = netns_link_delete(ns, link);
	netns_close(ns);
	return err == -ENODEV ? 0 : err;
}

static int undo(const struct lab *lab, const struct lab_line *l)
{
	int err = 0;

	if (!strcmp(l->kind, "pod"))
		return delete_link(lab, l->word[1], l->word[2]);
	if (!strcmp(l->kind, "netns"))
		err = netns_delete(l->word[0]);
	if (!strcmp(l->kind, "mount") && umount2(l->word[0], MNT_DETACH) < 0 && errno != EINVAL)
		err = -errno;
	return err == -ENOENT ? 0 : err;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	if (remove(path) == 0 || errno == ENOENT)
		return 0;
	fprintf(stderr, "weir lab: cannot remove '%s': %s\n", path, strerror(errno));
	return -errno;
}

int lab_down(struct lab *lab)
{
	int worst = 0, err;

	end_processes(lab);
	for (size_t i = lab->nlines; i-- > 0;) {
		err = undo(lab, &lab->line[i]);
		if (!err)
			continue;
		fprintf(stderr, "weir lab: cannot take away %s '%s': %s\n", lab->line[i].kind, lab->line[i].word[0],
			strerror(-err));
		worst = err;
	}
	if (worst)
		return worst;		/* the ledger stays, so that it can be tried again */
	err = nftw(lab->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	rmdir(LAB_DIR);			/* if this was the last */
	return err == -1 ? -errno : err;
}
