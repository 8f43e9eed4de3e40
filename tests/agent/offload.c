// SPDX-License-Identifier: Apache-2.0
/*
 * A pod that leaves a checksum to the card says where it is to be written, and may say: over the port, over the
 * address.  Such a packet is dropped before it leaves the node, on a flow's first packet and on a known flow; an
 * honest one passes.  Frames by a packet socket, as CAP_NET_RAW lets any pod.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include "lib/addr.h"
#include "lib/suite/wire.h"
#include "tests/agent/live_stage.h"
#include "tests/check.h"

#define NODE_ADDRESS "192.0.2.9"
#define PORT 5353

static struct wire wire = { .proto = IPPROTO_UDP, .dport = PORT, .size = 16 };
static int packets;			/* of the pod's interface */

static void open_packets(void)
{
	int back = netns_enter(netns_of_pod(WEB)), one = 1;
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };

	packets = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	at.sll_ifindex = if_nametoindex("eth0");
	CHECK(packets >= 0 && !setsockopt(packets, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) &&
	      !bind(packets, (struct sockaddr *)&at, sizeof(at)), "a packet socket in the pod");
	netns_leave(back);
}

/* One datagram with 'mark' in it, whose checksum is to be written 'offset' bytes behind byte 'start' of the frame. */
static void say(char mark, __u16 sport, __u16 start, __u16 offset)
{
	struct virtio_net_hdr head = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = start, .csum_offset = offset };
	__u8 frame[sizeof(head) + WIRE_MAX], data[16] = { mark };
	size_t n;

	wire.data = data;
	wire.sport = sport;
	memcpy(frame, &head, sizeof(head));
	n = wire_build(&wire, frame + sizeof(head), WIRE_MAX);
	CHECK_EQ(send(packets, frame, sizeof(head) + n, 0), (long long)(sizeof(head) + n), "send '%c'", mark);
}

static char heard(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char mark = 0;

	return poll(&wait, 1, SOON_MS) == 1 && recv(fd, &mark, 1, 0) == 1 ? mark : 0;
}

static unsigned long counted(const char *reason)
{
	Weir__V1__Reply *reply = agent_status();
	unsigned long n = 0;

	for (size_t i = 0; reply && reply->status && i < reply->status->n_reasons; i++)
		if (!strcmp(reply->status->reasons[i]->name, reason))
			n = reply->status->reasons[i]->packets;
	if (reply)
		weir__v1__reply__free_unpacked(reply, NULL);
	return n;
}

static int node_socket(struct netns *node)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, NODE_ADDRESS, &at.sin_addr);
	CHECK(!addr_parse(NODE_ADDRESS, &wire.dst) && !netns_address(node, "lo", &wire.dst, 128) &&
	      !bind(fd, (struct sockaddr *)&at, sizeof(at)), "a socket of the node");
	return fd;
}

static void rows(struct netns *node)
{
	int fd = node_socket(node);

	CHECK(!addr_parse("10.77.0.1", &wire.src) && !netns_link_mac(netns_of_pod(WEB), "eth0", wire.from_mac) &&
	      !netns_link_mac(node, "vweb", wire.to_mac), "who speaks to whom");
	open_packets();
	/* what arrives next tells what did not */
	say('a', 4001, 34, 6);
	CHECK_EQ(heard(fd), 'a', "where UDP has it: passes");
	say('b', 4002, 34, 2);
	say('c', 4001, 34, 2);
	say('d', 4001, 20, 10);
	say('e', 4001, 34, 6);
	CHECK_EQ(heard(fd), 'e', "over the port, on a new flow and a known one, and over the address: dropped");
	CHECK_EQ(counted("bad-l4"), 3, "and counted");
	say('f', 4001, 34, 8);
	CHECK_EQ(heard(fd), 'f', "behind all that is judged: a tunnel's, passes");
	close(fd);
	close(packets);
}

int main(void)
{
	struct netns *node = NULL;

	if (geteuid()) {
		check_skip("needs root");
		return check_done();
	}
	if (!stage_open()) {
		CHECK(false, "a namespace of our own");
		stage_close();
		return check_done();
	}
	write_cluster();
	agent_start();
	if (stage.agent.control && !netns_open(&node, NULL)) {
		make_pod(WEB);
		rows(node);
	}
	netns_close(node);
	stage_close();
	return check_done();
}
