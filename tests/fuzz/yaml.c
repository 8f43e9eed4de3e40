// SPDX-License-Identifier: Apache-2.0
// fuzz-links: lib
/* Any bytes as a text of documents: every tree is sound, every refusal has a place and a sentence. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tree.h"

#define REQUIRE(cond) do { if (!(cond)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How many nodes; all within the limits. */
static unsigned int walk(const struct tree_node *n, unsigned int depth)
{
	unsigned int nodes = 1, children = 0;

	REQUIRE(depth <= TREE_LIMITS.depth && n->line && n->column);
	if (n->kind == TREE_SCALAR) {
		REQUIRE(strlen(n->text) == n->length && n->length <= TREE_LIMITS.scalar);
		tree_type(n);
		return 1;
	}
	for (const struct tree_node *c = n->first; c; c = c->next, children++) {
		bool key = n->kind == TREE_MAP && children % 2 == 0;

		REQUIRE(!key || (c->kind == TREE_SCALAR && c->next && tree_get(n, c->text) == c->next));
		nodes += walk(c, depth + 1);
	}
	REQUIRE(n->count == (n->kind == TREE_MAP ? children / 2 : children));
	return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tree_source source = { (const char *)data, (const char *)data + size, 1 };
	unsigned int documents = 0;
	struct tree *t;
	int err;

	if (tree_new(&t, NULL))
		return 0;
	for (;;) {
		struct complaint why = { .text = "" };
		const struct tree_node *root;

		err = tree_next(t, &source, &root, &why);
		if (!err)
			break;
		REQUIRE(err == 1 || err == -22);
		if (err == 1)
			REQUIRE(walk(root, 0) <= TREE_LIMITS.nodes);
		else
			REQUIRE(why.line && *why.text);
		REQUIRE(++documents <= size + 1);
	}
	tree_free(t);
	return 0;
}
