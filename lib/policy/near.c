// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/policy/near.h"

/* A pod's namespace has its name as a label, known or not. */
struct ns_labels {
	struct label name;
	struct labels labels;
};

static const struct labels *ns_labels(const struct explain_end *e, struct ns_labels *room)
{
	if (e->ns)
		return &e->ns->labels;
	room->name = (struct label){ "kubernetes.io/metadata.name", e->pod->ns };
	room->labels = (struct labels){ &room->name, 1 };
	return &room->labels;
}

static bool can_be_selected(const struct explain_end *e)
{
	return e->pod && !e->pod->pod.host_network && e->pod->pod.phase < POD_SUCCEEDED;
}

bool near_selects(const struct object *policy, const struct explain_end *subject)
{
	const struct policy *p = &policy->policy;
	struct ns_labels room;

	if (!can_be_selected(subject))
		return false;
	if (p->subject_all_namespaces ? !selector_matches(&p->subject_namespaces, ns_labels(subject, &room))
				      : strcmp(policy->ns, subject->pod->ns))
		return false;
	return selector_matches(&p->subject_pods, &subject->pod->labels);
}

/* -- near: numbers -- */

/* 'weight' for all requirements, less for some; for none that can fail, hardly more than half. */
static unsigned int held(const struct selector *s, const struct labels *l, unsigned int weight)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < s->n; i++)
		n += requirement_holds(&s->v[i], l);
	return s->n ? weight * n / s->n : weight * 5 / 8;
}

static unsigned int near_pods(const struct asked *a, const struct object *policy, const struct peer *p)
{
	bool own = a->other->pod && !strcmp(policy->ns, a->other->pod->ns);
	const struct labels *ns;
	struct ns_labels room;

	if (!can_be_selected(a->other))
		return a->other->pod ? 5 : 0;
	ns = ns_labels(a->other, &room);
	if ((p->own_namespace ? own : selector_matches(&p->namespaces, ns)) &&
	    selector_matches(&p->pods, &a->other->pod->labels))
		return NEAR_WHOLE;
	return 10 + (p->own_namespace ? own * 20 : held(&p->namespaces, ns, 20)) + held(&p->pods, &a->other->pod->labels, 20);
}

static bool excepted(const struct peer *p, const struct weir_addr *a, struct weir_prefix *by)
{
	for (unsigned int i = 0; i < p->nexcept; i++)
		if (prefix_covers(&p->except[i], a)) {
			*by = p->except[i];
			return true;
		}
	return false;
}

static unsigned int common_bits(const struct weir_addr *a, const struct weir_addr *b)
{
	unsigned int n = 0;

	while (n < 128 && !((a->byte[n / 8] ^ b->byte[n / 8]) & 0x80 >> n % 8))
		n++;
	return n;
}

static bool is_v4(const struct weir_prefix *p)
{
	struct weir_addr a = p->addr;

	return p->length >= 96 && addr_is_v4(&a);
}

static unsigned int near_block(const struct asked *a, const struct peer *p)
{
	const struct weir_addr *addr = &a->other->addr;
	unsigned int base = is_v4(&p->block) ? 96 : 0, length = p->block.length - base, bits;
	struct weir_addr net = p->block.addr;
	struct weir_prefix by;

	if (prefix_covers(&p->block, addr))
		return excepted(p, addr, &by) ? 40 : NEAR_WHOLE;
	if (addr_is_v4(addr) != is_v4(&p->block) || !length)
		return 0;
	bits = common_bits(addr, &net);
	return bits > base ? 30 * (bits - base) / length : 0;
}

unsigned int near_peer(const struct asked *a, const struct object *policy, const struct peer *p)
{
	switch (p->kind) {
	case PEER_PODS:
		return near_pods(a, policy, p);
	case PEER_BLOCK:
		return near_block(a, p);
	case PEER_NODES:
		if (!a->other->node)
			return 0;
		if (selector_matches(&p->pods, &a->other->node->labels))
			return NEAR_WHOLE;
		return 20 + held(&p->pods, &a->other->node->labels, 30);
	case PEER_NOBODY:
		break;
	}
	return 0;
}

/* The number that the receiver gives a name, 0: none. */
static unsigned int resolve(const struct asked *a, const char *name, uint8_t proto)
{
	const struct pod *pod = can_be_selected(a->dst) ? &a->dst->pod->pod : NULL;
	unsigned int found = 0;

	for (unsigned int i = 0; pod && i < pod->nport; i++) {
		const struct container_port *c = &pod->port[i];

		if (strcmp(c->name, name) || (proto && c->proto != proto))
			continue;
		if (c->proto == a->proto && c->port == a->port)
			return c->port;
		found = found ?: c->port;
	}
	return found;
}

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

/* A name without a protocol stands for the receiver's port, whatever its protocol. */
static bool named_protocol(const struct asked *a, const struct port *p)
{
	const struct pod *pod = can_be_selected(a->dst) ? &a->dst->pod->pod : NULL;

	if (p->proto)
		return p->proto == a->proto;
	for (unsigned int i = 0; pod && i < pod->nport; i++)
		if (!strcmp(pod->port[i].name, p->name) && pod->port[i].proto == a->proto)
			return true;
	return false;
}

unsigned int near_port(const struct asked *a, const struct port *p)
{
	bool proto = p->name ? named_protocol(a, p) : p->proto == a->proto;
	unsigned int named;

	if (!has_ports(a->proto))
		return 5;
	if (!p->name) {
		if (a->port < p->first || a->port > p->last)
			return proto ? 30 : 5;
		return proto ? NEAR_WHOLE : 25;
	}
	named = resolve(a, p->name, p->proto);
	if (named == a->port)
		return proto ? NEAR_WHOLE : 25;
	return named ? 30 : 15;
}

static const struct port *nearest_port(const struct asked *a, const struct rule *rule)
{
	const struct port *best = NULL;

	for (unsigned int i = 0; i < rule->nport; i++)
		if (!best || near_port(a, &rule->port[i]) > near_port(a, best))
			best = &rule->port[i];
	return best;
}

unsigned int near_ports(const struct asked *a, const struct rule *rule)
{
	const struct port *best = nearest_port(a, rule);

	if (rule->any_port)
		return NEAR_WHOLE;
	return best ? near_port(a, best) : 0;
}

/* -- say: words -- */

/* The first requirement that does not hold.  'whose': "'rogue'", "namespace 'dev'". */
static void say_selector(struct line *l, const struct selector *s, const struct labels *labels, const char *kind,
			 const char *name)
{
	for (unsigned int i = 0; i < s->n; i++) {
		const struct requirement *q = &s->v[i];
		const char *value = labels_get(labels, q->key);
		struct selector only = { q, 1 };

		if (requirement_holds(q, labels))
			continue;
		if (!value) {
			line_add(l, "%s'%s' lacks label %s", kind, name, q->key);
			return;
		}
		line_add(l, "%s'%s' has %s=%s, and not ", kind, name, q->key, value);
		line_selector(l, &only);
		return;
	}
}

static void say_no_pod(struct line *l, const struct explain_end *e)
{
	char addr[ADDR_TEXT_SIZE];

	if (e->pod && e->pod->pod.host_network)
		line_add(l, "'%s' uses its node's network, and selectors match no such pod: write an address block",
			 e->pod->name);
	else if (e->pod)
		line_add(l, "'%s' has ended", e->pod->name);
	else if (e->node)
		line_add(l, "%s is node '%s', and selectors of pods match no node: write an address block",
			 addr_text(&e->addr, addr), e->node->name);
	else
		line_add(l, "%s is no pod: write an address block", addr_text(&e->addr, addr));
}

static void say_pods(struct line *l, const struct asked *a, const struct object *policy, const struct peer *p)
{
	const struct explain_end *e = a->other;
	struct ns_labels room;
	size_t before = l->at;

	if (!can_be_selected(e)) {
		say_no_pod(l, e);
		return;
	}
	if (p->own_namespace && strcmp(policy->ns, e->pod->ns))
		line_add(l, "'%s' is in namespace %s, and a podSelector alone means %s", e->pod->name, e->pod->ns, policy->ns);
	if (!p->own_namespace)
		say_selector(l, &p->namespaces, ns_labels(e, &room), "namespace ", e->pod->ns);
	if (selector_matches(&p->pods, &e->pod->labels))
		return;
	if (l->at > before)
		line_add(l, ", and ");
	say_selector(l, &p->pods, &e->pod->labels, "", e->pod->name);
}

static void say_block(struct line *l, const struct asked *a, const struct peer *p)
{
	char addr[ADDR_TEXT_SIZE], block[ADDR_TEXT_SIZE];
	struct weir_prefix by;

	addr_text(&a->other->addr, addr);
	if (prefix_covers(&p->block, &a->other->addr) && excepted(p, &a->other->addr, &by))
		line_add(l, "%s is inside the exception %s", addr, prefix_text(&by, block));
	else if (addr_is_v4(&a->other->addr) != is_v4(&p->block))
		line_add(l, "%s says nothing on %s", prefix_text(&p->block, block),
			 is_v4(&p->block) ? "IPv6" : "IPv4");
	else
		line_add(l, "%s is outside %s", addr, prefix_text(&p->block, block));
}

void near_say_peer(struct line *l, const struct asked *a, const struct object *policy, const struct peer *p)
{
	char addr[ADDR_TEXT_SIZE];

	switch (p->kind) {
	case PEER_PODS:
		say_pods(l, a, policy, p);
		return;
	case PEER_BLOCK:
		say_block(l, a, p);
		return;
	case PEER_NODES:
		if (a->other->node)
			say_selector(l, &p->pods, &a->other->node->labels, "node ", a->other->node->name);
		else
			line_add(l, "%s is no node", addr_text(&a->other->addr, addr));
		return;
	case PEER_NOBODY:
		line_add(l, "this peer is of a kind that weir does not know, so it matches nothing");
		return;
	}
}

static void say_name(struct line *l, const struct asked *a, const struct port *p)
{
	unsigned int named = resolve(a, p->name, p->proto);
	char addr[ADDR_TEXT_SIZE];

	if (!can_be_selected(a->dst))
		line_add(l, "%s is no pod, and only pods have named ports", addr_text(&a->dst->addr, addr));
	else if (named)
		line_add(l, "port %s of '%s' is %u, and not %u", p->name, a->dst->pod->name, named, a->port);
	else
		line_add(l, "no container of '%s' names a port %s", a->dst->pod->name, p->name);
}

void near_say_ports(struct line *l, const struct asked *a, const struct rule *rule)
{
	const struct port *p = nearest_port(a, rule);
	char proto[16];

	if (!p)
		return;
	if (!has_ports(a->proto))
		line_add(l, "%s has no ports, and only a rule without ports allows it", protocol_text(a->proto, proto));
	else if (p->name && (resolve(a, p->name, p->proto) != a->port || named_protocol(a, p)))
		say_name(l, a, p);
	else if (p->name || p->proto != a->proto)
		line_add(l, "the connection is %s", protocol_text(a->proto, proto));
	else
		line_add(l, "port %u is not among its ports", a->port);
}
