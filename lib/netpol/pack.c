// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/netpol/pack.h"

/*
 * One walk serves both ways: each step below writes a field or reads it.  Numbers are of seven bits a byte, the
 * lowest first; a text is its length and its bytes; a list is its length and its elements.
 */
struct walk {
	uint8_t *at, *end;		/* packing: where to, NULL once it does not fit; unpacking: where from */
	size_t size;			/* packed so far */
	bool out;			/* unpacking */
	bool failed;
	struct arena things;
};

static void byte_out(struct walk *w, uint8_t b)
{
	if (w->at < w->end)
		*w->at++ = b;
	w->size++;
}

static uint64_t number(struct walk *w, uint64_t v)
{
	unsigned int shift = 0;
	uint8_t b = 0x80;

	if (!w->out) {
		for (; v > 0x7f; v >>= 7)
			byte_out(w, v | 0x80);
		byte_out(w, v);
		return 0;
	}
	for (v = 0; b & 0x80 && shift < 64; shift += 7) {
		if (w->at == w->end) {
			w->failed = true;
			return 0;
		}
		b = *w->at++;
		v |= (uint64_t)(b & 0x7f) << shift;
	}
	return v;
}
#define NUMBER(w, field) do {					\
	uint64_t number_v = number((w), (field));		\
	if ((w)->out)						\
		(field) = number_v;				\
} while (0)

/* Room for a list's elements; no list is longer than the bytes that are left. */
static void *room(struct walk *w, size_t n, size_t size)
{
	void *p = NULL;

	if (n > (size_t)(w->end - w->at))
		w->failed = true;
	else if (n)
		p = arena_alloc(&w->things, n * size);
	w->failed |= n && !p;
	return p;
}

static void raw(struct walk *w, void *bytes, size_t n)
{
	if (!w->out) {
		for (size_t i = 0; i < n; i++)
			byte_out(w, ((uint8_t *)bytes)[i]);
		return;
	}
	if (n > (size_t)(w->end - w->at)) {
		w->failed = true;
		return;
	}
	memcpy(bytes, w->at, n);
	w->at += n;
}

/* 0 is NULL, else the length and one. */
static void text(struct walk *w, const char **t)
{
	size_t n = number(w, w->out || !*t ? 0 : strlen(*t) + 1);
	char *to;

	if (!w->out) {
		if (*t)
			raw(w, (void *)*t, strlen(*t));
		return;
	}
	*t = NULL;
	if (!n || w->failed)
		return;
	to = n - 1 <= (size_t)(w->end - w->at) ? arena_alloc(&w->things, n) : NULL;
	if (!to) {
		w->failed = true;
		return;
	}
	raw(w, to, n - 1);
	to[n - 1] = '\0';
	*t = to;
}

/* A list: 'n' and 'v' of whatever element, each by 'step'. */
#define LIST(w, n, v, step) do {							\
	typeof(*(v)) *list_v = (void *)(v);						\
	NUMBER(w, n);									\
	if ((w)->out)									\
		list_v = room((w), (n), sizeof(*list_v));				\
	for (size_t list_i = 0; list_i < (n) && !(w)->failed; list_i++)			\
		step((w), (void *)&list_v[list_i]);					\
	(v) = list_v;									\
} while (0)

static void label(struct walk *w, struct label *l)
{
	text(w, &l->key);
	text(w, &l->value);
}

static void requirement(struct walk *w, struct requirement *q)
{
	text(w, &q->key);
	NUMBER(w, q->op);
	LIST(w, q->n, q->value, text);
}

static void selector(struct walk *w, struct selector *s)
{
	LIST(w, s->n, s->v, requirement);
}

static void prefix(struct walk *w, struct weir_prefix *p)
{
	raw(w, p, sizeof(*p));
}

static void peer(struct walk *w, struct peer *p)
{
	NUMBER(w, p->kind);
	NUMBER(w, p->own_namespace);
	selector(w, &p->namespaces);
	selector(w, &p->pods);
	if (p->kind == PEER_BLOCK)
		prefix(w, &p->block);
	LIST(w, p->nexcept, p->except, prefix);
}

static void port(struct walk *w, struct port *p)
{
	text(w, &p->name);
	NUMBER(w, p->first);
	NUMBER(w, p->last);
	NUMBER(w, p->proto);
}

static void rule(struct walk *w, struct rule *r)
{
	NUMBER(w, r->action);
	text(w, &r->name);
	NUMBER(w, r->any_peer);
	NUMBER(w, r->any_port);
	LIST(w, r->npeer, r->peer, peer);
	LIST(w, r->nport, r->port, port);
	NUMBER(w, r->line);
}

static void policy(struct walk *w, struct policy *p)
{
	NUMBER(w, p->tier);
	NUMBER(w, p->priority);
	NUMBER(w, p->audit);
	NUMBER(w, p->subject_all_namespaces);
	selector(w, &p->subject_namespaces);
	selector(w, &p->subject_pods);
	for (int d = 0; d < WEIR_DIRS; d++) {
		NUMBER(w, p->applies[d]);
		LIST(w, p->nrule[d], p->rule[d], rule);
	}
}

static void object(struct walk *w, struct object *o)
{
	NUMBER(w, o->kind);
	text(w, &o->ns);
	text(w, &o->name);
	LIST(w, o->labels.n, o->labels.v, label);
	NUMBER(w, o->created);
	NUMBER(w, o->line);
	policy(w, &o->policy);
}

size_t policy_pack(const struct object *o, void *buf, size_t size)
{
	struct walk w = { .at = buf, .end = (uint8_t *)buf + size };
	struct object copy = *o;

	object(&w, &copy);
	return w.size;
}

/* Twice: to learn how large the block is, and into it. */
struct object *policy_unpack(const void *buf, size_t size)
{
	struct walk w = { .at = (uint8_t *)buf, .end = (uint8_t *)buf + size, .out = true };
	struct object measure = {}, *o = NULL;
	size_t used;

	object(&w, &measure);
	used = w.things.used;
	arena_free(&w.things);
	if (!w.failed)
		o = calloc(1, sizeof(*o) + used);
	if (!o)
		return NULL;
	w = (struct walk){ .at = (uint8_t *)buf, .end = (uint8_t *)buf + size, .out = true };
	arena_fixed(&w.things, o + 1, used);
	object(&w, o);
	if (w.failed) {
		free(o);
		return NULL;
	}
	return o;
}
