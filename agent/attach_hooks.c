// SPDX-License-Identifier: Apache-2.0
/*
 * A tcx link is pinned, and the pin is what keeps it.  A filter keeps itself; a directory among the pins is the mark
 * that it, or the qdisc below it, is ours to remove.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/attach_inside.h"
#include "agent/clsact.h"
#include "agent/tcx.h"

static const char *const way_word[] = { "from", "to" };

static void link_path(const struct attach_hooks *h, unsigned int ifindex, bool to_pod, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/link-%u-%s", h->pins, ifindex, way_word[to_pod]);
}

static void mark_path(const struct attach_hooks *h, unsigned int ifindex, const char *what, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s-%u", h->pins, what, ifindex);
}

/* The link of an earlier agent, if it is still on this interface, with our program put into it.  -ENOENT: none. */
static int link_adopt(const struct attach_hooks *h, unsigned int ifindex, bool to_pod)
{
	char path[PATH_MAX];
	int fd, err = 0;

	link_path(h, ifindex, to_pod, path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	if (tcx_interface(fd, to_pod) != (int)ifindex)
		err = -ENOENT;			/* its interface is gone, and this one has its number */
	else if (bpf_link_update(fd, h->prog_fd[to_pod], NULL))
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	if (err == -ENOENT && unlink(path))
		err = -errno;
	return err;
}

static int link_make(const struct attach_hooks *h, unsigned int ifindex, bool to_pod)
{
	char path[PATH_MAX];
	int fd = tcx_attach(ifindex, to_pod, h->prog_fd[to_pod]);

	if (fd < 0 || !*h->pins)
		return fd;
	link_path(h, ifindex, to_pod, path);
	if (bpf_obj_pin(fd, path)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int put_link(const struct attach_hooks *h, unsigned int ifindex, bool to_pod)
{
	int fd = *h->pins ? link_adopt(h, ifindex, to_pod) : -ENOENT;

	return fd == -ENOENT ? link_make(h, ifindex, to_pod) : fd;
}

static void take_links(const struct attach_hooks *h, unsigned int ifindex, struct attach_kept *kept)
{
	char path[PATH_MAX];

	for (int to_pod = 0; to_pod < 2; to_pod++) {
		if (kept->link_fd[to_pod] >= 0)
			close(kept->link_fd[to_pod]);
		kept->link_fd[to_pod] = -1;
		if (!*h->pins)
			continue;
		link_path(h, ifindex, to_pod, path);
		unlink(path);
	}
}

static int mark(const struct attach_hooks *h, unsigned int ifindex, const char *what)
{
	char path[PATH_MAX];

	mark_path(h, ifindex, what, path);
	return !*h->pins || !mkdir(path, 0700) || errno == EEXIST ? 0 : -errno;
}

static void unmark(const struct attach_hooks *h, unsigned int ifindex, const char *what)
{
	char path[PATH_MAX];

	mark_path(h, ifindex, what, path);
	if (*h->pins)
		rmdir(path);
}

static bool marked(const struct attach_hooks *h, unsigned int ifindex, const char *what)
{
	char path[PATH_MAX];

	mark_path(h, ifindex, what, path);
	return *h->pins && !access(path, F_OK);
}

/* The mark comes first: a killed agent may leave a mark without a qdisc, never a qdisc without its mark. */
static int make_qdisc(const struct attach_hooks *h, unsigned int ifindex, struct attach_kept *kept)
{
	bool was_ours = kept->qdisc || marked(h, ifindex, "qdisc");
	int made, err = mark(h, ifindex, "qdisc");

	if (err)
		return err;
	made = clsact_make(ifindex);
	kept->qdisc = made > 0 || was_ours;
	if (!kept->qdisc)
		unmark(h, ifindex, "qdisc");
	return made < 0 ? made : 0;
}

static void take_filters(const struct attach_hooks *h, unsigned int ifindex, struct attach_kept *kept)
{
	clsact_take(ifindex, false);
	clsact_take(ifindex, true);
	if (kept->qdisc || marked(h, ifindex, "qdisc"))
		clsact_unmake(ifindex);
	kept->qdisc = false;
	unmark(h, ifindex, "filter");
	unmark(h, ifindex, "qdisc");
}

static int put_filters(const struct attach_hooks *h, unsigned int ifindex, struct attach_kept *kept)
{
	int err = mark(h, ifindex, "filter") ?: make_qdisc(h, ifindex, kept);

	for (int to_pod = 0; to_pod < 2 && !err; to_pod++)
		err = clsact_put(ifindex, to_pod, h->prog_fd[to_pod]);
	if (err)
		take_filters(h, ifindex, kept);
	else
		take_links(h, ifindex, kept);	/* of an agent that had tcx */
	return err;
}

static int put_links(const struct attach_hooks *h, unsigned int ifindex, struct attach_kept *kept)
{
	int err = 0;

	for (int to_pod = 0; to_pod < 2 && !err; to_pod++) {
		int fd = kept->link_fd[to_pod] >= 0 ? kept->link_fd[to_pod] : put_link(h, ifindex, to_pod);

		kept->link_fd[to_pod] = fd;
		err = fd < 0 ? fd : 0;
	}
	if (err)
		take_links(h, ifindex, kept);
	else if (marked(h, ifindex, "filter"))
		take_filters(h, ifindex, kept);
	return err;
}

int attach_hooks_put(const struct attach_hooks *h, unsigned int ifindex, struct attach_kept *kept)
{
	int err = h->tcx ? put_links(h, ifindex, kept) : put_filters(h, ifindex, kept);

	for (int i = 0; *h->pins && i < 2; i++) {	/* the pin keeps it */
		if (kept->link_fd[i] >= 0)
			close(kept->link_fd[i]);
		kept->link_fd[i] = -1;
	}
	return err;
}

void attach_hooks_take(const struct attach_hooks *h, unsigned int ifindex, struct attach_kept *kept)
{
	take_links(h, ifindex, kept);
	if (!h->tcx || marked(h, ifindex, "filter"))
		take_filters(h, ifindex, kept);
}

static unsigned int number_in(const char *name)
{
	unsigned int n;
	char end;

	if (sscanf(name, "link-%u-%c", &n, &end) == 2 || sscanf(name, "filter-%u%c", &n, &end) == 1 ||
	    sscanf(name, "qdisc-%u%c", &n, &end) == 1)
		return n;
	return 0;
}

unsigned int attach_hooks_pinned(const char *pins, unsigned int *ifindex, unsigned int max)
{
	unsigned int n = 0, known, i;
	struct dirent *e;
	DIR *d = *pins ? opendir(pins) : NULL;

	while (d && n < max && (e = readdir(d))) {
		known = number_in(e->d_name);
		for (i = 0; i < n && ifindex[i] != known; i++)
			;
		if (known && i == n)
			ifindex[n++] = known;
	}
	if (d)
		closedir(d);
	return n;
}
