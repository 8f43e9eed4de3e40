// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/links.h"
#include "lib/log.h"
#include "lib/rtnl.h"

struct known {
	struct link_info link;
	unsigned int round;		/* of reading everything in which it was last seen */
	bool untold;
};

struct links {
	struct loop *loop;		/* not ours */
	links_fn fn;
	void *ctx;
	int events;
	struct known *known;
	unsigned int nknown, room, round;
	struct loop_timer tell;		/* what came while somebody asked */
};

static struct known *known_find(const struct links *l, unsigned int ifindex)
{
	for (unsigned int i = 0; i < l->nknown; i++)
		if (l->known[i].link.ifindex == ifindex)
			return &l->known[i];
	return NULL;
}

static struct known *known_add(struct links *l, unsigned int ifindex)
{
	struct known *k = known_find(l, ifindex);

	if (!k && l->nknown == l->room) {
		unsigned int room = l->room ? l->room * 2 : 64;
		struct known *more = realloc(l->known, room * sizeof(*more));

		if (!more)
			return NULL;	/* it is told of when there is room, and everything is read again */
		l->known = more;
		l->room = room;
	}
	return k ? k : &l->known[l->nknown++];
}

static void text_copy(char *to, size_t size, const struct rtattr *a)
{
	size_t n = a ? strnlen(RTA_DATA(a), RTA_PAYLOAD(a)) : 0;

	n = n < size ? n : size - 1;
	if (n)
		memcpy(to, RTA_DATA(a), n);
	to[n] = '\0';
}

static unsigned int number(const struct rtattr *a, unsigned int without)
{
	unsigned int n = without;

	if (a && RTA_PAYLOAD(a) >= sizeof(n))
		memcpy(&n, RTA_DATA(a), sizeof(n));
	return n;
}

static bool read_link(const struct nlmsghdr *m, struct link_info *out)
{
	const struct ifinfomsg *ifi = NLMSG_DATA(m);
	const struct rtattr *a[IFLA_TARGET_NETNSID + 1], *info[IFLA_INFO_MAX + 1];

	if (m->nlmsg_type != RTM_NEWLINK && m->nlmsg_type != RTM_DELLINK)
		return false;
	rtnl_attributes(m, sizeof(*ifi), a, IFLA_TARGET_NETNSID + 1);
	memset(out, 0, sizeof(*out));
	out->ifindex = ifi->ifi_index;
	out->up = ifi->ifi_flags & IFF_UP;
	out->gone = m->nlmsg_type == RTM_DELLINK;
	text_copy(out->name, sizeof(out->name), a[IFLA_IFNAME]);
	text_copy(out->alias, sizeof(out->alias), a[IFLA_IFALIAS]);
	if (a[IFLA_LINKINFO]) {
		rtnl_nested(a[IFLA_LINKINFO], info, IFLA_INFO_MAX + 1);
		text_copy(out->kind, sizeof(out->kind), info[IFLA_INFO_KIND]);
	}
	if (a[IFLA_ADDRESS] && RTA_PAYLOAD(a[IFLA_ADDRESS]) == sizeof(out->mac))
		memcpy(out->mac, RTA_DATA(a[IFLA_ADDRESS]), sizeof(out->mac));
	out->master = number(a[IFLA_MASTER], 0);
	out->peer = number(a[IFLA_LINK], 0);
	out->peer_netnsid = number(a[IFLA_LINK_NETNSID], -1);
	return true;
}

/* A bridge tells of a port that left it by RTM_DELLINK of its own family: the interface itself stays. */
static bool of_bridge(const struct nlmsghdr *m)
{
	return ((const struct ifinfomsg *)NLMSG_DATA(m))->ifi_family == AF_BRIDGE;
}

static int on_event(void *ctx, const struct nlmsghdr *m)
{
	struct links *l = ctx;
	struct link_info link;
	struct known *k;

	if (of_bridge(m) || !read_link(m, &link))
		return 0;
	k = link.gone ? known_find(l, link.ifindex) : known_add(l, link.ifindex);
	if (k)
		*k = (struct known){ .link = link, .round = l->round, .untold = true };
	return 0;
}

/* Each that changed, once; a callback may ask, and so may learn of more. */
static void tell(void *ctx)
{
	struct links *l = ctx;

	for (unsigned int i = 0; i < l->nknown;) {
		struct link_info link = l->known[i].link;

		if (!l->known[i].untold) {
			i++;
			continue;
		}
		l->known[i].untold = false;
		if (link.gone)
			l->known[i] = l->known[--l->nknown];
		l->fn(l->ctx, &link);
	}
}

static int read_all(struct links *l)
{
	struct ifinfomsg all = { .ifi_family = AF_UNSPEC };
	struct rtnl_message r;
	int err;

	l->round++;
	rtnl_begin(&r, RTM_GETLINK, NLM_F_DUMP, &all, sizeof(all));
	err = rtnl_once(&r, on_event, l);
	for (unsigned int i = 0; !err && i < l->nknown; i++)
		if (l->known[i].round != l->round) {
			l->known[i].link.gone = true;
			l->known[i].untold = true;
		}
	return err;
}

int links_each(struct links *l)
{
	int err = read_all(l);

	if (!err)
		tell(l);
	return err;
}

static int catch_up(struct links *l)
{
	int err = rtnl_events(l->events, on_event, l);

	return err == -ENOBUFS ? read_all(l) : err;
}

static void on_readable(void *ctx)
{
	struct links *l = ctx;
	int err = catch_up(l);

	if (err)
		log_err(err, "cannot follow the node's interfaces");
	tell(l);
}

int links_open(struct links **out, struct loop *loop, links_fn fn, void *ctx)
{
	struct links *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->loop = loop;
	l->fn = fn;
	l->ctx = ctx;
	l->events = rtnl_listen(RTMGRP_LINK);
	err = l->events < 0 ? l->events : loop_read(loop, l->events, on_readable, l);
	if (err) {
		links_close(l);
		return err;
	}
	*out = l;
	return 0;
}

void links_close(struct links *l)
{
	if (!l)
		return;
	loop_cancel(l->loop, &l->tell);
	if (l->events >= 0) {
		loop_forget(l->loop, l->events);
		close(l->events);
	}
	free(l->known);
	free(l);
}

static int on_one(void *ctx, const struct nlmsghdr *m)
{
	read_link(m, ctx);
	return 0;
}

static int get(const struct ifinfomsg *ifi, const char *name, int netnsid, struct link_info *out)
{
	struct rtnl_message r;
	int err;

	memset(out, 0, sizeof(*out));
	rtnl_begin(&r, RTM_GETLINK, 0, ifi, sizeof(*ifi));
	if (name)
		rtnl_put(&r, IFLA_IFNAME, name, strlen(name) + 1);
	if (netnsid >= 0)
		rtnl_put(&r, IFLA_TARGET_NETNSID, &netnsid, sizeof(netnsid));
	err = rtnl_once(&r, on_one, out);
	return err ? err : out->ifindex ? 0 : -ENODEV;
}

/* Who asks is told first of what is on its way; the callbacks follow from the loop. */
static int known_now(struct links *l)
{
	int err = l->round ? catch_up(l) : read_all(l);

	loop_after(l->loop, &l->tell, 0, tell, l);
	return err;
}

int links_get(struct links *l, unsigned int ifindex, struct link_info *out)
{
	struct known *k;
	int err;

	if (!l)
		return get(&(struct ifinfomsg){ .ifi_index = ifindex }, NULL, -1, out);
	err = known_now(l);
	k = known_find(l, ifindex);
	if (err || !k || k->link.gone)
		return err ? err : -ENODEV;
	*out = k->link;
	return 0;
}

int links_by_name(struct links *l, const char *name, struct link_info *out)
{
	int err;

	if (strlen(name) >= IFNAMSIZ)
		return -ENODEV;
	if (!l)
		return get(&(struct ifinfomsg){ 0 }, name, -1, out);
	err = known_now(l);
	for (unsigned int i = 0; i < l->nknown && !err; i++)
		if (!l->known[i].link.gone && !strcmp(l->known[i].link.name, name)) {
			*out = l->known[i].link;
			return 0;
		}
	return err ? err : -ENODEV;
}

struct addresses_call {
	struct link_peer *to;
	unsigned int ifindex;
};

static int on_address(void *ctx, const struct nlmsghdr *m)
{
	const struct ifaddrmsg *ifa = NLMSG_DATA(m);
	const struct rtattr *a[IFA_MAX + 1], *which;
	struct addresses_call *c = ctx;
	struct weir_addr *to;

	if (m->nlmsg_type != RTM_NEWADDR || ifa->ifa_index != c->ifindex || ifa->ifa_scope != RT_SCOPE_UNIVERSE ||
	    c->to->naddresses == LINK_PEER_ADDRESSES)
		return 0;
	rtnl_attributes(m, sizeof(*ifa), a, IFA_MAX + 1);
	which = a[IFA_LOCAL] ? a[IFA_LOCAL] : a[IFA_ADDRESS];
	to = &c->to->address[c->to->naddresses];
	memset(to, 0, sizeof(*to));
	if (which && ifa->ifa_family == AF_INET && RTA_PAYLOAD(which) == 4) {
		to->byte[10] = to->byte[11] = 0xff;
		memcpy(&to->byte[12], RTA_DATA(which), 4);
	} else if (which && ifa->ifa_family == AF_INET6 && RTA_PAYLOAD(which) == 16) {
		memcpy(to->byte, RTA_DATA(which), 16);
	} else {
		return 0;
	}
	c->to->naddresses++;
	return 0;
}

static int peer_addresses(unsigned int ifindex, int netnsid, struct link_peer *out)
{
	static const unsigned char family[] = { AF_INET, AF_INET6 };
	struct addresses_call call = { out, ifindex };
	int err = 0;

	for (int i = 0; i < 2 && !err; i++) {
		struct ifaddrmsg ifa = { .ifa_family = family[i], .ifa_index = ifindex };
		struct rtnl_message r;

		rtnl_begin(&r, RTM_GETADDR, NLM_F_DUMP, &ifa, sizeof(ifa));
		if (netnsid >= 0)
			rtnl_put(&r, IFA_TARGET_NETNSID, &netnsid, sizeof(netnsid));
		err = rtnl_once(&r, on_address, &call);
		if (err == -ENODEV || err == -EAFNOSUPPORT)
			err = 0;		/* a family that the pod does not have */
	}
	return err;
}

int links_peer(struct links *l, const struct link_info *link, struct link_peer *out)
{
	struct link_info peer;
	int err;

	memset(out, 0, sizeof(*out));
	if (strcmp(link->kind, "veth") || !link->peer)
		return -ENOENT;
	err = get(&(struct ifinfomsg){ .ifi_index = link->peer }, NULL, link->peer_netnsid, &peer);
	if (err)
		return err == -ENODEV ? -ENOENT : -EOPNOTSUPP;
	memcpy(out->name, peer.name, sizeof(out->name));
	memcpy(out->mac, peer.mac, sizeof(out->mac));
	return peer_addresses(link->peer, link->peer_netnsid, out) ? -EOPNOTSUPP : 0;
}

static int on_neighbour(void *ctx, const struct nlmsghdr *m)
{
	const struct rtattr *a[NDA_MAX + 1];

	if (m->nlmsg_type != RTM_NEWNEIGH)
		return 0;
	rtnl_attributes(m, sizeof(struct ndmsg), a, NDA_MAX + 1);
	if (a[NDA_LLADDR] && RTA_PAYLOAD(a[NDA_LLADDR]) == 6)
		memcpy(ctx, RTA_DATA(a[NDA_LLADDR]), 6);
	return 0;
}

int links_neighbour(struct links *l, unsigned int ifindex, const struct weir_addr *addr, __u8 mac[6])
{
	static const __u8 mapped[12] = { [10] = 0xff, 0xff }, none[6];
	bool v4 = !memcmp(addr->byte, mapped, sizeof(mapped));
	struct ndmsg nd = { .ndm_family = v4 ? AF_INET : AF_INET6, .ndm_ifindex = ifindex };
	struct rtnl_message r;
	int err;

	memset(mac, 0, 6);
	rtnl_begin(&r, RTM_GETNEIGH, 0, &nd, sizeof(nd));
	rtnl_put(&r, NDA_DST, v4 ? addr->byte + 12 : addr->byte, v4 ? 4 : 16);
	err = rtnl_once(&r, on_neighbour, mac);
	return err ? err : memcmp(mac, none, 6) ? 0 : -ENOENT;
}
