// SPDX-License-Identifier: Apache-2.0
/* ClusterNetworkPolicy, policy.networking.k8s.io/v1alpha2. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/netpol/reading.h"
#include "lib/word.h"

#define MOST 25			/* rules per direction, peers and protocols per rule, networks per peer */

/* A rule while it is read. */
struct rule_parts {
	struct rule *rule;
	enum weir_dir dir;
	const struct tree_node *action, *peers, *protocols;
	const struct tree_node *by_address;	/* a peer that names no pods */
	const struct tree_node *by_name;	/* a port that only pods can have */
	bool unknown;			/* a peer or a protocol of a kind that is not known */
	struct peer *peer;		/* the next one's room */
	struct port *port;
};

/* A peer, a protocol, a subject says one thing.  Its key, or NULL for none; -EINVAL: more than one. */
static int only_key(struct reading *r, const struct tree_node *map, const char *what, const struct tree_node **out)
{
	int err = reading_is(r, map, TREE_MAP, what);

	*out = NULL;
	for (const struct tree_node *k = err ? NULL : map->first; k; k = tree_after(k)) {
		if (tree_null(k->next))
			continue;
		if (*out)
			return reading_fail(r, k, "%s says one thing; '%s' makes it two, and each needs its own", what,
					    reading_show(&(struct shown){ 0 }, k->text));
		*out = k;
	}
	return err;
}

/* Pods by namespace and labels */

struct pods_parts {
	struct selector *namespaces, *pods;
};

static int pods_namespaces(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_selector(r, n, ((struct pods_parts *)to)->namespaces);
}

static int pods_pods(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_selector(r, n, ((struct pods_parts *)to)->pods);
}

SHAPE(pods_shape, "pods", REFUSE, { "namespaceSelector", pods_namespaces }, { "podSelector", pods_pods });

/* Peers */

static int peer_namespaces(struct reading *r, const struct tree_node *n, void *to)
{
	struct rule_parts *p = to;

	*p->peer = (struct peer){ .kind = PEER_PODS };
	return reading_selector(r, n, &p->peer++->namespaces);
}

static int peer_pods(struct reading *r, const struct tree_node *n, void *to)
{
	struct rule_parts *p = to;
	struct pods_parts pods = { &p->peer->namespaces, &p->peer->pods };

	*p->peer++ = (struct peer){ .kind = PEER_PODS };
	return reading_map(r, n, &pods_shape, &pods);
}

static int peer_nodes(struct reading *r, const struct tree_node *n, void *to)
{
	struct rule_parts *p = to;

	p->by_address = n;
	*p->peer = (struct peer){ .kind = PEER_NODES };
	return reading_selector(r, n, &p->peer++->pods);
}

static int peer_networks(struct reading *r, const struct tree_node *n, void *to)
{
	struct rule_parts *p = to;
	int err = reading_is(r, n, TREE_LIST, "networks");

	if (err)
		return err;
	if (!n->count || n->count > MOST)
		return reading_fail(r, n, "networks has %u items; 1 to %u are allowed", n->count, MOST);
	p->by_address = n;
	for (const struct tree_node *i = n->first; i && !err; i = i->next) {
		*p->peer = (struct peer){ .kind = PEER_BLOCK };
		err = reading_prefix(r, i, "networks", CIDR_STRICT, &p->peer++->block);
	}
	return err;
}

static int peer_domains(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_fail(r, n, "domainNames is not enforced by weir; write the addresses as networks");
}

static int egress_only(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_fail(r, n, "a peer of an ingress rule is namespaces or pods; nodes and addresses are for egress rules");
}

static int netpol_only(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_fail(r, n, "a ClusterNetworkPolicy has no podSelector, namespaceSelector or ipBlock as a peer; write pods, "
			    "namespaces or networks");
}

SHAPE(from_shape, "a peer of a ClusterNetworkPolicy", REFUSE_SLIPS,
	{ "namespaces", peer_namespaces }, { "pods", peer_pods }, { "networks", egress_only }, { "nodes", egress_only },
	{ "domainNames", egress_only }, { "podSelector", netpol_only }, { "namespaceSelector", netpol_only },
	{ "ipBlock", netpol_only });
SHAPE(to_shape, "a peer of a ClusterNetworkPolicy", REFUSE_SLIPS,
	{ "namespaces", peer_namespaces }, { "pods", peer_pods }, { "nodes", peer_nodes }, { "networks", peer_networks },
	{ "domainNames", peer_domains }, { "podSelector", netpol_only }, { "namespaceSelector", netpol_only },
	{ "ipBlock", netpol_only });

/* A kind of peer that a newer API may have is no mistake to refuse, and must not open anything. */
static int read_peer(struct reading *r, const struct tree_node *n, struct rule_parts *p)
{
	const struct tree_node *key;
	const struct peer *before = p->peer;
	int err = only_key(r, n, "a peer", &key)
		?: reading_map(r, n, p->dir == WEIR_INGRESS ? &from_shape : &to_shape, p);

	p->unknown |= p->peer == before;
	return err;
}

static unsigned int count_peers(const struct tree_node *list)
{
	unsigned int n = 0;

	for (const struct tree_node *i = list->first; i; i = i->next) {
		const struct tree_node *networks = tree_get(i, "networks");

		n += networks && networks->kind == TREE_LIST && networks->count ? networks->count : 1;
	}
	return n;
}

static int count_in_bounds(struct reading *r, const struct tree_node *list, const char *what)
{
	if (list->count >= 1 && list->count <= MOST)
		return 0;
	return reading_fail(r, list, "%s has %u items; 1 to %u are allowed", what, list->count, MOST);
}

static int read_peers(struct reading *r, struct rule_parts *p)
{
	const char *what = p->dir == WEIR_INGRESS ? "from" : "to";
	struct peer *peer;
	int err = reading_is(r, p->peers, TREE_LIST, what) ?: count_in_bounds(r, p->peers, what);

	if (err)
		return err;
	peer = p->peer = arena_alloc(&r->things, count_peers(p->peers) * sizeof(*peer));
	if (!peer)
		return -ENOMEM;
	for (const struct tree_node *i = p->peers->first; i && !err; i = i->next)
		err = read_peer(r, i, p);
	p->rule->peer = peer;
	p->rule->npeer = p->peer - peer;
	return err;
}

/* Protocols and ports */

static int range_start(struct reading *r, const struct tree_node *n, void *to)
{
	unsigned int v;
	int err = reading_uint(r, n, "start", 1, 65535, &v);

	if (!err)
		((struct port *)to)->first = v;
	return err;
}

static int range_end(struct reading *r, const struct tree_node *n, void *to)
{
	unsigned int v;
	int err = reading_uint(r, n, "end", 1, 65535, &v);

	if (!err)
		((struct port *)to)->last = v;
	return err;
}

SHAPE(range_shape, "a range", REFUSE, { "start", range_start }, { "end", range_end });

static int port_range(struct reading *r, const struct tree_node *n, void *to)
{
	struct port *port = to;
	int err = 0;

	port->first = port->last = 0;
	err = reading_map(r, n, &range_shape, port);
	if (err)
		return err;
	if (!port->first || !port->last)
		return reading_fail(r, n, "a range has a start and an end; %s is missing", port->first ? "end" : "start");
	if (port->first >= port->last)
		return reading_fail(r, n, "a range begins below its end, and %u is not below %u; one port is a number",
				    port->first, port->last);
	return 0;
}

static int port_number(struct reading *r, const struct tree_node *n, void *to)
{
	struct port *port = to;
	unsigned int v;
	int err = reading_uint(r, n, "number", 1, 65535, &v);

	if (!err)
		port->first = port->last = v;
	return err;
}

SHAPE_HINT(destination_shape, "destinationPort", REFUSE, NULL, "'number: ' before it, in braces or on a line of its own",
	{ "number", port_number }, { "range", port_range });

static int destination(struct reading *r, const struct tree_node *n, void *to)
{
	const struct tree_node *key;
	int err = reading_map(r, n, &destination_shape, to) ?: only_key(r, n, "destinationPort", &key);

	if (!err && !key)
		return reading_fail(r, n, "destinationPort is empty; write number or range");
	return err;
}

SHAPE(protocol_shape, "tcp, udp or sctp", REFUSE, { "destinationPort", destination });

static int with_protocol(struct reading *r, const struct tree_node *n, struct rule_parts *p, uint8_t proto)
{
	*p->port = (struct port){ .last = 65535, .proto = proto };
	return reading_map(r, n, &protocol_shape, p->port++);
}

static int tcp(struct reading *r, const struct tree_node *n, void *to)
{
	return with_protocol(r, n, to, IPPROTO_TCP);
}

static int udp(struct reading *r, const struct tree_node *n, void *to)
{
	return with_protocol(r, n, to, IPPROTO_UDP);
}

static int sctp(struct reading *r, const struct tree_node *n, void *to)
{
	return with_protocol(r, n, to, IPPROTO_SCTP);
}

static int named(struct reading *r, const struct tree_node *n, void *to)
{
	struct rule_parts *p = to;

	p->by_name = n;
	*p->port = (struct port){ .last = 65535 };
	return reading_port_name(r, n, &p->port++->name);
}

SHAPE(protocols_shape, "an item of protocols", REFUSE_SLIPS,
	{ "tcp", tcp }, { "udp", udp }, { "sctp", sctp }, { "destinationNamedPort", named });

static int read_protocol(struct reading *r, const struct tree_node *n, struct rule_parts *p)
{
	const struct tree_node *key;
	const struct port *before = p->port;
	int err = only_key(r, n, "an item of protocols", &key) ?: reading_map(r, n, &protocols_shape, p);

	p->unknown |= p->port == before;
	return err;
}

static int read_protocols(struct reading *r, struct rule_parts *p)
{
	struct port *port;
	int err = reading_is(r, p->protocols, TREE_LIST, "protocols") ?: count_in_bounds(r, p->protocols, "protocols");

	if (err)
		return err;
	port = p->port = arena_alloc(&r->things, p->protocols->count * sizeof(*port));
	if (!port)
		return -ENOMEM;
	for (const struct tree_node *i = p->protocols->first; i && !err; i = i->next)
		err = read_protocol(r, i, p);
	p->rule->port = port;
	p->rule->nport = p->port - port;
	return err;
}

/* Rules */

static int rule_name(struct reading *r, const struct tree_node *n, void *to)
{
	struct rule_parts *p = to;
	int err = reading_text(r, n, "name", &p->rule->name);

	if (!err && n->length > 100)
		return reading_fail(r, n, "a rule's name has %u bytes, and at most 100 are allowed", n->length);
	return err;
}

static int rule_action(struct reading *r, const struct tree_node *n, void *to)
{
	static const char *const words[] = { [ACTION_ALLOW] = "Accept", [ACTION_DENY] = "Deny", [ACTION_PASS] = "Pass" };
	struct rule_parts *p = to;
	unsigned int action;
	int err = 0;

	p->action = n;
	if (n->kind == TREE_SCALAR && !strcmp(n->text, "Allow"))
		return reading_fail(r, n, "action is 'Allow'; in a ClusterNetworkPolicy write Accept");
	err = reading_choice(r, n, "action", words, 3, &action);
	if (!err)
		p->rule->action = action;
	return err;
}

static int rule_peers(struct reading *r, const struct tree_node *n, void *to)
{
	((struct rule_parts *)to)->peers = n;
	return 0;
}

static int rule_protocols(struct reading *r, const struct tree_node *n, void *to)
{
	((struct rule_parts *)to)->protocols = n;
	return 0;
}

static int wrong_way(struct reading *r, const struct tree_node *n, void *to)
{
	struct rule_parts *p = to;

	return p->dir == WEIR_INGRESS ? reading_fail(r, n, "an ingress rule has no 'to'; write from")
				      : reading_fail(r, n, "an egress rule has no 'from'; write to");
}

static int no_ports(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_fail(r, n, "a rule of a ClusterNetworkPolicy has no 'ports'; write protocols, such as "
			    "'- tcp: {destinationPort: {number: 80}}'");
}

SHAPE(ingress_shape, "an ingress rule", REFUSE, { "name", rule_name }, { "action", rule_action },
	{ "from", rule_peers }, { "protocols", rule_protocols }, { "to", wrong_way }, { "ports", no_ports });
SHAPE(egress_shape, "an egress rule", REFUSE, { "name", rule_name }, { "action", rule_action },
	{ "to", rule_peers }, { "protocols", rule_protocols }, { "from", wrong_way }, { "ports", no_ports });

static void fail_closed(struct reading *r, struct rule *rule, struct peer *nobody)
{
	if (rule->action == ACTION_ALLOW) {
		*nobody = (struct peer){ .kind = PEER_NOBODY };
		rule->peer = nobody;
		rule->npeer = 1;
		rule->any_port = !rule->nport;
		return;
	}
	rule->action = ACTION_DENY;
	rule->any_peer = rule->any_port = true;
	rule->npeer = rule->nport = 0;
}

static int read_rule(struct reading *r, const struct tree_node *n, struct rule *rule, enum weir_dir dir)
{
	const char *field = dir == WEIR_INGRESS ? "from" : "to";
	struct rule_parts p = { .rule = rule, .dir = dir };
	int err = 0;

	rule->name = "";
	rule->line = n->line;
	err = reading_map(r, n, dir == WEIR_INGRESS ? &ingress_shape : &egress_shape, &p);
	if (err)
		return err;
	if (!p.action)
		return reading_fail(r, n, "the rule has no action; write Accept, Deny or Pass");
	if (!p.peers)
		return reading_fail(r, n, "the rule has no %s; for everybody write %s", field, dir == WEIR_INGRESS
				    ? "'namespaces: {}'" : "'namespaces: {}', or networks for what is outside");
	err = read_peers(r, &p) ?: p.protocols ? read_protocols(r, &p) : 0;
	if (err)
		return err;
	rule->any_port = !p.protocols;
	if (p.by_name && p.by_address)
		return reading_fail(r, p.by_name, "destinationNamedPort is for pods; nodes and networks have no named ports");
	if (p.unknown)
		fail_closed(r, rule, (struct peer *)rule->peer);
	return 0;
}

static int ingress_rule(struct reading *r, const struct tree_node *n, void *to)
{
	return read_rule(r, n, to, WEIR_INGRESS);
}

static int egress_rule(struct reading *r, const struct tree_node *n, void *to)
{
	return read_rule(r, n, to, WEIR_EGRESS);
}

/* The spec */

struct spec_parts {
	struct policy *policy;
	const struct tree_node *tier, *priority, *subject;
};

static int read_tier(struct reading *r, const struct tree_node *n, void *to)
{
	static const char *const words[] = { "Admin", "Baseline" };
	struct spec_parts *p = to;
	unsigned int tier;
	int err = reading_choice(r, n, "tier", words, 2, &tier);

	p->tier = n;
	p->policy->tier = !err && tier ? TIER_BASELINE : TIER_ADMIN;
	return err;
}

static int read_priority(struct reading *r, const struct tree_node *n, void *to)
{
	struct spec_parts *p = to;

	p->priority = n;
	return reading_uint(r, n, "priority", 0, 1000, &p->policy->priority);
}

static int subject_namespaces(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_selector(r, n, &((struct policy *)to)->subject_namespaces);
}

static int subject_pods(struct reading *r, const struct tree_node *n, void *to)
{
	struct policy *p = to;
	struct pods_parts pods = { &p->subject_namespaces, &p->subject_pods };

	return reading_map(r, n, &pods_shape, &pods);
}

SHAPE(subject_shape, "a subject", REFUSE, { "namespaces", subject_namespaces }, { "pods", subject_pods });

static int read_subject(struct reading *r, const struct tree_node *n, void *to)
{
	struct spec_parts *p = to;
	const struct tree_node *key;
	int err = reading_map(r, n, &subject_shape, p->policy) ?: only_key(r, n, "the subject", &key);

	p->subject = n;
	if (!err && !key)
		return reading_fail(r, n, "the subject says nobody; write namespaces or pods, '{}' in them is all");
	return err;
}

static int read_ingress(struct reading *r, const struct tree_node *n, void *to)
{
	static const struct list_of of = { "ingress", MOST, sizeof(struct rule), ingress_rule };
	struct policy *p = ((struct spec_parts *)to)->policy;

	return reading_list(r, n, &of, &p->rule[WEIR_INGRESS], &p->nrule[WEIR_INGRESS]);
}

static int read_egress(struct reading *r, const struct tree_node *n, void *to)
{
	static const struct list_of of = { "egress", MOST, sizeof(struct rule), egress_rule };
	struct policy *p = ((struct spec_parts *)to)->policy;

	return reading_list(r, n, &of, &p->rule[WEIR_EGRESS], &p->nrule[WEIR_EGRESS]);
}

SHAPE(spec_shape, "a ClusterNetworkPolicy's spec", REFUSE,
	{ "tier", read_tier }, { "priority", read_priority }, { "subject", read_subject }, { "ingress", read_ingress },
	{ "egress", read_egress });

static int read_spec(struct reading *r, const struct tree_node *n, void *to)
{
	struct spec_parts *p = to;
	int err = reading_map(r, n, &spec_shape, p);

	if (err)
		return err;
	if (!p->tier)
		return reading_fail(r, n, "the spec has no tier; write Admin or Baseline");
	if (!p->priority)
		return reading_fail(r, n, "the spec has no priority; write a number from 0 (first) to 1000");
	if (!p->subject)
		return reading_fail(r, n, "the spec has no subject; write namespaces or pods in it, '{}' in them is all");
	return 0;
}

SHAPE(policy_shape, "a ClusterNetworkPolicy", REFUSE,
	{ "spec", read_spec }, { "apiVersion", NULL }, { "kind", NULL }, { "metadata", NULL }, { "status", NULL });

int read_cluster_policy(struct reading *r, const struct tree_node *root, struct object *o)
{
	struct policy *p = &o->policy;
	struct spec_parts parts = { .policy = p };
	int err = reading_map(r, root, &policy_shape, &parts) ?: reading_flag(r, "weir.dev/audit", &p->audit);

	if (!err && !parts.tier)
		return reading_fail(r, root, "a ClusterNetworkPolicy needs a spec with tier, priority and subject");
	p->subject_all_namespaces = true;
	for (int dir = 0; dir < WEIR_DIRS; dir++)
		p->applies[dir] = p->nrule[dir];
	return err;
}
