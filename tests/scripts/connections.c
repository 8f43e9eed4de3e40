// SPDX-License-Identifier: Apache-2.0
// Open connections while policy changes: what lives, what is cut, and that it stays so.
#include <netinet/in.h>
#include <unistd.h>

#include "tests/scripts/scripts.h"

/* nasty-31 */
static void cut_on_change(struct stage *s)
{
	struct call c;

	stage_do(s, ALLOW_B);
	SEEN(stage_call(s, &c, "x/b", "x/a", 80), "b calls a");
	SEEN(stage_says(s, c.opener, c.receiver), "it carries");
	stage_do(s, "createPolicy: {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: more, namespace: x}, "
		 "spec: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], "
		 "ingress: [{from: [{podSelector: {matchLabels: {pod: z}}}]}]}}");
	SEEN(stage_says(s, c.opener, c.receiver), "another policy does not cut it");
	stage_do(s, "deletePolicy: {ns: x, name: allow}");
	SEEN(!stage_says(s, c.opener, c.receiver), "without its policy it is cut");
	SEEN(!stage_says(s, c.receiver, c.opener), "for its receiver, too");
	SEEN(!stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80), "a new one is denied");
	stage_hang_up(&c);
}

/* A cut flow stays cut whichever end sends next, though the receiver may open connections of its own. */
static void cut_stays_cut(struct stage *s)
{
	struct call c;

	stage_do(s, ALLOW_B);
	SEEN(stage_call(s, &c, "x/b", "x/a", 80), "b calls a");
	stage_do(s, "deletePolicy: {ns: x, name: allow}");
	stage_do(s, DENY_IN_X);
	SEEN(!stage_says(s, c.receiver, c.opener), "the receiver speaks first: cut, no flow the other way round");
	SEEN(!stage_says(s, c.opener, c.receiver), "then the opener: cut");
	SEEN(!stage_says(s, c.receiver, c.opener), "and the receiver again");
	stage_hang_up(&c);
}

#define ONLY_IN_X "createPolicy: {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, namespace: x}, " \
	"spec: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress, Egress], ingress: [{from: [{namespaceSelector: {}}]}]}}"

/* nasty-32: the programs believe that it is 301 s later, and the agent has swept since. */
static void replies_pass(struct stage *s)
{
	struct call c;

	stage_do(s, ONLY_IN_X);
	SEEN(stage_call(s, &c, "y/a", "x/a", 80), "y/a calls x/a");
	SEEN(stage_says(s, c.receiver, c.opener), "x/a may answer");
	stage_later(s, 301);
	sleep(6);
	SEEN(stage_says(s, c.receiver, c.opener), "after five minutes, too");
	SEEN(!stage_probe(s, "x/a", "y/a", IPPROTO_TCP, 80), "but open nothing");
	stage_hang_up(&c);
}

/* nasty-33: nobody guards, a connection is made, and the interfaces are handed over. */
static void older_than_us(struct stage *s)
{
	struct call c;

	stage_do(s, ONLY_IN_X);
	stage_guard(s, "x/a", false);
	stage_guard(s, "y/a", false);
	for (int i = 0; i < 400 && !stage_probe(s, "x/a", "y/a", IPPROTO_TCP, 80); i++)
		usleep(50000);			/* the programs leave after the answer */
	sleep(1);
	SEEN(stage_call(s, &c, "y/a", "x/a", 80), "y/a calls x/a");
	SEEN(stage_probe(s, "x/a", "y/a", IPPROTO_TCP, 80), "nobody guards x/a");
	stage_guard(s, "x/a", true);
	stage_guard(s, "y/a", true);
	SEEN(stage_says(s, c.receiver, c.opener), "the answers of a connection older than the guard pass");
	SEEN(stage_says(s, c.opener, c.receiver), "and what its opener says");
	SEEN(!stage_probe(s, "x/a", "y/a", IPPROTO_TCP, 80), "x/a may open nothing");
	stage_hang_up(&c);
}

/* A connection that its policy is younger than. */
static void older_than_policy(struct stage *s)
{
	struct call c;

	SEEN(stage_call(s, &c, "y/a", "x/a", 80), "y/a calls x/a");
	stage_do(s, "createPolicy: {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, namespace: x}, "
		 "spec: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: []}}");
	SEEN(stage_says(s, c.receiver, c.opener), "the answers of an open connection pass");
	SEEN(!stage_probe(s, "x/a", "y/a", IPPROTO_TCP, 80), "x/a may open nothing");
	stage_hang_up(&c);
}

/* The node's own connection (kubelet, exec) to a pod that is denied everything. */
static void kubelet_lives(struct stage *s)
{
	struct call c;

	stage_do(s, DENY_ALL_X);
	SEEN(stage_call(s, &c, "node:n1", "x/a", 80), "a socket of the node enters");
	stage_do(s, "setPodLabels: {ns: y, name: b, labels: {pod: b, new: label}}");
	stage_do(s, ALLOW_B);
	SEEN(stage_says(s, c.receiver, c.opener), "after a generation the pod speaks first");
	stage_do(s, "deletePolicy: {ns: x, name: allow}");
	SEEN(stage_says(s, c.opener, c.receiver), "after another one the node does");
	SEEN(stage_says(s, c.receiver, c.opener), "and the pod answers");
	stage_hang_up(&c);
}

/* An idle UDP flow that has ended opens nothing the other way round. */
static void idle_udp(struct stage *s)
{
	struct call c;

	stage_do(s, DENY_IN_X);
	c = stage_udp(s, "x/a", "y/a", 5353);
	SEEN(stage_says(s, c.opener, c.receiver), "x/a asks");
	SEEN(stage_says(s, c.receiver, c.opener), "and is answered");
	sleep(65);			/* answered lives 60 s */
	SEEN(!stage_says(s, c.receiver, c.opener), "an answer that comes after the flow has ended opens nothing");
	SEEN(stage_says(s, c.opener, c.receiver), "x/a may ask again");
	SEEN(stage_says(s, c.receiver, c.opener), "and is answered again");
	stage_hang_up(&c);
}

/* nasty-26 and -38 are in the suite for every judge; here with connections. */
static void terminating(struct stage *s)
{
	struct call c;

	stage_do(s, ALLOW_B);
	SEEN(stage_call(s, &c, "x/b", "x/a", 80), "b calls a");
	stage_do(s, "[{markTerminating: {ns: x, name: a}}, {markTerminating: {ns: x, name: b}}]");
	SEEN(stage_says(s, c.opener, c.receiver) && stage_says(s, c.receiver, c.opener), "a terminating pod keeps its rights");
	SEEN(stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80), "to open, too");
	SEEN(!stage_probe(s, "y/a", "x/a", IPPROTO_TCP, 80), "and its isolation");
	stage_hang_up(&c);
}

const struct script scripts_connections[] = {
	{ "an open connection is cut when its rule goes", { 0 }, cut_on_change },
	{ "the same through the host's stack", { .stack = true }, cut_on_change },
	{ "a cut connection stays cut whichever end speaks", { 0 }, cut_stays_cut },
	{ "the same through the host's stack", { .stack = true }, cut_stays_cut },
	{ "replies pass though the pod may open nothing", { .standing = true }, replies_pass },
	{ "a connection older than the guard", { 0 }, older_than_us },
	{ "answers of a connection older than the policy", { 0 }, older_than_policy },
	{ "the node's own connection survives generations", { 0 }, kubelet_lives },
	{ "terminating pods", { 0 }, terminating },
	{ NULL, { 0 }, NULL }
};

const struct script scripts_slow[] = {
	{ "an idle UDP flow opens nothing the other way", { 0 }, idle_udp },
	{ NULL, { 0 }, NULL }
};
