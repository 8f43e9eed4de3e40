// SPDX-License-Identifier: Apache-2.0
/* NetworkPolicy, networking.k8s.io/v1: defaults and rules as the API server has them. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/netpol/reading.h"

/* Types */

static const char *const types[] = { [WEIR_INGRESS] = "Ingress", [WEIR_EGRESS] = "Egress" };

static int read_type(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_choice(r, n, "policyTypes", types, 2, to);
}

static int read_types(struct reading *r, const struct tree_node *n, void *to)
{
	static const struct list_of of = { "policyTypes", 2, sizeof(unsigned int), read_type };
	struct policy *p = to;
	unsigned int *type = NULL, count = 0;
	int err = reading_list(r, n, &of, &type, &count);

	for (unsigned int i = 0; i < count && !err; i++)
		p->applies[type[i]] = true;
	return err;
}

/* No types: Ingress, and Egress if there is an egress rule.  What the types leave out neither isolates nor
 * allows, whatever its rules say. */
static void default_types(struct policy *p)
{
	if (!p->applies[WEIR_INGRESS] && !p->applies[WEIR_EGRESS]) {
		p->applies[WEIR_INGRESS] = true;
		p->applies[WEIR_EGRESS] = p->nrule[WEIR_EGRESS];
	}
	for (int dir = 0; dir < WEIR_DIRS; dir++)
		if (!p->applies[dir])
			p->nrule[dir] = 0;
}

/* Ports */

struct port_parts {
	struct port *port;
	const struct tree_node *number, *last;
};

static int port_protocol(struct reading *r, const struct tree_node *n, void *to)
{
	struct port_parts *p = to;

	return reading_protocol(r, n, &p->port->proto);
}

static int port_port(struct reading *r, const struct tree_node *n, void *to)
{
	struct port_parts *p = to;
	unsigned int number;
	int err = reading_is(r, n, TREE_SCALAR, "port");

	if (err)
		return err;
	if (n->plain && tree_type(n) != TREE_NUMBER)
		return reading_port_name(r, n, &p->port->name);
	if (!n->plain)
		return reading_port_name(r, n, &p->port->name);
	err = reading_uint(r, n, "port", 1, 65535, &number);
	if (err)
		return err;
	p->number = n;
	p->port->first = p->port->last = number;
	return 0;
}

static int port_end(struct reading *r, const struct tree_node *n, void *to)
{
	((struct port_parts *)to)->last = n;
	return 0;
}

SHAPE_HINT(port_shape, "an item of ports", REFUSE, NULL, "'- port: ' before it",
	{ "protocol", port_protocol }, { "port", port_port }, { "endPort", port_end });

static int read_end(struct reading *r, const struct port_parts *p)
{
	unsigned int last;
	int err = 0;

	if (p->port->name)
		return reading_fail(r, p->last, "endPort needs a port that is a number, and '%s' is a name", p->port->name);
	if (!p->number)
		return reading_fail(r, p->last, "endPort needs a port, the first of the range");
	err = reading_uint(r, p->last, "endPort", 1, 65535, &last);
	if (err)
		return err;
	if (last < p->port->first)
		return reading_fail(r, p->last, "endPort %u is below port %u; write the smaller number as port", last,
				    p->port->first);
	p->port->last = last;
	return 0;
}

static int read_port(struct reading *r, const struct tree_node *n, void *to)
{
	struct port_parts p = { .port = to };
	int err = 0;

	*p.port = (struct port){ .first = 0, .last = 65535, .proto = IPPROTO_TCP };
	err = reading_map(r, n, &port_shape, &p);
	return err ?: p.last ? read_end(r, &p) : 0;
}

/* Peers */

struct peer_parts {
	struct peer *peer;
	const struct tree_node *pods, *namespaces, *block;
};

static int peer_pods(struct reading *r, const struct tree_node *n, void *to)
{
	struct peer_parts *p = to;

	p->pods = n;
	return reading_selector(r, n, &p->peer->pods);
}

static int peer_namespaces(struct reading *r, const struct tree_node *n, void *to)
{
	struct peer_parts *p = to;

	p->namespaces = n;
	return reading_selector(r, n, &p->peer->namespaces);
}

struct block_parts {
	struct peer *peer;
	const struct tree_node *cidr, *except;
};

static int block_cidr(struct reading *r, const struct tree_node *n, void *to)
{
	struct block_parts *p = to;

	p->cidr = n;
	return reading_prefix(r, n, "cidr", CIDR_ZEROS, &p->peer->block);
}

static int block_except(struct reading *r, const struct tree_node *n, void *to)
{
	((struct block_parts *)to)->except = n;
	return 0;
}

SHAPE(block_shape, "an ipBlock", REFUSE, { "cidr", block_cidr }, { "except", block_except });

static int read_except(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_prefix(r, n, "except", CIDR_ZEROS, to);
}

/* Each lies in the block and is smaller. */
static int check_excepts(struct reading *r, const struct tree_node *list, const struct peer *peer)
{
	const struct weir_prefix *e = peer->except;
	char inner[ADDR_TEXT_SIZE], outer[ADDR_TEXT_SIZE];

	for (const struct tree_node *n = list->first; n; n = n->next, e++) {
		struct weir_addr first = e->addr;

		if (e->length <= peer->block.length || !prefix_covers(&peer->block, &first))
			return reading_fail(r, n, "except %s does not lie inside cidr %s, and must be smaller than it; what is "
					    "outside is not allowed by this block anyway", prefix_text(e, inner),
					    prefix_text(&peer->block, outer));
	}
	return 0;
}

static int peer_block(struct reading *r, const struct tree_node *n, void *to)
{
	static const struct list_of of = { "except", 0, sizeof(struct weir_prefix), read_except };
	struct peer_parts *p = to;
	struct block_parts b = { .peer = p->peer };
	struct weir_prefix *except = NULL;
	int err = reading_map(r, n, &block_shape, &b);

	if (err)
		return err;
	p->block = n;
	if (!b.cidr)
		return reading_fail(r, n, "ipBlock has no cidr");
	if (!b.except)
		return 0;
	err = reading_list(r, b.except, &of, &except, &p->peer->nexcept);
	p->peer->except = except;
	return err ?: check_excepts(r, b.except, p->peer);
}

SHAPE(peer_shape, "a peer of a NetworkPolicy", REFUSE,
	{ "podSelector", peer_pods }, { "namespaceSelector", peer_namespaces }, { "ipBlock", peer_block });

/* Given and empty is everything, not given is nothing said: so the two selectors of a peer are told apart by
 * their presence. */
static int read_peer(struct reading *r, const struct tree_node *n, void *to)
{
	struct peer_parts p = { .peer = to };
	int err = reading_map(r, n, &peer_shape, &p);
	bool selects = p.pods || p.namespaces;

	if (err)
		return err;
	p.peer->kind = p.block ? PEER_BLOCK : PEER_PODS;
	p.peer->own_namespace = p.pods && !p.namespaces;
	if (!!p.block != selects)
		return 0;
	if (r->stored) {
		*p.peer = (struct peer){ .kind = PEER_NOBODY };
		return 0;
	}
	if (p.block)
		return reading_fail(r, p.block, "ipBlock excludes podSelector and namespaceSelector; write it as an item of its own");
	return reading_fail(r, n, "a peer that names nobody; give it podSelector, namespaceSelector or ipBlock");
}

/* Rules */

static int rule_peers(struct reading *r, const struct tree_node *n, void *to)
{
	static const struct list_of of = { "the list of peers", 0, sizeof(struct peer), read_peer };
	struct rule *rule = to;

	return reading_list(r, n, &of, &rule->peer, &rule->npeer);
}

static int rule_ports(struct reading *r, const struct tree_node *n, void *to)
{
	static const struct list_of of = { "ports", 0, sizeof(struct port), read_port };
	struct rule *rule = to;

	return reading_list(r, n, &of, &rule->port, &rule->nport);
}

static int wrong_way_from(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_fail(r, n, "an egress rule has no 'from'; write to");
}

static int wrong_way_to(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_fail(r, n, "an ingress rule has no 'to'; write from");
}

SHAPE(ingress_shape, "an ingress rule", REFUSE, { "from", rule_peers }, { "ports", rule_ports }, { "to", wrong_way_to });
SHAPE(egress_shape, "an egress rule", REFUSE, { "to", rule_peers }, { "ports", rule_ports }, { "from", wrong_way_from });

static int read_rule(struct reading *r, const struct tree_node *n, const struct shape *shape, struct rule *rule)
{
	int err = reading_map(r, n, shape, rule);

	rule->action = ACTION_ALLOW;
	rule->name = "";
	rule->line = n->line;
	rule->any_peer = !rule->npeer;
	rule->any_port = !rule->nport;
	return err;
}

static int ingress_rule(struct reading *r, const struct tree_node *n, void *to)
{
	return read_rule(r, n, &ingress_shape, to);
}

static int egress_rule(struct reading *r, const struct tree_node *n, void *to)
{
	return read_rule(r, n, &egress_shape, to);
}

static int read_ingress(struct reading *r, const struct tree_node *n, void *to)
{
	static const struct list_of of = { "ingress", 0, sizeof(struct rule), ingress_rule };
	struct policy *p = to;

	return reading_list(r, n, &of, &p->rule[WEIR_INGRESS], &p->nrule[WEIR_INGRESS]);
}

static int read_egress(struct reading *r, const struct tree_node *n, void *to)
{
	static const struct list_of of = { "egress", 0, sizeof(struct rule), egress_rule };
	struct policy *p = to;

	return reading_list(r, n, &of, &p->rule[WEIR_EGRESS], &p->nrule[WEIR_EGRESS]);
}

/* The policy */

static int subject_pods(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_selector(r, n, &((struct policy *)to)->subject_pods);
}

SHAPE(spec_shape, "a NetworkPolicy's spec", REFUSE,
	{ "podSelector", subject_pods }, { "policyTypes", read_types }, { "ingress", read_ingress },
	{ "egress", read_egress });

static int read_spec(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_map(r, n, &spec_shape, to);
}

SHAPE(policy_shape, "a NetworkPolicy", REFUSE,
	{ "spec", read_spec }, { "apiVersion", NULL }, { "kind", NULL }, { "metadata", NULL }, { "status", NULL });

int read_network_policy(struct reading *r, const struct tree_node *root, struct object *o)
{
	struct policy *p = &o->policy;
	int err = reading_map(r, root, &policy_shape, p) ?: reading_flag(r, "weir.dev/audit", &p->audit);

	p->tier = TIER_NETPOL;
	default_types(p);
	return err;
}
