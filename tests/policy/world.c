// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/policy/world.h"

bool world_steady;
static unsigned long long state;

void world_seed(unsigned long long seed)
{
	state = seed;
}

unsigned int rnd(unsigned int n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % n;
}

bool chance(unsigned int percent)
{
	return rnd(100) < percent;
}

struct made *made_new(void)
{
	struct made *m = calloc(1, sizeof(*m));

	m->o.ns = m->o.name = "";
	return m;
}

void *made_part(struct made *m, size_t size)
{
	if (m->n == m->cap) {
		m->cap = m->cap * 2 + 8;
		m->part = realloc(m->part, m->cap * sizeof(*m->part));
	}
	return m->part[m->n++] = calloc(1, size ? size : 1);
}

void made_free(struct made *m)
{
	for (unsigned int i = 0; m && i < m->n; i++)
		free(m->part[i]);
	if (m)
		free(m->part);
	free(m);
}

void world_free(struct world *w)
{
	for (int i = 0; i < WORLD_SPACES; i++)
		made_free(w->ns[i]);
	for (int i = 0; i < WORLD_PODS; i++)
		made_free(w->pod[i]);
	for (int i = 0; i < WORLD_NODES; i++)
		made_free(w->node[i]);
	for (int i = 0; i < WORLD_POLICIES; i++)
		made_free(w->policy[i]);
	memset(w, 0, sizeof(*w));
}

static const char *text(struct made *m, const char *format, unsigned int n)
{
	char *s = made_part(m, 24);

	snprintf(s, 24, format, n);
	return s;
}

struct weir_addr addr4(unsigned int a)
{
	struct weir_addr x = { .byte = { [10] = 0xff, [11] = 0xff } };

	a = htonl(a);
	memcpy(x.byte + 12, &a, 4);
	return x;
}

struct weir_addr addr6(unsigned int a)
{
	struct weir_addr x = { .byte = { 0xfd, 0, 0, 0x10, 0x02, 0x44 } };

	a = htonl(a);
	memcpy(x.byte + 12, &a, 4);
	return x;
}

static const char *const keys[] = { "app", "env", "tier" };
static const char *const values[] = { "red", "green", "blue" };

static struct labels labels_make(struct made *m, const char *ns)
{
	struct label *v = made_part(m, 4 * sizeof(*v));
	unsigned int n = 0;

	for (int k = 0; k < 2; k++)
		if (chance(60))
			v[n++] = (struct label){ keys[k], values[rnd(3)] };
	if (ns)
		v[n++] = (struct label){ "kubernetes.io/metadata.name", ns };
	if (chance(60))
		v[n++] = (struct label){ keys[2], values[rnd(3)] };
	return (struct labels){ v, n };
}

static struct selector selector_make(struct made *m)
{
	struct requirement *r = made_part(m, 5 * sizeof(*r));
	struct selector s = { r, 0 };

	if (chance(50)) {
		const char **v = made_part(m, sizeof(*v));

		v[0] = values[rnd(3)];
		r[s.n++] = (struct requirement){ keys[rnd(3)], OP_IN, 1, v };
	}
	while (chance(30) && s.n < 4) {
		enum requirement_op op = rnd(4);
		const char **v = made_part(m, 2 * sizeof(*v));
		unsigned int a = rnd(3), b = rnd(3);

		v[0] = values[a];
		v[1] = values[b];
		r[s.n++] = (struct requirement){ keys[rnd(3)], op, op <= OP_NOT_IN ? 1 + (a != b && strcmp(v[0], v[1]) < 0) : 0, v };
	}
	return s;
}

static struct weir_prefix masked(struct weir_addr a, unsigned int length)
{
	for (unsigned int i = length; i < 128; i++)
		a.byte[i / 8] &= ~(0x80 >> i % 8);
	return (struct weir_prefix){ length, a };
}

static struct weir_prefix cidr(void)
{
	static const unsigned int length4[] = { 32, 28, 27, 24, 16, 12 }, length6[] = { 128, 124, 120, 64, 0 };
	unsigned int base = 0;

	if (chance(20))
		return masked(addr6(0x100 + rnd(3) * 256 + rnd(3) * 16), length6[rnd(5)]);
	switch (rnd(4)) {
	case 0: base = 0x0af40100 + rnd(3) * 256 + rnd(3) * 16; break;
	case 1: base = 0x0af40000 + rnd(256); break;
	case 2: base = 0xcb007100; break;
	}
	return masked(addr4(base), base ? 96 + length4[rnd(6)] : 96);
}

static bool inside(const struct weir_prefix *in, const struct weir_prefix *of)
{
	struct weir_prefix cut = masked(in->addr, of->length);

	return in->length > of->length && !memcmp(&cut.addr, &of->addr, 16);
}

static void peer_make(struct made *m, struct peer *x, bool cluster, enum weir_dir dir)
{
	struct weir_prefix *except = made_part(m, 2 * sizeof(*except));

	x->except = except;
	if (chance(35)) {
		x->kind = PEER_BLOCK;
		x->block = cidr();
		for (int i = 0; chance(50) && i < 2; i++)
			for (int t = 0; t < 8; t++) {
				struct weir_prefix e = cidr();

				if (inside(&e, &x->block) && (e.length >= 96 || x->block.length < 96)) {
					except[x->nexcept++] = e;
					break;
				}
			}
		return;
	}
	if (chance(4)) {
		x->kind = PEER_NOBODY;
		return;
	}
	if (cluster && dir == WEIR_EGRESS && chance(25)) {
		x->kind = PEER_NODES;
		x->pods = selector_make(m);
		return;
	}
	x->kind = PEER_PODS;
	x->own_namespace = !cluster && chance(40);
	if (!x->own_namespace)
		x->namespaces = selector_make(m);
	if (chance(70))
		x->pods = selector_make(m);
}

static void port_make(struct port *q, bool cluster)
{
	static const uint8_t proto[] = { 6, 6, 17, 132 };
	static const uint16_t number[] = { 80, 81, 53, 1000, 8080 };
	static const char *const name[] = { "web", "dns", "db" };

	q->proto = proto[rnd(4)];
	q->first = q->last = number[rnd(5)];
	if (chance(25)) {
		q->last += rnd(2000);
	} else if (chance(10)) {
		q->first = 0;
		q->last = 65535;
	} else if (chance(35)) {
		q->name = name[rnd(3)];
		q->first = q->last = 0;
		if (cluster && chance(20))
			q->proto = 0;
	}
}

static void rule_make(struct made *m, struct rule *r, enum policy_tier tier, enum weir_dir dir)
{
	struct peer *peer = made_part(m, 3 * sizeof(*peer));
	struct port *port = made_part(m, 3 * sizeof(*port));

	r->name = chance(20) ? "named" : "";
	r->any_peer = chance(20);
	r->any_port = chance(30);
	r->npeer = r->any_peer ? 0 : 1 + rnd(3);
	r->nport = r->any_port ? 0 : 1 + rnd(3);
	for (unsigned int k = 0; k < r->npeer; k++)
		peer_make(m, &peer[k], tier != TIER_NETPOL, dir);
	for (unsigned int k = 0; k < r->nport; k++)
		port_make(&port[k], tier != TIER_NETPOL);
	r->peer = peer;
	r->port = port;
	r->action = tier == TIER_NETPOL ? ACTION_ALLOW : rnd(3);
}

struct made *world_policy(unsigned int id)
{
	struct made *m = made_new();
	struct policy *p = &m->o.policy;
	unsigned int t = world_steady ? id : rnd(10);

	p->tier = t < 2 ? TIER_ADMIN : t < 4 ? TIER_BASELINE : TIER_NETPOL;
	m->o.kind = p->tier == TIER_NETPOL ? OBJECT_POLICY : OBJECT_CLUSTER_POLICY;
	m->o.ns = p->tier == TIER_NETPOL ? text(m, "space%u", world_steady ? id % WORLD_SPACES : rnd(WORLD_SPACES)) : "";
	m->o.name = text(m, "policy%u", id);
	p->priority = rnd(3);
	p->audit = chance(15);
	if (p->tier != TIER_NETPOL) {
		p->subject_all_namespaces = true;
		p->subject_namespaces = selector_make(m);
	}
	if (chance(75))
		p->subject_pods = selector_make(m);
	for (int d = 0; d < WEIR_DIRS; d++) {
		struct rule *r = made_part(m, 3 * sizeof(*r));

		p->nrule[d] = rnd(4);
		p->applies[d] = chance(65);
		for (unsigned int i = 0; i < p->nrule[d]; i++)
			rule_make(m, &r[i], p->tier, d);
		p->rule[d] = r;
	}
	return m;
}

struct made *world_space(unsigned int id)
{
	struct made *m = made_new();

	m->o.kind = OBJECT_NAMESPACE;
	m->o.name = text(m, "space%u", id);
	m->o.labels = labels_make(m, m->o.name);
	if (chance(15)) {
		struct weir_prefix *p = made_part(m, sizeof(*p));

		*p = masked(addr4(0x0a640000 + rnd(3) * 256), 96 + 24);
		m->o.namespace.grant = p;
		m->o.namespace.ngrant = 1;
	}
	return m;
}

struct made *world_node(struct world *w, unsigned int id)
{
	struct made *m = made_new();
	struct weir_addr *a = made_part(m, sizeof(*a));
	struct weir_prefix *p = made_part(m, 2 * sizeof(*p));

	m->o.kind = OBJECT_NODE;
	m->o.name = text(m, "node%u", id);
	m->o.labels = labels_make(m, NULL);
	m->o.created = ++w->born;
	*a = addr4(0xac1e0000 + id);
	p[0] = masked(addr4(0x0af40100 + id * 256), 96 + 24);
	p[1] = masked(addr6(0), 64);
	m->o.node.addr = a;
	m->o.node.naddr = 1;
	m->o.node.pod_cidr = p;
	m->o.node.npod_cidr = 1 + chance(50);
	return m;
}

struct made *world_pod(struct world *w, unsigned int id)
{
	static const char *const name[] = { "db", "dns", "web" };
	static const uint16_t number[] = { 80, 81, 53, 8080 };
	struct made *m = made_new();
	struct weir_addr *a = made_part(m, 2 * sizeof(*a));
	struct container_port *port = made_part(m, 3 * sizeof(*port));
	struct pod *p = &m->o.pod;
	unsigned int host = 0x100 + rnd(3) * 256 + rnd(40);	/* few: addresses are claimed twice now and then */

	m->o.kind = OBJECT_POD;
	m->o.ns = text(m, "space%u", rnd(WORLD_SPACES));
	m->o.name = text(m, "pod%u", id);
	m->o.created = ++w->born;
	m->o.labels = labels_make(m, NULL);
	p->node = text(m, "node%u", chance(35) ? 0 : 1);
	p->phase = chance(90) ? POD_RUNNING : rnd(2) ? POD_SUCCEEDED : POD_FAILED;
	p->host_network = chance(5);
	p->interface = p->stack = p->owner_kind = p->owner_name = "";
	for (int k = 0; k < 3; k++)
		if (chance(55))
			port[p->nport++] = (struct container_port){ name[k], number[rnd(4)], chance(70) ? 6 : 17 };
	a[0] = addr4(0x0af40000 + host);
	a[1] = addr6(host);
	p->addr = a;
	p->naddr = 1 + chance(50);
	p->port = port;
	return m;
}

struct made *world_relabelled(const struct made *pod)
{
	struct made *m = made_new();
	struct weir_addr *a = made_part(m, 2 * sizeof(*a));
	struct container_port *port = made_part(m, 3 * sizeof(*port));

	m->o = pod->o;
	m->o.ns = strcpy(made_part(m, 24), pod->o.ns);
	m->o.name = strcpy(made_part(m, 24), pod->o.name);
	m->o.pod.node = strcpy(made_part(m, 24), pod->o.pod.node);
	m->o.pod.addr = memcpy(a, pod->o.pod.addr, pod->o.pod.naddr * sizeof(*a));
	if (pod->o.pod.nport)
		memcpy(port, pod->o.pod.port, pod->o.pod.nport * sizeof(*port));
	m->o.pod.port = port;
	m->o.labels = labels_make(m, NULL);
	return m;
}
