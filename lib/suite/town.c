// SPDX-License-Identifier: Apache-2.0
#include "lib/suite/town.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/addr.h"
#include "lib/podnet.h"

#define ANSWER_MS 60000		/* an agent that has just been started may be busy with that */
#define PLACES 64
#define ADDRESSES 16
#define NODE_PROTOS 5

struct place {
	char name[256];			/* "x/a", "node", "far", "out" */
	char host_end[16];
	char netns_name[64];
	struct netns *netns;
	struct weir_addr addr[ADDRESSES];
	unsigned int naddr;
	__u8 mac[6], gateway[6];
	int packet;			/* AF_PACKET on its interface; -1 for the node */
	int raw4, raw6;			/* the node: its senders */
	int heard[2 * NODE_PROTOS];	/* and what is delivered to it */
	bool node, seen;
};

struct town {
	struct child *child;
	struct place *place[PLACES];
	unsigned int n, made;
	__u8 buf[65536];
	char node_name[256];
	bool keep_nodes;
};

/* -- if somebody ends us -- */

/* A namespace outlives its maker: who ends us by a signal shall find none left. */
static struct town *ours;
static const int ends[] = { SIGINT, SIGTERM, SIGHUP };

static void on_end(int sig)
{
	struct town *t = ours;

	for (unsigned int i = 0; t && i < t->n; i++)
		netns_delete(t->place[i]->netns_name);
	if (t && t->child)
		child_abandon(t->child);
	_exit(128 + sig);
}

static void mind(struct town *t)
{
	struct sigaction act = { .sa_handler = t ? on_end : SIG_DFL };

	ours = t;
	for (unsigned int i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		sigaction(ends[i], &act, NULL);
}

/* -- places -- */

static int fail(struct complaint *why, int err, const char *what)
{
	complaint_set(why, 0, 0, "%s: %s", what, strerror(-err));
	return err;
}

static int packet_socket(const struct netns *ns, const char *link)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int back = netns_enter(ns), size = 16 << 20, fd, err = 0;

	if (back < 0)
		return back;
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		err = -errno;
	netns_leave(back);
	if (err)
		return err;
	at.sll_ifindex = netns_link_index((struct netns *)ns, link);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at))) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static void place_free(struct place *p)
{
	if (!p)
		return;
	if (p->packet >= 0)
		close(p->packet);
	if (p->raw4 >= 0)
		close(p->raw4);
	if (p->raw6 >= 0)
		close(p->raw6);
	for (int i = 0; i < 2 * NODE_PROTOS; i++)
		if (p->heard[i] >= 0)
			close(p->heard[i]);
	netns_close(p->netns);
	if (*p->netns_name)
		netns_delete(p->netns_name);
	free(p);
}

static int place_new(struct town *t, const char *name, struct place **out)
{
	struct place *p = calloc(1, sizeof(*p));
	int err;

	if (!p || t->n == PLACES) {
		free(p);
		return -ENOMEM;
	}
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->packet = p->raw4 = p->raw6 = -1;
	memset(p->heard, 0xff, sizeof(p->heard));
	snprintf(p->netns_name, sizeof(p->netns_name), "weir-test-%d-%u", getpid(), t->made);
	snprintf(p->host_end, sizeof(p->host_end), "w%u", t->made++);
	err = netns_create(&p->netns, p->netns_name);
	if (err) {
		*p->netns_name = 0;
		place_free(p);
		return err;
	}
	netns_quick(p->netns);
	t->place[t->n++] = p;
	*out = p;
	return 0;
}

static struct place *find(struct town *t, const char *name)
{
	for (unsigned int i = 0; i < t->n; i++)
		if (!strcmp(t->place[i]->name, name))
			return t->place[i];
	return NULL;
}

static int place_listen(struct place *p, struct netns *node)
{
	p->packet = packet_socket(p->netns, "eth0");
	if (p->packet < 0)
		return p->packet;
	return netns_link_mac(p->netns, "eth0", p->mac) ?: netns_link_mac(node, p->host_end, p->gateway);
}

/* The node's own sockets: raw ones, so that no daemon is needed. */
static int node_listen(struct place *p)
{
	static const int protos[NODE_PROTOS] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6 };
	int back = netns_enter(p->netns), err = 0;

	if (back < 0)
		return back;
	p->raw4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	p->raw6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	for (int i = 0; i < NODE_PROTOS; i++) {
		p->heard[i] = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protos[i]);
		p->heard[NODE_PROTOS + i] = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protos[i]);
	}
	if (p->raw4 < 0 || p->raw6 < 0)
		err = -errno;
	netns_leave(back);
	return err;
}

/* Everybody beyond the node's uplinks. */
static int make_beyond(struct town *t, const char *name)
{
	struct place *p, *node = t->place[0];
	int err = place_new(t, name, &p);

	if (!err)
		err = netns_veth(node->netns, p->host_end, p->netns, "eth0");
	if (!err)
		err = netns_link_up(node->netns, p->host_end) ?: netns_link_up(p->netns, "eth0");
	return err ?: place_listen(p, node->netns);
}

int town_open(struct town **out, const struct child_options *options, struct complaint *why)
{
	struct child_options child = *options;
	struct town *t = calloc(1, sizeof(*t));
	struct place *node;
	int err;

	if (!t)
		return -ENOMEM;
	snprintf(t->node_name, sizeof(t->node_name), "%s", options->node);
	mind(t);
	t->keep_nodes = options->keep_nodes;
	err = place_new(t, "node", &node);
	if (!err) {
		node->node = true;
		err = netns_router(node->netns) ?: node_listen(node) ?: make_beyond(t, "far") ?: make_beyond(t, "out");
	}
	if (err) {
		fail(why, err, "cannot make network namespaces (this judge needs root)");
		town_close(t);
		return err;
	}
	child.netns = netns_fd(node->netns);
	err = child_start(&t->child, &child, why);
	if (err) {
		town_close(t);
		return err;
	}
	*out = t;
	return 0;
}

void town_close(struct town *t)
{
	if (!t)
		return;
	child_stop(t->child);
	while (t->n)
		place_free(t->place[--t->n]);
	mind(NULL);
	free(t);
}

struct child *town_child(struct town *t) { return t->child; }
struct netns *town_node(struct town *t) { return t->place[0]->netns; }
struct netns *place_netns(struct place *p) { return p->netns; }
const char *place_interface(const struct place *p) { return p->host_end; }
const __u8 *place_mac(const struct place *p) { return p->mac; }
const __u8 *place_gateway(const struct place *p) { return p->gateway; }
bool place_is_node(const struct place *p) { return p->node; }

/* -- pods come and go -- */

static int ask_add(struct town *t, struct place *p, struct complaint *why)
{
	Weir__V1__EndpointAddRequest add = WEIR__V1__ENDPOINT_ADD_REQUEST__INIT;
	Weir__V1__Request ask = WEIR__V1__REQUEST__INIT;
	Weir__V1__Reply *reply;
	int err;

	add.pod = p->name;
	add.interface = p->host_end;
	add.mac.data = p->mac;
	add.mac.len = 6;
	add.wait_ms = 2000;
	ask.ask_case = WEIR__V1__REQUEST__ASK_ENDPOINT_ADD;
	ask.endpoint_add = &add;
	err = control_ask_once(child_control(t->child), &ask, &reply, ANSWER_MS, why);
	if (!err)
		weir__v1__reply__free_unpacked(reply, NULL);
	return err;
}

static int ask_remove(struct town *t, struct place *p, struct complaint *why)
{
	Weir__V1__EndpointRemoveRequest gone = WEIR__V1__ENDPOINT_REMOVE_REQUEST__INIT;
	Weir__V1__Request ask = WEIR__V1__REQUEST__INIT;
	Weir__V1__Reply *reply;
	int err;

	gone.pod = p->name;
	ask.ask_case = WEIR__V1__REQUEST__ASK_ENDPOINT_REMOVE;
	ask.endpoint_remove = &gone;
	err = control_ask_once(child_control(t->child), &ask, &reply, ANSWER_MS, why);
	if (!err)
		weir__v1__reply__free_unpacked(reply, NULL);
	return err;
}

int town_guard(struct town *t, struct place *p, bool guarded, struct complaint *why)
{
	return guarded ? ask_add(t, p, why) : ask_remove(t, p, why);
}

static unsigned int addresses_of(const struct value *pod, struct weir_addr addr[ADDRESSES])
{
	unsigned int n = 0;

	for value_each(ip, value_at(pod, "status.podIPs"))
		if (n < ADDRESSES && !addr_parse(value_text(ip, "ip", ""), &addr[n]))
			n++;
	return n;
}

/* A pod of this node, with an interface of its own, that has not ended. */
static bool lives_here(const struct town *t, const struct value *m)
{
	const char *phase = value_text(m, "status.phase", "");

	return !strcmp(value_text(m, "kind", ""), "Pod") && !value_true(m, "spec.hostNetwork") &&
	       !(t->keep_nodes && strcmp(value_text(m, "spec.nodeName", ""), t->node_name)) && strcmp(phase, "Succeeded") && strcmp(phase, "Failed");
}

static void pod_name(const struct value *m, char name[256])
{
	snprintf(name, 256, "%.120s/%.120s", value_text(m, "metadata.namespace", "default"), value_text(m, "metadata.name", ""));
}

static int settle_pod(struct town *t, const char *name, const struct weir_addr *addr, unsigned int naddr, struct complaint *why)
{
	struct netns *node = t->place[0]->netns;
	struct place *p;
	int err = place_new(t, name, &p);
	char alias[300];

	if (err)
		return fail(why, err, "cannot make a pod's namespace");
	memcpy(p->addr, addr, naddr * sizeof(*addr));
	p->naddr = naddr;
	p->seen = true;
	snprintf(alias, sizeof(alias), "weir:%s", name);
	err = podnet_make(node, p->host_end, p->netns, addr, naddr, alias) ?: place_listen(p, node);
	if (err)
		return fail(why, err, "cannot make a pod's interface");
	err = ask_add(t, p, why);
	if (err)
		return err;
	err = podnet_reach(node, p->host_end, p->netns, addr, naddr);
	return err ? fail(why, err, "cannot make the route to a pod") : 0;
}

static int leave(struct town *t, unsigned int i, struct complaint *why)
{
	struct place *p = t->place[i];
	int err = ask_remove(t, p, why);

	netns_link_delete(t->place[0]->netns, p->host_end);
	place_free(p);
	t->place[i] = t->place[--t->n];
	return err;
}

static int leave_gone(struct town *t, const struct cluster *c, struct complaint *why)
{
	struct weir_addr addr[ADDRESSES];
	char name[256];
	int err = 0;

	for (unsigned int i = 3; i < t->n; i++)
		t->place[i]->seen = false;
	for value_each(m, c->manifests) {
		struct place *p;
		unsigned int n;

		if (!lives_here(t, m))
			continue;
		pod_name(m, name);
		p = find(t, name);
		n = addresses_of(m, addr);
		if (p && p->naddr == n && !memcmp(p->addr, addr, n * sizeof(*addr)))
			p->seen = true;
	}
	for (unsigned int i = 3; i < t->n && !err;)
		if (t->place[i]->seen)
			i++;
		else
			err = leave(t, i, why);
	return err;
}

/* A node's or an outsider's address, where it belongs. */
static int know(struct town *t, struct place *p, const struct weir_addr *a)
{
	struct netns *node = t->place[0]->netns;
	struct weir_prefix one = { .length = 128, .addr = *a };

	for (unsigned int i = 0; i < p->naddr; i++)
		if (addr_equal(&p->addr[i], a))
			return 0;
	if (p->naddr == ADDRESSES)
		return -ENOSPC;
	p->addr[p->naddr++] = *a;
	if (p->node)
		return netns_address(node, "lo", a, 128);
	return netns_address(p->netns, "eth0", a, 128) ?: podnet_default(p->netns, "eth0", a, 1, p->gateway) ?:
	       netns_neighbour(node, p->host_end, a, p->mac) ?: netns_route(node, &one, NULL, p->host_end);
}

/* Pods of other nodes are beyond the same uplink as these. */
static int know_far_pods(struct town *t, const struct cluster *c)
{
	struct weir_addr a;
	int err = 0;

	for value_each(m, c->manifests)
		for value_each(ip, strcmp(value_text(m, "kind", ""), "Pod") || lives_here(t, m) || !t->keep_nodes ||
				   value_true(m, "spec.hostNetwork") ? NULL : value_at(m, "status.podIPs"))
			if (!err && !addr_parse(value_text(ip, "ip", ""), &a))
				err = know(t, find(t, "far"), &a);
	return err;
}

static int know_nodes(struct town *t, const struct cluster *c)
{
	struct weir_addr a;
	int err = know_far_pods(t, c);

	for value_each(m, c->manifests) {
		bool own = !strcmp(value_text(m, "metadata.name", ""), t->node_name);

		if (strcmp(value_text(m, "kind", ""), "Node"))
			continue;
		for value_each(item, value_at(m, "status.addresses"))
			if (!err && !addr_parse(value_text(item, "address", ""), &a))
				err = know(t, find(t, own ? "node" : "far"), &a);
	}
	for value_each(e, c->externals)
		for value_each(ip, value_get(e, "ips"))
			if (!err && !addr_parse(ip->text, &a))
				err = know(t, find(t, "out"), &a);
	return err;
}

int town_live(struct town *t, const struct cluster *c, struct hand *hand, struct complaint *why)
{
	struct weir_addr addr[ADDRESSES];
	char name[256];
	int err = leave_gone(t, c, why) ?: child_hand(t->child, hand, c, why);

	if (err)
		return err;
	err = know_nodes(t, c);
	if (err)
		return fail(why, err, "cannot place an address");
	for value_each(m, c->manifests) {
		unsigned int n;

		if (!lives_here(t, m))
			continue;
		pod_name(m, name);
		n = addresses_of(m, addr);
		if (!find(t, name) && n)
			err = err ?: settle_pod(t, name, addr, n, why);
	}
	return err;
}

struct place *town_place(struct town *t, const struct cluster *c, const char *name)
{
	const char *node;
	struct weir_addr a;

	switch (cluster_who(c, name, &node)) {
	case CLUSTER_POD:
		return find(t, t->keep_nodes && strcmp(node, t->node_name) ? "far" : name);
	case CLUSTER_NODE: case CLUSTER_HOST_POD:
		return find(t, strcmp(node, t->node_name) ? "far" : "node");
	case CLUSTER_EXTERNAL:
		if (!addr_parse(name, &a))
			know(t, find(t, "out"), &a);
		return find(t, "out");
	default:
		return NULL;
	}
}

/* -- packets -- */

static int node_send(struct place *p, const struct wire *w)
{
	struct sockaddr_in to4 = { .sin_family = AF_INET };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT };
	__u8 buf[WIRE_MAX];
	size_t n = wire_build(w, buf, sizeof(buf));
	bool v4 = addr_is_v4(&w->dst);

	if (n <= ETH_HLEN)
		return -EMSGSIZE;
	memcpy(&to4.sin_addr, w->dst.byte + 12, 4);
	memcpy(&to6.sin6_addr, w->dst.byte, 16);
	return sendto(v4 ? p->raw4 : p->raw6, buf + ETH_HLEN, n - ETH_HLEN, 0, v4 ? (void *)&to4 : (void *)&to6,
		      v4 ? sizeof(to4) : sizeof(to6)) < 0 ? -errno : 0;
}

int town_send(struct town *t, struct place *from, const struct wire *w)
{
	struct wire filled = *w;
	__u8 buf[WIRE_MAX];
	size_t n;

	if (from->node)
		return node_send(from, w);
	memcpy(filled.to_mac, from->gateway, 6);
	memcpy(filled.from_mac, from->mac, 6);
	n = wire_build(&filled, buf, sizeof(buf));
	while (n && send(from->packet, buf, n, 0) < 0) {
		struct pollfd wait = { .fd = from->packet, .events = POLLOUT };

		if (errno != EAGAIN && errno != ENOBUFS)
			return -errno;
		poll(&wait, 1, 10);
	}
	return n ? 0 : -EMSGSIZE;
}

static bool packet_receive(struct town *t, struct place *p, struct wire_seen *seen)
{
	struct sockaddr_ll from;
	socklen_t size = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(p->packet, t->buf, sizeof(t->buf), 0, (struct sockaddr *)&from, &size)) >= 0) {
		if (from.sll_pkttype != PACKET_OUTGOING && wire_read(t->buf, n, seen))
			return true;
		size = sizeof(from);
	}
	return false;
}

/* IPv4 raw sockets give the packet, IPv6 ones only what is behind its header: that is put before it again. */
static bool node_receive(struct town *t, struct place *p, struct wire_seen *seen)
{
	static const __u8 protos[NODE_PROTOS] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6 };

	for (int i = 0; i < 2 * NODE_PROTOS; i++) {
		bool v6 = i >= NODE_PROTOS;
		size_t head = ETH_HLEN + (v6 ? 40 : 0);
		struct sockaddr_in6 from = { 0 };
		socklen_t size = sizeof(from);
		ssize_t n = p->heard[i] < 0 ? -1 :
			recvfrom(p->heard[i], t->buf + head, sizeof(t->buf) - head, 0, (struct sockaddr *)&from, &size);

		if (n < 0)
			continue;
		memset(t->buf, 0, head);
		t->buf[12] = v6 ? 0x86 : 0x08;
		t->buf[13] = v6 ? 0xdd : 0;
		if (v6) {
			t->buf[14] = 0x60;
			t->buf[20] = protos[i - NODE_PROTOS];
			memcpy(t->buf + 22, &from.sin6_addr, 16);
		}
		if (wire_read(t->buf, head + n, seen))
			return true;
	}
	return false;
}

bool town_receive(struct town *t, struct place *at, struct wire_seen *seen, int ms)
{
	for (;;) {
		struct pollfd wait[2 * NODE_PROTOS];
		int n = 0;

		if (at->node ? node_receive(t, at, seen) : packet_receive(t, at, seen))
			return true;
		if (!at->node)
			wait[n++] = (struct pollfd){ .fd = at->packet, .events = POLLIN };
		for (int i = 0; at->node && i < 2 * NODE_PROTOS; i++)
			wait[n++] = (struct pollfd){ .fd = at->heard[i], .events = POLLIN };
		if (poll(wait, n, ms) <= 0)
			return false;
	}
}

void town_drain(struct town *t)
{
	struct wire_seen seen;

	for (unsigned int i = 0; i < t->n; i++)
		while (town_receive(t, t->place[i], &seen, 0))
			;
}
