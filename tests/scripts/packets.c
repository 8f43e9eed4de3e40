// SPDX-License-Identifier: Apache-2.0
// Packets that are no ordinary ones: fragments, ICMP errors.
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "tests/scripts/scripts.h"

#define FRAG_NEEDED 3, .icmp_code = 4

/* nasty-36 */
static void fragments(struct stage *s, unsigned int family)
{
	static __u8 part[1200];
	struct wire first = { .src = stage_addr(s, "y/a", family), .dst = stage_addr(s, "x/a", family), .proto = IPPROTO_UDP,
			      .sport = 4001, .dport = 80, .data = part, .size = 1192, .more = true, .fragment_id = 71 };
	struct wire next = first, last, orphan;

	next.fragment = 1200;
	next.size = 1200;
	last = next;
	last.fragment = 2400;
	last.size = 600;
	last.more = false;
	stage_do(s, "createPolicy: {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: x}, "
		 "spec: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], "
		 "ingress: [{ports: [{protocol: UDP, port: 80}]}]}}");
	SEEN(stage_arrives(s, "y/a", "x/a", &first), "the first fragment of an allowed datagram");
	SEEN(stage_arrives(s, "y/a", "x/a", &next), "the second");
	SEEN(stage_arrives(s, "y/a", "x/a", &last), "the last");
	first.dport = 81;
	first.sport = 4002;
	first.fragment_id = next.fragment_id = 72;
	SEEN(!stage_arrives(s, "y/a", "x/a", &first), "the first fragment of a denied one");
	SEEN(!stage_arrives(s, "y/a", "x/a", &next), "and what follows it");
	orphan = next;
	orphan.fragment_id = 73;
	SEEN(!stage_arrives(s, "y/a", "x/a", &orphan), "a fragment whose first was never sent");
}

static void fragments_v4(struct stage *s) { fragments(s, 4); }
static void fragments_v6(struct stage *s) { fragments(s, 6); }

/* A real datagram of 4,000 bytes, put together again at the other end. */
static void large_datagram(struct stage *s)
{
	static char big[4000];
	struct call c;

	stage_do(s, "createPolicy: {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: x}, "
		 "spec: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], "
		 "ingress: [{ports: [{protocol: UDP, port: 80}]}]}}");
	c = stage_udp(s, "y/a", "x/a", 80);
	SEEN(send(c.opener, big, sizeof(big), 0) == sizeof(big), "it is sent");
	SEEN(stage_says(s, c.opener, c.receiver), "the socket still works");
	stage_hang_up(&c);
}

/* nasty-35: what a router says about a packet, to who sent it. */
static struct wire about(struct stage *s, const char *router, const struct wire *of, __u8 *quote)
{
	__u8 frame[WIRE_MAX];
	size_t n = wire_build(of, frame, sizeof(frame));

	n = n - 14 > 28 ? 28 : n - 14;
	memcpy(quote, frame + 14, n);
	return (struct wire){ .src = stage_addr(s, router, 4), .dst = of->src, .proto = IPPROTO_ICMP, .icmp_set = true,
			      .icmp_type = FRAG_NEEDED, .icmp_info = 1400, .data = quote, .size = n };
}

static void icmp_errors(struct stage *s)
{
	struct wire w, other, error;
	__u8 quote[64];

	stage_do(s, "createPolicy: {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: x}, "
		 "spec: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress, Egress], egress: [{ports: [{port: 443}]}]}}");
	w = stage_wire(s, "x/a", "e1", IPPROTO_TCP, 443);
	SEEN(stage_arrives(s, "x/a", "e1", &w), "x/a opens a connection");
	error = about(s, "node:n2", &w, quote);
	SEEN(stage_arrives(s, "node:n2", "x/a", &error), "a router's error about it");
	other = w;
	other.sport++;
	error = about(s, "e2", &other, quote);
	SEEN(!stage_arrives(s, "e2", "x/a", &error), "an error about a packet that x/a never sent");
	other = w;
	other.src = stage_addr(s, "x/b", 4);
	error = about(s, "e2", &other, quote);
	error.dst = w.src;
	SEEN(!stage_arrives(s, "e2", "x/a", &error), "an error about somebody else's packet");
}

const struct script scripts_packets[] = {
	{ "fragments", { 0 }, fragments_v4 },
	{ "fragments through the host's stack", { .stack = true }, fragments_v4 },
	{ "fragments over IPv6", { 0 }, fragments_v6 },
	{ "a datagram of 4,000 bytes", { 0 }, large_datagram },
	{ "ICMP errors", { 0 }, icmp_errors },
	{ NULL, { 0 }, NULL }
};
