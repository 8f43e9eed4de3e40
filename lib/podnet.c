// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "lib/addr.h"
#include "lib/podnet.h"

#define POD_END "eth0"

static const struct weir_prefix everything_v4 = { .length = 96, .addr = { .byte = { [10] = 0xff, [11] = 0xff } } };
static const struct weir_prefix everything_v6 = { .length = 0 };
static const struct weir_addr gateway_v4 = { .byte = { [10] = 0xff, [11] = 0xff, [12] = 169, 254, 1, 1 } };
static const struct weir_addr gateway_v6 = { .byte = { 0xfe, 0x80, [15] = 1 } };

int podnet_default(struct netns *ns, const char *link, const struct weir_addr *addr, unsigned int naddr,
		   const __u8 gateway_mac[6])
{
	for (unsigned int i = 0; i < naddr; i++) {
		bool v4 = addr_is_v4(&addr[i]);
		const struct weir_addr *gateway = v4 ? &gateway_v4 : &gateway_v6;
		int err = netns_neighbour(ns, link, gateway, gateway_mac);

		if (!err)
			err = netns_route(ns, v4 ? &everything_v4 : &everything_v6, gateway, link);
		if (err)
			return err;
	}
	return 0;
}

static int pod_end(struct netns *node, const char *host_end, struct netns *pod, const struct weir_addr *addr,
		   unsigned int naddr)
{
	__u8 mac[6];
	int err = netns_link_up(pod, POD_END);

	for (unsigned int i = 0; i < naddr && !err; i++)
		err = netns_address(pod, POD_END, &addr[i], 128);
	if (!err)
		err = netns_link_mac(node, host_end, mac);
	return err ? err : podnet_default(pod, POD_END, addr, naddr, mac);
}

int podnet_make(struct netns *node, const char *host_end, struct netns *pod, const struct weir_addr *addr,
		unsigned int naddr, const char *alias)
{
	int err = netns_veth(node, host_end, pod, POD_END);

	if (err)
		return err;
	if (alias)
		err = netns_link_alias(node, host_end, alias);
	if (!err)
		err = netns_link_up(node, host_end);
	if (!err)
		err = pod_end(node, host_end, pod, addr, naddr);
	if (err)
		netns_link_delete(node, host_end);
	return err;
}

int podnet_reach(struct netns *node, const char *host_end, struct netns *pod, const struct weir_addr *addr,
		 unsigned int naddr)
{
	__u8 mac[6];
	int err = netns_link_mac(pod, POD_END, mac);

	for (unsigned int i = 0; i < naddr && !err; i++) {
		struct weir_prefix one = { .length = 128, .addr = addr[i] };

		err = netns_neighbour(node, host_end, &addr[i], mac);
		if (!err)
			err = netns_route(node, &one, NULL, host_end);
	}
	return err;
}
