// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/podnet.h"
#include "tools/lab_net.h"

#define UPLINK "eth0"

static int say(struct complaint *why, int err, const char *deed, const char *who)
{
	if (err)
		complaint_set(why, 0, 0, "cannot %s '%s': %s%s", deed, who, strerror(-err),
			      err == -EPERM ? " (a lab needs root)" : "");
	return err;
}

/* A namespace, noted first. */
static int make_ns(struct lab_net *n, const char *who, struct netns **out, struct complaint *why)
{
	char name[512];
	int err;

	lab_netns(n->lab, who, name, sizeof(name));
	err = lab_note(n->lab, "netns", name, NULL, NULL);
	if (!err)
		err = netns_create(out, name);
	if (!err)
		err = netns_quick(*out);
	return say(why, err, "make the namespace", name);
}

/* eth0 of a namespace, on the bridge.  The addresses are single ones: who is where, routes say. */
static int uplink(struct lab_net *n, struct netns *ns, const char *port, const struct weir_addr *addr,
		  unsigned int naddr)
{
	int err = netns_veth(ns, UPLINK, n->bridge, port);

	if (!err)
		err = netns_link_join(n->bridge, port, "br0");
	if (!err)
		err = netns_link_up(n->bridge, port);
	if (!err)
		err = netns_link_up(ns, UPLINK);
	for (unsigned int i = 0; i < naddr && !err; i++)
		err = netns_address(ns, UPLINK, &addr[i], 128);
	return err;
}

static int make_bridge(struct lab_net *n, struct complaint *why)
{
	int err = make_ns(n, LAB_NET, &n->bridge, why);

	if (err)
		return err;
	err = netns_bridge(n->bridge, "br0");
	if (!err)
		err = netns_link_up(n->bridge, "br0");
	return say(why, err, "make the bridge of", n->lab->name);
}

static int make_nodes(struct lab_net *n, struct complaint *why)
{
	for (unsigned int i = 0; i < n->world->nnodes; i++) {
		const struct world_node *node = &n->world->node[i];
		char who[300], port[IFNAMSIZ];
		int err;

		snprintf(who, sizeof(who), "node/%s", node->name);
		snprintf(port, sizeof(port), "node%u", i);
		err = lab_note(n->lab, "node", node->name, NULL, NULL);
		if (!err)
			err = make_ns(n, who, &n->node[i], why);
		if (err)
			return err;
		err = netns_router(n->node[i]);
		if (!err)
			err = uplink(n, n->node[i], port, node->addr, node->naddr);
		if (err)
			return say(why, err, "connect", who);
	}
	return 0;
}

static int route_one(struct netns *ns, const struct weir_addr *to, const struct weir_addr *via)
{
	struct weir_prefix one = { .length = 128, .addr = *to };

	return netns_route(ns, &one, via, UPLINK);
}

/* The address of a node in the family of 'like', or NULL. */
static const struct weir_addr *of_family(const struct world_node *node, const struct weir_addr *like)
{
	for (unsigned int i = 0; i < node->naddr; i++)
		if (addr_is_v4(&node->addr[i]) == addr_is_v4(like))
			return &node->addr[i];
	return NULL;
}

/* Every address of 'node' and of its pods, as seen from 'ns' over the bridge. */
static int route_to_node(struct lab_net *n, struct netns *ns, unsigned int node)
{
	const struct world_node *to = &n->world->node[node];
	int err = 0;

	for (unsigned int i = 0; i < to->naddr && !err; i++)
		err = route_one(ns, &to->addr[i], NULL);
	for (unsigned int p = 0; p < n->world->npods && !err; p++) {
		const struct pod *pod = &n->world->pod[p]->pod;

		if (lab_net_node_of(n, p) != node)
			continue;
		for (unsigned int i = 0; i < pod->naddr && !err; i++) {
			const struct weir_addr *via = of_family(to, &pod->addr[i]);

			if (via)
				err = route_one(ns, &pod->addr[i], via);
		}
	}
	return err;
}

/* What is nowhere else is outside. */
static int route_out(struct lab_net *n, struct netns *ns)
{
	bool done[2] = { false };
	int err = 0;

	for (unsigned int i = 0; i < n->naddress && !err; i++) {
		const struct weir_addr *gateway = &n->address[i];
		bool v4 = addr_is_v4(gateway);
		struct weir_prefix all = { .length = v4 ? 96 : 0, .addr = { .byte = { [10] = v4 ? 0xff : 0, [11] = v4 ? 0xff : 0 } } };

		err = route_one(ns, gateway, NULL);
		if (!err && !done[v4])
			err = netns_route(ns, &all, gateway, UPLINK);
		done[v4] = true;
	}
	return err;
}

static int make_routes(struct lab_net *n, struct complaint *why)
{
	int err = 0;

	for (unsigned int i = 0; i < n->world->nnodes && !err; i++) {
		for (unsigned int k = 0; k < n->world->nnodes && !err; k++)
			if (k != i)
				err = route_to_node(n, n->node[i], k);
		if (!err)
			err = route_to_node(n, n->outside, i);
		if (!err)
			err = route_out(n, n->node[i]);
	}
	return say(why, err, "make the routes of", n->lab->name);
}

int lab_net_make(struct lab_net *n, struct complaint *why)
{
	int err = make_bridge(n, why);

	if (!err)
		err = make_ns(n, LAB_OUTSIDE, &n->outside, why);
	if (!err)
		err = say(why, uplink(n, n->outside, "outside", n->address, n->naddress), "connect", LAB_OUTSIDE);
	if (!err)
		err = make_nodes(n, why);
	n->pod = calloc(n->world->npods, sizeof(*n->pod));
	if (!err && !n->pod)
		err = -ENOMEM;
	for (unsigned int p = 0; p < n->world->npods && !err; p++) {
		char who[512];

		snprintf(who, sizeof(who), "%s/%s", n->world->pod[p]->ns, n->world->pod[p]->name);
		err = make_ns(n, who, &n->pod[p], why);
	}
	return err ? err : make_routes(n, why);
}

void lab_net_close(struct lab_net *n)
{
	for (unsigned int p = 0; n->pod && p < n->world->npods; p++)
		netns_close(n->pod[p]);
	free(n->pod);
	for (unsigned int i = 0; n->world && i < n->world->nnodes; i++)
		netns_close(n->node[i]);
	netns_close(n->outside);
	netns_close(n->bridge);
}

unsigned int lab_net_node_of(const struct lab_net *n, unsigned int pod)
{
	unsigned int i = 0;

	while (i + 1 < n->world->nnodes && strcmp(n->world->node[i].name, n->world->pod[pod]->pod.node))
		i++;
	return i;
}

/* Its number makes it unique, its name makes it known: "w12-frontend". */
static void host_end(const struct lab_net *n, unsigned int pod, char name[IFNAMSIZ])
{
	char text[300];

	snprintf(text, sizeof(text), "w%u-%s", pod, n->world->pod[pod]->name);
	text[IFNAMSIZ - 1] = '\0';
	strcpy(name, text);
}

int lab_net_pod(struct lab_net *n, unsigned int pod, struct complaint *why)
{
	const struct object *o = n->world->pod[pod];
	unsigned int node = lab_net_node_of(n, pod);
	char who[512], alias[520], link[IFNAMSIZ];
	int err;

	host_end(n, pod, link);
	snprintf(who, sizeof(who), "%s/%s", o->ns, o->name);
	snprintf(alias, sizeof(alias), "weir:%s", who);
	err = lab_note(n->lab, "pod", who, o->pod.node, link);
	if (!err)
		err = podnet_make(n->node[node], link, n->pod[pod], o->pod.addr, o->pod.naddr, alias);
	return say(why, err, "make the interface of", who);
}

int lab_net_reach(struct lab_net *n, unsigned int pod, struct complaint *why)
{
	const struct object *o = n->world->pod[pod];
	char link[IFNAMSIZ];

	host_end(n, pod, link);
	return say(why, podnet_reach(n->node[lab_net_node_of(n, pod)], link, n->pod[pod], o->pod.addr, o->pod.naddr),
		   "make the way to", o->name);
}
