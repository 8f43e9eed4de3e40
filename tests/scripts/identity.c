// SPDX-License-Identifier: Apache-2.0
// Who a packet is from: addresses that are claimed, taken over, or not yet known.
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/addr.h"
#include "tests/scripts/scripts.h"

/* A frame as from 'claimed', but sent by 'by'. */
static bool arrives_as(struct stage *s, const char *by, const char *claimed, const char *to, __u8 proto, __u16 port)
{
	struct wire w = stage_wire(s, claimed, to, proto, port);

	return stage_arrives(s, by, to, &w);
}

/* From outside with the node's own address: an ordinary remote peer, so a deny-all pod does not let it in. */
static void node_address_from_outside(struct stage *s)
{
	stage_do(s, DENY_ALL_X);
	SEEN(!arrives_as(s, "e1", "node:n1", "x/a", IPPROTO_TCP, 80), "a frame from outside with the node's address");
	SEEN(!arrives_as(s, "e1", "node:n1", "x/a", IPPROTO_UDP, 80), "the same by UDP");
	SEEN(stage_probe(s, "node:n1", "x/a", IPPROTO_TCP, 80), "while a socket of the node enters");
	SEEN(stage_probe6(s, "node:n1", "x/a", IPPROTO_TCP, 80), "over IPv6, too");
	SEEN(!arrives_as(s, "y/b", "node:n1", "x/a", IPPROTO_TCP, 80), "a pod with the node's address");
}

/* The next packet of IPv4, whatever it is; what neighbours say by IPv6 (ND, MLD behind its options) the kernel sends when it likes. */
static bool any_arrives(struct stage *s, struct place *at, struct wire_seen *seen)
{
	do {
		if (!town_receive(s->town, at, seen, 50))
			return false;
	} while (!addr_is_v4(&seen->src));
	return true;
}

static void tell(const struct wire_seen *seen)
{
	char from[ADDR_TEXT_SIZE];

	printf("  it saw protocol %u, type %u, from %s, ports %u to %u\n", seen->proto, seen->icmp_type, addr_text(&seen->src, from),
	       seen->sport, seen->dport);
}

/* A client outside through a masqueraded NodePort looks like the node, and is not. */
static void masqueraded_node_port(struct stage *s)
{
	struct netns *node = town_node(s->town);
	int back = netns_enter(node), err;
	struct wire w;

	err = back < 0 ? back : system("nft -f - <<'X'\n"
		"table ip t {\n"
		" chain pre { type nat hook prerouting priority -100; tcp dport 30080 dnat to 10.244.1.10:80; }\n"
		" chain post { type nat hook postrouting priority 100; ip daddr 10.244.1.10 tcp dport 80 masquerade; }\n"
		"}\nX\n");
	if (back >= 0)
		netns_leave(back);
	SEEN(!err, "nft makes the NodePort");
	w = stage_wire(s, "e1", "node:n1", IPPROTO_TCP, 30080);
	{
		struct place *out = stage_place(s, "e1"), *pod = stage_place(s, "x/a");
		struct wire_seen seen;
		bool open, masked;

		town_drain(s->town);
		town_send(s->town, out, &w);
		open = any_arrives(s, pod, &seen) && seen.proto == IPPROTO_TCP && seen.dport == 80;
		masked = open && !addr_equal(&seen.src, &w.src);
		SEEN(open && masked, "an open pod is reached, and sees another source than the client's");
		stage_do(s, DENY_ALL_X);
		w.sport = ++s->port;
		town_drain(s->town);
		town_send(s->town, out, &w);
		open = any_arrives(s, pod, &seen);
		if (open)
			tell(&seen);
		SEEN(!open, "a pod that is denied everything is not");
	}
}

/* Only the sender's interface may carry a known flow. */
static void known_from_elsewhere(struct stage *s)
{
	struct wire w = stage_wire(s, "x/b", "x/a", IPPROTO_UDP, 80);

	stage_do(s, ALLOW_B);
	SEEN(stage_arrives(s, "x/b", "x/a", &w), "b's datagram opens a flow");
	SEEN(stage_arrives(s, "x/b", "x/a", &w), "and is known");
	SEEN(!stage_arrives(s, "y/a", "x/a", &w), "the same frame from another pod's interface");
	SEEN(!stage_arrives(s, "e1", "x/a", &w), "or from outside");
	SEEN(stage_arrives(s, "x/b", "x/a", &w), "b's own still passes");
}

/* nasty-25: the address of a pod that has ended goes to a pod with other labels. */
static void taken_over(struct stage *s)
{
	struct wire w = stage_wire(s, "x/b", "x/a", IPPROTO_UDP, 80);

	stage_do(s, ALLOW_B);
	SEEN(stage_arrives(s, "x/b", "x/a", &w), "b's datagram opens a flow");
	stage_do(s, "[{setPodPhase: {ns: x, name: b, phase: Succeeded}}, {createPod: {ns: y, name: new, node: n1, "
		 "labels: {pod: c}, ips: [10.244.1.11], ports: [{name: web, port: 80}]}}]");
	SEEN(!stage_arrives(s, "y/new", "x/a", &w), "its successor inherits no flow");
	SEEN(!stage_probe(s, "y/new", "x/a", IPPROTO_TCP, 80), "and no right");
	SEEN(stage_probe(s, "y/new", "y/b", IPPROTO_TCP, 80), "but may speak where all may");
	stage_do(s, "deletePod: {ns: x, name: b}");
	SEEN(!stage_probe(s, "y/new", "x/a", IPPROTO_TCP, 80), "nor when the old one is deleted");
	SEEN(!stage_arrives(s, "y/new", "x/a", &w), "the flow neither");
}

/* A pod sends only as itself. */
static void spoofed(struct stage *s)
{
	stage_do(s, ALLOW_B);
	SEEN(!arrives_as(s, "y/a", "x/b", "x/a", IPPROTO_TCP, 80), "another pod's address");
	SEEN(!arrives_as(s, "y/a", "e1", "y/b", IPPROTO_TCP, 80), "an outsider's, to an open pod");
	SEEN(!arrives_as(s, "y/a", "e1", "e2", IPPROTO_TCP, 80), "and to the outside");
	SEEN(!arrives_as(s, "e1", "x/b", "x/a", IPPROTO_TCP, 80), "a pod's address from outside");
	SEEN(!arrives_as(s, "e1", "x/b", "y/a", IPPROTO_TCP, 80), "to an open pod, too");
}

/* A pod of another node, under its podCIDR, before anybody said who it is. */
static void stranger(struct stage *s)
{
	static const char pod[] = "createPod: {ns: x, name: far, node: n2, labels: {pod: b}, ips: [10.244.9.9]}";

	stage_do(s, ALLOW_B);
	SEEN(arrives_as(s, "node:n2", "10.244.9.9", "y/a", IPPROTO_TCP, 80), "a pod that is open to all lets a stranger in");
	SEEN(!arrives_as(s, "node:n2", "10.244.9.9", "x/a", IPPROTO_TCP, 80), "one that is not does not");
	stage_do(s, pod);
	SEEN(arrives_as(s, "node:n2", "x/far", "x/a", IPPROTO_TCP, 80), "known by now, and allowed, by its first packet");
}

/* The same connection: its SYN again, as a client would. */
static void stranger_retries(struct stage *s)
{
	struct wire w = stage_wire(s, "10.244.9.9", "x/a", IPPROTO_TCP, 80);

	stage_do(s, ALLOW_B);
	SEEN(!stage_arrives(s, "node:n2", "x/a", &w), "denied as unknown");
	stage_do(s, "createPod: {ns: x, name: far, node: n2, labels: {pod: b}, ips: [10.244.9.9]}");
	SEEN(stage_arrives(s, "node:n2", "x/a", &w), "the very same SYN passes once it is known");
}

/* nasty-34: nothing passes to or from a pod before its policy is in force, and then only what that says. */
static void first_packet(struct stage *s)
{
	stage_do(s, "createPolicy: {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, namespace: x}, "
		 "spec: {podSelector: {}, policyTypes: [Ingress, Egress]}}");
	stage_do(s, "createPod: {ns: x, name: new, node: n1, labels: {pod: new}, ips: [10.244.1.50]}");
	SEEN(!stage_probe(s, "x/new", "y/a", IPPROTO_TCP, 80), "its first packet out");
	SEEN(!stage_probe(s, "y/a", "x/new", IPPROTO_TCP, 80), "its first packet in");
}

/* A pod comes back with its name and another address, and the old address serves nobody. */
static void moved(struct stage *s)
{
	stage_do(s, ALLOW_B);
	stage_do(s, "[{deletePod: {ns: x, name: b}}, {createPod: {ns: x, name: b, node: n1, labels: {pod: b}, ips: [10.244.1.60]}}]");
	SEEN(stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80), "by its new address");
	SEEN(!arrives_as(s, "x/b", "10.244.1.11", "x/a", IPPROTO_TCP, 80), "not by its old one");
	SEEN(!arrives_as(s, "e1", "10.244.1.11", "x/a", IPPROTO_TCP, 80), "nor somebody else by that");
}

const struct script scripts_identity[] = {
	{ "the node's address from outside", { 0 }, node_address_from_outside },
	{ "a masqueraded NodePort", { 0 }, masqueraded_node_port },
	{ "a known flow from another interface", { 0 }, known_from_elsewhere },
	{ "the same through the host's stack", { .stack = true }, known_from_elsewhere },
	{ "an address is taken over", { 0 }, taken_over },
	{ "the same through the host's stack", { .stack = true }, taken_over },
	{ "addresses of others", { 0 }, spoofed },
	{ "the same through the host's stack", { .stack = true }, spoofed },
	{ "a stranger under a pod prefix", { .keep_nodes = true }, stranger },
	{ "a stranger is known by its next packet", { .keep_nodes = true }, stranger_retries },
	{ "a new pod's first packets", { 0 }, first_packet },
	{ "a pod comes back with another address", { 0 }, moved },
	{ NULL, { 0 }, NULL }
};
