/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interfaces of the agent's network namespace: as they are, as they change, and what is known of the other
 * end of a veth without entering its namespace.
 *
 *	links_open(&l, loop, on_link, me);
 *	links_each(l);				on_link for every interface there is
 *	links_peer(l, &link, &peer);		the pod's MAC and addresses, by the namespace's id
 *
 * rtnetlink; when the kernel had to drop events everything is read again.  What it told is kept, so links_get() and
 * links_by_name() do not ask it: a question about an interface waits for whoever changes one, and attaching a tcx link
 * is such a change, of 8 to 28 ms.  links_peer() and links_neighbour() do ask.
 */
#ifndef WEIR_AGENT_LINKS_H
#define WEIR_AGENT_LINKS_H

#include <net/if.h>
#include <stdbool.h>

#include <weir/base.h>

#include "lib/loop.h"

struct links;

struct link_info {
	unsigned int ifindex;
	char name[IFNAMSIZ];
	char alias[256];
	char kind[16];			/* "veth", "bridge", ... */
	__u8 mac[6];
	unsigned int master;		/* the bridge it is a port of, or 0 */
	unsigned int peer;		/* ifindex of the other end, 0: unknown */
	int peer_netnsid;		/* id of the other end's namespace as ours knows it; -1: the same, or none */
	bool up;
	bool gone;			/* it has been removed */
};

#define LINK_PEER_ADDRESSES 16
struct link_peer {
	char name[IFNAMSIZ];
	__u8 mac[6];
	unsigned int naddresses;
	struct weir_addr address[LINK_PEER_ADDRESSES];	/* global ones */
};

typedef void (*links_fn)(void *ctx, const struct link_info *link);

int links_open(struct links **out, struct loop *loop, links_fn fn, void *ctx);
void links_close(struct links *l);

int links_each(struct links *l);
/* As of now, events on their way included.  With NULL for 'l' the kernel is asked: any thread may.  -ENODEV. */
int links_get(struct links *l, unsigned int ifindex, struct link_info *out);
int links_by_name(struct links *l, const char *name, struct link_info *out);

/* The other end of a veth: its MAC, name and addresses.  -ENOENT: not a veth; -EOPNOTSUPP: its namespace has no id
 * here, or the kernel does not tell. */
int links_peer(struct links *l, const struct link_info *link, struct link_peer *out);

/* The neighbour table's MAC of an address behind 'ifindex'.  -ENOENT: not known. */
int links_neighbour(struct links *l, unsigned int ifindex, const struct weir_addr *addr, __u8 mac[6]);

#endif
