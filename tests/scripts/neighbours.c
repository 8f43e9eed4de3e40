// SPDX-License-Identifier: Apache-2.0
// Other people's programs and qdiscs on a pod's veth still see its packets.
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/scripts/scripts.h"

static int in_node(struct stage *s, const char *format, const char *link)
{
	char command[512];
	int back = netns_enter(town_node(s->town)), err;

	if (back < 0)
		return back;
	snprintf(command, sizeof(command), format, link);
	err = system(command);
	netns_leave(back);
	return err;
}

/* Packets that the filter or qdisc on 'link' has counted. */
static long counted(struct stage *s, const char *format, const char *link)
{
	char command[512];
	int back = netns_enter(town_node(s->town));
	FILE *f;
	long n = -1;

	if (back < 0)
		return -1;
	snprintf(command, sizeof(command), format, link);
	f = popen(command, "r");
	if (!f || fscanf(f, "%ld", &n) != 1)
		n = -1;
	if (f)
		pclose(f);
	netns_leave(back);
	return n;
}

#define FILTERS "tc -s filter show dev %s "
#define SUM " | awk '/Sent/ { n += $4 } END { print n + 0 }'"

/* A second for the agent to notice: it asks once a second where the kernel does not tell. */
static void foreign_filter(struct stage *s)
{
	const char *from = place_interface(stage_place(s, "x/b")), *to = place_interface(stage_place(s, "x/a"));
	long before;

	SEEN(stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80), "b reaches a");
	SEEN(!in_node(s, "tc qdisc add dev %s clsact 2>/dev/null; true", from), "clsact on the sender's veth");
	SEEN(!in_node(s, "tc filter add dev %s ingress prio 7 matchall action pass", from), "a foreign filter there");
	SEEN(!in_node(s, "tc qdisc add dev %s clsact 2>/dev/null; true", to), "clsact on the receiver's veth");
	SEEN(!in_node(s, "tc filter add dev %s egress prio 7 matchall action pass", to), "a foreign filter there");
	usleep(1500000);
	before = counted(s, FILTERS "ingress" SUM, from);
	SEEN(stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80), "b still reaches a");
	SEEN(counted(s, FILTERS "ingress" SUM, from) > before && before >= 0, "the sender's filter saw it");
	SEEN(counted(s, FILTERS "egress" SUM, to) > 0, "the receiver's filter saw it");
}

static void foreign_qdisc(struct stage *s)
{
	const char *to = place_interface(stage_place(s, "x/a"));

	SEEN(!in_node(s, "tc qdisc add dev %s root handle 9: pfifo limit 100", to), "a foreign qdisc on the receiver's veth");
	usleep(1500000);
	SEEN(stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80), "b reaches a");
	SEEN(counted(s, "tc -s qdisc show dev %s root" SUM, to) > 0, "through the qdisc");
	SEEN(!in_node(s, "tc qdisc del dev %s root", to), "it goes");
	usleep(1500000);
	SEEN(stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80), "b reaches a");
}

/* And the policy holds whichever way packets take. */
static void policy_holds(struct stage *s)
{
	const char *to = place_interface(stage_place(s, "x/a"));

	stage_do(s, ALLOW_B);
	SEEN(stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80) && !stage_probe(s, "y/a", "x/a", IPPROTO_TCP, 80), "before");
	SEEN(!in_node(s, "tc qdisc add dev %s root handle 9: pfifo limit 100", to), "a qdisc comes");
	SEEN(stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80) && !stage_probe(s, "y/a", "x/a", IPPROTO_TCP, 80), "at once");
	usleep(1500000);
	SEEN(stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80) && !stage_probe(s, "y/a", "x/a", IPPROTO_TCP, 80), "when noticed");
}

const struct script scripts_neighbours[] = {
	{ "a foreign filter on sender and receiver", { 0 }, foreign_filter },
	{ "a foreign qdisc on the receiver", { 0 }, foreign_qdisc },
	{ "policy while a qdisc comes", { 0 }, policy_holds },
	{ NULL, { 0 }, NULL }
};
