// SPDX-License-Identifier: Apache-2.0
/* Manifests that are read: defaults filled in, presence told from emptiness, nothing lost. */
#include <netinet/in.h>
#include <stdlib.h>

#include "tests/unit/objects.h"

#define NP(spec) "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: x}\n" spec
#define CNP(tier, rest) "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: c}\n" \
	"spec: {tier: " tier ", priority: 7, " rest "}\n"

/* Reads one object; the caller frees 'all'. */
static const struct object *only(struct objects *all, const char *text)
{
	objects_read(all, text, "a.yaml");
	CHECK_TEXT(all->wrong, "", "%s", text);
	CHECK_EQ(all->n, 1, "one object in %s", text);
	return all->n == 1 ? all->v[0] : NULL;
}

static void types(const char *spec, bool ingress, bool egress, unsigned int nin, unsigned int nout)
{
	struct objects all;
	const struct object *o = only(&all, spec);

	if (o) {
		CHECK_EQ(o->policy.applies[WEIR_INGRESS], ingress, "%s", spec);
		CHECK_EQ(o->policy.applies[WEIR_EGRESS], egress, "%s", spec);
		CHECK_EQ(o->policy.nrule[WEIR_INGRESS], nin, "%s", spec);
		CHECK_EQ(o->policy.nrule[WEIR_EGRESS], nout, "%s", spec);
		CHECK(o->policy.tier == TIER_NETPOL && !o->policy.audit, "an ordinary policy");
	}
	objects_free(&all);
}

/* Rules 4 to 8, 10. */
static void policy_types(void)
{
	types(NP(""), true, false, 0, 0);
	types(NP("spec: {}\n"), true, false, 0, 0);
	types(NP("spec:\n"), true, false, 0, 0);
	types(NP("spec: {policyTypes: null, ingress: null, egress: null, podSelector: null}\n"), true, false, 0, 0);
	types(NP("spec: {policyTypes: []}\n"), true, false, 0, 0);
	types(NP("spec: {egress: []}\n"), true, false, 0, 0);
	types(NP("spec: {egress: [{}]}\n"), true, true, 0, 1);
	types(NP("spec: {ingress: [{}], egress: [{}, {}]}\n"), true, true, 1, 2);
	types(NP("spec: {policyTypes: [Egress]}\n"), false, true, 0, 0);
	types(NP("spec: {policyTypes: [Egress], ingress: [{}]}\n"), false, true, 0, 0);
	types(NP("spec: {policyTypes: [Ingress], egress: [{}]}\n"), true, false, 0, 0);
	types(NP("spec: {policyTypes: [Ingress, Ingress]}\n"), true, false, 0, 0);
	types(NP("spec: {policyTypes: [Egress, Ingress], ingress: [{}], egress: [{}]}\n"), true, true, 1, 1);
}

static void peer(const char *peers, enum peer_kind kind, bool own, unsigned int ns, unsigned int pods)
{
	char text[512];
	struct objects all;
	const struct object *o;

	snprintf(text, sizeof(text), NP("spec: {ingress: [{from: [%s]}]}\n"), peers);
	o = only(&all, text);
	if (o) {
		const struct rule *r = &o->policy.rule[WEIR_INGRESS][0];

		CHECK(!r->any_peer && r->npeer == 1 && r->any_port && r->action == ACTION_ALLOW, "%s", peers);
		CHECK_EQ(r->peer->kind, kind, "%s", peers);
		CHECK_EQ(r->peer->own_namespace, own, "%s", peers);
		CHECK_EQ(r->peer->namespaces.n, ns, "%s", peers);
		CHECK_EQ(r->peer->pods.n, pods, "%s", peers);
	}
	objects_free(&all);
}

/* Rules 13 to 17. */
static void peers(void)
{
	struct objects all;
	const struct object *o = only(&all, NP("spec: {ingress: [{}, {from: []}, {from: null}, {from: [{podSelector: {}}]}]}\n"));

	if (o)
		for (int i = 0; i < 4; i++)
			CHECK_EQ(o->policy.rule[WEIR_INGRESS][i].any_peer, i < 3, "rule %d", i);
	objects_free(&all);
	peer("{podSelector: {}}", PEER_PODS, true, 0, 0);
	peer("{podSelector: {matchLabels: {a: b, c: d}}}", PEER_PODS, true, 0, 2);
	peer("{podSelector: {matchLabels: {a: ''}}, namespaceSelector: null}", PEER_PODS, true, 0, 1);
	peer("{namespaceSelector: {}}", PEER_PODS, false, 0, 0);
	peer("{namespaceSelector: {}, podSelector: {}}", PEER_PODS, false, 0, 0);
	peer("{namespaceSelector: {matchLabels: {a: b}}, podSelector: {matchLabels: {a: b}, matchExpressions: "
	     "[{key: c, operator: Exists}, {key: d, operator: NotIn, values: [x, y]}]}}", PEER_PODS, false, 1, 3);
	peer("{ipBlock: {cidr: 10.0.0.0/8}}", PEER_BLOCK, false, 0, 0);
}

/* A manifest is refused for such a peer; of a stored object the peer matches nothing (rule 18). */
static void stored_peers(void)
{
	const char *text = NP("spec: {ingress: [{from: [{}]}, {from: [{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}]}]}\n");
	struct objects all = { .n = 0 };

	CHECK_EQ(read_stored(text, strlen(text), NULL, objects_take, &all), 0, "reading");
	CHECK_TEXT(all.wrong, "", "taken");
	for (unsigned int i = 0; i < 2 && all.n == 1; i++) {
		const struct rule *r = &all.v[0]->policy.rule[WEIR_INGRESS][i];

		CHECK(!r->any_peer && r->npeer == 1 && r->peer->kind == PEER_NOBODY, "rule %u matches nobody", i);
	}
	objects_free(&all);
}

static void selectors(void)
{
	static const struct {
		const char *selector, *labels;
		bool matches;
	} rows[] = {
		{ "{}", "{}", true },
		{ "{}", "{a: b}", true },
		{ "{matchLabels: {}}", "{}", true },
		{ "{matchLabels: {a: b}}", "{a: b, c: d}", true },
		{ "{matchLabels: {a: b}}", "{a: B}", false },
		{ "{matchLabels: {a: b}}", "{c: d}", false },
		{ "{matchLabels: {a: ''}}", "{}", false },
		{ "{matchLabels: {a: ''}}", "{a: ''}", true },
		{ "{matchLabels: {a: b, c: d}}", "{a: b}", false },
		{ "{matchExpressions: [{key: a, operator: In, values: [z, b, a]}]}", "{a: a}", true },
		{ "{matchExpressions: [{key: a, operator: In, values: [z, b, a]}]}", "{a: c}", false },
		{ "{matchExpressions: [{key: a, operator: In, values: [b]}]}", "{}", false },
		{ "{matchExpressions: [{key: a, operator: NotIn, values: [b]}]}", "{}", true },
		{ "{matchExpressions: [{key: a, operator: NotIn, values: [b]}]}", "{a: b}", false },
		{ "{matchExpressions: [{key: a, operator: NotIn, values: [b]}]}", "{a: c}", true },
		{ "{matchExpressions: [{key: a, operator: Exists}]}", "{a: ''}", true },
		{ "{matchExpressions: [{key: a, operator: Exists}]}", "{b: a}", false },
		{ "{matchExpressions: [{key: a, operator: DoesNotExist}]}", "{b: a}", true },
		{ "{matchExpressions: [{key: a, operator: DoesNotExist}]}", "{a: b}", false },
		{ "{matchLabels: {a: b}, matchExpressions: [{key: c, operator: Exists}]}", "{a: b}", false },
		{ "{matchLabels: {a: b}, matchExpressions: [{key: c, operator: Exists}]}", "{a: b, c: ''}", true },
		{ "{matchLabels: {example.com/a: b}}", "{example.com/a: b, a: c, z: z}", true },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512];
		struct objects all;

		snprintf(text, sizeof(text), NP("spec: {podSelector: %s}\n") "---\n"
			 "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: %s}\n", rows[i].selector, rows[i].labels);
		objects_read(&all, text, NULL);
		CHECK_TEXT(all.wrong, "", "%s", text);
		CHECK_EQ(all.n, 2, "%s", text);
		if (all.n == 2)
			CHECK_EQ(selector_matches(&all.v[0]->policy.subject_pods, &all.v[1]->labels), rows[i].matches,
				 "%s on %s", rows[i].selector, rows[i].labels);
		objects_free(&all);
	}
}

static void values_are_sorted(void)
{
	struct objects all;
	const struct object *o = only(&all, NP("spec: {podSelector: {matchExpressions: "
					       "[{key: a, operator: In, values: [c, a, b, a, c]}]}}\n"));

	if (o) {
		const struct requirement *q = o->policy.subject_pods.v;

		CHECK_EQ(q->n, 3, "none twice");
		CHECK(!strcmp(q->value[0], "a") && !strcmp(q->value[1], "b") && !strcmp(q->value[2], "c"), "sorted");
	}
	objects_free(&all);
}

/* Rules 24 to 34. */
static void ports(void)
{
	static const struct {
		const char *port, *name;
		uint16_t first, last;
		uint8_t proto;
	} rows[] = {
		{ "{}", NULL, 0, 65535, IPPROTO_TCP },
		{ "{protocol: UDP}", NULL, 0, 65535, IPPROTO_UDP },
		{ "{port: 80}", NULL, 80, 80, IPPROTO_TCP },
		{ "{port: 80, protocol: SCTP}", NULL, 80, 80, IPPROTO_SCTP },
		{ "{port: 1, endPort: 65535}", NULL, 1, 65535, IPPROTO_TCP },
		{ "{endPort: 90, port: 90}", NULL, 90, 90, IPPROTO_TCP },
		{ "{port: web, protocol: UDP}", "web", 0, 65535, IPPROTO_UDP },
		{ "{port: 'web-1'}", "web-1", 0, 65535, IPPROTO_TCP },
		{ "{port: 8a}", "8a", 0, 65535, IPPROTO_TCP },
		{ "{port: null, protocol: null}", NULL, 0, 65535, IPPROTO_TCP },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512];
		struct objects all;
		const struct object *o;

		snprintf(text, sizeof(text), NP("spec: {egress: [{ports: [%s]}]}\n"), rows[i].port);
		o = only(&all, text);
		if (o) {
			const struct rule *r = &o->policy.rule[WEIR_EGRESS][0];
			const struct port *p = r->port;

			CHECK(!r->any_port && r->nport == 1 && r->any_peer, "%s", rows[i].port);
			CHECK(rows[i].name ? p->name && !strcmp(p->name, rows[i].name) : !p->name, "%s", rows[i].port);
			CHECK_EQ(p->first, rows[i].first, "%s", rows[i].port);
			CHECK_EQ(p->last, rows[i].last, "%s", rows[i].port);
			CHECK_EQ(p->proto, rows[i].proto, "%s", rows[i].port);
		}
		objects_free(&all);
	}
	types(NP("spec: {ingress: [{ports: []}, {ports: null}]}\n"), true, false, 2, 0);
}

/* Rules 35 to 41. */
static void blocks(void)
{
	static const struct {
		const char *block, *want;
	} rows[] = {
		{ "{cidr: 10.0.0.0/8}", "10.0.0.0/8" },
		{ "{cidr: 10.1.2.3/8}", "10.0.0.0/8" },
		{ "{cidr: 010.000.0.0/08}", "10.0.0.0/8" },
		{ "{cidr: 0.0.0.0/0}", "0.0.0.0/0" },
		{ "{cidr: '::/0'}", "::/0" },
		{ "{cidr: 10.0.0.1/32}", "10.0.0.1/32" },
		{ "{cidr: 'FD00:0::1/16'}", "fd00::/16" },
		{ "{cidr: 10.0.0.0/8, except: []}", "10.0.0.0/8" },
		{ "{cidr: 10.0.0.0/8, except: null}", "10.0.0.0/8" },
		{ "{cidr: 10.0.0.0/8, except: [10.1.0.0/16, 10.1.2.0/24, 10.1.2.0/24]}",
		  "10.0.0.0/8 10.1.0.0/16 10.1.2.0/24 10.1.2.0/24" },
		{ "{except: [0.0.0.0/1], cidr: 0.0.0.0/0}", "0.0.0.0/0 0.0.0.0/1" },
		{ "{cidr: '::/0', except: ['fd00::1/128']}", "::/0 fd00::1/128" },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512], got[512], part[ADDR_TEXT_SIZE];
		struct objects all;
		const struct object *o;

		snprintf(text, sizeof(text), NP("spec: {egress: [{to: [{ipBlock: %s}]}]}\n"), rows[i].block);
		o = only(&all, text);
		if (o) {
			const struct peer *p = o->policy.rule[WEIR_EGRESS][0].peer;

			snprintf(got, sizeof(got), "%s", prefix_text(&p->block, part));
			for (unsigned int j = 0; j < p->nexcept; j++)
				snprintf(got + strlen(got), sizeof(got) - strlen(got), " %s", prefix_text(&p->except[j], part));
			CHECK_TEXT(got, rows[i].want, "%s", rows[i].block);
		}
		objects_free(&all);
	}
}

static void audit_and_line(void)
{
	struct objects all;
	const struct object *o = only(&all, "# first\n---\n# second\n\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
				      "metadata:\n  name: p\n  annotations: {weir.dev/audit: \"true\", other: [1]}\n"
				      "spec:\n  ingress:\n  - {}\n  - ports: [{}]\n");

	if (o) {
		CHECK(o->policy.audit, "audited");
		CHECK_TEXT(o->ns, "default", "without a namespace");
		CHECK_EQ(o->line, 5, "where it began");
		CHECK_EQ(o->policy.rule[WEIR_INGRESS][1].line, 13, "its second rule");
	}
	objects_free(&all);
}

static void cluster_policy(void)
{
	struct objects all;
	const struct object *o = only(&all, CNP("Baseline", "subject: {pods: {namespaceSelector: {matchLabels: {a: b}}, "
		"podSelector: {}}}, ingress: [{name: one, action: Accept, from: [{namespaces: {}}, {pods: {podSelector: "
		"{matchLabels: {c: d}}}}], protocols: [{tcp: {}}, {udp: {destinationPort: {number: 53}}}, "
		"{sctp: {destinationPort: {range: {start: 1, end: 2}}}}, {destinationNamedPort: web}]}, "
		"{action: Pass, from: [{namespaces: {}}]}]"));
	const struct rule *r;

	if (!o)
		return;
	r = o->policy.rule[WEIR_INGRESS];
	CHECK(o->policy.tier == TIER_BASELINE && o->policy.priority == 7, "tier and priority");
	CHECK(o->policy.subject_all_namespaces && o->policy.subject_namespaces.n == 1 && !o->policy.subject_pods.n, "subject");
	CHECK(o->policy.applies[WEIR_INGRESS] && !o->policy.applies[WEIR_EGRESS], "one direction has rules");
	CHECK_TEXT(o->ns, "", "no namespace");
	CHECK_TEXT(r[0].name, "one", "a rule's name");
	CHECK_TEXT(r[1].name, "", "none");
	CHECK(r[0].action == ACTION_ALLOW && r[1].action == ACTION_PASS, "actions");
	CHECK(r[0].npeer == 2 && !r[0].peer[0].own_namespace && !r[0].peer[1].own_namespace && r[0].peer[1].pods.n == 1, "peers");
	CHECK(r[0].nport == 4 && !r[0].any_port && r[1].any_port, "ports");
	CHECK(r[0].port[0].proto == IPPROTO_TCP && r[0].port[0].last == 65535, "all of TCP");
	CHECK(r[0].port[1].proto == IPPROTO_UDP && r[0].port[1].first == 53 && r[0].port[1].last == 53, "one of UDP");
	CHECK(r[0].port[2].proto == IPPROTO_SCTP && r[0].port[2].first == 1 && r[0].port[2].last == 2, "a range");
	CHECK(!r[0].port[3].proto && !strcmp(r[0].port[3].name, "web"), "a name of any protocol");
	objects_free(&all);

	o = only(&all, CNP("Admin", "subject: {namespaces: {}}, egress: [{action: Deny, to: [{networks: [10.0.0.0/8, 'fd00::/8', "
			   "10.1.2.3/16]}, {nodes: {}}, {namespaces: {matchLabels: {a: b}}}]}]"));
	if (o) {
		r = o->policy.rule[WEIR_EGRESS];
		CHECK(o->policy.tier == TIER_ADMIN && r->action == ACTION_DENY && r->npeer == 5, "networks are peers each");
		CHECK(r->peer[0].kind == PEER_BLOCK && r->peer[2].kind == PEER_BLOCK && r->peer[3].kind == PEER_NODES &&
		      r->peer[4].kind == PEER_PODS, "kinds");
		CHECK_EQ(r->peer[2].block.length, 112, "10.1.0.0/16");
	}
	objects_free(&all);
}

/* A peer or a protocol that a newer API may know: Accept matches nothing, the others deny everything (C14). */
static void fails_closed(void)
{
	static const struct {
		const char *rule;
		bool nobody, denies_all;
	} rows[] = {
		{ "{action: Accept, to: [{}]}", true, false },
		{ "{action: Accept, to: [{namespaces: {}}, {serviceAccounts: {}}]}", true, false },
		{ "{action: Accept, to: [{namespaces: null}]}", true, false },
		{ "{action: Deny, to: [{serviceAccounts: {}}]}", false, true },
		{ "{action: Pass, to: [{namespaces: {}}, {}]}", false, true },
		{ "{action: Accept, to: [{namespaces: {}}], protocols: [{icmp: {}}]}", true, false },
		{ "{action: Deny, to: [{namespaces: {}}], protocols: [{tcp: {}}, {}]}", false, true },
		{ "{action: Deny, to: [{namespaces: {}}]}", false, false },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512];
		struct objects all;
		const struct object *o;

		snprintf(text, sizeof(text), CNP("Admin", "subject: {namespaces: {}}, egress: [%s]"), rows[i].rule);
		o = only(&all, text);
		if (o) {
			const struct rule *r = o->policy.rule[WEIR_EGRESS];

			CHECK_EQ(r->npeer == 1 && r->peer->kind == PEER_NOBODY && !r->any_peer, rows[i].nobody, "%s", rows[i].rule);
			CHECK_EQ(r->any_port, !r->nport, "%s", rows[i].rule);
			CHECK_EQ(r->action == ACTION_DENY && r->any_peer && r->any_port, rows[i].denies_all, "%s", rows[i].rule);
		}
		objects_free(&all);
	}
}

static void pod(void)
{
	struct objects all;
	const struct object *o = only(&all,
		"apiVersion: v1\nkind: Pod\nmetadata:\n  name: web-5d4f8-x2\n  namespace: shop\n"
		"  labels: {pod-template-hash: 5d4f8, app: web, Zed: z}\n  creationTimestamp: 2024-02-29T12:00:01Z\n"
		"  deletionTimestamp: 2024-03-01T00:00:00Z\n"
		"  annotations: {weir.dev/interface: veth0, weir.dev/stack-mode: 'true', weir.dev/flow-quota: '4096'}\n"
		"  ownerReferences:\n  - {kind: Other, name: o}\n  - {kind: ReplicaSet, name: web-5d4f8, controller: true}\n"
		"spec:\n  nodeName: n1\n  hostNetwork: false\n  unknown: {a: [b]}\n"
		"  containers:\n  - name: a\n    ports:\n    - {name: web, containerPort: 80}\n    - {containerPort: 81}\n"
		"    - {name: web, containerPort: 82, protocol: UDP}\n  - name: b\n"
		"  initContainers:\n  - {name: once, ports: [{name: no, containerPort: 1}]}\n"
		"  - {name: mesh, restartPolicy: Always, ports: [{name: mesh, containerPort: 15090}]}\n"
		"status:\n  phase: Running\n  podIP: 10.0.0.1\n  podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}, {ip: 10.0.0.1}]\n");
	char text[ADDR_TEXT_SIZE];

	if (!o)
		return;
	CHECK_TEXT(o->ns, "shop", "namespace");
	CHECK_TEXT(o->pod.node, "n1", "node");
	CHECK(o->pod.terminating && !o->pod.host_network && o->pod.phase == POD_RUNNING, "its state");
	CHECK_EQ(o->pod.naddr, 2, "none twice");
	CHECK_TEXT(addr_text(&o->pod.addr[0], text), "10.0.0.1", "first");
	CHECK_TEXT(addr_text(&o->pod.addr[1], text), "fd00::1", "second");
	CHECK_EQ(o->pod.nport, 3, "named ones, and of init containers those that stay");
	CHECK(o->pod.port[1].port == 82 && o->pod.port[1].proto == IPPROTO_UDP, "the same name of UDP");
	CHECK(o->pod.port[2].port == 15090 && !strcmp(o->pod.port[2].name, "mesh"), "a restartable init container's");
	CHECK_TEXT(o->pod.interface, "veth0", "annotation");
	CHECK_TEXT(o->pod.stack, "true", "annotation");
	CHECK_EQ(o->pod.quota, 4096, "annotation");
	CHECK_TEXT(o->pod.owner_kind, "Deployment", "of the ReplicaSet");
	CHECK_TEXT(o->pod.owner_name, "web", "of the ReplicaSet");
	CHECK_EQ(o->created, 1709208001, "seconds");
	CHECK_EQ(o->labels.n, 3, "labels");
	CHECK_TEXT(o->labels.v[0].key, "Zed", "sorted byte by byte");
	CHECK_TEXT(labels_get(&o->labels, "app"), "web", "found");
	CHECK(!labels_get(&o->labels, "apq"), "not found");
	objects_free(&all);

	o = only(&all, "apiVersion: v1\nkind: Pod\nmetadata: {name: a.b}\n");
	if (o) {
		CHECK(!*o->ns == false && !*o->pod.node && !o->pod.naddr && !o->pod.nport && !o->labels.n, "a bare pod");
		CHECK(!*o->pod.interface && !*o->pod.stack && !o->pod.quota && !*o->pod.owner_kind, "nothing asked for");
		CHECK_EQ(o->pod.phase, POD_PENDING, "not heard of yet");
	}
	objects_free(&all);
	o = only(&all, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"j\",\"ownerReferences\":[{\"kind\":\"Job\","
		 "\"name\":\"nightly\"}]},\"spec\":{\"hostNetwork\":true},\"status\":{\"phase\":\"Succeeded\",\"podIP\":\"10.0.0.9\"}}");
	if (o) {
		CHECK(o->pod.host_network && o->pod.phase == POD_SUCCEEDED && o->pod.naddr == 1, "from JSON");
		CHECK_TEXT(o->pod.owner_name, "nightly", "owner");
	}
	objects_free(&all);
}

static void the_rest(void)
{
	struct objects all;
	const struct object *o = only(&all, "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {a: b, "
				      "kubernetes.io/metadata.name: lie}, annotations: {weir.dev/allowed-sources: '10.0.0.0/8, fd00::/8'}}\n");

	if (o) {
		CHECK_EQ(o->labels.n, 2, "its own and its name");
		CHECK_TEXT(labels_get(&o->labels, "kubernetes.io/metadata.name"), "shop", "the name is the truth");
		CHECK_EQ(o->namespace.ngrant, 2, "granted");
	}
	objects_free(&all);
	o = only(&all, "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nspec: {podCIDR: 10.1.0.0/24, podCIDRs: "
		 "[10.1.0.0/24, 'fd00:1::/64']}\nstatus: {addresses: [{type: InternalIP, address: 192.168.0.1}, "
		 "{type: Hostname, address: n1}, {type: ExternalIP, address: '2001:db8::1'}]}\n");
	if (o) {
		CHECK(o->node.naddr == 2 && o->node.npod_cidr == 2, "addresses and pod prefixes");
		CHECK_EQ(o->node.pod_cidr[0].length, 120, "of 128 bits");
	}
	objects_free(&all);
	o = only(&all, "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {clusterIP: 10.96.0.1, clusterIPs: [10.96.0.1, "
		 "'fd96::1'], ports: [{name: web, port: 80, targetPort: web, nodePort: 30080}, {port: 53, protocol: UDP}]}\n");
	if (o) {
		CHECK(o->service.naddr == 2 && o->service.nport == 2, "addresses and ports");
		CHECK(o->service.port[0].node_port == 30080 && o->service.port[1].proto == IPPROTO_UDP, "of ports");
	}
	objects_free(&all);
	o = only(&all, "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {clusterIP: None, clusterIPs: [None]}\n");
	if (o)
		CHECK_EQ(o->service.naddr, 0, "headless");
	objects_free(&all);
	o = only(&all, "apiVersion: discovery.k8s.io/v1beta1\nkind: EndpointSlice\nmetadata: {name: s-1, labels: "
		 "{kubernetes.io/service-name: s}}\naddressType: IPv4\nendpoints:\n- {addresses: [10.0.0.1, 10.0.0.2]}\n"
		 "- {addresses: [10.0.0.3], conditions: {ready: false}}\n- {addresses: [10.0.0.4], conditions: {ready: true}}\n"
		 "ports: [{name: web, port: 8080}, {name: all}]\n");
	if (o) {
		CHECK_EQ(o->slice.naddr, 3, "the ready ones");
		CHECK_TEXT(o->slice.service, "s", "whose");
		CHECK(o->slice.port[0].port == 8080 && o->slice.port[1].port == 0, "ports");
	}
	objects_free(&all);
}

/* Several documents, lists, kinds that are passed over; a broken one does not take its neighbours along. */
static void streams(void)
{
	struct objects all;

	objects_read(&all, "# only a comment\n---\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n---\n"
		     "apiVersion: v1\nkind: ConfigMap\ndata: {x: 1}\n---\napiVersion: v1\nkind: List\nitems:\n"
		     "- {apiVersion: v1, kind: Namespace, metadata: {name: a}}\n"
		     "- {apiVersion: v1, kind: Secret}\n"
		     "- {apiVersion: v1, kind: Namespace, metadata: {name: UP}}\n"
		     "- {apiVersion: v1, kind: Namespace, metadata: {name: b}}\n---\n"
		     "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicyList\nitems:\n- metadata: {name: p}\n"
		     "---\nbroken: [\n---\napiVersion: serving.knative.dev/v1\nkind: Service\n---\n"
		     "apiVersion: v1\nkind: Namespace\nmetadata: {name: c}\n...\n", "a.yaml");
	CHECK_EQ(all.n, 4, "a, b, p, c");
	CHECK(objects_find(&all, OBJECT_NAMESPACE, "", "a") && objects_find(&all, OBJECT_NAMESPACE, "", "b") &&
	      objects_find(&all, OBJECT_POLICY, "default", "p") && objects_find(&all, OBJECT_NAMESPACE, "", "c"), "all four");
	CHECK_TEXT(all.wrong, "a.yaml:17:54: metadata.name 'UP' is no name for a Namespace: small letters, digits and '-' inside, "
		   "at most 63\na.yaml:26:1: not YAML: a value is missing here, or what closes a list or a map", "two complaints");
	objects_free(&all);

	objects_read(&all, "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[\n{\"apiVersion\":\"v1\",\"kind\":\"Namespace\","
		     "\"metadata\":{\"name\":\"a\"}}]}\n{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"b\"}}", "a.json");
	CHECK_EQ(all.n, 2, "JSON, one value after another");
	CHECK_TEXT(all.wrong, "", "nothing wrong");
	objects_free(&all);
	objects_read(&all, "", NULL);
	CHECK(!all.n && !*all.wrong, "nothing in nothing");
	objects_free(&all);
}

static int whose(void *ctx, struct object *o, const struct complaint *why)
{
	snprintf(ctx, 400, "%s", why ? why->object : "none");
	object_free(o);
	return 0;
}

/* A complaint says which object it is about, as far as it was read. */
static void whose_complaint(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ NP("spec: {x: 1}\n"), "NetworkPolicy x/p" },
		{ "apiVersion: v1\nkind: Pod\nmetadata: {name: UP}\n", "Pod default/UP" },
		{ "apiVersion: v1\nkind: Node\nmetadata: {name: UP}\n", "Node UP" },
		{ "apiVersion: v1\nkind: Pod\n", "" },
		{ "a: [\n", "" },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char got[400] = "nothing";

		read_manifests(rows[i].text, strlen(rows[i].text), NULL, whose, got);
		CHECK_TEXT(got, rows[i].want, "%s", rows[i].text);
	}
}

static int refuse(void *ctx, struct object *o, const struct complaint *why)
{
	object_free(o);
	++*(int *)ctx;
	return -7;
}

static void receiver_stops(void)
{
	const char *text = "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"a\"}}\n---\na: [\n";
	int calls = 0;

	CHECK_EQ(read_manifests(text, strlen(text), NULL, refuse, &calls), -7, "what the receiver says is what comes back");
	CHECK_EQ(calls, 1, "and nothing more is read");
}

int main(void)
{
	policy_types();
	peers();
	stored_peers();
	selectors();
	values_are_sorted();
	ports();
	blocks();
	audit_and_line();
	cluster_policy();
	fails_closed();
	pod();
	the_rest();
	streams();
	whose_complaint();
	receiver_stops();
	return check_done();
}
