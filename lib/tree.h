/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents that people and programs write, YAML or JSON, as trees whose nodes know their place.
 *
 *	struct tree_source source = { text, text + size, 1 };
 *
 *	tree_new(&t, NULL);
 *	while ((err = tree_next(t, &source, &root, &why)) != 0)
 *		if (err == -EINVAL)
 *			complain(&why);		that document is refused, the next one comes
 *		else if (err < 0) ...
 *		else
 *			for (key = root->first; key; key = tree_after(key)) ... key->text, key->next
 *
 * A document of YAML begins at a line '---', so one that is broken does not take the next with it.  A document that begins
 * with '{' is read as JSON; if it is none, as YAML.
 * Refused, saying where and which limit: anchors, aliases, tags, duplicate keys, keys that are no words, depth,
 * nodes.  Scalars beyond the limit are kept cut and marked: whoever uses one refuses it (tree_long).
 */
#ifndef WEIR_LIB_TREE_H
#define WEIR_LIB_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/complaint.h"

struct tree_limits {
	unsigned int depth;		/* lists and maps in each other */
	unsigned int nodes;		/* of one document; keys count, too */
	unsigned int scalar;		/* bytes */
};
#define TREE_LIMITS ((struct tree_limits){ .depth = 64, .nodes = 100000, .scalar = 4096 })

enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAP };

/* Of a map the children are key, value, key, value; keys are scalars. */
struct tree_node {
	union {
		const char *text;	/* SCALAR: ends with NUL, holds none */
		struct tree_node *first;	/* LIST, MAP: NULL if empty */
	};
	struct tree_node *next;
	uint32_t line, column;		/* from 1 */
	uint32_t length;		/* SCALAR: bytes */
	uint32_t count;			/* LIST: items, MAP: pairs */
	uint8_t kind;
	bool plain;			/* SCALAR: no quotes round it */
	bool cut;			/* SCALAR: longer than the limit */
};

/* What a scalar without quotes means: YAML 1.1 as Kubernetes reads it, save that y and n are words. */
enum tree_type { TREE_TEXT, TREE_NULL, TREE_BOOL, TREE_NUMBER };
enum tree_type tree_type(const struct tree_node *scalar);
static inline bool tree_null(const struct tree_node *n)
{
	return n->kind == TREE_SCALAR && n->plain && tree_type(n) == TREE_NULL;
}

/* The next key of a map. */
static inline const struct tree_node *tree_after(const struct tree_node *key)
{
	return key->next->next;
}
const struct tree_node *tree_get(const struct tree_node *map, const char *key);	/* its value, or NULL */

/* Where in a text the next document begins. */
struct tree_source {
	const char *at, *end;
	unsigned int line;
};

struct tree;
int tree_new(struct tree **out, const struct tree_limits *limits);	/* NULL: TREE_LIMITS */
void tree_free(struct tree *t);

/* 1: a document, which lasts until the next call.  0: no more.  -EINVAL: one that is refused.  -ENOMEM. */
int tree_next(struct tree *t, struct tree_source *source, const struct tree_node **root, struct complaint *why);

/* For the two readers: what they meet, in order.  0, -EINVAL with the complaint, -ENOMEM. */
struct tree_place {
	unsigned int line, column;
};
void tree_begin(struct tree *t, struct complaint *why);
int tree_open(struct tree *t, enum tree_kind kind, struct tree_place at);
int tree_scalar(struct tree *t, const char *text, size_t length, bool plain, struct tree_place at);
int tree_close(struct tree *t);

#endif
