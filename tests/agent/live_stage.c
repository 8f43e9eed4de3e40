// SPDX-License-Identifier: Apache-2.0
#include "tests/agent/live_stage.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "lib/addr.h"
#include "lib/podnet.h"
#include "tests/check.h"

const char *const pod_name[PODS] = { "web", "db", "rogue" };
static const char *const pod_address[PODS] = { "10.77.0.1", "10.77.0.2", "10.77.0.3" };

struct stage stage = { .dir = "/tmp/weir-live-XXXXXX" };
static struct netns *node, *pod_netns[PODS];
static char netns_name[PODS][64];

bool stage_open(void)
{
	if (!mkdtemp(stage.dir) || unshare(CLONE_NEWNET | CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return false;
	snprintf(stage.state, sizeof(stage.state), "%s/state", stage.dir);
	snprintf(stage.data, sizeof(stage.data), "%s/data", stage.dir);
	snprintf(stage.bpf, sizeof(stage.bpf), "%s/bpf", stage.dir);
	snprintf(stage.pins, sizeof(stage.pins), "%s/weir", stage.bpf);
	stage.agent.dir = stage.dir;
	return !mkdir(stage.state, 0755) && !mkdir(stage.bpf, 0755) && !mount("bpf", stage.bpf, "bpf", 0, NULL) &&
	       !netns_open(&node, NULL) && !netns_link_up(node, "lo") && !netns_router(node);
}

void stage_close(void)
{
	char path[512];

	if (stage.agent.pid > 0)
		child_end(&stage.agent, SIGKILL);
	for (int i = 0; i < PODS; i++) {
		netns_close(pod_netns[i]);
		if (netns_name[i][0])
			netns_delete(netns_name[i]);
	}
	netns_close(node);
	umount(stage.bpf);
	snprintf(path, sizeof(path), "rm -rf %s", stage.dir);
	if (system(path))
		printf("cannot remove '%s'\n", stage.dir);
}

/* -- files -- */

void write_file(const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", stage.state, name);
	f = fopen(path, "w");
	CHECK(f && fputs(text, f) >= 0 && !fclose(f), "write '%s'", path);
}

void write_by_rename(const char *name, const char *text)
{
	char from[512], to[512];

	write_file(".new", text);
	snprintf(from, sizeof(from), "%s/.new", stage.state);
	snprintf(to, sizeof(to), "%s/%s", stage.state, name);
	CHECK_EQ(rename(from, to), 0, "rename to '%s'", to);
}

void remove_file(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", stage.state, name);
	unlink(path);
}

void write_cluster(void)
{
	write_file("node.yaml", "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nspec: {podCIDRs: [10.77.0.0/24]}\n"
		   "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n");
	for (int i = 0; i < PODS; i++) {
		char name[64], text[1024];

		snprintf(name, sizeof(name), "pod-%s.yaml", pod_name[i]);
		snprintf(text, sizeof(text), "apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: shop, labels: {app: %s}}\n"
			 "spec: {nodeName: n1, containers: [{name: c, image: none}]}\n"
			 "status: {phase: Running, podIPs: [{ip: %s}]}\n", pod_name[i], pod_name[i], pod_address[i]);
		write_file(name, text);
	}
}

const char *policy_from(const char *app, int port)
{
	static char text[1024];

	snprintf(text, sizeof(text), "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
		 "metadata: {name: db, namespace: shop}\nspec:\n  podSelector: {matchLabels: {app: db}}\n  ingress:\n"
		 "  - from: [{podSelector: {matchLabels: {app: %s}}}]\n    ports: [{port: %d}]\n", app, port);
	return text;
}

/* -- the agent -- */

void agent_start(void)
{
	char *args[] = { "--state", stage.state, "--data", stage.data, "--node", "n1", "--bpffs", stage.pins, "--buckets", "1024",
			 NULL };
	Weir__V1__Reply *reply;

	CHECK_EQ(child_start(&stage.agent, args), 0, "the agent starts: %s", stage.agent.why.text);
	reply = stage.agent.control ? agent_status() : NULL;
	CHECK(reply, "and answers: %s", stage.agent.why.text);
	if (reply)
		weir__v1__reply__free_unpacked(reply, NULL);
}

Weir__V1__Reply *agent_status(void)
{
	Weir__V1__StatusRequest ask = WEIR__V1__STATUS_REQUEST__INIT;
	Weir__V1__Request rq = WEIR__V1__REQUEST__INIT;

	rq.ask_case = WEIR__V1__REQUEST__ASK_STATUS;
	rq.status = &ask;
	return child_ask(&stage.agent, &rq);
}

const char *rejected(const char *what)
{
	static char why[1024];
	Weir__V1__Reply *reply = agent_status();

	why[0] = '\0';
	if (!reply || reply->answer_case != WEIR__V1__REPLY__ANSWER_STATUS)
		return NULL;
	for (size_t i = 0; i < reply->status->n_rejected; i++)
		if (strstr(reply->status->rejected[i]->object, what) || strstr(reply->status->rejected[i]->why, what))
			snprintf(why, sizeof(why), "%s", reply->status->rejected[i]->why);
	weir__v1__reply__free_unpacked(reply, NULL);
	return why;
}

bool rejected_soon(const char *what, bool wanted)
{
	for (int ms = 0; ms < SOON_MS; ms += 20, child_sleep(20)) {
		const char *why = rejected(what);

		if (why && wanted == (*why != '\0'))
			return true;
	}
	return false;
}

unsigned int endpoint_number(const char *pod, char *state, size_t size)
{
	Weir__V1__EndpointsRequest ask = WEIR__V1__ENDPOINTS_REQUEST__INIT;
	Weir__V1__Request rq = WEIR__V1__REQUEST__INIT;
	Weir__V1__Reply *reply;
	unsigned int number = 0;
	char who[128];

	rq.ask_case = WEIR__V1__REQUEST__ASK_ENDPOINTS;
	rq.endpoints = &ask;
	snprintf(who, sizeof(who), "shop/%s", pod);
	snprintf(state, size, "none");
	reply = child_ask(&stage.agent, &rq);
	for (size_t i = 0; reply && reply->endpoints && i < reply->endpoints->n_endpoint; i++) {
		if (strcmp(reply->endpoints->endpoint[i]->pod, who))
			continue;
		number = reply->endpoints->endpoint[i]->number;
		snprintf(state, size, "%s", reply->endpoints->endpoint[i]->state);
	}
	if (reply)
		weir__v1__reply__free_unpacked(reply, NULL);
	return number;
}

bool armed_soon(const char *pod)
{
	char word[64];

	for (int ms = 0; ms < SOON_MS; ms += 20, child_sleep(20)) {
		endpoint_number(pod, word, sizeof(word));
		if (!strcmp(word, "armed"))
			return true;
	}
	return false;
}

/* -- pods and their sockets -- */

void make_pod(int i)
{
	Weir__V1__EndpointAddRequest ask = WEIR__V1__ENDPOINT_ADD_REQUEST__INIT;
	Weir__V1__Request rq = WEIR__V1__REQUEST__INIT;
	Weir__V1__Reply *reply;
	char host_end[16], alias[64], who[64];
	struct weir_addr addr;
	__u8 mac[6];

	snprintf(netns_name[i], sizeof(netns_name[i]), "weir-live-%d-%s", getpid(), pod_name[i]);
	snprintf(host_end, sizeof(host_end), "v%s", pod_name[i]);
	snprintf(alias, sizeof(alias), "weir:shop/%s", pod_name[i]);
	snprintf(who, sizeof(who), "shop/%s", pod_name[i]);
	CHECK_EQ(addr_parse(pod_address[i], &addr), 0, "address");
	CHECK_EQ(netns_create(&pod_netns[i], netns_name[i]), 0, "namespace");
	CHECK_EQ(podnet_make(node, host_end, pod_netns[i], &addr, 1, alias), 0, "veth");
	netns_link_mac(pod_netns[i], "eth0", mac);
	ask.pod = who;
	ask.interface = host_end;
	ask.mac.data = mac;
	ask.mac.len = 6;
	ask.wait_ms = SOON_MS;
	rq.ask_case = WEIR__V1__REQUEST__ASK_ENDPOINT_ADD;
	rq.endpoint_add = &ask;
	reply = child_ask(&stage.agent, &rq);
	CHECK(reply && reply->endpoint_added && reply->endpoint_added->number, "%s is armed: %s", who, stage.agent.why.text);
	if (reply)
		weir__v1__reply__free_unpacked(reply, NULL);
	CHECK_EQ(podnet_reach(node, host_end, pod_netns[i], &addr, 1), 0, "route");
}

struct netns *netns_of_pod(int i)
{
	return pod_netns[i];
}

static int socket_in(int where, int type)
{
	int back = netns_enter(pod_netns[where]), fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	netns_leave(back);
	return fd;
}

static struct sockaddr_in address_of(int where, int port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, pod_address[where], &sa.sin_addr);
	return sa;
}

int listen_in(int where, int port)
{
	struct sockaddr_in sa = address_of(where, port);
	int fd = socket_in(where, SOCK_STREAM), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	CHECK(!bind(fd, (struct sockaddr *)&sa, sizeof(sa)) && !listen(fd, 512), "listen on %d", port);
	return fd;
}

int accepted(int l)
{
	int fd = -1;

	for (int ms = 0; fd < 0 && ms < 1000; ms += 10, child_sleep(10))
		fd = accept4(l, NULL, NULL, SOCK_NONBLOCK);
	return fd;
}

int connect_by(int where, int sport, int to, int port, int ms)
{
	struct sockaddr_in sa = address_of(to, port), own = address_of(where, sport);
	int fd = socket_in(where, SOCK_STREAM), err = 0, one = 1;
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t size = sizeof(err);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (sport && bind(fd, (struct sockaddr *)&own, sizeof(own)))
		err = errno;
	if (!err && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) && errno != EINPROGRESS)
		err = errno;
	if (!err && poll(&p, 1, ms) != 1)
		err = ETIMEDOUT;
	if (!err)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size);
	if (!err)
		return fd;
	close(fd);
	return -1;
}

int connect_from(int where, int to, int port, int ms)
{
	return connect_by(where, 0, to, port, ms);
}

bool can_connect(int where, int to, int port)
{
	int fd = connect_from(where, to, port, 300);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool connects_soon(int where, int to, int port, bool wanted)
{
	for (int ms = 0; ms < SOON_MS; ms += 50, child_sleep(50))
		if (can_connect(where, to, port) == wanted)
			return true;
	return false;
}

bool talks(int from, int to, int ms)
{
	char byte = 'x', got = 0;
	struct pollfd p = { .fd = to, .events = POLLIN };

	if (send(from, &byte, 1, MSG_NOSIGNAL) != 1)
		return false;
	return poll(&p, 1, ms) == 1 && recv(to, &got, 1, 0) == 1 && got == byte;
}

void cut_short(int fd)
{
	struct linger off = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
	close(fd);
}
