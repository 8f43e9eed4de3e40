// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/notices.h"
#include "relay/when.h"

/* The like of it, else a free one, else the last: its message then says less than it should.  Nodes that come and go
 * are told together, whatever the reasons; errors by their text. */
static struct notice *place_for(struct notices *n, enum wire_node_state state, const char *message)
{
	struct notice *free_one = NULL;

	for (unsigned int i = 0; i < NOTICES_KINDS; i++) {
		struct notice *o = &n->notice[i];

		if (o->due && o->state == state && (state != WIRE_NODE_ERROR || !strncmp(o->message, message, sizeof(o->message) - 1)))
			return o;
		if (!o->due && !free_one)
			free_one = o;
	}
	for (unsigned int i = 0; i < NOTICES_KINDS && !free_one; i++)
		if (n->notice[i].state == state)
			return &n->notice[i];
	return free_one ? free_one : &n->notice[NOTICES_KINDS - 1];
}

static void add_name(struct notice *o, const char *node)
{
	unsigned int room = o->room ? o->room * 2 : 8;
	char **wider = o->names < o->room ? o->name : o->names < NOTICES_NAMES ? realloc(o->name, room * sizeof(*wider)) : NULL;

	if (wider && o->names == o->room)
		o->room = room;
	if (wider)
		o->name = wider;
	if (wider && (o->name[o->names] = strdup(node)))
		o->names++;
	else
		o->more++;
}

void notices_add(struct notices *n, enum wire_node_state state, const char *node, const char *message, uint64_t now)
{
	struct notice *o = place_for(n, state, message);

	if (!o->due) {
		o->state = state;
		snprintf(o->message, sizeof(o->message), "%s", message);
		o->due = now + NOTICES_MS * 1000000ULL;
	}
	add_name(o, node);
}

void notices_hurry(struct notices *n)
{
	for (unsigned int i = 0; i < NOTICES_KINDS; i++)
		if (n->notice[i].due)
			n->notice[i].due = 1;
}

uint64_t notices_due(const struct notices *n)
{
	uint64_t due = UINT64_MAX;

	for (unsigned int i = 0; i < NOTICES_KINDS; i++)
		if (n->notice[i].due && n->notice[i].due < due)
			due = n->notice[i].due;
	return due;
}

static void clear(struct notice *o)
{
	while (o->names)
		free(o->name[--o->names]);
	free(o->name);
	*o = (struct notice){ 0 };
}

/* With as many names as there is room for. */
static size_t make(const struct notice *o, uint8_t *buf, size_t size)
{
	struct wire_node_status status = { .state = o->state, .node = (const char *const *)o->name, .nodes = o->names };
	char message[600];
	size_t made = 0;

	for (;; status.nodes /= 2) {
		unsigned int more = o->names - status.nodes + o->more;

		status.message = o->message;
		if (more) {
			snprintf(message, sizeof(message), "%s (and %u more nodes)", o->message, more);
			status.message = message;
		}
		made = wire_node_status_response(&status, "", when_real(), buf, size);
		if (made || !status.nodes)
			return made;
	}
}

size_t notices_take(struct notices *n, uint64_t now, uint8_t *buf, size_t size)
{
	size_t made = 0;

	for (unsigned int i = 0; i < NOTICES_KINDS && !made; i++) {
		struct notice *o = &n->notice[i];

		if (!o->due || o->due > now)
			continue;
		made = make(o, buf, size);
		clear(o);
	}
	return made;
}

void notices_free(struct notices *n)
{
	for (unsigned int i = 0; i < NOTICES_KINDS; i++)
		clear(&n->notice[i]);
}
