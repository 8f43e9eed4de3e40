// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/addresses.h"
#include "lib/log.h"

#define READ_AGAIN_MS 20		/* a burst of changes is read once */

struct addresses {
	struct loop *loop;		/* not ours */
	addresses_fn fn;
	void (*settled)(void *ctx);
	void *ctx;
	int events, ask;
	struct loop_timer timer;
	struct weir_addr *known, *found;	/* sorted, none twice; being read */
	unsigned int nknown, nfound, room;
};

static void on_events(void *ctx);
static int read_all(struct addresses *a);

static int open_socket(unsigned int groups)
{
	struct sockaddr_nl me = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | (groups ? SOCK_NONBLOCK : 0), NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&me, sizeof(me))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd < 0 ? -errno : fd;
}

int addresses_open(struct addresses **out, struct loop *loop, addresses_fn fn, void (*settled)(void *ctx), void *ctx)
{
	struct addresses *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	a->loop = loop;			/* not ours */
	a->fn = fn;
	a->settled = settled;
	a->ctx = ctx;
	a->ask = open_socket(0);
	a->events = open_socket(RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
	err = a->ask < 0 ? a->ask : a->events < 0 ? a->events : loop_read(loop, a->events, on_events, a);
	if (!err)
		err = read_all(a);
	if (err) {
		addresses_close(a);
		return err;
	}
	*out = a;
	return 0;
}

void addresses_close(struct addresses *a)
{
	if (!a)
		return;
	loop_cancel(a->loop, &a->timer);
	if (a->events >= 0) {
		loop_forget(a->loop, a->events);
		close(a->events);
	}
	if (a->ask >= 0)
		close(a->ask);
	free(a->known);
	free(a->found);
	free(a);
}

static void on_timer(void *ctx)
{
	struct addresses *a = ctx;
	int err = read_all(a);

	if (err)
		log_err(err, "cannot read the node's addresses");
	a->settled(a->ctx);
}

static void on_events(void *ctx)
{
	struct addresses *a = ctx;
	char buf[8192];

	/* what it says does not matter: all is read again, also when some was dropped */
	while (recv(a->events, buf, sizeof(buf), 0) > 0 || errno == ENOBUFS)
		;
	if (!a->timer.when)
		loop_after(a->loop, &a->timer, READ_AGAIN_MS, on_timer, a);
}

static bool is_loopback(const struct weir_addr *a)
{
	static const __u8 v4[12] = { [10] = 0xff, [11] = 0xff }, one[16] = { [15] = 1 };

	return !memcmp(a->byte, one, 16) || (!memcmp(a->byte, v4, 12) && a->byte[12] == 127);
}

static int found(struct addresses *a, const struct ifaddrmsg *m, const void *data)
{
	struct weir_addr addr = { .byte = { [10] = 0xff, [11] = 0xff } };

	memcpy(addr.byte + (m->ifa_family == AF_INET ? 12 : 0), data, m->ifa_family == AF_INET ? 4 : 16);
	if (is_loopback(&addr))
		return 0;
	if (a->nfound == a->room) {
		struct weir_addr *more = realloc(a->found, (a->room * 2 + 16) * sizeof(*more));

		if (!more)
			return -ENOMEM;
		a->found = more;
		a->room = a->room * 2 + 16;
	}
	a->found[a->nfound++] = addr;
	return 0;
}

static int one_message(struct addresses *a, const struct nlmsghdr *m)
{
	const struct ifaddrmsg *ifa = NLMSG_DATA(m);
	const struct rtattr *attr = IFA_RTA(ifa), *addr = NULL, *local = NULL;
	int left = IFA_PAYLOAD(m);

	if (m->nlmsg_type != RTM_NEWADDR || (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6))
		return 0;
	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		if (attr->rta_type == IFA_ADDRESS)
			addr = attr;
		if (attr->rta_type == IFA_LOCAL)	/* the address itself where the other is the peer's */
			local = attr;
	}
	addr = local ? local : addr;
	return addr && RTA_PAYLOAD(addr) >= (ifa->ifa_family == AF_INET ? 4 : 16) ? found(a, ifa, RTA_DATA(addr)) : 0;
}

static int dump(struct addresses *a)
{
	struct {
		struct nlmsghdr head;
		struct ifaddrmsg body;
	} ask = { .head = { .nlmsg_len = sizeof(ask), .nlmsg_type = RTM_GETADDR,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };
	char buf[32768] __attribute__((aligned(8)));
	int err = 0;

	a->nfound = 0;
	if (send(a->ask, &ask, sizeof(ask), 0) < 0)
		return -errno;
	for (;;) {
		ssize_t n = recv(a->ask, buf, sizeof(buf), 0);
		const struct nlmsghdr *m = (const void *)buf;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		for (; NLMSG_OK(m, n); m = NLMSG_NEXT(m, n)) {
			if (m->nlmsg_type == NLMSG_DONE)
				return err;
			if (m->nlmsg_type == NLMSG_ERROR)
				return ((const struct nlmsgerr *)NLMSG_DATA(m))->error;
			if (!err)
				err = one_message(a, m);
		}
	}
}

static int in_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct weir_addr));
}

/* Tells what differs from what was known. */
static int read_all(struct addresses *a)
{
	unsigned int i = 0, j = 0, n = 0;
	int err = dump(a);

	if (err)
		return err;
	if (a->nfound)
		qsort(a->found, a->nfound, sizeof(*a->found), in_order);
	for (unsigned int k = 0; k < a->nfound; k++)
		if (!n || in_order(&a->found[n - 1], &a->found[k]))
			a->found[n++] = a->found[k];
	a->nfound = n;
	while (i < a->nknown || j < a->nfound) {
		int c = i == a->nknown ? 1 : j == a->nfound ? -1 : in_order(&a->known[i], &a->found[j]);

		if (c < 0)
			a->fn(a->ctx, &a->known[i], false);
		if (c > 0)
			a->fn(a->ctx, &a->found[j], true);
		i += c <= 0;
		j += c >= 0;
	}
	free(a->known);
	a->known = a->found;
	a->nknown = a->nfound;
	a->found = NULL;
	a->room = 0;
	return 0;
}
