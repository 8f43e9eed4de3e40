/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network namespaces and what is in them: links, addresses, routes, neighbours, settings.  For the lab and for
 * tests; named as `ip netns` names them, so that `ip netns` sees them.
 *
 *	netns_create(&node, "weir-12-node");  netns_create(&pod, "weir-12-shop-web");
 *	netns_veth(node, "shop-web", pod, "eth0");
 *	netns_address(pod, "eth0", &addr, 128);			one address of either family
 *	netns_route(pod, &everything, &gateway, "eth0");
 *	...
 *	netns_close(pod);  netns_delete("weir-12-shop-web");
 *
 * No program is run and the calling thread comes back to where it was: each namespace has a netlink socket of
 * its own.  Functions return 0 or -errno and are silent.  A namespace is used by one thread at a time.
 */
#ifndef WEIR_LIB_NETNS_H
#define WEIR_LIB_NETNS_H

#include <stdbool.h>

#include <weir/base.h>

#define NETNS_DIR "/run/netns"

struct netns;

int netns_create(struct netns **out, const char *name);	/* -EEXIST if the name is taken; lo is up */
int netns_open(struct netns **out, const char *name);	/* NULL: the one this thread is in */
int netns_open_fd(struct netns **out, int fd);		/* duplicates 'fd' */
void netns_close(struct netns *ns);			/* NULL is fine; the namespace stays */
int netns_delete(const char *name);			/* the name goes; the kernel frees it with its last user */
int netns_fd(const struct netns *ns);

/* Moves the calling thread; returns what netns_leave() needs to bring it back, or -errno. */
int netns_enter(const struct netns *ns);
void netns_leave(int back);

/* Links.  A veth is made where its ends live; its ends are down. */
int netns_veth(struct netns *a, const char *a_name, struct netns *b, const char *b_name);
int netns_bridge(struct netns *ns, const char *name);
int netns_link_up(struct netns *ns, const char *name);
int netns_link_alias(struct netns *ns, const char *name, const char *alias);
int netns_link_join(struct netns *ns, const char *name, const char *bridge);
int netns_link_delete(struct netns *ns, const char *name);
int netns_link_index(struct netns *ns, const char *name);	/* above 0, or -errno */
int netns_link_mac(struct netns *ns, const char *name, __u8 mac[6]);

/* 'length' counts all 128 bits, as in struct weir_prefix.  No duplicate address detection. */
int netns_address(struct netns *ns, const char *link, const struct weir_addr *a, unsigned int length);

/* 'via' NULL: on the link itself.  A gateway need not be on a network of the link's. */
int netns_route(struct netns *ns, const struct weir_prefix *to, const struct weir_addr *via, const char *link);
int netns_route_delete(struct netns *ns, const struct weir_prefix *to);
int netns_neighbour(struct netns *ns, const char *link, const struct weir_addr *a, const __u8 mac[6]);

/* A file below /proc/sys/net: "ipv4/ip_forward". */
int netns_setting(struct netns *ns, const char *name, const char *value);
int netns_quick(struct netns *ns);	/* IPv6 addresses are good at once */
int netns_router(struct netns *ns);	/* forwards both families, believes any source, sends no redirects */

#endif
