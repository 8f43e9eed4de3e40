// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/net/parts.h"

static void on_path(void *ctx, unsigned int ifindex, unsigned int flags, const char *why)
{
	struct part *p = ctx;

	p->ifindex = ifindex;
	p->flags = flags;
	p->paths++;
	snprintf(p->why, sizeof(p->why), "%s", why);
	loop_stop(p->loop);
}

void part_done(void *ctx, unsigned int ifindex, int err, unsigned int us)
{
	struct part *p = ctx;

	p->done++;
	p->err = err;
	p->us = us;
	loop_stop(p->loop);
}

static void on_record(void *ctx, const struct weir_record *r)
{
	struct part *p = ctx;

	p->kinds[r->kind & 7]++;
	p->last[r->kind & 7] = *r;
}

static void on_drain(void *ctx)
{
	struct part *p = ctx;

	flows_drain(p->flows, 65536);
	loop_after(p->loop, &p->drain, 5, on_drain, p);
}

int part_open(struct part *p, const char *pins, enum attach_hook hook, struct complaint *why)
{
	struct datapath_options o = { .dir = pins, .buckets = 1024 };
	struct attach_options ao = { .want = hook };
	int err;

	memset(p, 0, sizeof(*p));
	err = loop_open(&p->loop) ?: grace_open(&p->grace, p->loop) ?: datapath_open(&p->dp, &o, why) ?:
	      attach_open(&p->attach, p->loop, p->grace, p->dp, &ao, on_path, p, why) ?:
	      flows_open(&p->flows, p->dp, on_record, p) ?: sweep_open(&p->sweep, p->loop, p->grace, p->dp, p->flows);
	if (!err)
		on_drain(p);
	return err;
}

void part_close(struct part *p)
{
	part_run(p, 100);		/* what was asked for is done */
	grace_close(p->grace);
	sweep_close(p->sweep);
	flows_close(p->flows);
	attach_close(p->attach);
	datapath_close(p->dp);
	loop_close(p->loop);
}

static void on_time(void *ctx)
{
	loop_stop(ctx);
}

void part_run(struct part *p, unsigned int ms)
{
	struct loop_timer t = { 0 };

	loop_after(p->loop, &t, ms, on_time, p->loop);
	loop_run(p->loop);
	loop_cancel(p->loop, &t);
}

int part_add(struct part *p, unsigned int ifindex)
{
	int done = p->done, err = attach_add(p->attach, ifindex, part_done, p);

	for (int i = 0; i < 50 && !err && p->done == done; i++)
		part_run(p, 100);
	return err ? err : p->done == done ? -ETIMEDOUT : p->err;
}

struct netns *fresh_netns(void)
{
	struct netns *ns = NULL;
	int fd;

	if (unshare(CLONE_NEWNET) || (fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) < 0)
		return NULL;
	if (netns_open_fd(&ns, fd))
		ns = NULL;
	close(fd);
	return ns;
}

int own_bpffs(const char *name, char dir[128])
{
	snprintf(dir, 128, "/tmp/weir-%s-%d", name, getpid());
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || mkdir(dir, 0700) ||
	    mount("bpf", dir, "bpf", 0, NULL))
		return -errno;
	strcat(dir, "/pins");
	return 0;
}

void own_bpffs_end(const char *dir)
{
	char base[128];

	snprintf(base, sizeof(base), "%.*s", (int)(strrchr(dir, '/') - dir), dir);
	umount2(base, MNT_DETACH);
	rmdir(base);
}

int command(const char *text)
{
	int status = system(text);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
