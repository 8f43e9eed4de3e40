// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/policy/large.h"

#define PEERS 20016
#define PORTS 65536
#define EXCEPTS 120000
#define LABELS 24
#define POOL 65536

static struct large world;
static unsigned long long state;
static struct peer peers[PEERS];
static struct port ports[PORTS];
static struct weir_prefix excepts[EXCEPTS];
static struct rule rules[WEIR_DIRS][64];
static unsigned int npeer, nport, nexcept;
static unsigned int *locals;

static unsigned int rnd(unsigned int n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % n;
}

/* Texts come from a ring: each is good for the next 65,535. */
const char *large_text(const char *format, unsigned int n)
{
	static char ring[POOL][48];
	static unsigned int at;
	char *s = ring[at++ % POOL];

	snprintf(s, sizeof(ring[0]), format, n);
	return s;
}

static struct weir_addr four(unsigned int a)
{
	struct weir_addr x = { .byte = { [10] = 0xff, [11] = 0xff } };

	a = htonl(a);
	memcpy(x.byte + 12, &a, 4);
	return x;
}

static struct weir_addr six(unsigned int a)
{
	struct weir_addr x = { .byte = { 0xfd, 0, 0, 0x10 } };

	a = htonl(a);
	memcpy(x.byte + 12, &a, 4);
	return x;
}

void large_begin(const struct large *w)
{
	world = *w;
	state = 42;
	free(locals);
	locals = calloc(w->local + 1, sizeof(*locals));
	for (unsigned int i = 0; i < w->local; i++)
		locals[i] = 1 + rnd(w->pods);
}

bool large_local(unsigned int pod)
{
	for (unsigned int i = 0; i < world.local; i++)
		if (locals[i] == pod)
			return true;
	return false;
}

unsigned int large_nth_local(unsigned int i)
{
	return locals[i % world.local];
}

const struct object *large_node(void)
{
	static struct weir_prefix prefix[2];
	static struct object o = { .kind = OBJECT_NODE, .ns = "", .name = "elsewhere",
				   .node = { .pod_cidr = prefix, .npod_cidr = 2 } };

	prefix[0] = (struct weir_prefix){ 96 + 9, four(0x0a800000) };
	prefix[1] = (struct weir_prefix){ 64, six(0) };
	return &o;
}

static void label_add(struct label *v, unsigned int *n, const char *key, const char *value)
{
	unsigned int i = *n;

	for (unsigned int k = 0; k < *n; k++)
		if (!strcmp(v[k].key, key)) {
			v[k].value = value;
			return;
		}
	for (; i && strcmp(v[i - 1].key, key) > 0; i--)
		v[i] = v[i - 1];
	v[i] = (struct label){ key, value };
	++*n;
}

const struct object *large_space(unsigned int id, unsigned int edit)
{
	static struct label v[8];
	static struct object o;

	o = (struct object){ .kind = OBJECT_NAMESPACE, .ns = "", .name = large_text("ns%u", id), .labels = { v, 0 } };
	label_add(v, &o.labels.n, "env", large_text("env%u", (id + edit) % 3));
	label_add(v, &o.labels.n, "team", large_text("team%u", id % 20));
	label_add(v, &o.labels.n, "kubernetes.io/metadata.name", o.name);
	return &o;
}

struct object *large_pod(unsigned int id)
{
	static struct label v[LABELS];
	static struct weir_addr addr[2];
	static struct container_port port[2];
	static struct object o;
	unsigned int ns = 1 + (id - 1) / LARGE_SPACE, dep = (id - 1) % LARGE_SPACE / 10;

	o = (struct object){ .kind = OBJECT_POD, .ns = large_text("ns%u", ns), .name = large_text("deployment-7d9f-%u", id),
			     .created = id, .labels = { v, 0 } };
	label_add(v, &o.labels.n, "app", large_text("app%u", dep));
	label_add(v, &o.labels.n, "tier", large_text("tier%u", dep % 3));
	label_add(v, &o.labels.n, "pod-template-hash", large_text("%u", 10000 + ns * 10 + dep));
	label_add(v, &o.labels.n, "version", large_text("v%u", (id * 7 + ns) % 4 == 0));
	if (dep == 9)				/* a stateful set: a label of its own for each pod */
		label_add(v, &o.labels.n, "statefulset.kubernetes.io/pod-name", large_text("db-%u", id));
	if (ns == 1)
		label_add(v, &o.labels.n, "k8s-app", "kube-dns");
	addr[0] = four(0x0a800000 + id);
	addr[1] = six(id);
	port[0] = (struct container_port){ "http", dep % 2 ? 8080 : 80, 6 };
	port[1] = (struct container_port){ "metrics", 9090, 6 };
	o.pod = (struct pod){ .node = large_local(id) ? "here" : "there", .phase = POD_RUNNING, .addr = addr,
			      .naddr = 1 + world.dual, .port = port, .nport = 1 + (dep == 0), .interface = "", .stack = "",
			      .owner_kind = "", .owner_name = "" };
	return &o;
}

void large_address(struct object *pod, unsigned int a)
{
	*(struct weir_addr *)pod->pod.addr = four(a);
	pod->pod.naddr = 1;
}

void large_label(struct object *pod, const char *key, const char *value)
{
	label_add((struct label *)pod->labels.v, &pod->labels.n, key, value);
}

/* policies */
struct selector large_selector(const char *key, const char *value)
{
	static struct requirement r[4096];
	static const char *values[4096];
	static unsigned int n;

	n = (n + 1) % 4096;
	values[n] = value;
	r[n] = (struct requirement){ key, OP_IN, 1, &values[n] };
	return (struct selector){ &r[n], 1 };
}

struct object *large_empty(const char *ns, const char *name, enum policy_tier tier)
{
	static struct object o;

	memset(rules, 0, sizeof(rules));
	npeer = nport = nexcept = 0;
	o = (struct object){ .kind = tier == TIER_NETPOL ? OBJECT_POLICY : OBJECT_CLUSTER_POLICY, .ns = ns, .name = name };
	o.policy.tier = tier;
	o.policy.subject_all_namespaces = tier != TIER_NETPOL;
	o.policy.rule[0] = rules[0];
	o.policy.rule[1] = rules[1];
	return &o;
}

struct rule *large_rule(struct object *o, enum weir_dir dir, enum rule_action action)
{
	struct rule *r = &rules[dir][o->policy.nrule[dir]++];

	*r = (struct rule){ .action = action, .name = "", .any_peer = true, .any_port = true, .peer = &peers[npeer],
			    .port = &ports[nport] };
	o->policy.applies[dir] = true;
	return r;
}

struct peer *large_peer(struct rule *r)
{
	struct peer *p = &peers[npeer++];

	r->any_peer = false;
	r->npeer++;
	*p = (struct peer){ .kind = PEER_PODS };
	return p;
}

void large_port(struct rule *r, unsigned char proto, unsigned short first, unsigned short last)
{
	r->any_port = false;
	r->nport++;
	ports[nport++] = (struct port){ .first = first, .last = last, .proto = proto };
}

static void named_port(struct rule *r, const char *name)
{
	r->any_port = false;
	r->nport++;
	ports[nport++] = (struct port){ .name = name, .proto = 6 };
}

void large_block(struct peer *p, unsigned int a, unsigned int length, unsigned int n)
{
	p->kind = PEER_BLOCK;
	p->block = (struct weir_prefix){ 96 + length, four(a) };
	p->except = &excepts[nexcept];
	for (unsigned int k = 0; k < n; k++, p->nexcept++)
		excepts[nexcept++] = (struct weir_prefix){ 96 + length + 6, four(a + (k << (26 - length))) };
}

static struct object *cluster_policy(unsigned int id)
{
	bool admin = id % 1000;
	struct object *o = large_empty("", large_text("cluster-%u", id), admin ? TIER_ADMIN : TIER_BASELINE);
	struct peer *p;

	o->policy.priority = id % 97;
	o->policy.subject_namespaces = large_selector("env", large_text("env%u", id % 3));
	p = large_peer(large_rule(o, WEIR_INGRESS, admin ? ACTION_PASS : ACTION_DENY));
	p->namespaces = large_selector("env", large_text("env%u", (id + 1) % 3));
	large_block(large_peer(large_rule(o, WEIR_EGRESS, ACTION_DENY)), 0xa9fe0000, 16, 0);
	return o;
}

static void from_tier(struct object *o)
{
	static const char *const one[] = { "v1" };
	static struct requirement r[2];
	static const char *tier[2];
	unsigned int a = rnd(3), b = rnd(3);
	struct rule *rule = large_rule(o, WEIR_INGRESS, ACTION_ALLOW);
	struct peer *p = large_peer(rule);

	p->namespaces = large_selector("env", large_text("env%u", rnd(3)));
	tier[0] = large_text("tier%u", a < b ? a : b);
	tier[1] = large_text("tier%u", a < b ? b : a);
	r[0] = (struct requirement){ "tier", OP_IN, 1 + (a != b), tier };
	r[1] = (struct requirement){ "version", OP_NOT_IN, 1, one };
	p->pods = (struct selector){ r, 2 };
	large_port(rule, 6, 9000, 9000 + rnd(100));
}

static void to_blocks(struct object *o)
{
	struct rule *rule = large_rule(o, WEIR_EGRESS, ACTION_ALLOW);

	for (unsigned int i = 0, n = 1 + rnd(3); i < n; i++)
		large_block(large_peer(rule), 0xc0000000 + (rnd(4096) << 8), 24, 0);
	large_port(rule, 6, 443, 443);
	rule = large_rule(o, WEIR_EGRESS, ACTION_ALLOW);
	large_peer(rule)->own_namespace = true;
	named_port(rule, "http");
}

static void app_policy(struct object *o, unsigned int dep)
{
	struct rule *rule;
	struct peer *p;
	bool out = rnd(3) == 0;

	o->policy.subject_pods = large_selector("app", large_text("app%u", dep));
	rule = large_rule(o, WEIR_INGRESS, ACTION_ALLOW);
	p = large_peer(rule);
	p->own_namespace = true;
	p->pods = large_selector("app", large_text("app%u", rnd(10)));
	if (rnd(2)) {
		p = large_peer(rule);
		p->namespaces = large_selector("team", large_text("team%u", rnd(20)));
		p->pods = large_selector("app", large_text("app%u", rnd(10)));
	}
	large_port(rule, 6, 80, 80);
	if (rnd(3) == 0)
		named_port(rule, rnd(2) ? "http" : "metrics");
	if (rnd(2))
		from_tier(o);
	if (rnd(5) == 0) {
		p = large_peer(large_rule(o, WEIR_INGRESS, ACTION_ALLOW));
		large_block(p, 0x0a000000, 8, 0);
		p->except = &excepts[nexcept];
		p->nexcept = 1;
		excepts[nexcept++] = (struct weir_prefix){ 96 + 24, four(0x0a800000 + (rnd(world.pods) & ~255u)) };
	}
	if (out)
		to_blocks(o);
}

struct object *large_policy(unsigned int id, unsigned int edit)
{
	unsigned int nns = world.pods / LARGE_SPACE, ns = 1 + (id - 1) % nns, k = (id - 1) / nns;
	unsigned long long keep = state;
	struct object *o;
	struct rule *r;

	state = id * 7919ULL + edit * 104729ULL + 3;
	if (id % 500 == 0) {
		o = cluster_policy(id);
	} else {
		o = large_empty(large_text("ns%u", ns), large_text("policy-%u", id), TIER_NETPOL);
		if (k == 0) {
			o->policy.applies[WEIR_INGRESS] = o->policy.applies[WEIR_EGRESS] = true;
		} else if (k == 1) {
			struct peer *p;

			r = large_rule(o, WEIR_EGRESS, ACTION_ALLOW);
			p = large_peer(r);
			p->namespaces = large_selector("kubernetes.io/metadata.name", "ns1");
			p->pods = large_selector("k8s-app", "kube-dns");
			large_port(r, 17, 53, 53);
			large_port(r, 6, 53, 53);
		} else {
			app_policy(o, (k + edit) % 10);
		}
	}
	state = keep;
	return o;
}
