// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/veth.h>

#include "lib/addr.h"
#include "lib/netns.h"
#include "lib/rtnl.h"

struct netns {
	int fd;
	int rtnl;
};

static const char own_file[] = "/proc/thread-self/ns/net";

static int name_path(char *path, size_t size, const char *name)
{
	if (!*name || strchr(name, '/') || *name == '.')
		return -EINVAL;
	return snprintf(path, size, NETNS_DIR "/%s", name) < (int)size ? 0 : -ENAMETOOLONG;
}

static int open_file(struct netns **out, const char *path)
{
	struct netns *ns;
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = netns_open_fd(&ns, fd);
	close(fd);
	if (err)
		return err;
	*out = ns;
	return 0;
}

int netns_open(struct netns **out, const char *name)
{
	char path[256];
	int err;

	if (!name)
		return open_file(out, own_file);
	err = name_path(path, sizeof(path), name);
	return err ? err : open_file(out, path);
}

int netns_open_fd(struct netns **out, int fd)
{
	struct netns *ns = calloc(1, sizeof(*ns));
	int back, err;

	if (!ns)
		return -ENOMEM;
	ns->rtnl = -1;
	ns->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	err = ns->fd < 0 ? -errno : 0;
	if (err)
		goto fail;
	err = back = netns_enter(ns);
	if (back < 0)
		goto fail;
	ns->rtnl = rtnl_open();
	netns_leave(back);
	err = ns->rtnl;
	if (ns->rtnl < 0)
		goto fail;
	*out = ns;
	return 0;
fail:
	netns_close(ns);
	return err;
}

void netns_close(struct netns *ns)
{
	if (!ns)
		return;
	if (ns->rtnl >= 0)
		close(ns->rtnl);
	if (ns->fd >= 0)
		close(ns->fd);
	free(ns);
}

int netns_fd(const struct netns *ns)
{
	return ns->fd;
}

int netns_enter(const struct netns *ns)
{
	int back = open(own_file, O_RDONLY | O_CLOEXEC), err;

	if (back < 0)
		return -errno;
	if (setns(ns->fd, CLONE_NEWNET) == 0)
		return back;
	err = -errno;
	close(back);
	return err;
}

/* To go on in a wrong namespace would do harm to whoever owns it. */
void netns_leave(int back)
{
	if (setns(back, CLONE_NEWNET) < 0)
		abort();
	close(back);
}

/* As `ip netns` has it: a shared mount, so that a name that goes here goes in every mount namespace. */
static int names_ready(void)
{
	if (mkdir(NETNS_DIR, 0755) < 0 && errno != EEXIST)
		return -errno;
	if (mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	if (mount(NETNS_DIR, NETNS_DIR, "none", MS_BIND | MS_REC, NULL) < 0)
		return -errno;
	return mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) < 0 ? -errno : 0;
}

/* A new namespace, held by a mount on 'path'. */
static int make_at(const char *path)
{
	int back = open(own_file, O_RDONLY | O_CLOEXEC), err = 0;

	if (back < 0)
		return -errno;
	if (unshare(CLONE_NEWNET) < 0) {
		err = -errno;
		close(back);
		return err;
	}
	if (mount(own_file, path, "none", MS_BIND, NULL) < 0)
		err = -errno;
	netns_leave(back);
	return err;
}

static int make_name(const char *path)
{
	int lock, fd, err;

	err = names_ready();
	if (err)
		return err;
	lock = open(NETNS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0)
		return -errno;
	flock(lock, LOCK_EX);		/* `ip netns` takes the same one */
	fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
	err = fd < 0 ? -errno : 0;
	if (!err) {
		close(fd);
		err = make_at(path);
		if (err)
			unlink(path);
	}
	close(lock);
	return err;
}

int netns_create(struct netns **out, const char *name)
{
	struct netns *ns;
	char path[256];
	int err = name_path(path, sizeof(path), name);

	if (!err)
		err = make_name(path);
	if (err)
		return err;
	err = open_file(&ns, path);
	if (err) {
		netns_delete(name);
		return err;
	}
	err = netns_link_up(ns, "lo");
	if (err) {
		netns_close(ns);
		netns_delete(name);
		return err;
	}
	*out = ns;
	return 0;
}

int netns_delete(const char *name)
{
	char path[256];
	int err = name_path(path, sizeof(path), name);

	if (err)
		return err;
	if (umount2(path, MNT_DETACH) < 0 && errno != EINVAL)	/* EINVAL: half made, a file without its mount */
		return -errno;
	return unlink(path) < 0 ? -errno : 0;
}

static int ask(struct netns *ns, struct rtnl_message *m)
{
	return rtnl_ask(ns->rtnl, m, NULL, NULL);
}

int netns_veth(struct netns *a, const char *a_name, struct netns *b, const char *b_name)
{
	struct ifinfomsg link = { 0 };
	struct rtnl_message m;
	size_t info, data, peer;

	rtnl_begin(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof(link));
	rtnl_text(&m, IFLA_IFNAME, a_name);
	info = rtnl_nest(&m, IFLA_LINKINFO);
	rtnl_text(&m, IFLA_INFO_KIND, "veth");
	data = rtnl_nest(&m, IFLA_INFO_DATA);
	peer = rtnl_nest(&m, VETH_INFO_PEER);
	rtnl_header(&m, &link, sizeof(link));
	rtnl_text(&m, IFLA_IFNAME, b_name);
	rtnl_u32(&m, IFLA_NET_NS_FD, b->fd);
	rtnl_nest_end(&m, peer);
	rtnl_nest_end(&m, data);
	rtnl_nest_end(&m, info);
	return ask(a, &m);
}

int netns_bridge(struct netns *ns, const char *name)
{
	struct ifinfomsg link = { 0 };
	struct rtnl_message m;
	size_t info;

	rtnl_begin(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof(link));
	rtnl_text(&m, IFLA_IFNAME, name);
	info = rtnl_nest(&m, IFLA_LINKINFO);
	rtnl_text(&m, IFLA_INFO_KIND, "bridge");
	rtnl_nest_end(&m, info);
	return ask(ns, &m);
}

/* A request about a link that is named, not numbered. */
static void about_link(struct rtnl_message *m, int type, unsigned int flags, const char *name)
{
	struct ifinfomsg link = { .ifi_flags = flags, .ifi_change = flags };

	rtnl_begin(m, type, 0, &link, sizeof(link));
	rtnl_text(m, IFLA_IFNAME, name);
}

int netns_link_up(struct netns *ns, const char *name)
{
	struct rtnl_message m;

	about_link(&m, RTM_NEWLINK, IFF_UP, name);
	return ask(ns, &m);
}

int netns_link_alias(struct netns *ns, const char *name, const char *alias)
{
	struct rtnl_message m;

	about_link(&m, RTM_NEWLINK, 0, name);
	rtnl_put(&m, IFLA_IFALIAS, alias, strlen(alias));
	return ask(ns, &m);
}

int netns_link_join(struct netns *ns, const char *name, const char *bridge)
{
	int index = netns_link_index(ns, bridge);
	struct rtnl_message m;

	if (index < 0)
		return index;
	about_link(&m, RTM_NEWLINK, 0, name);
	rtnl_u32(&m, IFLA_MASTER, index);
	return ask(ns, &m);
}

int netns_link_delete(struct netns *ns, const char *name)
{
	struct rtnl_message m;

	about_link(&m, RTM_DELLINK, 0, name);
	return ask(ns, &m);
}

struct link_seen {
	int index;
	__u8 mac[6];
};

static int on_link(void *ctx, const struct nlmsghdr *answer)
{
	const struct ifinfomsg *link = NLMSG_DATA(answer);
	const struct rtattr *mac = rtnl_attribute(answer, sizeof(*link), IFLA_ADDRESS);
	struct link_seen *seen = ctx;

	seen->index = link->ifi_index;
	if (mac && RTA_PAYLOAD(mac) == 6)
		memcpy(seen->mac, RTA_DATA(mac), 6);
	return 0;
}

static int find_link(struct netns *ns, const char *name, struct link_seen *seen)
{
	struct rtnl_message m;

	memset(seen, 0, sizeof(*seen));
	about_link(&m, RTM_GETLINK, 0, name);
	return rtnl_ask(ns->rtnl, &m, on_link, seen);
}

int netns_link_index(struct netns *ns, const char *name)
{
	struct link_seen seen;
	int err = find_link(ns, name, &seen);

	return err ? err : seen.index;
}

int netns_link_mac(struct netns *ns, const char *name, __u8 mac[6])
{
	struct link_seen seen;
	int err = find_link(ns, name, &seen);

	if (!err)
		memcpy(mac, seen.mac, 6);
	return err;
}

static int family(const struct weir_addr *a)
{
	return addr_is_v4(a) ? AF_INET : AF_INET6;
}

static void put_addr(struct rtnl_message *m, int type, const struct weir_addr *a)
{
	if (addr_is_v4(a))
		rtnl_put(m, type, a->byte + 12, 4);
	else
		rtnl_put(m, type, a->byte, 16);
}

int netns_address(struct netns *ns, const char *link, const struct weir_addr *a, unsigned int length)
{
	struct ifaddrmsg head = {
		.ifa_family = family(a),
		.ifa_prefixlen = length - (addr_is_v4(a) ? 96 : 0),
		.ifa_flags = addr_is_v4(a) ? 0 : IFA_F_NODAD,
	};
	int index = netns_link_index(ns, link);
	struct rtnl_message m;

	if (index < 0)
		return index;
	head.ifa_index = index;
	rtnl_begin(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	put_addr(&m, IFA_LOCAL, a);
	put_addr(&m, IFA_ADDRESS, a);
	return ask(ns, &m);
}

static void about_route(struct rtnl_message *m, int type, int flags, const struct weir_prefix *to,
			const struct weir_addr *via)
{
	struct weir_addr net = to->addr;
	struct rtmsg head = {
		.rtm_family = family(&net),
		.rtm_dst_len = to->length - (addr_is_v4(&net) ? 96 : 0),
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = type == RTM_NEWROUTE ? RTPROT_STATIC : RTPROT_UNSPEC,
		.rtm_type = type == RTM_NEWROUTE ? RTN_UNICAST : RTN_UNSPEC,
		.rtm_scope = type == RTM_DELROUTE ? RT_SCOPE_NOWHERE : via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
		.rtm_flags = via ? RTNH_F_ONLINK : 0,
	};

	rtnl_begin(m, type, flags, &head, sizeof(head));
	if (head.rtm_dst_len)
		put_addr(m, RTA_DST, &net);
	if (via)
		put_addr(m, RTA_GATEWAY, via);
}

int netns_route(struct netns *ns, const struct weir_prefix *to, const struct weir_addr *via, const char *link)
{
	int index = netns_link_index(ns, link);
	struct rtnl_message m;

	if (index < 0)
		return index;
	about_route(&m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, to, via);
	rtnl_u32(&m, RTA_OIF, index);
	return ask(ns, &m);
}

int netns_route_delete(struct netns *ns, const struct weir_prefix *to)
{
	struct rtnl_message m;

	about_route(&m, RTM_DELROUTE, 0, to, NULL);
	return ask(ns, &m);
}

int netns_neighbour(struct netns *ns, const char *link, const struct weir_addr *a, const __u8 mac[6])
{
	struct ndmsg head = { .ndm_family = family(a), .ndm_state = NUD_PERMANENT };
	struct rtnl_message m;

	head.ndm_ifindex = netns_link_index(ns, link);
	if (head.ndm_ifindex < 0)
		return head.ndm_ifindex;
	rtnl_begin(&m, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));
	put_addr(&m, NDA_DST, a);
	rtnl_put(&m, NDA_LLADDR, mac, 6);
	return ask(ns, &m);
}

static int write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* /proc/sys/net is that of the namespace the thread is in when it opens the file. */
int netns_setting(struct netns *ns, const char *name, const char *value)
{
	char path[256];
	int back, err;

	if (snprintf(path, sizeof(path), "/proc/sys/net/%s", name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	back = netns_enter(ns);
	if (back < 0)
		return back;
	err = write_file(path, value);
	netns_leave(back);
	return err;
}

struct setting {
	const char *name, *value;
};

static int settings(struct netns *ns, const struct setting *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int err = netns_setting(ns, all[i].name, all[i].value);

		if (err && !(err == -ENOENT && !strncmp(all[i].name, "ipv6/", 5)))	/* a kernel without IPv6 */
			return err;
	}
	return 0;
}

int netns_quick(struct netns *ns)
{
	static const struct setting quick[] = {
		{ "ipv6/conf/all/accept_dad", "0" },
		{ "ipv6/conf/default/accept_dad", "0" },
	};

	return settings(ns, quick, sizeof(quick) / sizeof(quick[0]));
}

int netns_router(struct netns *ns)
{
	static const struct setting router[] = {
		{ "ipv4/ip_forward", "1" },
		{ "ipv6/conf/all/forwarding", "1" },
		{ "ipv6/conf/default/forwarding", "1" },
		{ "ipv4/conf/all/rp_filter", "0" },
		{ "ipv4/conf/default/rp_filter", "0" },
		{ "ipv4/conf/all/send_redirects", "0" },
		{ "ipv4/conf/default/send_redirects", "0" },
	};
	int err = netns_quick(ns);

	return err ? err : settings(ns, router, sizeof(router) / sizeof(router[0]));
}
