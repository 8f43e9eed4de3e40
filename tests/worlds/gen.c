// SPDX-License-Identifier: Apache-2.0
#include "tests/worlds/gen.h"

#include <stdlib.h>
#include <string.h>

#include "lib/addr.h"

const char *const gen_namespaces[GEN_NAMESPACES] = { "x", "y", "z" };
static const char *const keys[] = { "k0", "k1", "k2" };
static const char *const values[] = { "v0", "v1", "v2", "" };
static const char *const port_names[] = { "web", "alt", "nobody" };
static const char *const protocols[] = { "TCP", "UDP", "SCTP" };
static const unsigned int ports[] = { 1, 79, 80, 81, 443, 1000, 1005, 8080, 65535 };

/* Whoever may speak: nine pods' addresses, two nodes', those outside; an address nobody has. */
static const char *const pod_v4[GEN_PODS] = { "10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.4", "10.0.1.17", "10.0.2.1", "10.0.2.2",
					  "10.0.2.3", "10.1.0.1" };
static const char *const pod_v6[GEN_PODS] = { "fd00:1::1", "fd00:1::2", "fd00:1::3", "fd00:1::4", "fd00:1::11", "fd00:2::1",
					  "fd00:2::2", "fd00:2::3", "fd01::1" };
static const char *const other_v4[] = { "172.30.0.1", "172.30.0.2", "203.0.113.7", "203.0.113.200", "198.51.100.9", "10.0.1.99" };
static const char *const other_v6[] = { "fd00:172::1", "fd00:172::2", "2001:db8::7", "2001:db8::c8", "2001:db8:1::9",
					"fd00:1::63" };
#define OTHERS 6
static const unsigned int bits_v4[] = { 0, 1, 6, 8, 15, 16, 22, 24, 28, 30, 31, 32 };
static const unsigned int bits_v6[] = { 0, 1, 8, 16, 32, 47, 64, 112, 120, 124, 127, 128 };

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define PICK(c, a) ((a)[chance_below(c, COUNT(a))])

/* splitmix64 */
uint32_t chance_below(struct chance *c, uint32_t n)
{
	uint64_t z = c->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return (z ^ z >> 31) % n;
}

static const char *some_address(struct chance *c, bool v4)
{
	unsigned int i = chance_below(c, GEN_PODS + OTHERS);

	if (v4)
		return i < GEN_PODS ? pod_v4[i] : other_v4[i - GEN_PODS];
	return i < GEN_PODS ? pod_v6[i] : other_v6[i - GEN_PODS];
}

/* -- objects -- */

static struct value *manifest(const char *api, const char *kind, const char *ns, const char *name)
{
	struct value *m = value_map(), *meta;

	value_put(m, "apiVersion", value_of_text(api));
	value_put(m, "kind", value_of_text(kind));
	meta = value_inside(m, "metadata");
	value_put(meta, "name", value_of_text(name));
	if (ns)
		value_put(meta, "namespace", value_of_text(ns));
	return m;
}

static struct value *gen_labels(struct chance *c)
{
	struct value *labels = value_map();

	for (unsigned int i = 0; i < COUNT(keys); i++)
		if (chance_of(c, 55))
			value_put(labels, keys[i], value_of_text(values[chance_below(c, chance_of(c, 10) ? 4 : 3)]));
	return labels;
}

struct value *gen_namespace(struct chance *c, const char *name)
{
	struct value *m = manifest("v1", "Namespace", NULL, name);

	if (chance_of(c, 90))
		value_put(value_inside(m, "metadata"), "labels", gen_labels(c));
	return m;
}

struct value *gen_node(struct chance *c, unsigned int i)
{
	char name[8];
	struct value *m, *list, *item;

	snprintf(name, sizeof(name), "n%u", i + 1);
	m = manifest("v1", "Node", NULL, name);
	value_put(value_inside(m, "metadata"), "labels", gen_labels(c));
	list = value_put(value_inside(m, "status"), "addresses", value_list());
	if (chance_of(c, 60)) {
		struct value *cidrs = value_put(value_inside(m, "spec"), "podCIDRs", value_list());

		value_add(cidrs, value_of_text(i ? "10.0.2.0/24" : "10.0.1.0/24"));
		value_add(cidrs, value_of_text(i ? "fd00:2::/64" : "fd00:1::/64"));
	}
	for (int family = 0; family < 2; family++) {
		item = value_add(list, value_map());
		value_put(item, "type", value_of_text("InternalIP"));
		value_put(item, "address", value_of_text(family ? other_v6[i] : other_v4[i]));
	}
	return m;
}

static void gen_container(struct chance *c, struct value *list, bool init, unsigned int salt)
{
	struct value *container = value_add(list, value_map()), *ports_of;
	char name[16];

	snprintf(name, sizeof(name), "c%u", salt);
	value_put(container, "name", value_of_text(name));
	value_put(container, "image", value_of_text("none"));
	if (init && chance_of(c, 60))
		value_put(container, "restartPolicy", value_of_text("Always"));
	ports_of = value_put(container, "ports", value_list());
	for (int i = chance_below(c, 3); i > 0; i--) {
		struct value *port = value_add(ports_of, value_map());
		const char *proto = PICK(c, protocols);

		value_put(port, "containerPort", value_of_number(PICK(c, ports)));
		if (chance_of(c, 70))
			value_put(port, "protocol", value_of_text(proto));
		/* a name is used once in a pod's containers */
		snprintf(name, sizeof(name), "%s", port_names[(salt + i) % 2]);
		if (chance_of(c, 80))
			value_put(port, "name", value_of_text(name));
	}
}

struct value *gen_pod(struct chance *c, unsigned int i, unsigned int born)
{
	static const char *const phases[] = { "Pending", "Running", "Running", "Running", "Running", "Running", "Running",
					      "Succeeded", "Failed" };
	bool host = chance_of(c, 6), far = chance_of(c, 30);
	char name[16], time[32];
	struct value *m, *spec, *list, *meta;

	snprintf(name, sizeof(name), "p%u", i);
	snprintf(time, sizeof(time), "2026-01-01T%02u:%02u:%02uZ", born / 3600 % 24, born / 60 % 60, born % 60);
	m = manifest("v1", "Pod", gen_namespaces[i % GEN_NAMESPACES], name);
	meta = value_inside(m, "metadata");
	value_put(meta, "labels", gen_labels(c));
	value_put(meta, "creationTimestamp", value_of_text(time));
	if (chance_of(c, 5))
		value_put(meta, "deletionTimestamp", value_of_text("2026-01-02T00:00:00Z"));
	spec = value_inside(m, "spec");
	value_put(spec, "nodeName", value_of_text(far ? "n2" : WORLD_NODE));
	if (host)
		value_put(spec, "hostNetwork", value_of_bool(true));
	gen_container(c, value_put(spec, "containers", value_list()), false, 0);
	if (chance_of(c, 25))
		gen_container(c, (struct value *)value_get(spec, "containers"), false, 1);
	if (chance_of(c, 20))
		gen_container(c, value_put(spec, "initContainers", value_list()), true, 1);
	value_put(value_inside(m, "status"), "phase", value_of_text(PICK(c, phases)));
	list = value_put(value_inside(m, "status"), "podIPs", value_list());
	if (host) {
		value_put(value_add(list, value_map()), "ip", value_of_text(other_v4[far]));
		return m;
	}
	/* now and then another's address: it changed hands */
	if (chance_of(c, 90))
		value_put(value_add(list, value_map()), "ip", value_of_text(pod_v4[chance_of(c, 5) ? chance_below(c, GEN_PODS) : i]));
	if (chance_of(c, 70))
		value_put(value_add(list, value_map()), "ip", value_of_text(pod_v6[i]));
	return m;
}

/* -- selectors, peers, ports -- */

static void gen_expression(struct chance *c, struct value *list)
{
	static const char *const ops[] = { "In", "NotIn", "Exists", "DoesNotExist" };
	struct value *e = value_add(list, value_map()), *words;
	unsigned int op = chance_below(c, 4);

	value_put(e, "key", value_of_text(PICK(c, keys)));
	value_put(e, "operator", value_of_text(ops[op]));
	if (op > 1)
		return;
	words = value_put(e, "values", value_list());
	for (int i = 1 + chance_below(c, 3); i > 0; i--)
		value_add(words, value_of_text(values[chance_below(c, 4)]));
}

/* Empty often: nil and empty differ in some places and not in others. */
struct value *gen_selector(struct chance *c, bool of_namespaces)
{
	struct value *s = value_map();

	if (chance_of(c, 30))
		return s;
	if (of_namespaces && chance_of(c, 25)) {
		value_put(value_inside(s, "matchLabels"), "kubernetes.io/metadata.name", value_of_text(PICK(c, gen_namespaces)));
		return s;
	}
	if (chance_of(c, 60))
		for (int i = chance_below(c, 2); i >= 0; i--)
			value_put(value_inside(s, "matchLabels"), PICK(c, keys), value_of_text(values[chance_below(c, 4)]));
	if (chance_of(c, 50)) {
		struct value *list = value_put(s, "matchExpressions", value_list());

		for (int i = chance_below(c, 3); i > 0; i--)
			gen_expression(c, list);
	}
	return s;
}

/* Some prefix round some address; one time in three its host bits are left standing. */
static void gen_cidr(struct chance *c, bool v4, unsigned int least, const char *address, char out[64], unsigned int *bits)
{
	struct weir_prefix p;
	char text[ADDR_TEXT_SIZE];

	do
		*bits = v4 ? PICK(c, bits_v4) : PICK(c, bits_v6);
	while (*bits < least);
	snprintf(out, 64, "%s/%u", address, *bits);
	if (chance_of(c, 33) || prefix_parse(out, &p))
		return;
	prefix_text(&p, text);
	snprintf(out, 64, "%s", text);
}

static struct value *gen_block(struct chance *c)
{
	struct value *block = value_map(), *list;
	const char *address;
	bool v4 = chance_of(c, 60);
	char cidr[64], inner[64];
	unsigned int bits, inside;

	address = some_address(c, v4);
	gen_cidr(c, v4, 0, address, cidr, &bits);
	value_put(block, "cidr", value_of_text(cidr));
	if (bits >= (v4 ? 32U : 128U) || chance_of(c, 50))
		return block;
	list = value_put(block, "except", value_list());
	for (int i = chance_below(c, 3); i > 0; i--) {
		struct weir_prefix outer;
		struct weir_addr a;
		const char *other = some_address(c, v4);

		if (prefix_parse(cidr, &outer) || addr_parse(other, &a) || !prefix_covers(&outer, &a))
			other = address;
		gen_cidr(c, v4, bits + 1, other, inner, &inside);
		value_add(list, value_of_text(inner));
	}
	return block;
}

static void gen_peer(struct chance *c, struct value *list)
{
	struct value *peer = value_add(list, value_map());

	if (chance_of(c, 40)) {
		value_put(peer, "ipBlock", gen_block(c));
		return;
	}
	if (chance_of(c, 60))
		value_put(peer, "namespaceSelector", gen_selector(c, true));
	if (chance_of(c, 60) || !peer->first)
		value_put(peer, "podSelector", gen_selector(c, false));
}

static void gen_port(struct chance *c, struct value *list)
{
	struct value *port = value_add(list, value_map());
	unsigned int first = PICK(c, ports), last = PICK(c, ports);

	if (chance_of(c, 75))
		value_put(port, "protocol", value_of_text(PICK(c, protocols)));
	if (chance_of(c, 15))
		return;
	if (chance_of(c, 25)) {
		value_put(port, "port", value_of_text(PICK(c, port_names)));
		return;
	}
	value_put(port, "port", value_of_number(first));
	if (last >= first && chance_of(c, 40))
		value_put(port, "endPort", value_of_number(last));
}

struct value *gen_rule(struct chance *c, int dir)
{
	struct value *rule = value_map(), *list;

	if (chance_of(c, 80)) {
		list = value_put(rule, dir ? "to" : "from", value_list());
		for (int i = chance_below(c, 4); i > 0; i--)
			gen_peer(c, list);
	}
	if (chance_of(c, 65)) {
		list = value_put(rule, "ports", value_list());
		for (int i = chance_below(c, 4); i > 0; i--)
			gen_port(c, list);
	}
	return rule;
}

void gen_audit(struct chance *c, struct value *m)
{
	if (chance_of(c, 20))
		value_put(value_inside(value_inside(m, "metadata"), "annotations"), "weir.dev/audit",
			  value_of_text(chance_of(c, 85) ? "true" : "false"));
}

struct value *gen_policy(struct chance *c, const char *ns, const char *name)
{
	static const char *const words[] = { "ingress", "egress" };
	struct value *m = manifest("networking.k8s.io/v1", "NetworkPolicy", ns, name), *spec = value_inside(m, "spec"), *list;

	gen_audit(c, m);
	if (chance_of(c, 90))
		value_put(spec, "podSelector", gen_selector(c, false));
	else
		value_put(spec, "podSelector", value_map());
	if (chance_of(c, 70)) {
		list = value_put(spec, "policyTypes", value_list());
		if (chance_of(c, 70))
			value_add(list, value_of_text("Ingress"));
		if (chance_of(c, 60))
			value_add(list, value_of_text("Egress"));
	}
	for (int d = 0; d < 2; d++) {
		if (chance_of(c, 25))
			continue;
		list = value_put(spec, words[d], value_list());
		for (int i = chance_below(c, 4); i > 0; i--)
			value_add(list, gen_rule(c, d));
	}
	return m;
}

/* -- ClusterNetworkPolicy -- */

static void gen_cluster_peer(struct chance *c, struct value *list, int dir)
{
	struct value *peer = value_add(list, value_map()), *in;
	unsigned int kind = chance_below(c, dir ? 4 : 2), bits;
	char cidr[64];

	switch (kind) {
	case 0:
		value_put(peer, "namespaces", gen_selector(c, true));
		break;
	case 1:
		in = value_inside(peer, "pods");
		value_put(in, "namespaceSelector", gen_selector(c, true));
		value_put(in, "podSelector", gen_selector(c, false));
		break;
	case 2:
		in = value_put(peer, "networks", value_list());
		for (int i = chance_below(c, 3); i >= 0; i--) {
			bool v4 = chance_of(c, 60);
			struct weir_prefix p;
			char text[ADDR_TEXT_SIZE];

			gen_cidr(c, v4, 0, some_address(c, v4), cidr, &bits);
			value_add(in, value_of_text(prefix_parse(cidr, &p) ? cidr : prefix_text(&p, text)));
		}
		break;
	default:
		value_put(peer, "nodes", gen_selector(c, false));
	}
}

static void gen_protocol(struct chance *c, struct value *list, bool named)
{
	static const char *const words[] = { "tcp", "udp", "sctp" };
	struct value *p = value_add(list, value_map()), *of, *port;
	unsigned int first = PICK(c, ports), last = PICK(c, ports);

	if (named && chance_of(c, 25)) {
		value_put(p, "destinationNamedPort", value_of_text(PICK(c, port_names)));
		return;
	}
	of = value_put(p, PICK(c, words), value_map());
	if (chance_of(c, 20))
		return;
	port = value_inside(of, "destinationPort");
	if (first < last && chance_of(c, 50)) {
		value_put(value_inside(port, "range"), "start", value_of_number(first));
		value_put(value_inside(port, "range"), "end", value_of_number(last));
	} else {
		value_put(port, "number", value_of_number(first));
	}
}

static void gen_cluster_rules(struct chance *c, struct value *spec, int dir)
{
	static const char *const actions[] = { "Accept", "Deny", "Pass" };
	struct value *list = value_put(spec, dir ? "egress" : "ingress", value_list());

	for (int i = chance_below(c, 4); i > 0; i--) {
		struct value *rule = value_add(list, value_map()), *peers;
		bool named = true;

		value_put(rule, "action", value_of_text(PICK(c, actions)));
		peers = value_put(rule, dir ? "to" : "from", value_list());
		for (int k = chance_below(c, 3); k >= 0; k--)
			gen_cluster_peer(c, peers, dir);
		for value_each(p, peers)
			named &= !value_get(p, "networks") && !value_get(p, "nodes");
		if (chance_of(c, 60)) {
			struct value *protos = value_put(rule, "protocols", value_list());

			for (int k = chance_below(c, 3); k >= 0; k--)
				gen_protocol(c, protos, named);
		}
	}
}

struct value *gen_cluster_policy(struct chance *c, const char *name)
{
	struct value *m = manifest("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", NULL, name),
		     *spec = value_inside(m, "spec"), *subject;

	gen_audit(c, m);
	value_put(spec, "tier", value_of_text(chance_of(c, 60) ? "Admin" : "Baseline"));
	value_put(spec, "priority", value_of_number(chance_below(c, 4)));
	subject = value_inside(spec, "subject");
	if (chance_of(c, 50)) {
		value_put(subject, "namespaces", gen_selector(c, true));
	} else {
		value_put(value_inside(subject, "pods"), "namespaceSelector", gen_selector(c, true));
		value_put(value_inside(subject, "pods"), "podSelector", gen_selector(c, false));
	}
	for (int d = 0; d < 2; d++)
		if (chance_of(c, 75))
			gen_cluster_rules(c, spec, d);
	return m;
}

/* -- questions -- */

void gen_question(struct chance *c, struct question *q)
{
	static const __u8 protos[] = { 6, 6, 6, 17, 17, 132, 1, 47 };
	bool v4 = chance_of(c, 55);
	const char *a = some_address(c, v4), *b = some_address(c, v4);

	/* most of the time a pod at least at one end */
	if (chance_of(c, 50))
		a = (v4 ? pod_v4 : pod_v6)[chance_below(c, GEN_PODS)];
	else
		b = (v4 ? pod_v4 : pod_v6)[chance_below(c, GEN_PODS)];
	addr_parse(a, &q->src);
	addr_parse(b, &q->dst);
	q->proto = PICK(c, protos);
	if (q->proto == 1 && !v4)
		q->proto = 58;
	q->port = q->proto == 6 || q->proto == 17 || q->proto == 132 ?
		PICK(c, ports) + (chance_of(c, 20) ? 1 - 2 * (int)chance_below(c, 2) : 0) : 0;
}
