// SPDX-License-Identifier: Apache-2.0
/* Where test-runs happen: a namespace with two interfaces that nothing else sends through. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "bench/bench.h"
#include "lib/netns.h"

static struct netns *place;
static char name[32];
static int back = -1;

int bench_netns(struct bench *b, unsigned int ifindex[2])
{
	int err;

	snprintf(name, sizeof(name), "weir-bench-%d", getpid());
	err = netns_create(&place, name);
	if (err) {
		complaint_set(&b->why, 0, 0, "cannot make a network namespace: error %d", -err);
		return err;
	}
	err = netns_veth(place, "client", place, "server") ?: netns_link_up(place, "client") ?: netns_link_up(place, "server");
	if (!err) {
		ifindex[0] = netns_link_index(place, "client");
		ifindex[1] = netns_link_index(place, "server");
		back = netns_enter(place);
		err = back < 0 ? back : 0;
	}
	if (err)
		bench_netns_done();
	return err;
}

void bench_netns_done(void)
{
	if (back >= 0)
		netns_leave(back);
	back = -1;
	if (!place)
		return;
	netns_close(place);
	netns_delete(name);
	place = NULL;
}
