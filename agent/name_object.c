// SPDX-License-Identifier: Apache-2.0
/* A name as the object it came from. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/names.h"

/* Room for what hangs below the object, one piece behind the other. */
static void *carve(char **at, size_t size)
{
	void *p = *at;

	*at += (size + 7) & ~(size_t)7;
	return p;
}

static unsigned int count_pieces(const struct text *w, unsigned int skip, unsigned int strings)
{
	unsigned int n = 0;

	for (const char *p = w->bytes; p < w->bytes + w->size; n++) {
		p += skip;
		for (unsigned int i = 0; i < strings; i++)
			p += strlen(p) + 1;
	}
	return n;
}

static void unpack_labels(const struct name *name, struct object *o, struct label *to)
{
	unsigned int n = 0;

	for (const char *p = name->labels->bytes; p < name->labels->bytes + name->labels->size; n++) {
		to[n].key = p;
		to[n].value = p += strlen(p) + 1;
		p += strlen(p) + 1;
	}
	o->labels = (struct labels){ to, n };
}

static void unpack_pod(const struct name *name, struct object *o, struct container_port *to)
{
	const struct text *owner = texts_at(name->owner);
	unsigned int n = 0;

	for (const char *p = name->ports->bytes; p < name->ports->bytes + name->ports->size; n++) {
		memcpy(&to[n].port, p, 2);
		to[n].proto = p[2];
		to[n].name = p + 3;
		p += 3 + strlen(p + 3) + 1;
	}
	o->pod = (struct pod){ .node = texts_at(name->node)->bytes, .host_network = name->host_network,
			       .terminating = name->terminating, .phase = name->phase, .addr = name->addr,
			       .naddr = name->naddr, .port = to, .nport = n, .interface = "", .stack = "",
			       .owner_kind = owner->bytes,
			       .owner_name = owner->size ? owner->bytes + strlen(owner->bytes) + 1 : "" };
}

int names_object(const struct name *name, struct object **out)
{
	unsigned int nlabel = count_pieces(name->labels, 0, 2);
	unsigned int nport = name->ports ? count_pieces(name->ports, 3, 1) : 0;
	struct container_port *port;
	struct label *label;
	struct object *o;
	char *at = calloc(1, sizeof(*o) + nlabel * sizeof(*label) + nport * sizeof(*port) + 32);

	if (!at)
		return -ENOMEM;
	o = carve(&at, sizeof(*o));
	label = carve(&at, nlabel * sizeof(*label));
	port = carve(&at, nport * sizeof(*port));
	o->ns = NAME_NS(name);
	o->name = NAME_NAME(name);
	unpack_labels(name, o, label);
	if (name->kind == NAME_POD) {
		o->kind = OBJECT_POD;
		unpack_pod(name, o, port);
	} else {
		o->kind = OBJECT_NODE;
		o->node = (struct node){ .addr = name->addr, .naddr = name->naddr };
	}
	*out = o;
	return 0;
}
