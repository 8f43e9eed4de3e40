// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/attach_inside.h"
#include "agent/clsact.h"
#include "agent/datapath_inside.h"
#include "agent/tcx.h"
#include "lib/log.h"
#include "lib/rtnl.h"

#define LOOK_EACH_MS 1000
#define HOOKED_MAX 8192		/* interfaces; a node's pods are fewer by far */

/* An interface with our hooks. */
struct hooked {
	unsigned int ifindex;
	struct attach_kept kept;
	struct attach_look seen;
	bool dirty;			/* rtnetlink told of a qdisc or filter */
};

struct attach {
	struct loop *loop;		/* not ours */
	struct grace *grace;		/* not ours */
	struct datapath *dp;		/* not ours */
	struct attach_hooks hooks;
	__u32 prog_id[2];
	bool stack;
	attach_path_fn on_path;
	void *ctx;
	struct hooked *hooked;
	unsigned int n, room;
	int events;			/* rtnetlink: qdiscs and filters */
	struct loop_timer tick;
	bool looking;
	struct job *jobs;		/* given to the waiting thread and not back yet */
};

enum job_kind { JOB_ADD, JOB_REMOVE, JOB_LOOK };

/* What the waiting thread is given; it knows nothing of struct attach's tables. */
struct job {
	struct attach *a;
	struct job *next;
	enum job_kind kind;
	struct attach_hooks hooks;
	struct hooked at;		/* ADD, REMOVE */
	bool cancelled;			/* ADD: removed before it was done */
	attach_done_fn done;
	void *ctx;
	int err;
	unsigned int us;
	unsigned int nlooks;
	struct attach_look look[];	/* LOOK */
};

const char *attach_hook_word(enum attach_hook hook)
{
	static const char *const word[] = { "none", "tcx", "clsact" };

	return word[hook];
}

static struct hooked *find(const struct attach *a, unsigned int ifindex)
{
	for (unsigned int i = 0; i < a->n; i++)
		if (a->hooked[i].ifindex == ifindex)
			return &a->hooked[i];
	return NULL;
}

static struct hooked *add(struct attach *a, unsigned int ifindex)
{
	struct hooked *h = find(a, ifindex);

	if (h || a->n == HOOKED_MAX)
		return h;
	if (a->n == a->room) {
		unsigned int room = a->room ? a->room * 2 : 64;
		struct hooked *more = realloc(a->hooked, room * sizeof(*more));

		if (!more)
			return NULL;
		a->hooked = more;
		a->room = room;
	}
	h = &a->hooked[a->n++];
	*h = (struct hooked){ .ifindex = ifindex, .kept = ATTACH_KEPT_NONE };
	return h;
}

static unsigned int us_since(const struct timespec *from)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - from->tv_sec) * 1000000 + (now.tv_nsec - from->tv_nsec) / 1000;
}

static struct job *job_new(struct attach *a, enum job_kind kind, unsigned int nlooks)
{
	struct job *j = calloc(1, sizeof(*j) + nlooks * sizeof(j->look[0]));

	if (!j)
		return NULL;
	*j = (struct job){ .a = a, .next = a->jobs, .kind = kind, .hooks = a->hooks, .nlooks = nlooks };
	j->at.kept = (struct attach_kept)ATTACH_KEPT_NONE;
	a->jobs = j;
	return j;
}

static void job_free(struct job *j)
{
	for (struct job **p = &j->a->jobs; *p; p = &(*p)->next)
		if (*p == j) {
			*p = j->next;
			break;
		}
	free(j);
}

static struct attach_look look_for(const struct attach *a, unsigned int ifindex)
{
	return (struct attach_look){ .ifindex = ifindex, .tcx = a->hooks.tcx, .stack = a->stack,
				     .prog_id = { a->prog_id[0], a->prog_id[1] } };
}

/* Tells when something changed, or is told for the first time. */
static void tell(struct attach *a, struct hooked *h, const struct attach_look *look, bool first)
{
	bool same = h->seen.flags == look->flags && !strcmp(h->seen.why, look->why);

	h->seen = *look;
	if ((first || !same) && a->on_path)
		a->on_path(a->ctx, look->ifindex, look->flags, look->why);
}

/* Waiting thread. */
static void work_add(void *ctx)
{
	struct clsact_qdiscs *qdiscs = NULL;
	struct job *j = ctx;
	struct timespec began;

	clock_gettime(CLOCK_MONOTONIC, &began);
	j->err = attach_hooks_put(&j->hooks, j->at.ifindex, &j->at.kept);
	if (!j->err) {
		attach_look(&j->look[0], &qdiscs);
		j->err = j->look[0].err;
	}
	clsact_qdiscs_free(qdiscs);
	j->us = us_since(&began);
}

static void close_kept(struct attach_kept *kept)
{
	for (int i = 0; i < 2; i++)
		if (kept->link_fd[i] >= 0)
			close(kept->link_fd[i]);
	*kept = (struct attach_kept)ATTACH_KEPT_NONE;
}

static void after_add(void *ctx)
{
	struct job *j = ctx;
	struct attach *a = j->a;
	struct hooked *h = NULL;

	if (j->cancelled)
		j->err = -ECANCELED;	/* its removal is behind it in the queue, and has what it must close */
	else if (!j->err && !(h = add(a, j->at.ifindex)))
		j->err = -ENOMEM;
	if (h) {
		h->kept = j->at.kept;
		tell(a, h, &j->look[0], true);
	} else {
		close_kept(&j->at.kept);
		if ((h = find(a, j->at.ifindex)) && !j->cancelled)
			*h = a->hooked[--a->n];	/* it had hooks, and lost them */
	}
	if (j->done)
		j->done(j->ctx, j->at.ifindex, j->err, j->us);
	job_free(j);
}

int attach_add(struct attach *a, unsigned int ifindex, attach_done_fn done, void *ctx)
{
	struct job *j = job_new(a, JOB_ADD, 1);
	int err;

	if (!j)
		return -ENOMEM;
	if (find(a, ifindex))
		j->at.kept = find(a, ifindex)->kept;
	j->at.ifindex = ifindex;
	j->look[0] = look_for(a, ifindex);
	j->done = done;
	j->ctx = ctx;
	err = grace_call(a->grace, work_add, after_add, j);
	if (err)
		job_free(j);
	return err;
}

static void work_remove(void *ctx)
{
	struct job *j = ctx;

	attach_hooks_take(&j->hooks, j->at.ifindex, &j->at.kept);
}

static void after_remove(void *ctx)
{
	job_free(ctx);
}

void attach_remove(struct attach *a, unsigned int ifindex)
{
	struct hooked *h = find(a, ifindex);
	struct job *j = job_new(a, JOB_REMOVE, 0);

	if (!j)
		return;
	j->at.ifindex = ifindex;
	if (h) {
		j->at = *h;
		*h = a->hooked[--a->n];
	}
	for (struct job *i = a->jobs; i; i = i->next)
		if (i->kind == JOB_ADD && i->at.ifindex == ifindex)
			i->cancelled = true;
	if (grace_call(a->grace, work_remove, after_remove, j)) {
		log_warn("cannot take the hooks off interface %u now: too much waits", ifindex);
		job_free(j);
	}
}

void attach_keep(struct attach *a, const unsigned int *ifindex, unsigned int n)
{
	unsigned int *pinned = calloc(HOOKED_MAX, sizeof(*pinned)), count;

	if (!pinned)
		return;
	count = attach_hooks_pinned(a->hooks.pins, pinned, HOOKED_MAX);
	for (unsigned int i = 0; i < count; i++) {
		unsigned int k = 0;

		while (k < n && ifindex[k] != pinned[i])
			k++;
		if (k == n)
			attach_remove(a, pinned[i]);
	}
	free(pinned);
}

/* Waiting thread. */
static void work_look(void *ctx)
{
	struct clsact_qdiscs *qdiscs = NULL;
	struct job *j = ctx;

	for (unsigned int i = 0; i < j->nlooks; i++)
		if (j->look[i].always || attach_look_changed(&j->look[i]))
			attach_look(&j->look[i], &qdiscs);
	clsact_qdiscs_free(qdiscs);
}

static bool any_dirty(const struct attach *a)
{
	for (unsigned int i = 0; i < a->n; i++)
		if (a->hooked[i].dirty)
			return true;
	return false;
}

static void look(struct attach *a, bool everywhere);

static void after_look(void *ctx)
{
	struct job *j = ctx;
	struct attach *a = j->a;

	for (unsigned int i = 0; i < j->nlooks; i++) {
		struct hooked *h = find(a, j->look[i].ifindex);

		if (h && !j->look[i].err)
			tell(a, h, &j->look[i], false);
	}
	job_free(j);
	a->looking = false;
	if (any_dirty(a))		/* told of meanwhile */
		look(a, false);
}

/* Everywhere: chains are asked for their revision.  Else only where something was told of. */
static void look(struct attach *a, bool everywhere)
{
	struct job *j = a->looking || !a->n ? NULL : job_new(a, JOB_LOOK, a->n);

	if (!j)
		return;			/* one is under way, or the next second tries again */
	j->nlooks = 0;
	for (unsigned int i = 0; i < a->n; i++) {
		struct hooked *h = &a->hooked[i];

		if (!everywhere && !h->dirty)
			continue;
		j->look[j->nlooks] = h->seen;
		j->look[j->nlooks++].always = h->dirty;
		h->dirty = false;
	}
	a->looking = true;
	if (grace_call(a->grace, work_look, after_look, j)) {
		a->looking = false;
		for (unsigned int i = 0; i < j->nlooks; i++)
			find(a, j->look[i].ifindex)->dirty |= j->look[i].always;
		job_free(j);
	}
}

static void on_tick(void *ctx)
{
	struct attach *a = ctx;

	if (a->hooks.tcx || any_dirty(a))
		look(a, a->hooks.tcx);
	loop_after(a->loop, &a->tick, LOOK_EACH_MS, on_tick, a);
}

static void all_dirty(struct attach *a)
{
	for (unsigned int i = 0; i < a->n; i++)
		a->hooked[i].dirty = true;
}

static int on_event(void *ctx, const struct nlmsghdr *m)
{
	const struct tcmsg *tc = NLMSG_DATA(m);
	struct attach *a = ctx;
	struct hooked *h = find(a, tc->tcm_ifindex);

	if (h)
		h->dirty = true;
	else if (tc->tcm_ifindex == (int)TCM_IFINDEX_MAGIC_BLOCK)
		all_dirty(a);		/* a filter in a block that interfaces share names none of them */
	return 0;
}

static void on_readable(void *ctx)
{
	struct attach *a = ctx;

	if (rtnl_events(a->events, on_event, a))
		all_dirty(a);		/* some were dropped */
	if (any_dirty(a))
		look(a, false);
}

static int prog_id(int fd, __u32 *id)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	*id = info.id;
	return 0;
}

static int open_hooks(struct attach *a, const struct attach_options *o, struct complaint *why)
{
	int err = 0;

	a->hooks.tcx = o->want != HOOK_CLSACT && tcx_supported();
	if (o->want == HOOK_TCX && !a->hooks.tcx) {
		complaint_set(why, 0, 0, "cannot use tcx: this kernel has none (6.6 and later do; leave the choice to weir)");
		return -ENOTSUP;
	}
	a->hooks.pins = datapath_pins(a->dp);
	for (int to_pod = 0; to_pod < 2 && !err; to_pod++) {
		a->hooks.prog_fd[to_pod] = datapath_prog_fd(a->dp, to_pod);
		err = prog_id(a->hooks.prog_fd[to_pod], &a->prog_id[to_pod]);
	}
	a->stack = o->stack;
	return err;
}

int attach_open(struct attach **out, struct loop *loop, struct grace *grace, struct datapath *dp,
		const struct attach_options *options, attach_path_fn on_path, void *ctx, struct complaint *why)
{
	struct attach *a = calloc(1, sizeof(*a));
	int err;

	*why = (struct complaint){ 0 };
	if (!a)
		return -ENOMEM;
	*a = (struct attach){ .loop = loop, .grace = grace, .dp = dp, .on_path = on_path, .ctx = ctx, .events = -1 };
	err = open_hooks(a, options, why);
	if (!err) {
		a->events = rtnl_listen(RTMGRP_TC);
		err = a->events < 0 ? a->events : loop_read(loop, a->events, on_readable, a);
	}
	if (err) {
		if (!*why->text)
			complaint_set(why, 0, 0, "cannot follow qdiscs and filters: %s", strerror(-err));
		attach_close(a);
		return err;
	}
	loop_after(loop, &a->tick, LOOK_EACH_MS, on_tick, a);
	*out = a;
	return 0;
}

void attach_close(struct attach *a)
{
	if (!a)
		return;
	loop_cancel(a->loop, &a->tick);
	if (a->events >= 0) {
		loop_forget(a->loop, a->events);
		close(a->events);
	}
	for (unsigned int i = 0; i < a->n && !*a->hooks.pins; i++)
		attach_hooks_take(&a->hooks, a->hooked[i].ifindex, &a->hooked[i].kept);
	while (a->jobs) {
		if (a->jobs->kind == JOB_ADD && !*a->hooks.pins && !find(a, a->jobs->at.ifindex))
			attach_hooks_take(&a->hooks, a->jobs->at.ifindex, &a->jobs->at.kept);
		job_free(a->jobs);
	}
	free(a->hooked);
	free(a);
}

enum attach_hook attach_hook(const struct attach *a)
{
	return a->hooks.tcx ? HOOK_TCX : HOOK_CLSACT;
}

unsigned int attach_path(const struct attach *a, unsigned int ifindex, const char **why)
{
	const struct hooked *h = find(a, ifindex);

	*why = h ? h->seen.why : "no hooks there";
	return h ? h->seen.flags : 0;
}

/* Filters outlive everybody: what the marks name is taken away by hand. */
static void remove_marked(const char *pins)
{
	unsigned int *ifindex = calloc(HOOKED_MAX, sizeof(*ifindex)), n;
	struct attach_hooks h = { .pins = pins, .tcx = true };

	n = ifindex ? attach_hooks_pinned(pins, ifindex, HOOKED_MAX) : 0;
	for (unsigned int i = 0; i < n; i++)
		attach_hooks_take(&h, ifindex[i], &(struct attach_kept)ATTACH_KEPT_NONE);
	free(ifindex);
}

/* Not under an agent that runs: it would go on as if it guarded something. */
static int remove_unless_used(const char *pins, struct complaint *why)
{
	int lock = pins_lock(pins);

	if (lock < 0) {
		complaint_set(why, 0, 0, "cannot take the hooks of '%s' away: %s", pins,
			      lock == -EBUSY ? "an agent runs there (stop it first)" : strerror(-lock));
		return lock;
	}
	remove_marked(pins);
	close(lock);
	return 0;
}

int attach_remove_all(const char *dir, struct complaint *why)
{
	char path[4096];
	struct dirent *e;
	int err = 0;
	DIR *d;

	dir = dir ? dir : DATAPATH_DIR;
	d = opendir(dir);
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while (!err && (e = readdir(d)))
		if (e->d_name[strspn(e->d_name, "0123456789")] == '\0' &&
		    snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) < (int)sizeof(path))
			err = remove_unless_used(path, why);
	closedir(d);
	return err;
}
