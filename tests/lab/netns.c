// SPDX-License-Identifier: Apache-2.0
/* Namespaces with real packets: two pods behind a router, both families, TCP; what is made is gone at the end. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/addr.h"
#include "lib/podnet.h"
#include "tests/check.h"

static char node_name[40], pod_name[2][40];
static struct netns *node, *pod[2];
static struct weir_addr addr[2][2];
static const char *const text[2][2] = { { "10.99.0.1", "fd00:99::1" }, { "10.99.0.2", "fd00:99::2" } };
static const char *const host_end[2] = { "w-a", "w-b" };

static void clean(void)
{
	for (int i = 0; i < 2; i++) {
		netns_close(pod[i]);
		netns_delete(pod_name[i]);
	}
	netns_close(node);
	netns_delete(node_name);
}

static int socket_in(struct netns *ns)
{
	int back = netns_enter(ns), fd;

	if (back < 0)
		return back;
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	netns_leave(back);
	return fd;
}

/* Can a's socket connect to b's; within 300 ms. */
static int connects(struct netns *from, struct netns *to, const struct weir_addr *a)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(8080) };
	int server = socket_in(to), client = socket_in(from), yes = 0, err = ETIMEDOUT;
	struct pollfd p = { .fd = client, .events = POLLOUT };
	socklen_t size = sizeof(err);

	memcpy(&at.sin6_addr, a->byte, 16);
	if (!bind(server, (struct sockaddr *)&at, sizeof(at)) && !listen(server, 1)) {
		if (!connect(client, (struct sockaddr *)&at, sizeof(at)))
			err = 0;
		else if (poll(&p, 1, 300) == 1)
			getsockopt(client, SOL_SOCKET, SO_ERROR, &err, &size);
		yes = err == 0;
	}
	close(client);
	close(server);
	return yes;
}

static void test_make(void)
{
	struct netns *twin;

	CHECK_EQ(netns_create(&node, node_name), 0, "node");
	CHECK_EQ(netns_create(&twin, node_name), -EEXIST, "a name once");
	CHECK_EQ(netns_router(node), 0, "router");
	for (int i = 0; i < 2; i++) {
		for (int f = 0; f < 2; f++)
			CHECK_EQ(addr_parse(text[i][f], &addr[i][f]), 0, "%s", text[i][f]);
		CHECK_EQ(netns_create(&pod[i], pod_name[i]), 0, "pod");
		CHECK_EQ(netns_quick(pod[i]), 0, "quick");
		CHECK_EQ(podnet_make(node, host_end[i], pod[i], addr[i], 2, "weir:a/b"), 0, "make");
	}
	CHECK_EQ(podnet_make(node, host_end[0], pod[0], addr[0], 2, NULL), -EEXIST, "not twice");
	CHECK_EQ(netns_link_index(node, "nosuch"), -ENODEV, "no such link");
	CHECK_EQ(netns_veth(node, "a-name-that-is-much-too-long", pod[0], "x"), -ERANGE, "a name too long");
}

static void test_reach(void)
{
	struct weir_prefix one = { .length = 128, .addr = addr[1][0] };

	CHECK(!connects(pod[0], pod[1], &addr[1][0]), "nobody reaches a pod before its route is there");
	for (int i = 0; i < 2; i++)
		CHECK_EQ(podnet_reach(node, host_end[i], pod[i], addr[i], 2), 0, "reach");
	for (int f = 0; f < 2; f++)
		CHECK(connects(pod[0], pod[1], &addr[1][f]), "pod to pod, %s", text[1][f]);
	CHECK_EQ(netns_route_delete(node, &one), 0, "route away");
	CHECK(!connects(pod[0], pod[1], &addr[1][0]), "and without it again nobody");
	CHECK(connects(pod[0], pod[1], &addr[1][1]), "while the other family goes on");
}

static void test_bridge(void)
{
	struct weir_addr a, b;
	int yes = 0;

	CHECK(!addr_parse("192.0.2.1", &a) && !addr_parse("192.0.2.2", &b), "addresses");
	CHECK_EQ(netns_bridge(node, "br0"), 0, "bridge");
	CHECK_EQ(netns_link_up(node, "br0"), 0, "up");
	CHECK_EQ(netns_address(node, "br0", &a, 120), 0, "address");
	CHECK_EQ(netns_address(node, "br0", &a, 120), -EEXIST, "once");
	CHECK_EQ(netns_veth(node, "port", pod[0], "lan"), 0, "veth");
	CHECK_EQ(netns_link_join(node, "port", "br0"), 0, "join");
	CHECK_EQ(netns_link_up(node, "port"), 0, "up");
	CHECK_EQ(netns_link_up(pod[0], "lan"), 0, "up");
	CHECK_EQ(netns_address(pod[0], "lan", &b, 120), 0, "address");
	/* a bridge's port forwards once the kernel has seen its carrier, within a second */
	for (int i = 0; i < 10 && !yes; i++)
		yes = connects(node, pod[0], &b);
	CHECK(yes, "over the bridge");
	CHECK_EQ(netns_setting(node, "ipv4/nosuch", "1"), -ENOENT, "a setting that is not there");
}

static void test_delete(void)
{
	char path[200];

	CHECK_EQ(netns_link_delete(node, host_end[0]), 0, "host end");
	CHECK_EQ(netns_link_index(pod[0], "eth0"), -ENODEV, "takes the pod's end with it");
	clean();
	pod[0] = pod[1] = node = NULL;
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), NETNS_DIR "/%s", pod_name[i]);
		CHECK(access(path, F_OK) < 0, "the name is gone");
	}
	CHECK_EQ(netns_delete(node_name), -ENOENT, "nothing there");
	CHECK_EQ(netns_open(&node, node_name), -ENOENT, "nothing to open");
	CHECK_EQ(netns_open(&node, "../x"), -EINVAL, "no path");
}

int main(void)
{
	if (geteuid() != 0) {
		check_skip("needs root");
		CHECK(1, "nothing");
		return check_done();
	}
	snprintf(node_name, sizeof(node_name), "weirtest-%d-node", getpid());
	for (int i = 0; i < 2; i++)
		snprintf(pod_name[i], sizeof(pod_name[i]), "weirtest-%d-pod%d", getpid(), i);
	test_make();
	if (!check_failed) {
		test_reach();
		test_bridge();
	}
	test_delete();
	return check_done();
}
