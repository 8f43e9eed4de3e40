// SPDX-License-Identifier: Apache-2.0
/* Reads the objects as the text of the API says, for one packet.  No index, no cache. */
#include <string.h>

#include <weir/policy.h>

#include "tests/policy/world.h"

static bool naive_holds(const struct requirement *r, const struct labels *l)
{
	for (unsigned int i = 0; i < l->n; i++) {
		if (strcmp(l->v[i].key, r->key))
			continue;
		if (r->op == OP_EXISTS || r->op == OP_NOT_EXISTS)
			return r->op == OP_EXISTS;
		for (unsigned int v = 0; v < r->n; v++)
			if (!strcmp(r->value[v], l->v[i].value))
				return r->op == OP_IN;
		return r->op == OP_NOT_IN;
	}
	return r->op == OP_NOT_IN || r->op == OP_NOT_EXISTS;
}

static bool holds(const struct selector *s, const struct labels *l)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (!naive_holds(&s->v[i], l))
			return false;
	return true;
}

static bool space_holds(const struct world *w, const struct selector *s, const char *ns)
{
	const struct label name = { "kubernetes.io/metadata.name", ns };
	const struct labels alone = { &name, 1 };

	for (int i = 0; i < WORLD_SPACES; i++)
		if (w->ns[i] && !strcmp(w->ns[i]->o.name, ns))
			return holds(s, &w->ns[i]->o.labels);
	return holds(s, &alone);
}

static bool bit(const struct weir_addr *a, unsigned int i)
{
	return a->byte[i / 8] >> (7 - i % 8) & 1;
}

static bool is_v4(const struct weir_addr *a)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(a->byte, mapped, 12);
}

static bool in_prefix(const struct weir_addr *a, const struct weir_prefix *p)
{
	struct weir_addr at = p->addr;

	for (unsigned int i = 0; i < p->length; i++)
		if (bit(a, i) != bit(&at, i))
			return false;
	return p->length >= 96 || !is_v4(a);		/* an IPv6 prefix says nothing on IPv4 */
}

bool world_live(const struct object *o)
{
	return !o->pod.host_network && o->pod.phase != POD_SUCCEEDED && o->pod.phase != POD_FAILED;
}

const struct object *world_owner(const struct world *w, const struct weir_addr *a)
{
	const struct object *best = NULL;

	for (int i = 0; i < WORLD_NODES; i++)
		for (unsigned int k = 0; w->node[i] && k < w->node[i]->o.node.naddr; k++)
			if (!memcmp(&w->node[i]->o.node.addr[k], a, 16))
				return &w->node[i]->o;
	for (int i = 0; i < WORLD_PODS; i++) {
		const struct object *o = w->pod[i] ? &w->pod[i]->o : NULL;

		for (unsigned int k = 0; o && world_live(o) && k < o->pod.naddr; k++)
			if (!memcmp(&o->pod.addr[k], a, 16) && (!best || o->created > best->created))
				best = o;
	}
	return best;
}

bool world_stranger(const struct world *w, const struct weir_addr *a)
{
	if (world_owner(w, a))
		return false;
	for (int i = 0; i < WORLD_NODES; i++)
		for (unsigned int k = 0; w->node[i] && k < w->node[i]->o.node.npod_cidr; k++)
			if (in_prefix(a, &w->node[i]->o.node.pod_cidr[k]))
				return true;
	return false;
}

static bool port_ok(const struct rule *r, const struct object *dst, unsigned char proto, unsigned short port)
{
	if (r->any_port)
		return true;
	for (unsigned int i = 0; i < r->nport; i++) {
		const struct port *p = &r->port[i];

		if (p->proto && p->proto != proto)
			continue;
		if (!p->name && port >= p->first && port <= p->last)
			return true;
		for (unsigned int k = 0; p->name && dst && dst->kind == OBJECT_POD && k < dst->pod.nport; k++)
			if (!strcmp(dst->pod.port[k].name, p->name) && dst->pod.port[k].port == port &&
			    dst->pod.port[k].proto == proto)
				return true;
	}
	return false;
}

static bool block_ok(const struct peer *x, const struct weir_addr *at)
{
	if (!in_prefix(at, &x->block))
		return false;
	for (unsigned int i = 0; i < x->nexcept; i++)
		if (in_prefix(at, &x->except[i]))
			return false;
	return true;
}

static bool peer_ok(const struct world *w, const struct object *policy, const struct peer *x, const struct object *peer,
		    const struct weir_addr *at)
{
	if (x->kind == PEER_BLOCK)
		return block_ok(x, at);
	if (x->kind == PEER_NOBODY || !peer || (x->kind == PEER_NODES) != (peer->kind == OBJECT_NODE))
		return false;
	if (x->kind == PEER_PODS && (x->own_namespace ? strcmp(peer->ns, policy->ns) != 0
						       : !space_holds(w, &x->namespaces, peer->ns)))
		return false;
	return holds(&x->pods, &peer->labels);
}

static bool selects(const struct world *w, const struct object *o, const struct object *subject)
{
	const struct policy *p = &o->policy;

	if (p->tier == TIER_NETPOL ? strcmp(o->ns, subject->ns) != 0 : !space_holds(w, &p->subject_namespaces, subject->ns))
		return false;
	return holds(&p->subject_pods, &subject->labels);
}

/* Does one come before the other?  Priority, then name. */
static bool before(const struct object *a, const struct object *b)
{
	if (a->policy.tier != TIER_NETPOL && a->policy.priority != b->policy.priority)
		return a->policy.priority < b->policy.priority;
	return strcmp(a->name, b->name) < 0;
}

/* C14: a peer nobody knows in a rule that takes rights away. */
static bool unknown(const struct policy *p, enum weir_dir dir)
{
	for (unsigned int r = 0; p->tier != TIER_NETPOL && r < p->nrule[dir]; r++)
		for (unsigned int k = 0; k < p->rule[dir][r].npeer; k++)
			if (p->rule[dir][r].peer[k].kind == PEER_NOBODY && p->rule[dir][r].action != ACTION_ALLOW)
				return true;
	return false;
}

struct packet {
	const struct world *w;
	enum weir_dir dir;
	const struct object *subject, *peer;
	const struct weir_addr *at;
	unsigned char proto;
	unsigned short port;
	bool audited;
};

static bool rule_ok(const struct packet *k, const struct object *o, const struct rule *x)
{
	const struct object *dst = k->dir == WEIR_INGRESS ? k->subject : k->peer;
	bool ok = x->any_peer;

	for (unsigned int i = 0; !ok && i < x->npeer; i++)
		ok = peer_ok(k->w, o, &x->peer[i], k->peer, k->at);
	return ok && port_ok(x, dst, k->proto, k->port);
}

static int stage(const struct packet *k, enum policy_tier tier, bool *isolated, struct verdict *out)
{
	const struct object *best = NULL;
	int action = -1;

	*isolated = false;
	for (int i = 0; i < WORLD_POLICIES; i++) {
		const struct object *o = k->w->policy[i] ? &k->w->policy[i]->o : NULL;
		const struct policy *p = o ? &o->policy : NULL;

		if (!p || p->tier != tier || !p->applies[k->dir] || (p->audit && !k->audited) || !selects(k->w, o, k->subject))
			continue;
		*isolated = true;
		for (unsigned int r = 0; r < p->nrule[k->dir]; r++) {
			bool bad = unknown(p, k->dir);

			if (!bad && !rule_ok(k, o, &p->rule[k->dir][r]))
				continue;
			if (!best || before(o, best)) {
				best = o;
				out->index = r;
				action = bad ? ACTION_DENY : p->rule[k->dir][r].action;
			}
			break;
		}
	}
	out->policy = best;
	return action;
}

void world_judge(const struct world *w, enum weir_dir dir, const struct object *subject, const struct weir_addr *peer,
		 unsigned char proto, unsigned short port, bool audited, struct verdict *out)
{
	struct packet k = { w, dir, subject, world_owner(w, peer), peer, proto, port, audited };
	bool isolated, closed = w->mode == MODE_DEFAULT_DENY || (audited && w->mode == MODE_DEFAULT_DENY_AUDIT);

	for (int t = TIER_ADMIN; t <= TIER_BASELINE; t++) {
		int action = stage(&k, t, &isolated, out);

		out->rule = 0;
		out->verdict = action == ACTION_ALLOW ? WEIR_ALLOW : WEIR_DENY;
		if (action == ACTION_ALLOW || action == ACTION_DENY)
			return;
		if (t == TIER_NETPOL && isolated) {
			out->rule = WEIR_RULE_ISOLATED;
			return;
		}
	}
	out->rule = closed ? WEIR_RULE_CLOSED : WEIR_RULE_OPEN;
	out->verdict = closed ? WEIR_DENY : WEIR_ALLOW;
}
