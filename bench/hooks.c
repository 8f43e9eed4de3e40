// SPDX-License-Identifier: Apache-2.0
/* How long it takes to put both hooks on a pod's interface, by tcx links and by clsact, and how long the loop stands still. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/attach.h"
#include "agent/grace.h"
#include "bench/bench.h"
#include "bench/world.h"
#include "lib/loop.h"
#include "lib/netns.h"

#define PODS 21

struct hooks {
	struct loop *loop;
	struct grace *grace;
	struct attach *attach;
	struct netns *ns;
	unsigned int ifindex[PODS], done;
	double began, ms[PODS], call[PODS];
	int err;
};

static void on_path(void *ctx, unsigned int ifindex, unsigned int flags, const char *why)
{
}

static void next(struct hooks *h);

static void attached(void *ctx, unsigned int ifindex, int err, unsigned int us)
{
	struct hooks *h = ctx;

	h->ms[h->done++] = (wall_ns() - h->began) / 1e6;
	h->err = h->err ?: err;
	if (h->done == PODS || h->err)
		loop_stop(h->loop);
	else
		next(h);
}

static void next(struct hooks *h)
{
	double began = h->began = wall_ns();
	int err = attach_add(h->attach, h->ifindex[h->done], attached, h);

	h->call[h->done] = (wall_ns() - began) / 1e6;
	if (err) {
		h->err = err;
		loop_stop(h->loop);
	}
}

static int pods(struct hooks *h)
{
	int err = 0;

	for (unsigned int i = 0; i < PODS && !err; i++) {
		char host[16], pod[16];

		snprintf(host, sizeof(host), "h%u", i);
		snprintf(pod, sizeof(pod), "p%u", i);
		err = netns_veth(h->ns, host, h->ns, pod);
		h->ifindex[i] = err ? 0 : netns_link_index(h->ns, host);
	}
	return err;
}

static int measure(struct hooks *h, struct datapath *dp, enum attach_hook want, struct complaint *why)
{
	struct attach_options o = { .want = want };
	int err;

	h->done = h->err = 0;
	err = loop_open(&h->loop);
	if (!err)
		err = grace_open(&h->grace, h->loop);
	if (!err)
		err = attach_open(&h->attach, h->loop, h->grace, dp, &o, on_path, h, why);
	if (!err) {
		next(h);
		err = loop_run(h->loop) ?: h->err;
	}
	if (h->attach)
		for (unsigned int i = 0; i < PODS; i++)
			attach_remove(h->attach, h->ifindex[i]);
	attach_close(h->attach);
	grace_close(h->grace);
	loop_close(h->loop);
	h->attach = NULL;
	h->grace = NULL;
	h->loop = NULL;
	return err;
}

/* A namespace of its own, whose name goes as soon as we are in it. */
static int place(struct hooks *h, int *back)
{
	char name[40];
	int err;

	snprintf(name, sizeof(name), "weir-bench-%d-hooks", getpid());
	err = netns_create(&h->ns, name);
	if (err)
		return err;
	*back = netns_enter(h->ns);
	netns_delete(name);
	return *back < 0 ? *back : pods(h);
}

int part_attach(struct bench *b, struct report *r)
{
	static const struct { enum attach_hook hook; double bound; } kinds[] = { { HOOK_TCX, 40 }, { HOOK_CLSACT, 5 } };
	struct datapath_options o = { .dir = "private" };
	struct datapath *dp = NULL;
	struct hooks h = { 0 };
	int err, back = -1;
	char what[80];

	report_begin(r, "attach", "both hooks of one pod, no program load; wall time");
	err = place(&h, &back);
	if (!err)
		err = datapath_open(&dp, &o, &b->why);
	for (int i = 0; i < 2 && !err; i++) {
		err = measure(&h, dp, kinds[i].hook, &b->why);
		if (err)
			break;
		snprintf(what, sizeof(what), "%s, from asking to attached", attach_hook_word(kinds[i].hook));
		report_goal(r, what, "ms", h.ms, PODS, kinds[i].bound);
		snprintf(what, sizeof(what), "%s, of that the loop stands still", attach_hook_word(kinds[i].hook));
		report_goal(r, what, "ms", h.call, PODS, 1);
	}
	datapath_close(dp);
	if (back >= 0)
		netns_leave(back);
	netns_close(h.ns);
	return err;
}
