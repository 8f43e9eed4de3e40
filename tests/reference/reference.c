// SPDX-License-Identifier: Apache-2.0
// The rules' numbers are those of the semantics page: 1-63 NetworkPolicy, C1-C15 ClusterNetworkPolicy.
#include "tests/reference/reference.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct address {
	uint8_t byte[16];
};
struct named_port {
	const char *name;
	uint16_t port;
	uint8_t proto;
};
struct ref_pod {
	const char *ns;
	const struct value *labels;
	struct address addr[8];
	unsigned int naddr;
	struct named_port port[64];
	unsigned int nport;
	bool host;
	const char *created, *node;
};
struct ref_node {
	const struct value *labels;
	struct address addr[8];
	unsigned int naddr;
};
struct ref_ns {
	const char *name;
	const struct value *labels;
};
struct ref_policy {
	const char *tier, *ns, *name;
	long priority;
	bool audited, applies[2];
	const struct value *spec;
};
struct reference {
	enum reference_mode mode;
	struct ref_pod *pod;
	struct ref_node *node;
	struct ref_ns *ns;
	struct ref_policy *policy;	/* in the order of their names, cluster tiers by priority before that */
	unsigned int npod, nnode, nns, npolicy;
};

static const char *const direction_word[] = { "ingress", "egress" };
static const char *const direction_type[] = { "Ingress", "Egress" };
static const char *const peers_word[] = { "from", "to" };

/* -- reading -- */

static uint8_t proto_number(const char *word)
{
	return !strcmp(word, "TCP") ? 6 : !strcmp(word, "UDP") ? 17 : !strcmp(word, "SCTP") ? 132 : 255;
}

/* Old objects hold leading zeros (38): each part of an IPv4 address is read as a decimal number. */
static bool read_v4(const char *text, uint8_t out[4])
{
	for (int i = 0; i < 4; i++) {
		char *end;
		unsigned long part = strtoul(text, &end, 10);

		if (end == text || part > 255 || (i < 3 ? *end != '.' : *end))
			return false;
		out[i] = part;
		text = end + 1;
	}
	return true;
}

static bool read_address(const char *text, struct address *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (strchr(text, ':'))
		return inet_pton(AF_INET6, text, out->byte) == 1;
	memcpy(out->byte, mapped, 12);
	return read_v4(text, out->byte + 12);
}

static bool is_v4(const struct address *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(a->byte, mapped, 12);
}

static bool same_address(const struct address *a, const struct address *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static void pod_ports(struct ref_pod *pod, const struct value *containers, bool init)
{
	for value_each(c, containers) {
		if (init && strcmp(value_text(c, "restartPolicy", ""), "Always"))
			continue;				/* 30: plain init containers do not count */
		for value_each(p, value_get(c, "ports")) {
			const char *name = value_text(p, "name", "");

			if (*name && pod->nport < 64)
				pod->port[pod->nport++] = (struct named_port){ name, value_number(p, "containerPort", 0),
					proto_number(value_text(p, "protocol", "TCP")) };
		}
	}
}

static void read_pod(struct reference *r, const struct value *m)
{
	struct ref_pod pod = { .ns = value_text(m, "metadata.namespace", "default"), .labels = value_at(m, "metadata.labels"),
			       .host = value_true(m, "spec.hostNetwork"),
			       .node = value_text(m, "spec.nodeName", ""),
			       .created = value_text(m, "metadata.creationTimestamp", "") };
	const char *phase = value_text(m, "status.phase", ""), *one = value_text(m, "status.podIP", NULL);

	if (!strcmp(phase, "Succeeded") || !strcmp(phase, "Failed"))
		return;						/* 58: in no set any more */
	for value_each(ip, value_at(m, "status.podIPs"))
		if (pod.naddr < 8 && read_address(value_text(ip, "ip", ""), &pod.addr[pod.naddr]))
			pod.naddr++;				/* 59: all of them */
	if (!pod.naddr && one && read_address(one, &pod.addr[0]))
		pod.naddr = 1;
	pod_ports(&pod, value_at(m, "spec.containers"), false);
	pod_ports(&pod, value_at(m, "spec.initContainers"), true);
	r->pod[r->npod++] = pod;
}

static void read_node(struct reference *r, const struct value *m)
{
	struct ref_node node = { .labels = value_at(m, "metadata.labels") };

	for value_each(a, value_at(m, "status.addresses"))
		if (node.naddr < 8 && read_address(value_text(a, "address", ""), &node.addr[node.naddr]))
			node.naddr++;
	r->node[r->nnode++] = node;
}

static bool is_audited(const struct value *m)
{
	const struct value *mark = value_get(value_at(m, "metadata.annotations"), "weir.dev/audit");

	return mark && mark->text && !strcmp(mark->text, "true");
}

/* 4, 5: types as written are final; none written: Ingress, and Egress if there is an egress rule. */
static void read_policy(struct reference *r, const struct value *m)
{
	const struct value *spec = value_get(m, "spec"), *types = value_get(spec, "policyTypes");
	struct ref_policy p = { .tier = "networkpolicy", .ns = value_text(m, "metadata.namespace", "default"),
				.name = value_text(m, "metadata.name", ""), .spec = spec };

	p.audited = is_audited(m);
	for value_each(t, types)
		for (int d = 0; d < 2; d++)
			if (!strcmp(t->text, direction_type[d]))
				p.applies[d] = true;
	if (!value_count(types)) {
		p.applies[REFERENCE_INGRESS] = true;
		p.applies[REFERENCE_EGRESS] = value_count(value_get(spec, "egress"));
	}
	r->policy[r->npolicy++] = p;
}

static void read_cluster_policy(struct reference *r, const struct value *m)
{
	const struct value *spec = value_get(m, "spec");
	struct ref_policy p = { .ns = "", .name = value_text(m, "metadata.name", ""), .spec = spec,
				.priority = value_number(spec, "priority", 0),
				.audited = is_audited(m), .applies = { true, true } };

	p.tier = !strcmp(value_text(spec, "tier", ""), "Admin") ? "admin" : "baseline";
	r->policy[r->npolicy++] = p;
}

static int by_order(const void *x, const void *y)
{
	const struct ref_policy *a = x, *b = y;

	if (a->priority != b->priority)
		return a->priority < b->priority ? -1 : 1;
	return strcmp(a->ns, b->ns) ?: strcmp(a->name, b->name);
}

struct reference *reference_new(const struct value *manifests, enum reference_mode mode)
{
	struct reference *r = calloc(1, sizeof(*r));
	unsigned int n = value_count(manifests);

	r->mode = mode;
	r->pod = calloc(n + 1, sizeof(*r->pod));
	r->node = calloc(n + 1, sizeof(*r->node));
	r->ns = calloc(n + 1, sizeof(*r->ns));
	r->policy = calloc(n + 1, sizeof(*r->policy));
	for value_each(m, manifests) {
		const char *kind = value_text(m, "kind", "");

		if (!strcmp(kind, "Namespace"))
			r->ns[r->nns++] = (struct ref_ns){ value_text(m, "metadata.name", ""), value_at(m, "metadata.labels") };
		else if (!strcmp(kind, "Pod"))
			read_pod(r, m);
		else if (!strcmp(kind, "Node"))
			read_node(r, m);
		else if (!strcmp(kind, "NetworkPolicy"))
			read_policy(r, m);
		else if (!strcmp(kind, "ClusterNetworkPolicy"))
			read_cluster_policy(r, m);
	}
	qsort(r->policy, r->npolicy, sizeof(*r->policy), by_order);
	return r;
}

void reference_free(struct reference *r)
{
	if (!r)
		return;
	free(r->pod);
	free(r->node);
	free(r->ns);
	free(r->policy);
	free(r);
}

/* -- selectors -- */

static const char *label_of(const struct value *labels, const char *key)
{
	const struct value *v = value_get(labels, key);

	return v ? v->text : NULL;
}

static bool listed(const struct value *values, const char *word)
{
	for value_each(v, values)
		if (!strcmp(v->text, word))
			return true;
	return false;
}

/* 19: NotIn and DoesNotExist hold when the key is missing. */
static bool expression_holds(const struct value *e, const char *has)
{
	const char *op = value_text(e, "operator", "");

	if (!strcmp(op, "In"))
		return has && listed(value_get(e, "values"), has);
	if (!strcmp(op, "NotIn"))
		return !has || !listed(value_get(e, "values"), has);
	if (!strcmp(op, "Exists"))
		return has;
	return !strcmp(op, "DoesNotExist") && !has;
}

/* 20: everything is ANDed; an empty selector is everything. */
static bool selector_holds(const struct value *selector, const struct value *labels, const char *name)
{
	for value_each(want, value_get(selector, "matchLabels")) {
		const char *has = label_of(labels, want->key);

		if (!has && name && !strcmp(want->key, "kubernetes.io/metadata.name"))
			has = name;				/* 22: every namespace carries it */
		if (!has || strcmp(has, want->text))
			return false;
	}
	for value_each(e, value_get(selector, "matchExpressions")) {
		const char *key = value_text(e, "key", ""), *has = label_of(labels, key);

		if (!has && name && !strcmp(key, "kubernetes.io/metadata.name"))
			has = name;
		if (!expression_holds(e, has))
			return false;
	}
	return true;
}

/* A namespace that nobody described has only its name. */
static bool namespace_holds(const struct reference *r, const struct value *selector, const char *ns)
{
	for (unsigned int i = 0; i < r->nns; i++)
		if (!strcmp(r->ns[i].name, ns))
			return selector_holds(selector, r->ns[i].labels, ns);
	return selector_holds(selector, NULL, ns);
}

/* -- who an address is -- */

/* 58: of several the newest. */
static const struct ref_pod *owner(const struct reference *r, const struct address *a)
{
	const struct ref_pod *best = NULL;

	for (unsigned int i = 0; i < r->npod; i++)
		for (unsigned int k = 0; k < r->pod[i].naddr && !r->pod[i].host; k++)
			if (same_address(&r->pod[i].addr[k], a) && (!best || strcmp(r->pod[i].created, best->created) >= 0))
				best = &r->pod[i];
	return best;
}

static bool in_block(const struct address *a, const char *cidr)
{
	struct address net;
	char text[64];
	int bits;

	snprintf(text, sizeof(text), "%s", cidr);
	if (!strchr(text, '/'))
		return false;
	bits = atoi(strchr(text, '/') + 1);
	*strchr(text, '/') = 0;
	if (!read_address(text, &net) || is_v4(&net) != is_v4(a))
		return false;					/* 40: each family for itself */
	if (is_v4(&net))
		bits += 96;
	for (int i = 0; i < bits; i++)				/* 38: bits behind the length do not count */
		if ((a->byte[i / 8] ^ net.byte[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

/* -- peers and ports -- */

struct packet {
	const struct reference *r;
	const struct ref_policy *policy;
	enum reference_dir dir;
	const struct ref_pod *subject, *peer, *target;	/* target: the destination, if it is a pod */
	struct address remote;
	uint8_t proto;
	uint16_t port;
};

static bool pods_match(const struct packet *p, const struct value *namespaces, const struct value *pods)
{
	if (!p->peer)
		return false;					/* 16: never what is no pod */
	if (namespaces ? !namespace_holds(p->r, namespaces, p->peer->ns) : strcmp(p->peer->ns, p->policy->ns))
		return false;					/* 15: own namespace */
	return selector_holds(pods, p->peer->labels, NULL);
}

static bool block_matches(const struct packet *p, const struct value *block)
{
	if (!in_block(&p->remote, value_text(block, "cidr", "")))
		return false;
	for value_each(e, value_get(block, "except"))
		if (in_block(&p->remote, e->text))
			return false;				/* 35 */
	return true;
}

/* 14-18.  17: a selector that is null was not given. */
static bool peer_matches(const struct packet *p, const struct value *item)
{
	const struct value *namespaces = value_get(item, "namespaceSelector"), *pods = value_get(item, "podSelector"),
			   *block = value_get(item, "ipBlock");

	namespaces = value_null(namespaces) ? NULL : namespaces;
	pods = value_null(pods) ? NULL : pods;
	if (!value_null(block))
		return !namespaces && !pods && block_matches(p, block);
	return (namespaces || pods) && pods_match(p, namespaces, pods);
}

static bool nodes_match(const struct packet *p, const struct value *selector)
{
	for (unsigned int i = 0; i < p->r->nnode; i++)
		for (unsigned int k = 0; k < p->r->node[i].naddr; k++)
			if (same_address(&p->r->node[i].addr[k], &p->remote) &&
			    selector_holds(selector, p->r->node[i].labels, NULL))
				return true;
	return false;
}

/* C5-C7 */
static bool cluster_peer_matches(const struct packet *p, const struct value *item)
{
	const struct value *pods = value_get(item, "pods"), *nodes = value_get(item, "nodes");

	if (!value_null(value_get(item, "namespaces")))
		return pods_match(p, value_get(item, "namespaces"), NULL);
	if (!value_null(pods))
		return p->peer && namespace_holds(p->r, value_get(pods, "namespaceSelector"), p->peer->ns) &&
		       selector_holds(value_get(pods, "podSelector"), p->peer->labels, NULL);
	if (!value_null(nodes))
		return p->dir == REFERENCE_EGRESS && nodes_match(p, nodes);
	for value_each(cidr, value_get(item, "networks"))
		if (in_block(&p->remote, cidr->text))
			return p->dir == REFERENCE_EGRESS;
	return false;
}

static bool has_ports(uint8_t proto)
{
	return proto == 6 || proto == 17 || proto == 132;
}

/* 30-33: looked up at the destination pod, by name and protocol together.  proto 0: whichever it has. */
static bool name_matches(const struct packet *p, const char *name, uint8_t proto)
{
	for (unsigned int i = 0; p->target && i < p->target->nport; i++) {
		const struct named_port *n = &p->target->port[i];

		if (!strcmp(n->name, name) && n->proto == p->proto && n->port == p->port && (!proto || proto == n->proto))
			return true;
	}
	return false;
}

/* 26-29, 34 */
static bool port_matches(const struct packet *p, const struct value *item)
{
	const struct value *port = value_get(item, "port");
	uint8_t proto = proto_number(value_text(item, "protocol", "TCP"));
	long first, last;

	if (!has_ports(p->proto))
		return false;					/* 52 */
	if (!value_null(port) && port->kind == VALUE_TEXT)
		return name_matches(p, port->text, proto);
	if (proto != p->proto)
		return false;
	if (value_null(port))
		return true;
	first = value_number(item, "port", 0);
	last = value_number(item, "endPort", first);
	return p->port >= first && p->port <= last;
}

/* C9, C10 */
static bool protocol_matches(const struct packet *p, const struct value *item)
{
	for value_each(e, item) {
		const struct value *port = value_get(e, "destinationPort");
		const char *word = e->key;

		if (!has_ports(p->proto))
			return false;
		if (!strcmp(word, "destinationNamedPort"))
			return name_matches(p, e->text, 0);
		if (strcasecmp(word, p->proto == 6 ? "tcp" : p->proto == 17 ? "udp" : "sctp"))
			return false;
		if (value_null(port))
			return true;
		if (value_get(port, "number"))
			return p->port == value_number(port, "number", 0);
		return p->port >= value_number(port, "range.start", 0) && p->port <= value_number(port, "range.end", -1);
	}
	return false;
}

/* 13, 14, 24, 25 */
static bool rule_matches(const struct packet *p, const struct value *rule, bool cluster)
{
	const struct value *peers = value_get(rule, peers_word[p->dir]),
			   *ports = value_get(rule, cluster ? "protocols" : "ports");
	bool peer = !cluster && !value_count(peers), port = !value_count(ports);

	for value_each(item, peers)
		peer = peer || (cluster ? cluster_peer_matches(p, item) : peer_matches(p, item));
	for value_each(item, ports)
		port = port || (cluster ? protocol_matches(p, item) : port_matches(p, item));
	return peer && port;
}

/* -- stages -- */

/* 10, 11, 46; C4 */
static bool selects(const struct reference *r, const struct ref_policy *policy, const struct ref_pod *pod)
{
	const struct value *subject = value_get(policy->spec, "subject"), *pods = value_get(subject, "pods");

	if (*policy->ns)
		return !strcmp(policy->ns, pod->ns) && selector_holds(value_get(policy->spec, "podSelector"), pod->labels, NULL);
	if (!value_null(value_get(subject, "namespaces")))
		return namespace_holds(r, value_get(subject, "namespaces"), pod->ns);
	return !value_null(pods) && namespace_holds(r, value_get(pods, "namespaceSelector"), pod->ns) &&
	       selector_holds(value_get(pods, "podSelector"), pod->labels, NULL);
}

static bool in_stage(const struct packet *p, const struct ref_policy *policy, const char *tier, bool audited)
{
	return !strcmp(policy->tier, tier) && policy->applies[p->dir] && (audited || !policy->audited) &&
	       selects(p->r, policy, p->subject);
}

static void by_rule(struct reference_said *out, const struct ref_policy *policy, unsigned int index, bool allow)
{
	*out = (struct reference_said){ allow, REFERENCE_RULE, policy->tier, policy->ns, policy->name, index };
}

/* C2: the first that matches.  True: decided. */
static bool cluster_stage(struct packet *p, const char *tier, bool audited, struct reference_said *out)
{
	for (unsigned int i = 0; i < p->r->npolicy; i++) {
		const struct ref_policy *policy = p->policy = &p->r->policy[i];
		unsigned int index = 0;

		if (!in_stage(p, policy, tier, audited))
			continue;
		for value_each(rule, value_get(policy->spec, direction_word[p->dir])) {
			const char *action = value_text(rule, "action", "");

			if (rule_matches(p, rule, true)) {
				if (!strcmp(action, "Pass"))
					return false;
				by_rule(out, policy, index, !strcmp(action, "Accept"));
				return true;
			}
			index++;
		}
	}
	return false;
}

/* 1, 2, 8, 9; C3 */
static bool policy_stage(struct packet *p, bool audited, struct reference_said *out)
{
	bool isolated = false;

	for (unsigned int i = 0; i < p->r->npolicy; i++) {
		const struct ref_policy *policy = p->policy = &p->r->policy[i];
		unsigned int index = 0;

		if (!in_stage(p, policy, "networkpolicy", audited))
			continue;
		isolated = true;
		for value_each(rule, value_get(policy->spec, direction_word[p->dir])) {
			if (rule_matches(p, rule, false)) {
				by_rule(out, policy, index, true);
				return true;
			}
			index++;
		}
	}
	if (isolated)
		*out = (struct reference_said){ .author = REFERENCE_ISOLATED };
	return isolated;
}

void reference_side(const struct reference *r, enum reference_dir dir, const uint8_t src[16], const uint8_t dst[16],
		    uint8_t proto, uint16_t port, bool audited, struct reference_said *out)
{
	struct packet p = { .r = r, .dir = dir, .proto = proto, .port = port };
	struct address from, to;

	memcpy(from.byte, src, 16);
	memcpy(to.byte, dst, 16);
	p.target = owner(r, &to);
	p.subject = dir == REFERENCE_INGRESS ? p.target : owner(r, &from);
	p.peer = dir == REFERENCE_INGRESS ? owner(r, &from) : p.target;
	p.remote = dir == REFERENCE_INGRESS ? from : to;
	*out = (struct reference_said){ .allow = true };
	if (!p.subject)
		return;
	if (cluster_stage(&p, "admin", audited, out) || policy_stage(&p, audited, out) ||
	    cluster_stage(&p, "baseline", audited, out))
		return;
	*out = (struct reference_said){ .allow = r->mode == REFERENCE_KUBERNETES,
					.author = r->mode == REFERENCE_KUBERNETES ? REFERENCE_OPEN : REFERENCE_CLOSED };
}

bool reference_is_selected(const struct reference *r, enum reference_dir dir, const uint8_t addr[16])
{
	const struct ref_pod *pod;
	struct address a;

	memcpy(a.byte, addr, 16);
	pod = owner(r, &a);
	for (unsigned int i = 0; pod && i < r->npolicy; i++) {
		const struct ref_policy *p = &r->policy[i];
		bool says = *p->ns ? p->applies[dir] : value_count(value_get(p->spec, direction_word[dir]));

		if (says && selects(r, p, pod))
			return true;
	}
	return false;
}

bool reference_is_local(const struct reference *r, const uint8_t addr[16], const char *node)
{
	const struct ref_pod *pod;
	struct address a;

	memcpy(a.byte, addr, 16);
	pod = owner(r, &a);
	return pod && !strcmp(pod->node, node);
}

bool reference_allows(const struct reference *r, const uint8_t src[16], const uint8_t dst[16], uint8_t proto, uint16_t port)
{
	struct reference_said said;

	reference_side(r, REFERENCE_EGRESS, src, dst, proto, port, false, &said);
	if (!said.allow)
		return false;
	reference_side(r, REFERENCE_INGRESS, src, dst, proto, port, false, &said);
	return said.allow;
}
