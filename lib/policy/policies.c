// SPDX-License-Identifier: Apache-2.0
/* What policies say: an object becomes a record whose peer lists, selectors and names are numbers. */
#include "lib/policy/inside.h"

struct policy_key {
	u32 space, name;
	bool cluster;
};

static bool policy_is(const void *policies, u32 id, const void *key)
{
	const struct polrec *p = (const struct polrec *)policies + id;
	const struct policy_key *k = key;

	return p->space == k->space && p->name == k->name && (p->tier != TIER_NETPOL) == k->cluster;
}

static u32 key_hash(const struct policy_key *k)
{
	return k->space * 0x9e3779b1U + k->name * 2 + k->cluster;
}

static u32 policy_hash(const void *policies, u32 id)
{
	const struct polrec *p = (const struct polrec *)policies + id;
	const struct policy_key k = { p->space, p->name, p->tier != TIER_NETPOL };

	return key_hash(&k);
}

static u32 policy_find(const struct compiler *c, const struct policy_key *k)
{
	return index_find(&c->policy_index, key_hash(k), policy_is, c->policy, k);
}

static void list_set(struct compiler *c, u32 id, bool in)
{
	const struct polrec *p = &c->policy[id];
	struct vec *v = &c->cluster_policy;

	if (p->tier == TIER_NETPOL) {
		GROW(c->space_policy, c->cspace_policy, p->space);
		v = &c->space_policy[p->space];
	}
	if (in)
		vec_push(v, id);
	else
		vec_drop(v, id);
}

void policy_dirty(struct compiler *c, const struct polrec *p)
{
	for (u32 e = 1; p->there && e < c->cendpoint; e++) {
		const struct endpoint *x = &c->endpoint[e];

		if (x->there && !x->dirty && policy_subject(c, p, c->pod[x->pod].who))
			endpoint_dirty(c, e);
	}
}

void policy_swap(struct compiler *c, u32 id, struct polrec *other)
{
	struct polrec now = c->policy[id];
	u32 name = now.name, space = now.space;

	if (now.there)
		list_set(c, id, false);
	policy_dirty(c, &now);
	c->policy[id] = *other;
	if (!c->policy[id].there) {			/* the index still finds it by name */
		c->policy[id].name = name;
		c->policy[id].space = space;
		c->policy[id].tier = now.tier;
	}
	*other = now;
	policy_dirty(c, &c->policy[id]);
	if (c->policy[id].there)
		list_set(c, id, true);
}

void policy_forget(struct compiler *c, struct polrec *p)
{
	if (!p->there)
		return;
	for (int d = 0; d < WEIR_DIRS; d++) {
		if (p->half[d])
			half_disown(c, p->half[d]);
		for (u32 i = 0; i < p->nrule[d]; i++) {
			atom_put(c, p->rule[d][i].atom);
			if (p->rule[d][i].name)
				intern_put(&c->texts, p->rule[d][i].name);
		}
		words_free(p->rule[d]);
	}
	for (u32 i = 0; i < p->nport; i++)
		if (p->port[i].name)
			intern_put(&c->texts, p->port[i].name);
	words_free(p->port);
	selector_put(c, p->spaces);
	selector_put(c, p->pods);
	memset(p, 0, sizeof(*p));
}

/* Reading */
static void port_take(struct compiler *c, struct polrec *p, const struct port *from)
{
	struct policy_port *to = &p->port[p->nport++];

	*to = (struct policy_port){ .name = from->name ? intern_text(&c->texts, from->name) : 0,
				    .first = from->name ? 0 : from->first, .last = from->name ? 0 : from->last,
				    .proto = from->proto };
}

static void rule_take_in(struct compiler *c, struct polrec *p, enum weir_dir d, const struct rule *r)
{
	struct policy_rule *to = &p->rule[d][p->nrule[d]++];

	*to = (struct policy_rule){ .atom = atom_take(c, p->space, r), .first = p->nport, .action = r->action,
				    .n = r->any_port ? ANY_PORT : r->nport,
				    .name = r->name && *r->name ? intern_text(&c->texts, r->name) : 0 };
	for (u32 i = 0; !r->any_port && i < r->nport; i++)
		port_take(c, p, &r->port[i]);
}

/* A peer that we do not know in a rule that takes rights away: the policy denies all in that direction (C14). */
static u32 unknown_peer(const struct policy *p, enum weir_dir d)
{
	for (u32 i = 0; i < p->nrule[d]; i++)
		for (u32 k = 0; p->rule[d][i].action != ACTION_ALLOW && k < p->rule[d][i].npeer; k++)
			if (p->rule[d][i].peer[k].kind == PEER_NOBODY)
				return i + 1;
	return 0;
}

static void rules_take(struct compiler *c, struct polrec *p, const struct policy *from, enum weir_dir d)
{
	static const struct rule deny = { .action = ACTION_DENY, .name = "", .any_peer = true, .any_port = true };
	u32 unknown = p->tier == TIER_NETPOL ? 0 : unknown_peer(from, d);

	if (!from->nrule[d])
		return;
	p->rule[d] = words_zalloc(from->nrule[d] * sizeof(struct policy_rule));
	for (u32 i = 0; i < from->nrule[d]; i++)
		rule_take_in(c, p, d, unknown ? &deny : &from->rule[d][i]);
}

static u32 ports_in(const struct policy *p)
{
	u32 n = 0;

	for (int d = 0; d < WEIR_DIRS; d++)
		for (u32 i = 0; i < p->nrule[d]; i++)
			n += p->rule[d][i].nport;
	return n;
}

static void policy_read(struct compiler *c, struct polrec *p, const struct policy *from)
{
	u32 n = ports_in(from);

	p->there = true;
	p->tier = from->tier;
	p->priority = from->tier == TIER_NETPOL ? 0 : from->priority;
	p->audit = from->audit;
	p->spaces = selector_take(c, &from->subject_namespaces);
	p->pods = selector_take(c, &from->subject_pods);
	p->port = n ? words_zalloc(n * sizeof(*p->port)) : NULL;
	for (int d = 0; d < WEIR_DIRS; d++) {
		p->applies[d] = from->applies[d];
		rules_take(c, p, from, d);
	}
}

static bool rule_same(const struct polrec *a, const struct policy_rule *x, const struct polrec *b, const struct policy_rule *y)
{
	if (x->atom != y->atom || x->action != y->action || x->n != y->n || x->name != y->name)
		return false;
	return x->n == ANY_PORT || !x->n ||
	       (x->first == y->first && !memcmp(&a->port[x->first], &b->port[y->first], x->n * sizeof(*a->port)));
}

static bool half_same(const struct polrec *a, const struct polrec *b, enum weir_dir d)
{
	if (a->tier != b->tier || a->priority != b->priority || a->audit != b->audit || a->nrule[d] != b->nrule[d])
		return false;
	for (u32 i = 0; i < a->nrule[d]; i++)
		if (!rule_same(a, &a->rule[d][i], b, &b->rule[d][i]))
			return false;
	return true;
}

static void changed_add(struct compiler *c, u32 id, struct polrec *before)
{
	GROW(c->changed_at, c->cchanged_at, id);
	if (c->changed_at[id]) {		/* what stood between was never sent */
		policy_forget(c, before);
		return;
	}
	GROW(c->changed, c->cchanged, c->nchanged);
	c->changed[c->nchanged++] = (struct changed){ .policy = id, .before = *before };
	c->changed_at[id] = c->nchanged;
}

static u32 policy_id(struct compiler *c, const struct policy_key *k, enum policy_tier tier)
{
	u32 id = policy_find(c, k);

	if (id)
		return id;
	id = number_take(&c->policies);
	GROW(c->policy, c->cpolicy, id);
	c->policy[id] = (struct polrec){ .space = k->space, .name = k->name, .tier = tier };
	intern_hold(&c->texts, k->name);
	if (k->space)
		c->space[k->space].ref++;
	index_add(&c->policy_index, id, policy_hash, c->policy);
	return id;
}

/* It is not there, and was not put back: its name goes. */
void policy_id_put(struct compiler *c, u32 id)
{
	struct polrec *p = &c->policy[id];
	u32 space = p->space;

	index_drop(&c->policy_index, id, policy_hash, c->policy);
	intern_put(&c->texts, p->name);
	memset(p, 0, sizeof(*p));
	number_free(&c->policies, id);
	if (space)
		space_put(c, space);
}

static void policy_replace(struct compiler *c, u32 id, struct polrec *with)
{
	for (int d = 0; d < WEIR_DIRS; d++)
		if (c->policy[id].there && with->there && c->policy[id].half[d] && half_same(&c->policy[id], with, d)) {
			with->half[d] = c->policy[id].half[d];
			half_own(c, with->half[d]);
		}
	c->npolicies += with->there - c->policy[id].there;
	policy_swap(c, id, with);
	changed_add(c, id, with);
}

int policy_take(struct compiler *c, const struct object *o, struct complaint *why)
{
	bool cluster = o->kind == OBJECT_CLUSTER_POLICY;
	struct policy_key k = { cluster ? 0 : space_get(c, o->ns), intern_text(&c->texts, o->name), cluster };
	struct polrec p = { .space = k.space, .name = k.name };
	u32 id = policy_id(c, &k, o->policy.tier);

	policy_read(c, &p, &o->policy);
	policy_replace(c, id, &p);
	intern_put(&c->texts, k.name);
	if (k.space)
		space_put(c, k.space);
	return 0;
}

void policy_gone(struct compiler *c, enum object_kind kind, const char *ns, const char *name)
{
	bool cluster = kind == OBJECT_CLUSTER_POLICY;
	struct policy_key k = { cluster ? 0 : space_find(c, ns), intern_find_text(&c->texts, name), cluster };
	u32 id = k.name && (cluster || k.space) ? policy_find(c, &k) : 0;
	struct polrec none = { 0 };

	if (id && c->policy[id].there)
		policy_replace(c, id, &none);
}

void policies_free(struct compiler *c)
{
	for (u32 id = 1; id < c->policies.next && id < c->cpolicy; id++)
		policy_forget(c, &c->policy[id]);
	for (u32 i = 0; i < c->nchanged; i++)
		policy_forget(c, &c->changed[i].before);
	for (u32 s = 0; s < c->cspace_policy; s++)
		vec_free(&c->space_policy[s]);
	words_free(c->space_policy);
	vec_free(&c->cluster_policy);
	words_free(c->policy);
	words_free(c->changed);
	words_free(c->changed_at);
	index_free(&c->policy_index);
	numbers_free(&c->policies);
}
