// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/kept.h"
#include "lib/netpol/pack.h"
#include "lib/slab.h"

/* A policy is packed at once: what was read makes room before the next is read. */
struct version {
	void *v;			/* NULL: there is none */
	uint32_t packed;		/* bytes; 0: an object as it was read */
};

struct keeping {
	struct keeping *next;		/* of its bucket */
	struct keeping *waiting;	/* the next one with a version that asks to be in force */
	struct version good, asks;	/* in force; waiting for the commit */
	char *why;			/* refused last: the reason */
	uint8_t kind;
	bool queued;
	uint16_t at_name;		/* where in 'ns' the name begins */
	char ns[];			/* ns, zero, name, zero */
};

static const char *name_of(const struct keeping *i)
{
	return i->ns + i->at_name;
}

struct kept {
	struct keeping **bucket, *waiting;
	size_t n, size;
	struct slab blocks;
};

static struct keeping **place(const struct kept *k, enum object_kind kind, const char *ns, const char *name);
static struct keeping *make(struct kept *k, enum object_kind kind, const char *ns, const char *name);
static void unmake(struct kept *k, struct keeping *i);
static void version_drop(struct kept *k, struct version *v);

int kept_new(struct kept **out)
{
	struct kept *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->size = 64;
	k->bucket = calloc(k->size, sizeof(*k->bucket));
	if (!k->bucket) {
		free(k);
		return -ENOMEM;
	}
	*out = k;
	return 0;
}

void kept_free(struct kept *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->size; i++) {
		while (k->bucket[i]) {
			struct keeping *one = k->bucket[i];

			k->bucket[i] = one->next;
			unmake(k, one);
		}
	}
	free(k->bucket);
	free(k);
}

static bool is_policy(enum object_kind kind)
{
	return kind == OBJECT_POLICY || kind == OBJECT_CLUSTER_POLICY;
}

static void version_set(struct kept *k, struct version *to, struct object *o)
{
	size_t size = is_policy(o->kind) ? policy_pack(o, NULL, 0) : 0;
	void *packed = size && size <= UINT32_MAX ? slab_alloc(&k->blocks, size) : NULL;

	version_drop(k, to);
	*to = (struct version){ .v = o };
	if (!packed)
		return;			/* larger, not wrong */
	policy_pack(o, packed, size);
	object_free(o);
	*to = (struct version){ .v = packed, .packed = size };
}

static void version_drop(struct kept *k, struct version *v)
{
	if (v->packed)
		slab_drop(&k->blocks, v->v, v->packed);
	else
		object_free(v->v);
	*v = (struct version){ 0 };
}

int kept_offer(struct kept *k, struct object *o)
{
	struct keeping *i = *place(k, o->kind, o->ns, o->name) ?: make(k, o->kind, o->ns, o->name);

	if (!i) {
		object_free(o);
		return -ENOMEM;
	}
	version_set(k, &i->asks, o);
	free(i->why);
	i->why = NULL;
	if (!i->queued) {
		i->waiting = k->waiting;
		k->waiting = i;
		i->queued = true;
	}
	return 0;
}

void kept_refuse(struct kept *k, enum object_kind kind, const char *ns, const char *name, const char *why)
{
	struct keeping *i = *place(k, kind, ns, name) ?: make(k, kind, ns, name);

	if (!i)
		return;
	version_drop(k, &i->asks);
	free(i->why);
	i->why = strdup(why);
}

void kept_take(struct kept *k)
{
	while (k->waiting) {
		struct keeping *i = k->waiting;

		k->waiting = i->waiting;
		i->queued = false;
		if (!i->asks.v)
			continue;
		version_drop(k, &i->good);
		i->good = i->asks;
		i->asks = (struct version){ 0 };
	}
}

void kept_gone(struct kept *k, enum object_kind kind, const char *ns, const char *name)
{
	struct keeping **at = place(k, kind, ns, name), *i = *at;

	if (!i)
		return;
	for (struct keeping **w = &k->waiting; *w; w = &(*w)->waiting) {
		if (*w == i) {
			*w = i->waiting;
			break;
		}
	}
	*at = i->next;
	k->n--;
	unmake(k, i);
}

const struct object *kept_find(const struct kept *k, enum object_kind kind, const char *ns, const char *name)
{
	struct keeping *i = *place(k, kind, ns, name);

	return i && !i->good.packed ? i->good.v : NULL;
}

static struct object *policy_of(const struct keeping *i)
{
	uint8_t whole[4096], *buf = whole;
	struct object *o;
	size_t size;

	if (i->good.packed)
		return policy_unpack(i->good.v, i->good.packed);
	size = policy_pack(i->good.v, whole, sizeof(whole));
	if (size > sizeof(whole) && (!(buf = malloc(size)) || policy_pack(i->good.v, buf, size) != size))
		return NULL;
	o = policy_unpack(buf, size);
	if (buf != whole)
		free(buf);
	return o;
}

void kept_policies(const struct kept *k, enum object_kind kind, const char *ns, kept_policy_fn fn, void *ctx)
{
	for (size_t b = 0; b < k->size; b++) {
		for (struct keeping *i = k->bucket[b]; i; i = i->next) {
			struct object *o = i->kind == kind && i->good.v && (!ns || !strcmp(ns, i->ns)) ? policy_of(i) : NULL;

			if (o)
				fn(ctx, o);
		}
	}
}

void kept_refused(const struct kept *k, kept_refused_fn fn, void *ctx)
{
	for (size_t b = 0; b < k->size; b++)
		for (struct keeping *i = k->bucket[b]; i; i = i->next)
			if (i->why)
				fn(ctx, i->kind, i->ns, name_of(i), i->why, i->good.v);
}

struct telling {
	state_reject_fn fn;
	void *ctx;
};

static void tell(void *ctx, enum object_kind kind, const char *ns, const char *name, const char *why, bool good)
{
	const struct telling *t = ctx;
	char object[1024];

	snprintf(object, sizeof(object), "%s %s%s%s", object_kind_name(kind), ns, *ns ? "/" : "", name);
	t->fn(t->ctx, &(struct state_reject){ .object = object, .why = why, .last_good = good });
}

void kept_rejected(const struct kept *k, state_reject_fn fn, void *ctx)
{
	kept_refused(k, tell, &(struct telling){ fn, ctx });
}

static size_t hash_of(enum object_kind kind, const char *ns, const char *name)
{
	uint64_t h = 0xcbf29ce484222325ULL + kind;

	for (; *ns; ns++)
		h = (h ^ (unsigned char)*ns) * 0x100000001b3ULL;
	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3ULL;
	return h ^ h >> 32;
}

static struct keeping **place(const struct kept *k, enum object_kind kind, const char *ns, const char *name)
{
	struct keeping **at = &k->bucket[hash_of(kind, ns, name) & (k->size - 1)];

	while (*at && !((*at)->kind == kind && !strcmp(name_of(*at), name) && !strcmp((*at)->ns, ns)))
		at = &(*at)->next;
	return at;
}

static void grow(struct kept *k)
{
	size_t size = k->size * 2;
	struct keeping **bucket = calloc(size, sizeof(*bucket));

	if (!bucket)
		return;			/* slower, not wrong */
	for (size_t b = 0; b < k->size; b++) {
		while (k->bucket[b]) {
			struct keeping *i = k->bucket[b];
			size_t to = hash_of(i->kind, i->ns, name_of(i)) & (size - 1);

			k->bucket[b] = i->next;
			i->next = bucket[to];
			bucket[to] = i;
		}
	}
	free(k->bucket);
	k->bucket = bucket;
	k->size = size;
}

static struct keeping *make(struct kept *k, enum object_kind kind, const char *ns, const char *name)
{
	size_t size = strlen(ns) + 1, rest = strlen(name) + 1;
	struct keeping *i = slab_alloc(&k->blocks, sizeof(*i) + size + rest), **at;

	if (!i)
		return NULL;
	i->kind = kind;
	i->at_name = size;
	memcpy(i->ns, ns, size);
	memcpy(i->ns + size, name, rest);
	if (k->n >= k->size)
		grow(k);
	at = place(k, kind, ns, name);
	i->next = *at;
	*at = i;
	k->n++;
	return i;
}

static void unmake(struct kept *k, struct keeping *i)
{
	version_drop(k, &i->good);
	version_drop(k, &i->asks);
	free(i->why);
	slab_drop(&k->blocks, i, sizeof(*i) + i->at_name + strlen(name_of(i)) + 1);
}
