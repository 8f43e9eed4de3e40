// SPDX-License-Identifier: Apache-2.0
#include "tests/scripts/stage.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weir/control.h>

#define CONNECT_MS 150
#define SAY_MS 80

static const char usual[] =
	"namespaces:\n"
	"  x: {ns: x}\n  y: {ns: y}\n  z: {ns: z}\n"
	"nodes:\n"
	"- {name: n1, addresses: [172.30.0.1, 'fd00:172:30::1'], podCIDRs: [10.244.1.0/24]}\n"
	"- {name: n2, addresses: [172.30.0.2, 'fd00:172:30::2'], podCIDRs: [10.244.9.0/24]}\n"
	"pods:\n"
	"- {ns: x, name: a, node: n1, labels: {pod: a}, ips: [10.244.1.10, 'fd00:10:244:1::10'], ports: [{name: web, port: 80}]}\n"
	"- {ns: x, name: b, node: n1, labels: {pod: b}, ips: [10.244.1.11, 'fd00:10:244:1::11'], ports: [{name: web, port: 80}]}\n"
	"- {ns: y, name: a, node: n1, labels: {pod: a}, ips: [10.244.1.20, 'fd00:10:244:1::20'], ports: [{name: web, port: 80}]}\n"
	"- {ns: y, name: b, node: n1, labels: {pod: b}, ips: [10.244.1.21, 'fd00:10:244:1::21'], ports: [{name: web, port: 80}]}\n"
	"externals:\n"
	"- {name: e1, ips: [203.0.113.7, '2001:db8::7']}\n"
	"- {name: e2, ips: [198.51.100.9, '2001:db8:1::9']}\n";

static void bad(struct stage *s, const char *what)
{
	char text[1024];

	if (s->good)
		printf("%s: %s\n", what, complaint_text(&s->why, text, sizeof(text)));
	s->good = false;
}

struct stage *stage_open(const struct stage_options *options)
{
	struct stage_options none = { 0 }, o = options ? *options : none;
	struct child_options child = { .node = "n1", .stack = o.stack, .hairpin = o.hairpin, .keep_nodes = o.keep_nodes,
				       .standing = o.standing, .talk = getenv("WEIR_TEST_TALK") };
	struct hand_options hand = { .node = "n1", .stack = o.stack, .keep_nodes = o.keep_nodes, .own_quota = true };
	struct stage *s = calloc(1, sizeof(*s));
	struct value *docs;
	char text[8192];

	s->good = true;
	s->port = 30000;
	snprintf(text, sizeof(text), "%s%s", usual, o.more ?: "");
	docs = value_read(text, strlen(text), "stage", &s->why);
	if (!docs) {
		bad(s, "the stage's state");
		return s;
	}
	s->cluster = cluster_new(docs->first);
	value_free(docs);
	s->hand = hand_new(&hand);
	if (town_open(&s->town, &child, &s->why))
		bad(s, "cannot open a town");
	else
		stage_live(s);
	return s;
}

void stage_close(struct stage *s)
{
	town_close(s->town);
	hand_free(s->hand);
	cluster_free(s->cluster);
	free(s);
}

void stage_live(struct stage *s)
{
	if (s->town && town_live(s->town, s->cluster, s->hand, &s->why))
		bad(s, "the agent");
}

void stage_do(struct stage *s, const char *yaml)
{
	struct value *docs = value_read(yaml, strlen(yaml), "verb", &s->why);

	if (!docs || !docs->first) {
		bad(s, yaml);
		return;
	}
	if (docs->first->kind == VALUE_MAP && cluster_change(s->cluster, docs->first, &s->why))
		bad(s, yaml);
	for value_each(v, docs->first->kind == VALUE_LIST ? docs->first : NULL)
		if (cluster_change(s->cluster, v, &s->why))
			bad(s, yaml);
	value_free(docs);
	stage_live(s);
}

void stage_guard(struct stage *s, const char *pod, bool guarded)
{
	struct place *p = stage_place(s, pod);

	if (!p || town_guard(s->town, p, guarded, &s->why))
		bad(s, "the agent and an interface");
}

void stage_later(struct stage *s, unsigned int seconds)
{
	struct weir_control *c = MAP_FAILED;
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/control", child_pins(town_child(s->town)));
	fd = bpf_obj_get(path);
	if (fd >= 0) {
		c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
	}
	if (c == MAP_FAILED) {
		complaint_set(&s->why, 0, 0, "%s: %s", path, strerror(errno));
		bad(s, "the programs' clock");
		return;
	}
	__atomic_store_n(&c->later, c->later + seconds * c->hz, __ATOMIC_RELAXED);
	munmap(c, sizeof(*c));
}

struct place *stage_place(struct stage *s, const char *name)
{
	return town_place(s->town, s->cluster, name);
}

struct weir_addr stage_addr(struct stage *s, const char *name, unsigned int family)
{
	struct weir_addr a = { 0 };

	if (!cluster_address(s->cluster, name, family, &a)) {
		complaint_set(&s->why, 0, 0, "'%s' has no such address", name);
		bad(s, "an address");
	}
	return a;
}

/* -- frames -- */

static struct wire wire_of(struct stage *s, const char *from, const char *to, unsigned int family, __u8 proto, __u16 port)
{
	return (struct wire){ .src = stage_addr(s, from, family), .dst = stage_addr(s, to, family), .proto = proto,
			      .sport = ++s->port, .dport = port, .flags = WIRE_SYN };
}

struct wire stage_wire(struct stage *s, const char *from, const char *to, __u8 proto, __u16 port)
{
	return wire_of(s, from, to, 4, proto, port);
}

bool stage_arrives(struct stage *s, const char *from, const char *to, const struct wire *w)
{
	struct place *a = stage_place(s, from), *b = stage_place(s, to);
	struct wire_seen seen;

	if (!s->good || !a || !b)
		return false;
	while (town_receive(s->town, b, &seen, 0))
		;
	if (town_send(s->town, a, w)) {
		complaint_set(&s->why, 0, 0, "%s", strerror(errno));
		bad(s, "cannot send");
		return false;
	}
	while (town_receive(s->town, b, &seen, 30))
		if (seen.proto == w->proto && !memcmp(&seen.src, &w->src, 16) &&
		    (w->fragment || (w->icmp_set ? seen.icmp_type == w->icmp_type : seen.sport == w->sport)))
			return true;
	return false;
}

bool stage_probe(struct stage *s, const char *from, const char *to, __u8 proto, __u16 port)
{
	struct wire w = wire_of(s, from, to, 4, proto, port);

	return stage_arrives(s, from, to, &w);
}

bool stage_probe6(struct stage *s, const char *from, const char *to, __u8 proto, __u16 port)
{
	struct wire w = wire_of(s, from, to, 6, proto, port);

	return stage_arrives(s, from, to, &w);
}

/* -- sockets -- */

static struct sockaddr_in sockaddr_of(const struct weir_addr *a, __u16 port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };

	memcpy(&sa.sin_addr, a->byte + 12, 4);
	return sa;
}

int stage_socket(struct stage *s, const char *at, int type, __u16 port)
{
	struct place *p = stage_place(s, at);
	struct weir_addr addr = stage_addr(s, at, 4);
	struct sockaddr_in sa = sockaddr_of(&addr, port);
	int back, fd, one = 1;

	if (!s->good || !p)
		return -1;
	back = netns_enter(place_netns(p));
	if (back < 0)
		return -1;
	fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	netns_leave(back);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || (type == SOCK_STREAM && port && listen(fd, 8))) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool ready(int fd, short what, int ms)
{
	struct pollfd p = { .fd = fd, .events = what };

	return poll(&p, 1, ms) == 1 && p.revents & what;
}

bool stage_call(struct stage *s, struct call *c, const char *from, const char *to, __u16 port)
{
	struct weir_addr addr = stage_addr(s, to, 4);
	struct sockaddr_in sa = sockaddr_of(&addr, port);
	int listener = stage_socket(s, to, SOCK_STREAM, port);

	*c = (struct call){ stage_socket(s, from, SOCK_STREAM, 0), -1 };
	if (c->opener >= 0 && listener >= 0) {
		connect(c->opener, (struct sockaddr *)&sa, sizeof(sa));
		if (ready(listener, POLLIN, CONNECT_MS))
			c->receiver = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	}
	if (listener >= 0)
		close(listener);
	if (c->receiver < 0)
		stage_hang_up(c);
	return c->receiver >= 0;
}

struct call stage_udp(struct stage *s, const char *from, const char *to, __u16 port)
{
	struct call c = { stage_socket(s, from, SOCK_DGRAM, ++s->port), stage_socket(s, to, SOCK_DGRAM, port) };
	struct weir_addr a = stage_addr(s, from, 4), b = stage_addr(s, to, 4);
	struct sockaddr_in opener = sockaddr_of(&a, s->port), receiver = sockaddr_of(&b, port);

	connect(c.opener, (struct sockaddr *)&receiver, sizeof(receiver));
	connect(c.receiver, (struct sockaddr *)&opener, sizeof(opener));
	return c;
}

void stage_hang_up(struct call *c)
{
	if (c->opener >= 0)
		close(c->opener);
	if (c->receiver >= 0)
		close(c->receiver);
	*c = (struct call){ -1, -1 };
}

bool stage_says(struct stage *s, int from, int to)
{
	char byte[16];

	if (!s->good || from < 0 || to < 0)
		return false;
	while (read(to, byte, sizeof(byte)) > 0)
		;
	if (write(from, "w", 1) != 1)
		return false;
	return ready(to, POLLIN, SAY_MS) && read(to, byte, sizeof(byte)) > 0;
}
