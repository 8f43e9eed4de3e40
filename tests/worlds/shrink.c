// SPDX-License-Identifier: Apache-2.0
#include "tests/worlds/shrink.h"

#include <string.h>

static void leave_out(struct world *w, unsigned int i)
{
	memmove(&w->event[i], &w->event[i + 1], (w->n - i - 1) * sizeof(*w->event));
	w->n--;
}

static void put_back(struct world *w, unsigned int i, struct event e)
{
	memmove(&w->event[i + 1], &w->event[i], (w->n - i) * sizeof(*w->event));
	w->event[i] = e;
	w->n++;
}

static bool shrink_events(struct world *w, shrink_fails_fn fails, void *ctx)
{
	bool any = false;

	for (unsigned int i = w->n; i-- > 0;) {
		struct event e = w->event[i];

		leave_out(w, i);
		if (fails(ctx, w)) {
			value_free(e.put);
			any = true;
		} else {
			put_back(w, i, e);
		}
	}
	return any;
}

static struct value *nth(struct value *root, unsigned int *n)
{
	struct value *found = NULL;

	if (!(*n)--)
		return root;
	for (struct value *c = root->first; c && !found; c = c->next)
		found = nth(c, n);
	return found;
}

/* Node k of the tree, numbered from its root, left out. */
static bool without(struct world *w, unsigned int i, unsigned int k, shrink_fails_fn fails, void *ctx)
{
	struct value *saved = w->event[i].put, *trial = value_copy(saved), *parent = NULL, *victim;
	unsigned int n = k;

	victim = nth(trial, &n);
	for (unsigned int p = 0; victim && p < k; p++) {
		struct value *at;

		n = p;
		at = nth(trial, &n);
		for (struct value *c = at->first; c; c = c->next)
			if (c == victim)
				parent = at;
	}
	/* who it is stays */
	if (!victim || !parent || parent == trial || (parent->key && !strcmp(parent->key, "metadata"))) {
		value_free(trial);
		return false;
	}
	value_remove(parent, victim);
	w->event[i].put = trial;
	if (fails(ctx, w)) {
		value_free(saved);
		return true;
	}
	w->event[i].put = saved;
	value_free(trial);
	return false;
}

static unsigned int nodes_of(const struct value *v)
{
	unsigned int n = 1;

	for value_each(c, v)
		n += nodes_of(c);
	return n;
}

void shrink(struct world *w, shrink_fails_fn fails, void *ctx)
{
	while (shrink_events(w, fails, ctx))
		;
	for (unsigned int i = 0; i < w->n; i++) {
		if (w->event[i].kind != EVENT_PUT)
			continue;
		for (unsigned int k = nodes_of(w->event[i].put); k-- > 1;)
			without(w, i, k, fails, ctx);
	}
	shrink_events(w, fails, ctx);
}
