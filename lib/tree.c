// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/tree_inside.h"

static int add(struct tree *t, struct tree_place at, struct tree_node **out);
static int refuse(struct tree *t, struct tree_place at, const char *format, unsigned int limit);
static int check_keys(struct tree *t, const struct tree_node *map);

int tree_new(struct tree **out, const struct tree_limits *limits)
{
	struct tree *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->limits = limits ? *limits : TREE_LIMITS;
	t->open = calloc(t->limits.depth, sizeof(*t->open));
	if (!t->open) {
		tree_free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	tree_yaml_stop(t);
	arena_free(&t->things);
	arena_free(&t->texts);
	free(t->open);
	free(t->seen);
	free(t);
}

const struct tree_node *tree_get(const struct tree_node *map, const char *key)
{
	if (map->kind != TREE_MAP)
		return NULL;
	for (const struct tree_node *k = map->first; k; k = tree_after(k))
		if (!strcmp(k->text, key))
			return k->next;
	return NULL;
}

void tree_begin(struct tree *t, struct complaint *why)
{
	arena_reset(&t->things);
	arena_reset(&t->texts);
	t->why = why;
	t->depth = t->nodes = 0;
	t->root = NULL;
}

int tree_open(struct tree *t, enum tree_kind kind, struct tree_place at)
{
	struct tree_node *n;
	int err = 0;

	if (t->depth == t->limits.depth)
		return refuse(t, at, "more than %u levels deep: what weir reads is never so deep", t->limits.depth);
	err = add(t, at, &n);
	if (err)
		return err;
	n->kind = kind;
	t->open[t->depth++] = (struct tree_open){ .node = n, .tail = &n->first };
	return 0;
}

int tree_scalar(struct tree *t, const char *text, size_t length, bool plain, struct tree_place at)
{
	struct tree_node *n;
	size_t keep = length < t->limits.scalar ? length : t->limits.scalar;
	int err = 0;

	if (memchr(text, 0, length))
		return refuse(t, at, "a zero byte in a text is not read", 0);
	err = add(t, at, &n);
	if (err)
		return err;
	n->kind = TREE_SCALAR;
	n->plain = plain;
	n->cut = keep < length;
	n->length = keep;
	n->text = arena_text(&t->texts, text, keep);
	return n->text ? 0 : -ENOMEM;
}

int tree_close(struct tree *t)
{
	struct tree_node *n = t->open[--t->depth].node;

	if (n->kind == TREE_LIST)
		return 0;
	n->count /= 2;
	return check_keys(t, n);
}

/* A node in its place: the root, or the next child of what is open. */
static int add(struct tree *t, struct tree_place at, struct tree_node **out)
{
	struct tree_open *open = t->depth ? &t->open[t->depth - 1] : NULL;
	struct tree_node *n;

	if (t->nodes++ == t->limits.nodes)
		return refuse(t, at, "more than %u values and keys in one document: split it", t->limits.nodes);
	n = arena_alloc(&t->things, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->line = at.line;
	n->column = at.column;
	if (open) {
		*open->tail = n;
		open->tail = &n->next;
		open->node->count++;
	} else {
		t->root = n;
	}
	*out = n;
	return 0;
}

static int refuse(struct tree *t, struct tree_place at, const char *format, unsigned int limit)
{
	char text[128];

	snprintf(text, sizeof(text), format, limit);
	complaint_set(t->why, at.line, at.column, "%s", text);
	return -EINVAL;
}

static int refuse_key(struct tree *t, const struct tree_node *key, const char *what)
{
	char shown[80];

	complaint_set(t->why, key->line, key->column, "key '%s' %s", complaint_show(key->text, shown, sizeof(shown)),
		      what);
	return -EINVAL;
}

static int refuse_twin(struct tree *t, const struct tree_node *key, const struct tree_node *first)
{
	char text[64];

	snprintf(text, sizeof(text), "stands here twice (first in line %u): keep one", first->line);
	return refuse_key(t, key, text);
}

/* Large maps are checked through a hash table of their keys, so that no document costs the square of its size. */
#define FEW 12

static int check_few(struct tree *t, const struct tree_node *map)
{
	for (const struct tree_node *k = map->first; k; k = tree_after(k))
		for (const struct tree_node *o = map->first; o != k; o = tree_after(o))
			if (o->length == k->length && !memcmp(o->text, k->text, k->length))
				return refuse_twin(t, k, o);
	return 0;
}

static uint32_t hash(const struct tree_node *key)
{
	uint32_t h = 2166136261u;

	for (uint32_t i = 0; i < key->length; i++)
		h = (h ^ (unsigned char)key->text[i]) * 16777619u;
	return h ^ h >> 15;
}

static int room_for(struct tree *t, uint32_t keys)
{
	uint32_t want = 64;

	while (want < keys * 2)
		want *= 2;
	if (want > t->nseen) {
		free(t->seen);
		t->seen = malloc(want * sizeof(*t->seen));
		t->nseen = t->seen ? want : 0;
	}
	if (!t->seen)
		return -ENOMEM;
	memset(t->seen, 0, want * sizeof(*t->seen));
	return want;
}

static int check_many(struct tree *t, const struct tree_node *map)
{
	int size = room_for(t, map->count);

	if (size < 0)
		return size;
	for (const struct tree_node *k = map->first; k; k = tree_after(k)) {
		uint32_t i = hash(k) & (size - 1);

		for (; t->seen[i]; i = (i + 1) & (size - 1))
			if (!strcmp(t->seen[i]->text, k->text))
				return refuse_twin(t, k, t->seen[i]);
		t->seen[i] = k;
	}
	return 0;
}

static int check_keys(struct tree *t, const struct tree_node *map)
{
	for (const struct tree_node *k = map->first; k; k = tree_after(k)) {
		if (k->kind != TREE_SCALAR)
			return refuse(t, (struct tree_place){ k->line, k->column }, "a key must be a word", 0);
		if (k->cut)
			return refuse_key(t, k, "is too long to be one");
	}
	return map->count > FEW ? check_many(t, map) : check_few(t, map);
}
