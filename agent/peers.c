// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/peers.h"
#include "lib/addr.h"

#define NODE_NAME 254

struct entry {
	char node[NODE_NAME];
	struct weir_addr addr;
	uint64_t came, changed;		/* version of either; 'came' 0: the place is free */
	bool gone;			/* kept so that who was told of it is told that it went */
};

struct peers {
	struct peers_options options;
	char node[NODE_NAME], cluster[64], self[PEER_TEXT];
	bool anywhere;			/* 'self' is every address it has: where others find it, its Node says */
	void (*news)(void *ctx);
	void *ctx;
	pthread_mutex_t lock;		/* of all below */
	uint64_t version;		/* 1: this agent came */
	struct entry *entry;
	unsigned int n, room;
};

int peers_new(struct peers **out, const struct peers_options *options, void (*news)(void *ctx), void *ctx)
{
	struct peers *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->options = *options;
	snprintf(p->node, sizeof(p->node), "%s", options->node);
	snprintf(p->cluster, sizeof(p->cluster), "%s", options->cluster);
	snprintf(p->self, sizeof(p->self), "%s", options->self);
	p->options.node = p->node;
	p->options.cluster = p->cluster;
	p->options.self = p->self;
	p->anywhere = !strncmp(p->self, "0.0.0.0:", 8) || !strncmp(p->self, "[::]:", 5);
	p->news = news;
	p->ctx = ctx;
	p->version = 1;
	pthread_mutex_init(&p->lock, NULL);
	*out = p;
	return 0;
}

void peers_free(struct peers *p)
{
	if (!p)
		return;
	pthread_mutex_destroy(&p->lock);
	free(p->entry);
	free(p);
}

static struct entry *find(struct peers *p, const char *node)
{
	for (unsigned int i = 0; i < p->n; i++)
		if (!strcmp(p->entry[i].node, node))
			return &p->entry[i];
	return NULL;
}

/* A new place, or that of one who went longest ago. */
static struct entry *place(struct peers *p)
{
	struct entry *more, *oldest = NULL;

	if (p->n == p->room && p->room < PEERS_MOST) {
		unsigned int room = p->room ? 2 * p->room : 16;

		more = realloc(p->entry, room * sizeof(*more));
		if (!more)
			return NULL;
		p->entry = more;
		p->room = room;
	}
	if (p->n < p->room)
		return &p->entry[p->n++];
	for (unsigned int i = 0; i < p->n; i++)
		if (p->entry[i].gone && (!oldest || p->entry[i].changed < oldest->changed))
			oldest = &p->entry[i];
	return oldest;
}

/* Returns whether anything is new. */
static bool put(struct peers *p, const char *node, const struct weir_addr *addr)
{
	struct entry *e = find(p, node);

	if (e && !e->gone && addr_equal(&e->addr, addr))
		return false;
	if (!e || e->gone) {
		e = e ?: place(p);
		if (!e)
			return false;
		snprintf(e->node, sizeof(e->node), "%s", node);
		e->came = p->version + 1;
		e->gone = false;
	}
	e->addr = *addr;
	e->changed = ++p->version;
	return true;
}

void peers_put(struct peers *p, const char *node, const struct weir_addr *addr)
{
	bool news;

	if (!p || !p->options.port || (!strcmp(node, p->node) && !p->anywhere) || strlen(node) >= NODE_NAME)
		return;
	pthread_mutex_lock(&p->lock);
	news = put(p, node, addr);
	pthread_mutex_unlock(&p->lock);
	if (news)
		p->news(p->ctx);
}

void peers_gone(struct peers *p, const char *node)
{
	struct entry *e;
	bool news;

	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	e = find(p, node);
	news = e && !e->gone;
	if (news) {
		e->gone = true;
		e->changed = ++p->version;
	}
	pthread_mutex_unlock(&p->lock);
	if (news)
		p->news(p->ctx);
}

/* The name that certificates made for Hubble's servers hold. */
static void name_server(const struct peers *p, const char *node, char *to, size_t size)
{
	size_t n;

	snprintf(to, size, "%s", node);
	for (char *c = to; *c; c++)
		if (*c == '.')
			*c = '-';
	n = strlen(to);
	snprintf(to + n, size - n, ".%s.hubble-grpc.cilium.io", *p->cluster ? p->cluster : "default");
}

static void describe(const struct peers *p, const char *node, struct peer_news *out)
{
	snprintf(out->name, sizeof(out->name), "%s%s%s", p->cluster, *p->cluster ? "/" : "", node);
	out->server_name[0] = '\0';
	if (p->options.tls)
		name_server(p, node, out->server_name, sizeof(out->server_name));
}

static void describe_entry(const struct peers *p, const struct entry *e, uint64_t since, struct peer_news *out)
{
	char addr[ADDR_TEXT_SIZE];
	bool v4 = addr_is_v4(&e->addr);

	describe(p, e->node, out);
	addr_text(&e->addr, addr);
	snprintf(out->address, sizeof(out->address), v4 ? "%s:%u" : "[%s]:%u", addr, p->options.port);
	out->change = e->gone ? PEER_WENT : e->came > since ? PEER_CAME : PEER_CHANGED;
}

void peers_self(struct peers *p, struct peer_news *out)
{
	const struct entry *e;

	describe(p, p->node, out);
	snprintf(out->address, sizeof(out->address), "%s", p->self);
	out->change = PEER_CAME;
	pthread_mutex_lock(&p->lock);
	e = p->anywhere ? find(p, p->node) : NULL;
	if (e && !e->gone)
		describe_entry(p, e, 0, out);
	pthread_mutex_unlock(&p->lock);
}

/* It is told first, unless its own Node will be told among all. */
static bool begins_with_self(struct peers *p)
{
	const struct entry *e;
	bool found;

	pthread_mutex_lock(&p->lock);
	e = p->anywhere ? find(p, p->node) : NULL;
	found = e && !e->gone;
	pthread_mutex_unlock(&p->lock);
	return !found;
}

bool peers_after(struct peers *p, uint64_t *since, struct peer_news *out)
{
	const struct entry *next = NULL;

	if (!*since) {
		*since = 1;
		if (begins_with_self(p)) {
			peers_self(p, out);
			return true;
		}
	}
	pthread_mutex_lock(&p->lock);
	for (unsigned int i = 0; i < p->n; i++) {
		const struct entry *e = &p->entry[i];

		if (e->changed <= *since || (e->gone && e->came > *since))
			continue;	/* known, or never told of */
		if (!next || e->changed < next->changed)
			next = e;
	}
	if (next) {
		describe_entry(p, next, *since, out);
		*since = next->changed;
	}
	pthread_mutex_unlock(&p->lock);
	return next;
}
