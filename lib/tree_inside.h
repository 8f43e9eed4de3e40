/* SPDX-License-Identifier: Apache-2.0 */
/* What tree.c, tree_yaml.c and tree_json.c share: a tree while it is built.  Nobody else includes this. */
#ifndef WEIR_LIB_TREE_INSIDE_H
#define WEIR_LIB_TREE_INSIDE_H

#include "lib/arena.h"
#include "lib/tree.h"

struct tree_open {
	struct tree_node *node, **tail;
};
struct tree_yaml;

struct tree {
	struct tree_limits limits;
	struct arena things, texts;
	struct tree_open *open;			/* [limits.depth] */
	unsigned int depth, nodes;
	struct tree_node *root;
	struct complaint *why;			/* not ours */
	const struct tree_node **seen;		/* keys of a large map, hashed */
	uint32_t nseen;
	struct tree_yaml *yaml;			/* in the middle of a piece of YAML */
	struct tree_source piece;		/* what is left of a piece of JSON */
};

/* One piece of text between two '---'.  Return as tree_next() does. */
int tree_yaml_next(struct tree *t, const struct tree_source *piece, struct complaint *why);
void tree_yaml_stop(struct tree *t);
int tree_json_next(struct tree *t, struct tree_source *piece, struct complaint *why);

#endif
