// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/netpol/read.h"
#include "tools/files.h"
#include "tools/lab_world.h"

static int on_object(void *ctx, struct object *o, const struct complaint *why)
{
	struct world *w = ctx;
	char text[1024];

	if (why) {
		fprintf(stderr, "weir lab: %s\n", complaint_text(why, text, sizeof(text)));
		w->wrong++;
		return 0;
	}
	if (w->nobjects == w->room) {
		size_t room = w->room ? w->room * 2 : 256;
		struct object **more = realloc(w->object, room * sizeof(*more));

		if (!more) {
			object_free(o);
			return -ENOMEM;
		}
		w->object = more;
		w->room = room;
	}
	w->object[w->nobjects++] = o;
	return 0;
}

static int on_file(void *ctx, const char *path)
{
	char *text;
	size_t size;
	int err = file_read(path, &text, &size);

	if (err)
		return err;
	err = read_manifests(text, size, path, on_object, ctx);
	free(text);
	return err;
}

static struct world_node *node_named(struct world *w, const char *name)
{
	for (unsigned int i = 0; i < w->nnodes; i++)
		if (!strcmp(w->node[i].name, name))
			return &w->node[i];
	if (w->nnodes == LAB_NODES_MAX)
		return NULL;
	snprintf(w->node[w->nnodes].name, sizeof(w->node[0].name), "%s", name);
	return &w->node[w->nnodes++];
}

/* A Node without addresses, or none at all, gets one of the documentation networks. */
static void give_address(struct world_node *n, unsigned int number)
{
	char text[ADDR_TEXT_SIZE];

	if (n->naddr)
		return;
	snprintf(text, sizeof(text), "192.0.2.%u", number + 1);
	addr_parse(text, &n->addr[n->naddr++]);
	snprintf(text, sizeof(text), "fd00:c0::%x", number + 1);
	addr_parse(text, &n->addr[n->naddr++]);
}

static int find_nodes(struct world *w, struct complaint *why)
{
	for (size_t i = 0; i < w->nobjects; i++) {
		const struct object *o = w->object[i];
		struct world_node *n = NULL;

		if (o->kind == OBJECT_NODE)
			n = node_named(w, o->name);
		else if (o->kind == OBJECT_POD && *o->pod.node)
			n = node_named(w, o->pod.node);
		else
			continue;
		if (!n) {
			complaint_set(why, 0, 0, "more than %d nodes", LAB_NODES_MAX);
			return -E2BIG;
		}
		for (unsigned int k = 0; o->kind == OBJECT_NODE && k < o->node.naddr && n->naddr < 8; k++)
			n->addr[n->naddr++] = o->node.addr[k];
	}
	for (unsigned int i = 0; i < w->nnodes; i++)
		give_address(&w->node[i], i);
	return 0;
}

/* Whoever is to get a namespace must say where and with which address. */
static int find_pods(struct world *w, struct complaint *why)
{
	w->pod = calloc(w->nobjects + 1, sizeof(*w->pod));
	if (!w->pod)
		return -ENOMEM;
	for (size_t i = 0; i < w->nobjects; i++) {
		const struct object *o = w->object[i];

		if (o->kind != OBJECT_POD || o->pod.host_network || o->pod.phase >= POD_SUCCEEDED)
			continue;
		if (!o->pod.naddr || !*o->pod.node) {
			complaint_set(why, 0, 0, "pod '%s/%s' has no %s: give it one", o->ns, o->name,
				      o->pod.naddr ? "spec.nodeName" : "status.podIPs");
			return -EINVAL;
		}
		if (w->npods == LAB_PODS_MAX) {
			complaint_set(why, 0, 0, "more than %d pods", LAB_PODS_MAX);
			return -E2BIG;
		}
		w->pod[w->npods++] = o;
	}
	if (w->npods)
		return 0;
	complaint_set(why, 0, 0, "no pods in the manifests: a lab is made of Pods with spec.nodeName and status.podIPs");
	return -EINVAL;
}

int world_read(struct world **out, const char *dir, struct complaint *why)
{
	struct world *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	err = files_each(dir, on_file, w);
	if (err)
		complaint_set(why, 0, 0, "cannot read manifests from '%s': %s", dir, strerror(-err));
	if (!err)
		err = find_nodes(w, why);
	if (!err)
		err = find_pods(w, why);
	if (err) {
		world_free(w);
		return err;
	}
	*out = w;
	return 0;
}

void world_free(struct world *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->nobjects; i++)
		object_free(w->object[i]);
	free(w->object);
	free(w->pod);
	free(w);
}
