/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A town: one node, its pods and the world around it as network namespaces, with an agent on the node.  Real packets
 * go from place to place; whoever asks sees which arrive.
 *
 *	town_open(&t, &options, &why);
 *	town_live(t, cluster, hand, &why);		manifests applied, pods' interfaces made, guarded, reachable
 *	a = town_place(t, cluster, "x/a");  b = town_place(t, cluster, "e1");
 *	town_send(t, a, &wire);
 *	while (town_receive(t, b, &seen, 5)) ...
 *	town_close(t);
 *
 * Places: a pod of the node, "node" (sockets of the node itself), "far" (other nodes), "out" (everybody else).
 */
#ifndef WEIR_LIB_SUITE_TOWN_H
#define WEIR_LIB_SUITE_TOWN_H

#include "lib/netns.h"
#include "lib/suite/child.h"
#include "lib/suite/wire.h"

struct town;
struct place;

int town_open(struct town **out, const struct child_options *options, struct complaint *why);
void town_close(struct town *t);		/* NULL is fine */
struct child *town_child(struct town *t);

/* The agent is told of the cluster, and the namespaces follow. */
int town_live(struct town *t, const struct cluster *c, struct hand *hand, struct complaint *why);

struct place *town_place(struct town *t, const struct cluster *c, const char *name);	/* NULL: nobody */
struct netns *town_node(struct town *t);
struct netns *place_netns(struct place *p);
const char *place_interface(const struct place *p);	/* its host end */
const __u8 *place_mac(const struct place *p);
const __u8 *place_gateway(const struct place *p);
bool place_is_node(const struct place *p);

/* Whether the agent guards a pod's interface: it is told so, as by who makes interfaces. */
int town_guard(struct town *t, struct place *p, bool guarded, struct complaint *why);

/* The MACs are filled in; a node's frame is sent by a socket of the node. */
int town_send(struct town *t, struct place *from, const struct wire *w);
/* The next packet that reached a place from elsewhere, within so many ms.  'seen.data' lasts until the next call. */
bool town_receive(struct town *t, struct place *at, struct wire_seen *seen, int ms);
void town_drain(struct town *t);		/* forget what has arrived */

#endif
