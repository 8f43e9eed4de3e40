// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "agent/tcx.h"
#include "bench/floor.h"
#include "bench/paths.h"
#include "bench/world.h"
#include "bench/wrap.h"
#include "bench/wrap.skel.h"
#include "lib/podnet.h"
#include "lib/rtnl.h"

enum { CLIENT, SERVER, HOST, SPACES };
static const char *const end_name[] = { "client", "server" };

struct path {
	enum path_kind kind;
	struct netns *ns[SPACES];
	char name[SPACES][40];
	unsigned int ifindex[2];
	__u8 mac[2][6], gateway[2][6];
	int link[4];
	struct wrap_bpf *wrap;
	struct floor *floor;
	struct world *world;
};

const char *path_text(enum path_kind kind)
{
	static const char *const text[] = {
#define X(id, text) text,
		PATHS(X)
#undef X
	};
	return text[kind];
}

const struct netns *path_pod(const struct path *p, bool server) { return p->ns[server ? SERVER : CLIENT]; }

struct datapath *path_datapath(const struct path *p) { return p->world ? p->world->dp : NULL; }

void path_drain(struct path *p)
{
	if (p->floor)
		floor_drain(p->floor);
	if (p->world)
		world_drain(p->world);
}

static int spaces(struct path *p)
{
	int err = 0;

	for (int i = 0; i < SPACES && !err; i++) {
		snprintf(p->name[i], sizeof(p->name[i]), "weir-bench-%d-%d%c", getpid(), p->kind, "csh"[i]);
		err = netns_create(&p->ns[i], p->name[i]) ?: netns_quick(p->ns[i]);
	}
	return err;
}

/* mini2 takes for granted that pod N has the MAC 02::N. */
static int own_mac(struct netns *ns, const char *link, unsigned int pod)
{
	struct ifinfomsg what = { .ifi_index = netns_link_index(ns, link) };
	const __u8 mac[6] = { 2, 0, 0, 0, 0, pod + 1 };
	int back = netns_enter(ns), fd = back < 0 ? back : rtnl_open(), err;
	struct rtnl_message m;

	rtnl_begin(&m, RTM_NEWLINK, 0, &what, sizeof(what));
	rtnl_put(&m, IFLA_ADDRESS, mac, sizeof(mac));
	err = fd < 0 ? fd : rtnl_ask(fd, &m, NULL, NULL);
	if (fd >= 0)
		close(fd);
	if (back >= 0)
		netns_leave(back);
	return err;
}

/* As podnet_make() has it, save for the MAC: that must be there first, for a change forgets the neighbours. */
static int pod(struct path *p, unsigned int i, const struct weir_addr a[2])
{
	struct netns *host = p->ns[HOST], *in = p->ns[i];
	int err = netns_veth(host, end_name[i], in, "eth0") ?: own_mac(in, "eth0", i) ?: netns_link_up(host, end_name[i]) ?:
		  netns_link_up(in, "eth0") ?: netns_address(in, "eth0", &a[0], 128) ?: netns_address(in, "eth0", &a[1], 128) ?:
		  netns_link_mac(in, "eth0", p->mac[i]) ?: netns_link_mac(host, end_name[i], p->gateway[i]);

	return err ?: podnet_default(in, "eth0", a, 2, p->gateway[i]) ?: podnet_reach(host, end_name[i], in, a, 2);
}

static int routed(struct path *p)
{
	int err = netns_router(p->ns[HOST]);

	for (unsigned int i = 0; i < 2 && !err; i++) {
		struct weir_addr a[2] = { world_address(i, false), world_address(i, true) };

		err = pod(p, i, a);
		p->ifindex[i] = err ? 0 : netns_link_index(p->ns[HOST], end_name[i]);
	}
	return err;
}

static int direct(struct path *p)
{
	int err = netns_veth(p->ns[CLIENT], "eth0", p->ns[SERVER], "eth0");

	for (unsigned int i = 0; i < 2 && !err; i++) {
		struct weir_addr a = world_address(i, false), a6 = world_address(i, true);

		err = netns_link_up(p->ns[i], "eth0") ?: netns_address(p->ns[i], "eth0", &a, 96 + 24) ?:
		      netns_address(p->ns[i], "eth0", &a6, 64);
	}
	return err;
}

/* Programs on both host ends; 0: none that way. */
static int attach(struct path *p, int from_pod, int to_pod)
{
	int back = netns_enter(p->ns[HOST]), err = back < 0 ? back : 0;

	for (int i = 0; i < 4 && !err; i++) {
		int fd = i & 1 ? to_pod : from_pod;

		if (fd <= 0)
			continue;
		p->link[i] = tcx_attach(p->ifindex[i / 2], i & 1, fd);
		err = p->link[i] < 0 ? p->link[i] : 0;
	}
	if (back >= 0)
		netns_leave(back);
	return err;
}

static int bench_program(struct path *p, bool redirect)
{
	int fd;

	p->wrap = wrap_bpf__open_and_load();
	if (!p->wrap)
		return -errno;
	for (int i = 0; i < 2; i++) {
		struct wrap_peer *to = &p->wrap->bss->peer_of[i];

		*to = (struct wrap_peer){ .in = p->ifindex[i], .out = p->ifindex[!i] };
		memcpy(to->mac, p->mac[!i], 6);
		memcpy(to->gateway, p->gateway[!i], 6);
	}
	fd = bpf_program__fd(redirect ? p->wrap->progs.peer : p->wrap->progs.pass);
	return attach(p, fd, redirect ? 0 : fd);
}

static int mini(struct path *p)
{
	return floor_open(&p->floor, p->ifindex, 100) ?: attach(p, floor_fd(p->floor, FLOOR_REDIRECT), 0);
}

static int weir(struct path *p, bool stack, struct complaint *why)
{
	struct world_options o = { .ifindex = { p->ifindex[0], p->ifindex[1] }, .stack = stack, .peers = 100 };

	memcpy(o.mac, p->mac, sizeof(o.mac));
	memcpy(o.gateway, p->gateway, sizeof(o.gateway));
	return world_open(&p->world, &o, why) ?:
	       attach(p, datapath_prog_fd(p->world->dp, false), datapath_prog_fd(p->world->dp, true));
}

/* What a NetworkPolicy becomes in nftables; the peer that matters is the last of 'n'. */
static void nft_family(FILE *f, bool six, unsigned int n, bool set)
{
	const char *word = six ? "ip6" : "ip";

	fprintf(f, "table %s bench {\n", word);
	if (set) {
		fprintf(f, "set peers { type %s . inet_service; elements = {\n", six ? "ipv6_addr" : "ipv4_addr");
		for (unsigned int i = 1; i < n; i++)
			fprintf(f, six ? "fd01::%x . 5201,\n" : "10.64.%u.%u . 5201,\n", six ? i : i >> 8, i & 255);
		fprintf(f, "%s . 5201 }\n}\n", six ? "fd00::1" : "10.0.0.1");
	}
	fprintf(f, "chain forward { type filter hook forward priority 0; policy drop;\nct state established,related accept\n");
	if (set)
		fprintf(f, "meta l4proto { tcp, udp } %s saddr . th dport @peers accept\n", word);
	for (unsigned int i = 1; !set && i <= n; i++) {
		if (i == n)
			fprintf(f, "%s saddr %s ", word, six ? "fd00::1" : "10.0.0.1");
		else
			fprintf(f, six ? "ip6 saddr fd01::%x " : "ip saddr 10.64.%u.%u ", six ? i : i >> 8, i & 255);
		fprintf(f, "meta l4proto { tcp, udp } th dport 5201 accept\n");
	}
	fprintf(f, "}\n}\n");
}

static int nft(struct path *p, unsigned int n, bool set, struct complaint *why)
{
	int back = netns_enter(p->ns[HOST]), status = -1;
	FILE *f = back < 0 ? NULL : popen("PATH=$PATH:/usr/sbin nft -f -", "w");

	if (f) {
		nft_family(f, false, n, set);
		nft_family(f, true, n, set);
		status = pclose(f);
	}
	if (back >= 0)
		netns_leave(back);
	if (status)
		complaint_set(why, 0, 0, "nft refused its rules (is nftables installed?)");
	return status ? -EIO : 0;
}

static int furnish(struct path *p, struct complaint *why)
{
	switch (p->kind) {
	case PATH_EMPTY_TCX: return bench_program(p, false);
	case PATH_PEER: return bench_program(p, true);
	case PATH_MINI: return mini(p);
	case PATH_WEIR: return weir(p, false, why);
	case PATH_WEIR_STACK: return weir(p, true, why);
	case PATH_NFT_SET_1: return nft(p, 1, true, why);
	case PATH_NFT_SET_10K: return nft(p, 10000, true, why);
	case PATH_NFT_LINEAR: return nft(p, 1000, false, why);
	default: return 0;
	}
}

int path_open(struct path **out, enum path_kind kind, struct complaint *why)
{
	struct path *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->kind = kind;
	err = spaces(p) ?: (kind == PATH_DIRECT ? direct(p) : routed(p)) ?: furnish(p, why);
	if (err) {
		if (!why->text[0])
			complaint_set(why, 0, 0, "cannot build the path '%s': %s", path_text(kind), strerror(-err));
		path_close(p);
		return err;
	}
	*out = p;
	return 0;
}

void path_close(struct path *p)
{
	if (!p)
		return;
	for (int i = 0; i < 4; i++)
		if (p->link[i] > 0)
			close(p->link[i]);
	world_close(p->world);
	floor_close(p->floor);
	wrap_bpf__destroy(p->wrap);
	for (int i = 0; i < SPACES; i++) {
		if (!p->ns[i])
			continue;
		netns_close(p->ns[i]);
		netns_delete(p->name[i]);
	}
	free(p);
}
