// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <weir/endpoint.h>

#include "agent/names.h"
#include "agent/places.h"
#include "lib/slab.h"

/* A name's number: which slot it is in, and above that how often the slot served before. */
#define INDEX_BITS 20
#define INDEX(number) ((number) & ((1U << INDEX_BITS) - 1))
#define NAMES_FIRST 2

/* By index: reserved at once and never moved, so that the reader may look at any time; what is not used costs nothing. */
struct tables {
	struct name *slot[1 << INDEX_BITS];	/* odd: free, and the next free one twice */
	uint64_t said[1 << INDEX_BITS];		/* the reader's: the last record that names it, + 1 */
	uint16_t served[1 << INDEX_BITS];
};

struct names {
	struct texts *texts;
	struct slab blocks;		/* of struct name */
	const struct text *node;
	struct name **bucket;
	size_t nbucket, nnames, npods;
	struct tables *t;
	uint32_t nslot, free;
	struct quiet *quiet;		/* not ours; NULL: one thread */
	struct name *dead, *last_dead;
	struct name *limbo;		/* freed when every thread has passed a quiet point */
	struct places *places;
	uint32_t of[WEIR_ENDPOINTS];
};

static void block_drop(struct names *n, struct name *name)
{
	slab_drop(&n->blocks, name, sizeof(*name) + name->naddr * sizeof(*name->addr) + name->at_name +
		  strlen(NAME_NAME(name)) + 1);
}

static const struct name world = { .number = NAMES_WORLD, .kind = NAME_WORLD };
static const struct name own_node = { .number = NAMES_OWN_NODE, .kind = NAME_OWN_NODE };

static uint32_t bucket_of(const struct names *n, enum name_kind kind, const char *ns, const char *name);
static void end_dead(struct names *n, struct name *name);
static struct name *make(struct names *n, enum name_kind kind, const struct object *o);
static void unmake(struct names *n, struct name *name);
static void part(struct names *n, struct name *name, uint64_t mark);
static void *reserve(size_t size);
static int enter(struct names *n, struct name *name);
static void bury(struct names *n, struct name *name, uint64_t now);
static void settle(struct names *n, const struct name *name, bool there);

/* The name in a slot, NULL if that is free. */
static struct name *in_slot(const struct names *n, uint32_t index)
{
	return (uintptr_t)n->t->slot[index] & 1 ? NULL : n->t->slot[index];
}

int names_new(struct names **out, const char *node)
{
	struct names *n = calloc(1, sizeof(*n));
	int err = -ENOMEM;

	if (!n)
		return err;
	n->nslot = NAMES_FIRST;
	n->nbucket = 256;
	n->t = reserve(sizeof(*n->t));
	if (!n->t)
		goto fail;
	n->bucket = calloc(n->nbucket, sizeof(*n->bucket));
	err = texts_new(&n->texts) ?: places_new(&n->places);
	if (err || !n->bucket)
		goto fail;
	n->node = texts_text(n->texts, node);
	if (!n->node)
		goto fail;
	*out = n;
	return 0;
fail:
	names_free(n);
	return err ?: -ENOMEM;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	while (n->limbo) {		/* the others are in their slots */
		struct name *name = n->limbo;

		n->limbo = name->next;
		if (name->replaced)
			block_drop(n, name);
	}
	for (uint32_t i = NAMES_FIRST; n->t && i < n->nslot; i++)
		if (in_slot(n, i))
			block_drop(n, in_slot(n, i));
	if (n->t)
		munmap(n->t, sizeof(*n->t));
	free(n->bucket);
	texts_free(n->texts);
	places_free(n->places);
	free(n);
}

void names_share(struct names *n, struct quiet *quiet)
{
	n->quiet = quiet;
}

static void *reserve(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static bool same_identity(const struct name *a, const struct name *b)
{
	return a->labels == b->labels && a->owner == b->owner && a->node == b->node;
}

/* Addresses, ports and where it is in its life may change without a new number. */
static void take_over(struct names *n, struct name *old, struct name *new)
{
	struct name **at = &n->bucket[bucket_of(n, old->kind, NAME_NS(old), NAME_NAME(old))];

	settle(n, old, false);
	while (*at != old)
		at = &(*at)->next;
	*at = new;
	new->next = old->next;
	new->number = old->number;
	new->endpoint = old->endpoint;
	__atomic_store_n(&n->t->slot[INDEX(old->number)], new, __ATOMIC_RELEASE);
	settle(n, new, true);
	texts_drop(n->texts, old->ports);
	old->ports = NULL;
	old->replaced = true;
	part(n, old, n->quiet ? quiet_mark(n->quiet) : 0);
}

static int kind_of(const struct object *o)
{
	switch (o->kind) {
	case OBJECT_POD:
		return NAME_POD;
	case OBJECT_NODE:
		return NAME_NODE;
	case OBJECT_SERVICE:
		return NAME_SERVICE;
	default:
		return -1;
	}
}

int names_put(struct names *n, const struct object *o, uint64_t now)
{
	struct name *new, *old;
	int kind = kind_of(o), err;

	if (kind < 0)
		return 0;
	new = make(n, kind, o);
	if (!new)
		return -ENOMEM;
	old = (struct name *)names_find(n, kind, o->ns, o->name);
	if (old && same_identity(old, new)) {
		take_over(n, old, new);
		return 0;
	}
	if (old) {
		new->endpoint = old->endpoint;
		bury(n, old, now);
	}
	err = enter(n, new);
	if (err) {
		unmake(n, new);
		return err;
	}
	if (new->endpoint)
		__atomic_store_n(&n->of[new->endpoint], new->number, __ATOMIC_RELEASE);
	settle(n, new, true);
	return 0;
}

void names_gone(struct names *n, enum object_kind kind, const char *ns, const char *name, uint64_t now)
{
	struct object o = { .kind = kind };
	int k = kind_of(&o);
	struct name *old = k < 0 ? NULL : (struct name *)names_find(n, k, ns, name);

	if (old)
		bury(n, old, now);
}

void names_endpoint(struct names *n, unsigned int endpoint, uint32_t number)
{
	struct name *name = (struct name *)names_get(n, number);

	if (!endpoint || endpoint >= WEIR_ENDPOINTS)
		return;
	if (number >= NAMES_FIRST)
		name->endpoint = endpoint;
	__atomic_store_n(&n->of[endpoint], number, __ATOMIC_RELEASE);
}

void names_host_address(struct names *n, const struct weir_addr *a, bool there)
{
	places_remove(n->places, a, NAMES_OWN_NODE);
	if (there)
		places_add(n->places, a, NAMES_OWN_NODE);
}

static void free_slot(struct names *n, uint32_t index)
{
	__atomic_store_n(&n->t->slot[index], (struct name *)((uintptr_t)n->free << 1 | 1), __ATOMIC_RELEASE);
	n->free = index;
}

/* Waits for the quiet points, or goes at once where one thread is all there is. */
static void part(struct names *n, struct name *name, uint64_t mark)
{
	if (!n->quiet) {
		if (!name->replaced)
			free_slot(n, INDEX(name->number));
		unmake(n, name);
		return;
	}
	name->dead_at = mark;
	name->next = n->limbo;
	n->limbo = name;
}

static bool is_said(const struct names *n, const struct name *name, uint64_t oldest)
{
	return __atomic_load_n(&n->t->said[INDEX(name->number)], __ATOMIC_ACQUIRE) > oldest;
}

static void end_dead(struct names *n, struct name *name)
{
	name->next = NULL;
	if (n->last_dead)
		n->last_dead->next = name;
	else
		n->dead = name;
	n->last_dead = name;
}

/* Those whom the reader named on the way live on. */
static void end_limbo(struct names *n, uint64_t oldest)
{
	struct name **at = &n->limbo, *name;

	while ((name = *at)) {
		if (!quiet_passed(n->quiet, name->dead_at)) {
			at = &name->next;
			continue;
		}
		*at = name->next;
		if (!name->replaced && is_said(n, name, oldest)) {
			name->dead_at = oldest;
			end_dead(n, name);
			continue;
		}
		if (!name->replaced)
			free_slot(n, INDEX(name->number));
		unmake(n, name);
	}
}

void names_forget(struct names *n, uint64_t oldest)
{
	struct name *name = n->dead;
	uint64_t mark = 0;

	if (n->limbo)
		end_limbo(n, oldest);
	n->dead = n->last_dead = NULL;
	while (name) {
		struct name *next = name->next;

		if (name->dead_at > oldest || is_said(n, name, oldest)) {
			end_dead(n, name);
		} else {
			if (!mark && n->quiet)
				mark = quiet_mark(n->quiet);
			part(n, name, mark);
		}
		name = next;
	}
}

uint32_t names_at(const struct names *n, const struct weir_addr *a)
{
	return places_at(n->places, a);		/* nobody's: NAMES_WORLD is 0 */
}

uint32_t names_of(const struct names *n, unsigned int endpoint)
{
	if (endpoint == WEIR_ENDPOINT_NODE)
		return NAMES_OWN_NODE;
	return endpoint < WEIR_ENDPOINTS ? __atomic_load_n(&n->of[endpoint], __ATOMIC_ACQUIRE) : NAMES_WORLD;
}

const struct name *names_get(const struct names *n, uint32_t number)
{
	const struct name *name;

	if (number == NAMES_OWN_NODE)
		return &own_node;
	if (number == NAMES_WORLD || INDEX(number) >= n->nslot)
		return &world;
	name = in_slot(n, INDEX(number));
	return name && name->number == number ? name : &world;
}

const struct name *names_peek(const struct names *n, uint32_t number)
{
	const struct name *name = __atomic_load_n(&n->t->slot[INDEX(number)], __ATOMIC_ACQUIRE);

	return number < NAMES_FIRST || !name || (uintptr_t)name & 1 || name->number != number ? NULL : name;
}

void names_said(struct names *n, uint32_t number, uint64_t record)
{
	__atomic_store_n(&n->t->said[INDEX(number)], record + 1, __ATOMIC_RELAXED);
}

uint64_t names_last(const struct names *n, uint32_t number)
{
	return __atomic_load_n(&n->t->said[INDEX(number)], __ATOMIC_RELAXED);
}

const char *names_node(const struct names *n)
{
	return n->node->bytes;
}

const struct name *names_find(const struct names *n, enum name_kind kind, const char *ns, const char *name)
{
	struct name *i;

	for (i = n->bucket[bucket_of(n, kind, ns, name)]; i; i = i->next)
		if (i->kind == kind && !strcmp(NAME_NAME(i), name) && !strcmp(NAME_NS(i), ns))
			return i;
	return NULL;
}

const char *names_text(const struct name *name, char *buf, size_t size)
{
	switch (name->kind) {
	case NAME_WORLD:
		return "world";
	case NAME_OWN_NODE:
		return "node";
	case NAME_NODE:
		snprintf(buf, size, "node/%s", NAME_NAME(name));
		break;
	case NAME_SERVICE:
		snprintf(buf, size, "service/%s/%s", NAME_NS(name), NAME_NAME(name));
		break;
	default:
		snprintf(buf, size, "%s/%s", NAME_NS(name), NAME_NAME(name));
	}
	return buf;
}

void names_count(const struct names *n, struct names_count *out)
{
	*out = (struct names_count){ .pods = n->npods, .names = n->nnames };
	places_count(n->places, &out->addresses, &out->refused);
}

static uint32_t bucket_of(const struct names *n, enum name_kind kind, const char *ns, const char *name)
{
	uint64_t h = 0xcbf29ce484222325ULL + kind;

	for (; *ns; ns++)
		h = (h ^ (unsigned char)*ns) * 0x100000001b3ULL;
	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3ULL;
	return (h ^ h >> 32) & (n->nbucket - 1);
}

static const struct text *pack_labels(struct texts *texts, const struct labels *l)
{
	char buf[65536];
	size_t at = 0;

	for (unsigned int i = 0; i < l->n; i++) {
		size_t key = strlen(l->v[i].key) + 1, value = strlen(l->v[i].value) + 1;

		if (at + key + value > sizeof(buf))
			break;
		memcpy(buf + at, l->v[i].key, key);
		memcpy(buf + at + key, l->v[i].value, value);
		at += key + value;
	}
	return texts_take(texts, buf, at);
}

static const struct text *pack_ports(struct texts *texts, const struct container_port *port, unsigned int n)
{
	char buf[65536];
	size_t at = 0;

	for (unsigned int i = 0; i < n; i++) {
		size_t name = strlen(port[i].name) + 1;

		if (at + 3 + name > sizeof(buf))
			break;
		memcpy(buf + at, &port[i].port, 2);
		buf[at + 2] = port[i].proto;
		memcpy(buf + at + 3, port[i].name, name);
		at += 3 + name;
	}
	return texts_take(texts, buf, at);
}

static const struct text *pack_owner(struct texts *texts, const struct pod *pod)
{
	char buf[1024];
	int n = snprintf(buf, sizeof(buf), "%s%c%s", pod->owner_kind, 0, pod->owner_name);

	return texts_take(texts, buf, n < (int)sizeof(buf) ? n : (int)sizeof(buf) - 1);
}

/* What gets no number is taken for "". */
static uint32_t number_of(struct names *n, const struct text *w)
{
	uint32_t number = texts_number(w);

	if (!number)
		texts_drop(n->texts, w);
	return number;
}

static int set_pod(struct names *n, struct name *name, const struct pod *pod)
{
	const struct text *node = texts_text(n->texts, pod->node), *owner = pack_owner(n->texts, pod);

	name->host_network = pod->host_network;
	name->terminating = pod->terminating;
	name->phase = pod->phase;
	name->ports = pack_ports(n->texts, pod->port, pod->nport);
	if (!name->ports || !node || !owner) {
		texts_drop(n->texts, node);
		texts_drop(n->texts, owner);
		return -ENOMEM;
	}
	name->local = node == n->node;
	name->node = number_of(n, node);
	name->owner = number_of(n, owner);
	return 0;
}

static const struct weir_addr *addresses_of(const struct object *o, unsigned int *n)
{
	*n = o->kind == OBJECT_POD ? o->pod.naddr : o->kind == OBJECT_NODE ? o->node.naddr : o->service.naddr;
	if (*n > UINT8_MAX)
		*n = UINT8_MAX;
	return o->kind == OBJECT_POD ? o->pod.addr : o->kind == OBJECT_NODE ? o->node.addr : o->service.addr;
}

static struct name *make(struct names *n, enum name_kind kind, const struct object *o)
{
	size_t ns = strlen(o->ns) + 1, size = strlen(o->name) + 1;
	unsigned int naddr;
	const struct weir_addr *addr = addresses_of(o, &naddr);
	struct name *name;

	name = slab_alloc(&n->blocks, sizeof(*name) + naddr * sizeof(*addr) + ns + size);
	if (!name)
		return NULL;
	name->kind = kind;
	name->naddr = naddr;
	name->at_name = ns;
	if (naddr)
		memcpy(name->addr, addr, naddr * sizeof(*addr));
	memcpy(NAME_NS(name), o->ns, ns);
	memcpy(NAME_NAME(name), o->name, size);
	name->labels = pack_labels(n->texts, &o->labels);
	if (!name->labels || (kind == NAME_POD && set_pod(n, name, &o->pod))) {
		unmake(n, name);
		return NULL;
	}
	return name;
}

static void drop_texts(struct names *n, struct name *name)
{
	texts_drop(n->texts, name->labels);
	if (name->owner)
		texts_drop(n->texts, texts_at(name->owner));
	if (name->node)
		texts_drop(n->texts, texts_at(name->node));
	if (!name->dead && !name->replaced)
		texts_drop(n->texts, name->ports);
}

static void unmake(struct names *n, struct name *name)
{
	drop_texts(n, name);
	block_drop(n, name);
}

static void more_buckets(struct names *n)
{
	size_t old = n->nbucket;
	struct name **from = n->bucket, **to = calloc(old * 2, sizeof(*to));

	if (!to)
		return;			/* slower, not wrong */
	n->bucket = to;
	n->nbucket = old * 2;
	for (size_t i = 0; i < old; i++) {
		while (from[i]) {
			struct name *name = from[i];
			uint32_t b = bucket_of(n, name->kind, NAME_NS(name), NAME_NAME(name));

			from[i] = name->next;
			name->next = to[b];
			to[b] = name;
		}
	}
	free(from);
}

/* Gives the name a number and makes it findable. */
static int enter(struct names *n, struct name *name)
{
	uint32_t index = n->free, b;

	if (!index && n->nslot >= 1U << INDEX_BITS)
		return -E2BIG;
	if (index)
		n->free = (uintptr_t)n->t->slot[index] >> 1;
	else
		index = n->nslot++;
	name->number = (uint32_t)n->t->served[index]++ << INDEX_BITS | index;
	if (n->t->said[index])		/* whoever said the one before it has passed a quiet point; not to write is to take no page */
		n->t->said[index] = 0;
	__atomic_store_n(&n->t->slot[index], name, __ATOMIC_RELEASE);
	if (n->nnames >= n->nbucket * 2)
		more_buckets(n);
	b = bucket_of(n, name->kind, NAME_NS(name), NAME_NAME(name));
	name->next = n->bucket[b];
	n->bucket[b] = name;
	n->nnames++;
	n->npods += name->kind == NAME_POD;
	return 0;
}

/* Nobody is called so any more; those who were keep the name. */
static void bury(struct names *n, struct name *name, uint64_t now)
{
	struct name **at = &n->bucket[bucket_of(n, name->kind, NAME_NS(name), NAME_NAME(name))];

	while (*at != name)
		at = &(*at)->next;
	*at = name->next;
	n->nnames--;
	n->npods -= name->kind == NAME_POD;
	settle(n, name, false);
	texts_drop(n->texts, name->ports);
	name->dead = true;
	name->dead_at = now + 1;
	end_dead(n, name);
}

/* A host-network pod has its node's address, which stays the node's; so has one that ended none. */
static bool owns_addresses(const struct name *name)
{
	return name->kind != NAME_POD || !(name->host_network || name->phase == POD_SUCCEEDED || name->phase == POD_FAILED);
}

/* Its addresses lead to it, or no longer. */
static void settle(struct names *n, const struct name *name, bool there)
{
	bool own = name->kind == NAME_NODE && !strcmp(NAME_NAME(name), n->node->bytes);
	uint32_t number = own ? NAMES_OWN_NODE : name->number;

	for (unsigned int i = 0; owns_addresses(name) && i < name->naddr; i++) {
		if (there)
			places_add(n->places, &name->addr[i], number);
		else
			places_remove(n->places, &name->addr[i], number);
	}
}
