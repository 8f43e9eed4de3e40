// SPDX-License-Identifier: Apache-2.0
/* The node's labels as flows carry them: made on the loop's thread, put in place on gRPC's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/serve_inside.h"

#define NODE_LABELS_MOST 64
#define NODE_CHANGES_MOST 256		/* of its labels; then they stay as they are */

/* Never freed while the agent runs: exporters on other threads have copies of the views. */
struct node_labels {
	struct node_labels *old;
	struct serve *s;
	unsigned int n;
	const char *label[NODE_LABELS_MOST];	/* "key=value"; "" past 'n' */
	size_t size;
	char room[];
};

static void on_labels(void *ctx)
{
	struct node_labels *new = ctx;
	struct serve *s = new->s;

	if (s->label_changes == NODE_CHANGES_MOST ||
	    (s->labels && s->labels->size == new->size && !memcmp(s->labels->room, new->room, new->size))) {
		free(new);
		return;
	}
	s->label_changes++;
	new->old = s->labels;
	s->labels = new;
	s->views.node_label = new->label;
	s->views.node_labels = new->n;
}

void serve_labels_free(struct serve *s)
{
	while (s->labels) {
		struct node_labels *old = s->labels->old;

		free(s->labels);
		s->labels = old;
	}
}

void serve_node_labels(struct serve *s, const struct labels *labels)
{
	struct node_labels *new;
	size_t size = 1;

	for (unsigned int i = 0; i < labels->n; i++)
		size += strlen(labels->v[i].key) + strlen(labels->v[i].value) + 2;
	new = s ? calloc(1, sizeof(*new) + size) : NULL;
	if (!new)
		return;
	new->s = s;
	for (unsigned int i = 0; i < NODE_LABELS_MOST; i++)
		new->label[i] = "";
	for (; new->n < labels->n && new->n < NODE_LABELS_MOST; new->n++) {
		new->label[new->n] = new->room + new->size;
		new->size += sprintf(new->room + new->size, "%s=%s", labels->v[new->n].key, labels->v[new->n].value) + 1;
	}
	if (rpc_post(s->loop, on_labels, new))
		free(new);
}
