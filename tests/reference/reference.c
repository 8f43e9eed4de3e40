// SPDX-License-Identifier: Apache-2.0
// The rules' numbers are those of the semantics page: 1-63 NetworkPolicy, C1-C15 ClusterNetworkPolicy.
#include "tests/reference/reference.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/reference/read.h"

static const char *const direction_word[] = { "ingress", "egress" };
static const char *const peers_word[] = { "from", "to" };

struct reference *reference_new(const struct value *manifests, enum reference_mode mode)
{
	struct reference *r = calloc(1, sizeof(*r));

	r->mode = mode;
	ref_read(r, manifests);
	return r;
}

void reference_free(struct reference *r)
{
	if (!r)
		return;
	ref_forget(r);
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

static bool same_address(const struct address *a, const struct address *b)
{
	return !memcmp(a, b, sizeof(*a));
}

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
	if (!ref_address(text, &net) || ref_is_v4(&net) != ref_is_v4(a))
		return false;					/* 40: each family for itself */
	if (ref_is_v4(&net))
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
	uint8_t proto = ref_proto(value_text(item, "protocol", "TCP"));
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
