// SPDX-License-Identifier: Apache-2.0
/* Rules in words, who isolates, and how near the nearest rule came. */
#include <netinet/in.h>
#include <stdlib.h>

#include "lib/policy/explain.h"
#include "tests/unit/objects.h"

static const char world[] =
	"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: web}}\n---\n"
	"apiVersion: v1\nkind: Namespace\nmetadata: {name: dev, labels: {team: lab}}\n---\n"
	"apiVersion: v1\nkind: Node\nmetadata: {name: n1, labels: {role: worker}}\n"
	"status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}\n---\n"
	"apiVersion: v1\nkind: Pod\nmetadata: {name: db, namespace: shop, labels: {app: db}}\n"
	"spec: {containers: [{name: c, ports: [{name: sql, containerPort: 5432}]}]}\n"
	"status: {podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}]}\n---\n"
	"apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop, labels: {app: cart, tier: back}}\n"
	"status: {podIPs: [{ip: 10.0.0.2}]}\n---\n"
	"apiVersion: v1\nkind: Pod\nmetadata: {name: rogue, namespace: shop}\nstatus: {podIPs: [{ip: 10.0.0.3}]}\n---\n"
	"apiVersion: v1\nkind: Pod\nmetadata: {name: test, namespace: dev, labels: {app: cart}}\n"
	"status: {podIPs: [{ip: 10.0.1.1}]}\n---\n"
	"apiVersion: v1\nkind: Pod\nmetadata: {name: agent, namespace: dev}\nspec: {hostNetwork: true}\n"
	"status: {podIPs: [{ip: 192.168.0.1}]}\n---\n";

static const char db_policy[] =
	"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: db, namespace: shop}\nspec:\n"
	"  podSelector: {matchLabels: {app: db}}\n"
	"  ingress:\n"
	"  - from: [{namespaceSelector: {matchLabels: {team: ops}}}]\n"
	"  - from: [{podSelector: {matchLabels: {app: cart}}}]\n"
	"    ports: [{port: 5432}]\n"
	"  - from: [{ipBlock: {cidr: 203.0.113.0/24, except: [203.0.113.128/25]}}]\n"
	"    ports: [{port: 8000, endPort: 8007}, {port: sql}, {protocol: UDP, port: 53}]\n";

/* A rule's words. */
static void text_of(const char *rule, enum weir_dir dir, bool cluster, const char *want)
{
	char manifest[1024], got[512];
	struct objects all;

	snprintf(manifest, sizeof(manifest), cluster
		 ? "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: c}\n"
		   "spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, %s: [%s]}\n"
		 : "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\n"
		   "spec: {policyTypes: [Ingress, Egress], %s: [%s]}\n",
		 dir == WEIR_INGRESS ? "ingress" : "egress", rule);
	objects_read(&all, manifest, NULL);
	CHECK_TEXT(all.wrong, "", "%s", rule);
	if (all.n) {
		explain_rule_text(all.v[0], dir, 0, got, sizeof(got));
		CHECK_TEXT(got, want, "%s", rule);
	}
	objects_free(&all);
}

static void texts(void)
{
	text_of("{}", WEIR_INGRESS, false, "from anywhere");
	text_of("{ports: [{}]}", WEIR_EGRESS, false, "to anywhere: TCP all ports");
	text_of("{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 80}, {port: 8000, endPort: 8007}]}",
		WEIR_INGRESS, false, "from app=web in ns=shop: TCP 80, 8000-8007");
	text_of("{from: [{podSelector: {}}]}", WEIR_INGRESS, false, "from all pods in ns=shop");
	text_of("{from: [{namespaceSelector: {}}]}", WEIR_INGRESS, false, "from all pods in any namespace");
	text_of("{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: dev}}}]}", WEIR_INGRESS, false,
		"from all pods in ns=dev");
	text_of("{from: [{namespaceSelector: {matchLabels: {ns: shop}}, podSelector: {matchLabels: {app: web}}}]}",
		WEIR_INGRESS, false, "from app=web in namespaces with ns=shop");
	text_of("{to: [{namespaceSelector: {}, podSelector: {matchExpressions: ["
		"{key: a, operator: In, values: [y, x]}, {key: b, operator: NotIn, values: [z]}, {key: c, operator: Exists}, "
		"{key: d, operator: DoesNotExist}]}}], ports: [{protocol: UDP, port: dns}, {protocol: SCTP}]}",
		WEIR_EGRESS, false, "to a in (x,y),b!=z,c,!d in any namespace: UDP dns, SCTP all ports");
	text_of("{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}, {ipBlock: {cidr: 'fd00::/8'}}]}",
		WEIR_EGRESS, false, "to 10.0.0.0/8 except 10.1.0.0/16 or fd00::/8");
	text_of("{action: Deny, to: [{networks: [10.0.0.0/8]}, {nodes: {matchLabels: {role: cp}}}], "
		"protocols: [{tcp: {destinationPort: {range: {start: 1, end: 9}}}}, {udp: {}}]}",
		WEIR_EGRESS, true, "deny to 10.0.0.0/8 or nodes with role=cp: TCP 1-9, UDP all ports");
	text_of("{action: Pass, from: [{namespaces: {}}], protocols: [{destinationNamedPort: web}]}", WEIR_INGRESS, true,
		"pass from all pods in any namespace: port web");
	text_of("{action: Accept, from: [{}]}", WEIR_INGRESS, true, "from nobody");
	text_of("{action: Pass, from: [{}]}", WEIR_INGRESS, true, "deny from anywhere");
}

/* A text too long for its place ends with dots. */
static void short_of_room(void)
{
	struct objects all;
	char got[16];

	objects_read(&all, db_policy, NULL);
	explain_rule_text(all.v[0], WEIR_INGRESS, 0, got, sizeof(got));
	CHECK_TEXT(got, "from all pod...", "cut");
	objects_free(&all);
}

static struct explain_end end_of(const struct objects *all, const char *who)
{
	struct explain_end e = { 0 };
	const char *slash = strchr(who, '/');
	char ns[64];

	if (!slash) {
		addr_parse(who, &e.addr);
		for (unsigned int i = 0; i < all->n; i++)
			if (all->v[i]->kind == OBJECT_NODE && addr_equal(&all->v[i]->node.addr[0], &e.addr))
				e.node = all->v[i];
		return e;
	}
	snprintf(ns, sizeof(ns), "%.*s", (int)(slash - who), who);
	e.pod = objects_find(all, OBJECT_POD, ns, slash + 1);
	e.ns = objects_find(all, OBJECT_NAMESPACE, "", ns);
	CHECK(e.pod, "%s is there", who);
	if (e.pod)
		e.addr = e.pod->pod.addr[0];
	return e;
}

static unsigned int policies_of(const struct objects *all, const struct object **out)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < all->n; i++)
		if (all->v[i]->kind == OBJECT_POLICY || all->v[i]->kind == OBJECT_CLUSTER_POLICY)
			out[n++] = all->v[i];
	return n;
}

static void miss(const char *policies, const char *src, const char *dst, uint8_t proto, uint16_t port,
		 enum weir_dir dir, const char *want)
{
	static char text[16384];
	const struct object *policy[OBJECTS];
	struct explain_end from, to;
	struct explain_miss m;
	struct objects all;
	unsigned int n;
	bool found;

	snprintf(text, sizeof(text), "%s%s", world, policies);
	objects_read(&all, text, NULL);
	CHECK_TEXT(all.wrong, "", "the world");
	from = end_of(&all, src);
	to = end_of(&all, dst);
	n = policies_of(&all, policy);
	found = explain_miss(policy, n, dir, &from, &to, proto, port, &m);
	CHECK_TEXT(found ? m.text : "none", want, "%s to %s:%u", src, dst, port);
	CHECK(!found || m.score, "a score");
	objects_free(&all);
}

#define CLUSTER(name, tier, priority, rest)						\
	"---\napiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\n"	\
	"metadata: {name: " name "}\nspec: {tier: " tier ", priority: " #priority ", subject: {namespaces: {}}, " rest "}\n"

static void misses(void)
{
#define DB(src, proto, port, want) miss(db_policy, src, "shop/db", proto, port, WEIR_INGRESS, want)
	DB("shop/rogue", IPPROTO_TCP, 5432, "rule 2 of shop/db allows TCP 5432 from app=cart in ns=shop; 'rogue' lacks label app");
	DB("shop/cart", IPPROTO_TCP, 5433, "rule 2 of shop/db allows TCP 5432 from app=cart in ns=shop; port 5433 is not among its ports");
	DB("shop/cart", IPPROTO_UDP, 5432, "rule 2 of shop/db allows TCP 5432 from app=cart in ns=shop; the connection is UDP");
	DB("dev/test", IPPROTO_TCP, 5432, "rule 2 of shop/db allows TCP 5432 from app=cart in ns=shop; 'test' is in namespace dev, and "
	   "a podSelector alone means shop");
	DB("203.0.113.200", IPPROTO_TCP, 8001, "rule 3 of shop/db allows TCP 8000-8007, sql, UDP 53 from 203.0.113.0/24 "
	   "except 203.0.113.128/25; 203.0.113.200 is inside the exception 203.0.113.128/25");
	DB("203.0.114.1", IPPROTO_TCP, 8001, "rule 3 of shop/db allows TCP 8000-8007, sql, UDP 53 from 203.0.113.0/24 "
	   "except 203.0.113.128/25; 203.0.114.1 is outside 203.0.113.0/24");
	DB("203.0.113.1", IPPROTO_ICMP, 0, "rule 3 of shop/db allows TCP 8000-8007, sql, UDP 53 from 203.0.113.0/24 "
	   "except 203.0.113.128/25; ICMP has no ports, and only a rule without ports allows it");
	DB("192.168.0.1", IPPROTO_TCP, 5432, "rule 3 of shop/db allows TCP 8000-8007, sql, UDP 53 from 203.0.113.0/24 "
	   "except 203.0.113.128/25; 192.168.0.1 is outside 203.0.113.0/24");
	DB("dev/agent", IPPROTO_TCP, 22, "rule 1 of shop/db allows everything from all pods in namespaces with team=ops; 'agent' uses its "
	   "node's network, and selectors match no such pod: write an address block");
	DB("shop/cart", IPPROTO_TCP, 5432, "rule 2 of shop/db allows TCP 5432 from app=cart in ns=shop; it matches");
	miss(db_policy, "shop/db", "shop/cart", IPPROTO_TCP, 80, WEIR_EGRESS, "none");
	miss(db_policy, "shop/db", "shop/cart", IPPROTO_TCP, 80, WEIR_INGRESS, "none");

	miss("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: out, namespace: shop}\n"
	     "spec: {policyTypes: [Egress], egress: [{to: [{podSelector: {}}], ports: [{port: sql}]}]}\n",
	     "shop/cart", "shop/rogue", IPPROTO_TCP, 5432, WEIR_EGRESS,
	     "rule 1 of shop/out allows TCP sql to all pods in ns=shop; no container of 'rogue' names a port sql");
	miss("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: out, namespace: shop}\n"
	     "spec: {policyTypes: [Egress], egress: [{to: [{podSelector: {}}], ports: [{port: sql}]}]}\n",
	     "shop/cart", "shop/db", IPPROTO_TCP, 80, WEIR_EGRESS,
	     "rule 1 of shop/out allows TCP sql to all pods in ns=shop; port sql of 'db' is 5432, and not 80");
	miss("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: audited, namespace: shop, "
	     "annotations: {weir.dev/audit: 'true'}}\nspec: {ingress: [{ports: [{port: 1}]}]}\n",
	     "shop/cart", "shop/db", IPPROTO_TCP, 80, WEIR_INGRESS,
	     "rule 1 of shop/audited allows TCP 1 from anywhere; port 80 is not among its ports");

	/* Tiers */
	miss(CLUSTER("lock", "Admin", 5, "ingress: [{action: Accept, name: ops, from: [{namespaces: {matchLabels: {team: ops}}}]}, "
		     "{action: Deny, from: [{namespaces: {}}]}, {action: Accept, from: [{namespaces: {}}]}]"),
	     "dev/test", "shop/db", IPPROTO_TCP, 80, WEIR_INGRESS,
	     "rule 2 of lock (Admin tier) denies it (deny from all pods in any namespace); nearest before it: rule 1 'ops' of lock "
	     "(Admin tier) allows everything from all pods in namespaces with team=ops; namespace 'dev' has team=lab, and not team=ops");
	miss(CLUSTER("base", "Baseline", 5, "egress: [{action: Deny, to: [{networks: [0.0.0.0/0]}]}]"),
	     "dev/test", "shop/db", IPPROTO_TCP, 80, WEIR_EGRESS,
	     "rule 1 of base (Baseline tier) denies it (deny to 0.0.0.0/0)");
	miss(CLUSTER("b", "Admin", 5, "ingress: [{action: Deny, from: [{namespaces: {}}]}]")
	     CLUSTER("a", "Admin", 4, "ingress: [{action: Pass, from: [{namespaces: {matchLabels: {team: lab}}}]}]"),
	     "shop/cart", "shop/db", IPPROTO_TCP, 80, WEIR_INGRESS,
	     "rule 1 of b (Admin tier) denies it (deny from all pods in any namespace); nearest before it: rule 1 of a (Admin tier) "
	     "passes everything from all pods in namespaces with team=lab; namespace 'shop' has team=web, and not team=lab");
}

static void isolating(void)
{
	static char text[16384];
	const struct object *policy[OBJECTS];
	struct explain_end db, cart;
	struct objects all;
	unsigned int n;
	char got[128];

	snprintf(text, sizeof(text), "%s%s%s", world, db_policy,
		 "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: all, namespace: shop}\nspec: {}\n"
		 "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: trial, namespace: shop, "
		 "annotations: {weir.dev/audit: 'true'}}\nspec: {policyTypes: [Ingress, Egress]}\n");
	objects_read(&all, text, NULL);
	n = policies_of(&all, policy);
	db = end_of(&all, "shop/db");
	cart = end_of(&all, "dev/test");
	CHECK_EQ(explain_isolating(policy, n, WEIR_INGRESS, &db, got, sizeof(got)), 2, "two isolate db");
	CHECK_TEXT(got, "shop/db, shop/all", "these two");
	CHECK_EQ(explain_isolating(policy, n, WEIR_EGRESS, &db, got, sizeof(got)), 1, "an audited one would");
	CHECK_TEXT(got, "shop/trial (audit)", "and says so");
	CHECK_EQ(explain_isolating(policy, n, WEIR_INGRESS, &cart, got, sizeof(got)), 0, "none of another namespace");
	CHECK_TEXT(got, "", "nothing");
	objects_free(&all);
}

int main(void)
{
	texts();
	short_of_room();
	misses();
	isolating();
	return check_done();
}
