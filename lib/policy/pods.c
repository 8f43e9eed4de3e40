// SPDX-License-Identifier: Apache-2.0
/* Who is where: namespaces, pods, nodes, and the addresses they claim. */
#include <stdlib.h>

#include "lib/policy/inside.h"

/* namespaces */
static u32 default_labels(struct compiler *c, const char *name)
{
	const struct label l = { "kubernetes.io/metadata.name", name };

	return labels_take(c, &(struct labels){ &l, 1 });
}

u32 space_find(const struct compiler *c, const char *name)
{
	u32 text = intern_find_text(&c->texts, name);

	return text ? hmap_get(&c->space_of, text) : 0;
}

/* One that no object tells of exists all the same, by its name. */
u32 space_get(struct compiler *c, const char *name)
{
	u32 s = space_find(c, name);

	if (s) {
		c->space[s].ref++;
		return s;
	}
	s = number_take(&c->spaces);
	GROW(c->space, c->cspace, s);
	c->space[s] = (struct space){ .name = intern_text(&c->texts, name), .ref = 1 };
	c->space[s].labels = default_labels(c, name);
	hmap_set(&c->space_of, c->space[s].name, s);
	space_matched(c, s);
	return s;
}

void space_put(struct compiler *c, u32 s)
{
	struct space *x = &c->space[s];

	if (--x->ref)
		return;
	space_matched(c, s);
	hmap_set(&c->space_of, x->name, 0);
	labels_put(c, x->labels);
	intern_put(&c->texts, x->name);
	memset(x, 0, sizeof(*x));
	number_free(&c->spaces, s);
}

static void who_judge(struct compiler *c, u32 who)
{
	struct vec out[WEIR_DIRS] = { { 0 }, { 0 } };

	who_atoms(c, who, out);
	for (int d = 0; d < WEIR_DIRS; d++) {
		u32 was = c->who[who].sig[d], sig = intern_get(&c->sigs, out[d].v, out[d].n);

		c->who[who].sig[d] = sig;
		for (u32 cell = sig != was ? c->who[who].cell : 0; cell; cell = c->cell[cell].wnext)
			cell_dirty(c, cell, d);
		if (was)
			intern_put(&c->sigs, was);
		vec_free(&out[d]);
	}
}

static void space_relabel(struct compiler *c, u32 s, u32 labels)
{
	u32 was = c->space[s].labels;

	c->space[s].labels = labels;
	if (was != labels) {
		space_matched(c, s);
		for (u32 w = c->space[s].who; w; w = c->who[w].next)
			who_judge(c, w);
		for (u32 e = 1; e < c->endpoints.next; e++)
			if (c->endpoint[e].there && c->pod[c->endpoint[e].pod].space == s)
				endpoint_dirty(c, e);
	}
	labels_put(c, was);
}

/* Prefixes that its pods may send from. */
static void grant_at(struct compiler *c, u32 s, const struct weir_prefix *p, bool there)
{
	struct weir_addr a = p->addr;
	u32 n = there ? trie_node(c, &a, p->length) : trie_exact(c, &a, p->length);

	trie_dirty(c, n);
	if (there) {
		vec_push(&c->node[n].granted, s);
		return;
	}
	vec_drop(&c->node[n].granted, s);
	vec_push(&c->leaving_nodes, n);
}

static void space_grants(struct compiler *c, u32 s, const struct weir_prefix *p, u32 n)
{
	struct weir_prefix *old = c->space[s].grant;
	u32 nold = c->space[s].ngrant;

	for (u32 i = 0; i < n; i++)
		grant_at(c, s, &p[i], true);
	for (u32 i = 0; i < nold; i++)
		grant_at(c, s, &old[i], false);
	c->space[s].grant = n ? words_realloc(NULL, n * sizeof(*p)) : NULL;
	c->space[s].ngrant = n;
	if (n)
		memcpy(c->space[s].grant, p, n * sizeof(*p));
	words_free(old);
}

int namespace_take(struct compiler *c, const struct object *o, struct complaint *why)
{
	u32 s = space_get(c, o->name);

	if (c->space[s].known)
		space_put(c, s);
	c->space[s].known = true;
	space_relabel(c, s, labels_take(c, &o->labels));
	space_grants(c, s, o->namespace.grant, o->namespace.ngrant);
	return 0;
}

void namespace_gone(struct compiler *c, const char *name)
{
	u32 s = space_find(c, name);

	if (!s || !c->space[s].known)
		return;
	space_grants(c, s, NULL, 0);
	space_relabel(c, s, default_labels(c, name));
	c->space[s].known = false;
	space_put(c, s);
}

/* whos */
static int by_port(const void *a, const void *b)
{
	return memcmp(a, b, 2 * sizeof(u32));
}

static u32 ports_take(struct compiler *c, const struct container_port *p, u32 n)
{
	struct vec w = { 0 };
	u32 id;

	for (u32 i = 0; i < n; i++) {
		vec_push(&w, intern_text(&c->texts, p[i].name));
		vec_push(&w, (u32)p[i].proto << 16 | p[i].port);
	}
	if (n > 1)
		qsort(w.v, n, 2 * sizeof(u32), by_port);
	id = intern_get(&c->ports, w.v, w.n);
	if (!intern_last(&c->ports, id))
		for (u32 i = 0; i < w.n; i += 2)
			intern_put(&c->texts, w.v[i]);
	vec_free(&w);
	return id;
}

void ports_put(struct compiler *c, u32 id)
{
	struct vec w = { 0 };

	if (intern_last(&c->ports, id))
		vec_add(&w, c->ports.e[id].w, c->ports.e[id].n);
	if (intern_put(&c->ports, id))
		for (u32 i = 0; i < w.n; i += 2)
			intern_put(&c->texts, w.v[i]);
	vec_free(&w);
}

static void who_link(struct compiler *c, u32 id)
{
	struct who *x = &c->who[id];

	x->next = c->space[x->space].who;
	if (x->next)
		c->who[x->next].prev = id;
	c->space[x->space].who = id;
	GROW(c->labels_who, c->clabels_who, x->labels);
	if (!c->labels_who[x->labels])
		labels_file(c, x->labels);
	x->lnext = c->labels_who[x->labels];
	if (x->lnext)
		c->who[x->lnext].lprev = id;
	c->labels_who[x->labels] = id;
}

static void who_unlink(struct compiler *c, u32 id)
{
	struct who *x = &c->who[id];

	if (x->prev)
		c->who[x->prev].next = x->next;
	else
		c->space[x->space].who = x->next;
	if (x->next)
		c->who[x->next].prev = x->prev;
	if (x->lprev)
		c->who[x->lprev].lnext = x->lnext;
	else
		c->labels_who[x->labels] = x->lnext;
	if (x->lnext)
		c->who[x->lnext].lprev = x->lprev;
	if (!c->labels_who[x->labels])
		labels_unfile(c, x->labels);
}

static u32 who_get(struct compiler *c, u32 space, const struct labels *l, const struct container_port *p, u32 n)
{
	u32 key[3] = { space, labels_take(c, l), ports_take(c, p, n) }, id = intern_get(&c->whos, key, 3);

	if (!intern_last(&c->whos, id)) {
		labels_put(c, key[1]);
		ports_put(c, key[2]);
		return id;
	}
	GROW(c->who, c->cwho, id);
	c->who[id] = (struct who){ .space = space, .labels = key[1], .ports = key[2] };
	who_link(c, id);
	who_judge(c, id);
	return id;
}

static void who_put(struct compiler *c, u32 id)
{
	struct who *x = &c->who[id];

	if (!intern_last(&c->whos, id)) {
		intern_put(&c->whos, id);
		return;
	}
	while (x->cell)				/* empty by now */
		cell_free(c, x->cell);
	who_unlink(c, id);
	intern_put(&c->whos, id);
	labels_put(c, x->labels);
	ports_put(c, x->ports);
	for (int d = 0; d < WEIR_DIRS; d++)
		intern_put(&c->sigs, x->sig[d]);
	memset(x, 0, sizeof(*x));
}

/* claims */
static void claim_add(struct compiler *c, u32 pod, u32 m)
{
	u32 n = c->free_claim;

	if (n) {
		c->free_claim = c->claim[n].pnext;
	} else {
		n = ++c->nclaim;
		GROW(c->claim, c->cclaim, n);
	}
	c->claim[n] = (struct claim){ .member = m, .pod = pod, .mnext = c->member[m].claim, .pnext = c->pod[pod].claim };
	c->member[m].claim = n;
	c->pod[pod].claim = n;
}

static void claim_drop(struct compiler *c, u32 n)	/* its pod has let go of it */
{
	u32 *at = &c->member[c->claim[n].member].claim;

	while (*at != n)
		at = &c->claim[*at].mnext;
	*at = c->claim[n].mnext;
	c->claim[n].pod = 0;
	c->claim[n].pnext = c->free_claim;
	c->free_claim = n;
}

/* The pod's addresses are these from now on; whoever is touched finds its place again. */
static void claims_set(struct compiler *c, u32 pod, const struct weir_addr *a, u32 n)
{
	u32 old = c->pod[pod].claim;
	struct vec touched = { 0 };

	c->pod[pod].claim = 0;
	for (u32 i = 0; i < n; i++) {
		u32 m = address_get(c, &a[i]);

		vec_push(&touched, m);
		claim_add(c, pod, m);
	}
	while (old) {
		u32 next = c->claim[old].pnext;

		vec_push(&touched, c->claim[old].member);
		claim_drop(c, old);
		old = next;
	}
	for (u32 i = 0; i < touched.n; i++)
		address_place(c, touched.v[i]);
	vec_free(&touched);
}

/* pods and nodes */
struct pod_key {
	u32 space;
	const char *name;
};

static bool pod_is(const void *pods, u32 id, const void *key)
{
	const struct podrec *p = (const struct podrec *)pods + id;
	const struct pod_key *k = key;

	return p->space == k->space && !strcmp(p->name, k->name);
}

static u32 key_hash(u32 space, const char *name)
{
	u64 h = space * 0x9e3779b97f4a7c15ULL;

	for (; *name; name++)
		h = (h ^ (u8)*name) * 0x100000001b3ULL;
	return h ^ h >> 32;
}

static u32 pod_hash(const void *pods, u32 id)
{
	const struct podrec *p = (const struct podrec *)pods + id;

	return key_hash(p->space, p->name);
}

static u32 pod_find(const struct compiler *c, u32 space, const char *name)
{
	struct pod_key k = { space, name };

	return index_find(&c->pod_index, key_hash(space, name), pod_is, c->pod, &k);
}

static u32 pod_get(struct compiler *c, u32 space, const char *name)
{
	u32 id = pod_find(c, space, name);

	if (id)
		return id;
	id = number_take(&c->pods);
	GROW(c->pod, c->cpod, id);
	c->pod[id] = (struct podrec){ .space = space, .name = words_text(name), .there = true };
	if (space >= SPACE_FIRST)
		c->space[space].ref++;
	index_add(&c->pod_index, id, pod_hash, c->pod);
	c->npods += space >= SPACE_FIRST;
	return id;
}

static void pod_forget(struct compiler *c, u32 id)
{
	struct podrec *p = &c->pod[id];
	u32 space = p->space;

	index_drop(&c->pod_index, id, pod_hash, c->pod);
	words_text_free(p->name);
	memset(p, 0, sizeof(*p));
	number_free(&c->pods, id);
	c->npods -= space >= SPACE_FIRST;
	if (space >= SPACE_FIRST)
		space_put(c, space);
}

static void endpoint_new(struct compiler *c, u32 pod)
{
	struct podrec *p = &c->pod[pod];
	const char *ns = intern_text_of(&c->texts, c->space[p->space].name), *name = p->name;
	u32 e = c->adopted ? adopt_endpoint(c, ns, name) : 0;
	struct endpoint *x;

	if (!e)
		e = number_take(&c->endpoints);
	p->endpoint = e;
	if (!e) {
		c->pods_bound = BOUND_ENDPOINTS;
		return;
	}
	GROW(c->endpoint, c->cendpoint, e);
	x = &c->endpoint[e];
	x->pod = pod;
	x->there = true;
	endpoint_dirty(c, e);
}

static void endpoint_gone(struct compiler *c, u32 pod)
{
	u32 e = c->pod[pod].endpoint;

	c->pod[pod].endpoint = 0;
	if (!e)
		return;
	c->endpoint[e].there = false;
	vec_push(&c->gone_endpoints, e);
}

void endpoint_dirty(struct compiler *c, u32 e)
{
	if (!c->endpoint[e].dirty)
		vec_push(&c->dirty_endpoints, e);
	c->endpoint[e].dirty = true;
}

void endpoints_dirty(struct compiler *c)
{
	for (u32 e = 1; e < c->cendpoint; e++)
		if (c->endpoint[e].there)
			endpoint_dirty(c, e);
}

static void pod_set(struct compiler *c, u32 id, const struct object *o)
{
	const struct pod *p = &o->pod;
	bool live = !p->host_network && p->phase != POD_SUCCEEDED && p->phase != POD_FAILED;
	bool local = live && (c->all_local || (c->here && !strcmp(p->node, intern_text_of(&c->texts, c->here))));
	struct podrec *x = &c->pod[id];
	u32 was = x->who;

	x->live = live;
	x->born = o->created > 0xffffffff ? 0xffffffff : o->created;
	x->who = live ? who_get(c, x->space, &o->labels, p->port, p->nport) : 0;
	if (!local)
		endpoint_gone(c, id);
	else if (!c->pod[id].endpoint)
		endpoint_new(c, id);
	else if (was != c->pod[id].who)
		endpoint_dirty(c, c->pod[id].endpoint);
	c->pod[id].local = local;
	claims_set(c, id, p->addr, live ? p->naddr : 0);
	if (was)
		who_put(c, was);
}

static void pod_leave(struct compiler *c, u32 id)
{
	u32 was = c->pod[id].who;

	endpoint_gone(c, id);
	claims_set(c, id, NULL, 0);
	c->pod[id].who = 0;
	if (was)
		who_put(c, was);
	pod_forget(c, id);
}

int pod_take(struct compiler *c, const struct object *o, struct complaint *why)
{
	u32 space = space_get(c, o->ns), id = pod_find(c, space, o->name);

	if (id && c->pod[id].born && o->created && c->pod[id].born != (u32)o->created)
		pod_leave(c, id);			/* the same name, another pod */
	pod_set(c, pod_get(c, space, o->name), o);
	space_put(c, space);
	return 0;
}

/* Where pods live: an address there that no pod is known to have is a stranger's. */
static u32 prefixes_take(struct compiler *c, const struct weir_prefix *p, u32 n)
{
	struct vec w = { 0 };
	u32 id;

	for (u32 i = 0; i < n; i++) {
		struct weir_addr a = p[i].addr;

		vec_push(&w, trie_node(c, &a, p[i].length));
		c->node[w.v[i]].strangers++;
		trie_dirty(c, w.v[i]);
	}
	id = intern_get(&c->node_lists, w.v, w.n);
	vec_free(&w);
	return id;
}

static void prefixes_put(struct compiler *c, u32 id)
{
	const struct intern_entry *e = &c->node_lists.e[id];

	if (!id)
		return;
	for (u32 i = 0; i < e->n; i++) {
		c->node[e->w[i]].strangers--;
		trie_dirty(c, e->w[i]);
		vec_push(&c->leaving_nodes, e->w[i]);
	}
	intern_put(&c->node_lists, id);
}

int node_take(struct compiler *c, const struct object *o, struct complaint *why)
{
	u32 id = pod_get(c, SPACE_NODE, o->name), was = c->pod[id].who, old = c->pod[id].prefixes, who;

	who = who_get(c, SPACE_NODE, &o->labels, NULL, 0);
	c->pod[id].who = who;
	c->pod[id].born = o->created > 0xffffffff ? 0xffffffff : o->created;
	c->pod[id].prefixes = prefixes_take(c, o->node.pod_cidr, o->node.npod_cidr);
	prefixes_put(c, old);
	claims_set(c, id, o->node.addr, o->node.naddr);
	if (was)
		who_put(c, was);
	return 0;
}

void pod_gone(struct compiler *c, u32 space, const char *name)
{
	u32 id = space ? pod_find(c, space, name) : 0;

	if (!id)
		return;
	prefixes_put(c, c->pod[id].prefixes);
	pod_leave(c, id);
}

int compile_host_address(struct compiler *c, const struct weir_addr *a, bool there)
{
	u32 m = there ? address_get(c, a) : address_find(c, a);

	if (!m)
		return 0;
	if (!c->host)
		c->host = who_get(c, SPACE_HOST, &(struct labels){ NULL, 0 }, NULL, 0);
	c->member[m].flags = there ? c->member[m].flags | MEMBER_NAMED_HOST : c->member[m].flags & ~MEMBER_NAMED_HOST;
	address_place(c, m);
	return 0;
}

unsigned int compile_endpoint(const struct compiler *c, const char *ns, const char *pod)
{
	u32 space = space_find(c, ns), id = space ? pod_find(c, space, pod) : 0;

	return id ? c->pod[id].endpoint : 0;
}

unsigned int compile_namespace_id(const struct compiler *c, const char *ns)
{
	return space_find(c, ns);
}

const char *compile_namespace_name(const struct compiler *c, unsigned int id)
{
	return id && id < c->cspace ? intern_text_of(&c->texts, c->space[id].name) : "";
}

bool compile_endpoint_name(const struct compiler *c, unsigned int e, const char **ns, const char **pod)
{
	const struct podrec *p;

	if (!e || e >= c->cendpoint || !c->endpoint[e].there)
		return false;
	p = &c->pod[c->endpoint[e].pod];
	*ns = intern_text_of(&c->texts, c->space[p->space].name);
	*pod = p->name;
	return true;
}

bool compile_armed(const struct compiler *c, unsigned int e)
{
	return e && e < c->cendpoint && c->endpoint[e].there && c->endpoint[e].held[0] && c->endpoint[e].held[1];
}
