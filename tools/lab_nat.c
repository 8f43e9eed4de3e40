// SPDX-License-Identifier: Apache-2.0
/*
 * NodePorts of a lab: what comes to a node's address and port goes to a pod, and comes from the node, as kube-proxy
 * does it.  The one part for which a program is run: nft, by its own words.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/addr.h"
#include "tools/lab_net.h"

static const struct endpoint_slice *slice_of(const struct world *w, const struct object *service)
{
	for (size_t i = 0; i < w->nobjects; i++) {
		const struct object *o = w->object[i];

		if (o->kind == OBJECT_ENDPOINT_SLICE && !strcmp(o->ns, service->ns) &&
		    !strcmp(o->slice.service, service->name) && o->slice.naddr)
			return &o->slice;
	}
	return NULL;
}

static const struct service_port *port_named(const struct endpoint_slice *s, const char *name)
{
	for (unsigned int i = 0; i < s->nport; i++)
		if (!strcmp(s->port[i].name, name))
			return &s->port[i];
	return s->nport ? &s->port[0] : NULL;
}

static unsigned int print_port(FILE *to, const struct service_port *port, const struct endpoint_slice *s)
{
	const struct service_port *backend = port_named(s, port->name);
	const char *proto = port->proto == 17 ? "udp" : port->proto == 132 ? "sctp" : "tcp";
	bool v4 = addr_is_v4(&s->addr[0]);
	char text[ADDR_TEXT_SIZE];

	if (!port->node_port || !backend)
		return 0;
	fprintf(to, "  fib daddr type local meta nfproto %s %s dport %u dnat %s to %s%s%s:%u\n", v4 ? "ipv4" : "ipv6", proto,
		port->node_port, v4 ? "ip" : "ip6", v4 ? "" : "[", addr_text(&s->addr[0], text), v4 ? "" : "]",
		backend->port);
	return 1;
}

static unsigned int print_rules(FILE *to, const struct world *w)
{
	unsigned int n = 0;

	fputs("table inet weir-lab {\n chain in {\n  type nat hook prerouting priority dstnat;\n", to);
	for (size_t i = 0; i < w->nobjects; i++) {
		const struct object *o = w->object[i];
		const struct endpoint_slice *s = o->kind == OBJECT_SERVICE ? slice_of(w, o) : NULL;

		for (unsigned int k = 0; s && k < o->service.nport; k++)
			n += print_port(to, &o->service.port[k], s);
	}
	fputs(" }\n chain out {\n  type nat hook postrouting priority srcnat;\n  ct status dnat masquerade\n }\n}\n", to);
	return n;
}

static int run_nft(struct netns *ns, const char *rules)
{
	int back = netns_enter(ns), status;
	FILE *nft;

	if (back < 0)
		return back;
	nft = popen("PATH=$PATH:/usr/sbin:/sbin nft -f -", "we");
	netns_leave(back);
	if (!nft)
		return -errno;
	fputs(rules, nft);
	status = pclose(nft);
	return status == 0 ? 0 : -ENOEXEC;
}

int lab_net_node_ports(struct lab_net *n, struct complaint *why)
{
	char *rules = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&rules, &size);
	unsigned int ports;
	int err = 0;

	if (!to)
		return -ENOMEM;
	ports = print_rules(to, n->world);
	fclose(to);
	for (unsigned int i = 0; i < n->world->nnodes && ports && !err; i++)
		err = run_nft(n->node[i], rules);
	free(rules);
	if (err)
		complaint_set(why, 0, 0, "NodePorts are left out: 'nft' cannot be run or refuses (Debian: apt-get install nftables)");
	return err;
}
