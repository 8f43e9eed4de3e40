// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "tools/tally.h"
#include "tools/text.h"

#define NODES_NAMED 5		/* of those that did not answer; the others are counted */

/* Where a name is, or belongs. */
static size_t place(const struct tally *t, const char *name)
{
	size_t low = 0, high = t->nodes;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(t->node[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct tally_node *node_of(struct tally *t, const char *name)
{
	size_t at = place(t, name);

	if (at < t->nodes && !strcmp(t->node[at].name, name))
		return &t->node[at];
	if (t->nodes == t->room) {
		size_t room = t->room ? t->room * 2 : 16;
		struct tally_node *more = realloc(t->node, room * sizeof(*more));

		if (!more)
			abort();
		t->node = more;
		t->room = room;
	}
	memmove(&t->node[at + 1], &t->node[at], (t->nodes++ - at) * sizeof(*t->node));
	t->node[at] = (struct tally_node){ .name = strdup(name) };
	return &t->node[at];
}

static void note_status(struct tally *t, const Relay__NodeStatusEvent *s)
{
	bool answers = s->state_change == RELAY__NODE_STATE__NODE_CONNECTED;

	for (size_t i = 0; i < s->n_node_names; i++) {
		struct tally_node *n = node_of(t, s->node_names[i]);

		n->was_away |= n->answers && !answers;
		n->answers = answers;
		free(n->why);
		n->why = *s->message ? strdup(s->message) : NULL;
	}
}

static bool is_denial(const Flow__Flow *f)
{
	return f->verdict == FLOW__VERDICT__DROPPED || f->verdict == FLOW__VERDICT__ERROR;
}

void tally_add(struct tally *t, const Observer__GetFlowsResponse *r)
{
	switch (r->response_types_case) {
	case OBSERVER__GET_FLOWS_RESPONSE__RESPONSE_TYPES_FLOW:
		t->shown++;
		t->denied += is_denial(r->flow);
		break;
	case OBSERVER__GET_FLOWS_RESPONSE__RESPONSE_TYPES_LOST_EVENTS:
		t->lost += r->lost_events->num_events_lost;
		break;
	case OBSERVER__GET_FLOWS_RESPONSE__RESPONSE_TYPES_NODE_STATUS:
		note_status(t, r->node_status);
		break;
	default:
		break;
	}
}

static size_t answering(const struct tally *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->nodes; i++)
		n += t->node[i].answers;
	return n;
}

static size_t back_again(const struct tally *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->nodes; i++)
		n += t->node[i].answers && t->node[i].was_away;
	return n;
}

bool tally_complete(const struct tally *t)
{
	return !t->lost && answering(t) == t->nodes && !back_again(t);
}

static void put_missing(const struct tally *t, struct text *to)
{
	size_t told = 0, missing = t->nodes - answering(t);

	for (size_t i = 0; i < t->nodes && told < NODES_NAMED; i++) {
		const struct tally_node *n = &t->node[i];

		if (n->answers)
			continue;
		text_put(to, told++ ? ", " : "; no answer from ");
		text_clean(to, n->name);
		if (n->why) {
			text_put(to, " (");
			text_clean(to, n->why);
			text_char(to, ')');
		}
	}
	if (missing > told)
		text_print(to, " and %zu more", missing - told);
}

/* Whether what they saw meanwhile came later, nobody here can tell. */
static void put_back_again(const struct tally *t, struct text *to)
{
	size_t told = 0, n = back_again(t);

	for (size_t i = 0; i < t->nodes && told < NODES_NAMED; i++) {
		if (!t->node[i].answers || !t->node[i].was_away)
			continue;
		text_put(to, told++ ? ", " : "; away for a time: ");
		text_clean(to, t->node[i].name);
	}
	if (n > told)
		text_print(to, " and %zu more", n - told);
}

void tally_print(const struct tally *t, FILE *to)
{
	size_t nodes = t->nodes ? t->nodes : 1, answer = t->nodes ? answering(t) : 1;
	struct text text = { 0 };

	text_print(&text, "%llu shown, %llu lost, %zu/%zu nodes", t->shown, t->lost, answer, nodes);
	put_missing(t, &text);
	put_back_again(t, &text);
	text_char(&text, '\n');
	fwrite(text.data, 1, text.n, to);
	text_free(&text);
}

void tally_free(struct tally *t)
{
	for (size_t i = 0; i < t->nodes; i++) {
		free(t->node[i].name);
		free(t->node[i].why);
	}
	free(t->node);
	memset(t, 0, sizeof(*t));
}
