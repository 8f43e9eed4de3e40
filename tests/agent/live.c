// SPDX-License-Identifier: Apache-2.0
/*
 * The whole agent in a namespace of its own: a directory of manifests, pods made as the lab makes them, real
 * connections, changes of the directory in every way an editor makes them, a kill, and an end that leaves nothing.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "lib/addr.h"
#include "lib/podnet.h"
#include "tests/agent/child.h"
#include "tests/check.h"

#define SOON_MS 8000			/* the longest that anything here may take */
#define PODS 3

static const char *const pod_name[PODS] = { "web", "db", "rogue" };
static const char *const pod_address[PODS] = { "10.77.0.1", "10.77.0.2", "10.77.0.3" };
enum { WEB, DB, ROGUE };

static char dir[] = "/tmp/weir-live-XXXXXX", state[64], data[64], bpf[64], pins[128];
static struct child agent;
static struct netns *node, *pod[PODS];
static char netns_name[PODS][64];

static void write_file(const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", state, name);
	f = fopen(path, "w");
	CHECK(f && fputs(text, f) >= 0 && !fclose(f), "write '%s'", path);
}

static void write_by_rename(const char *name, const char *text)
{
	char from[512], to[512];

	write_file(".new", text);
	snprintf(from, sizeof(from), "%s/.new", state);
	snprintf(to, sizeof(to), "%s/%s", state, name);
	CHECK_EQ(rename(from, to), 0, "rename to '%s'", to);
}

static void remove_file(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", state, name);
	unlink(path);
}

static void write_cluster(void)
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

static const char *policy_from(const char *app, int port)
{
	static char text[1024];

	snprintf(text, sizeof(text), "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
		 "metadata: {name: db, namespace: shop}\nspec:\n  podSelector: {matchLabels: {app: db}}\n  ingress:\n"
		 "  - from: [{podSelector: {matchLabels: {app: %s}}}]\n    ports: [{port: %d}]\n", app, port);
	return text;
}

static Weir__V1__Reply *status(void);

/* Until it answers: it listens before it has started. */
static void start(void)
{
	Weir__V1__Reply *reply;

	CHECK_EQ(child_start(&agent, (char *[]){ "--state", state, "--data", data, "--node", "n1", "--bpffs", pins,
						  "--buckets", "1024", NULL }), 0, "the agent starts: %s", agent.why.text);
	reply = agent.control ? status() : NULL;
	CHECK(reply, "and answers: %s", agent.why.text);
	if (reply)
		weir__v1__reply__free_unpacked(reply, NULL);
}

static Weir__V1__Reply *status(void)
{
	Weir__V1__StatusRequest ask = WEIR__V1__STATUS_REQUEST__INIT;
	Weir__V1__Request rq = WEIR__V1__REQUEST__INIT;

	rq.ask_case = WEIR__V1__REQUEST__ASK_STATUS;
	rq.status = &ask;
	return child_ask(&agent, &rq);
}

/* What the agent says of an object that it has not taken; "" if it is not listed, NULL on failure. */
static const char *rejected(const char *what)
{
	static char why[1024];
	Weir__V1__Reply *reply = status();

	why[0] = '\0';
	if (!reply || !reply->status)
		return NULL;
	for (size_t i = 0; i < reply->status->n_rejected; i++)
		if (strstr(reply->status->rejected[i]->object, what) || strstr(reply->status->rejected[i]->why, what))
			snprintf(why, sizeof(why), "%s", reply->status->rejected[i]->why);
	weir__v1__reply__free_unpacked(reply, NULL);
	return why;
}

static bool rejected_soon(const char *what, bool wanted)
{
	for (int ms = 0; ms < SOON_MS; ms += 20, child_sleep(20)) {
		const char *why = rejected(what);

		if (why && wanted == (*why != '\0'))
			return true;
	}
	return false;
}

static unsigned int endpoint_number(const char *name, char *state_word, size_t size)
{
	Weir__V1__EndpointsRequest ask = WEIR__V1__ENDPOINTS_REQUEST__INIT;
	Weir__V1__Request rq = WEIR__V1__REQUEST__INIT;
	Weir__V1__Reply *reply;
	unsigned int number = 0;
	char who[128];

	rq.ask_case = WEIR__V1__REQUEST__ASK_ENDPOINTS;
	rq.endpoints = &ask;
	snprintf(who, sizeof(who), "shop/%s", name);
	snprintf(state_word, size, "none");
	reply = child_ask(&agent, &rq);
	for (size_t i = 0; reply && reply->endpoints && i < reply->endpoints->n_endpoint; i++) {
		if (strcmp(reply->endpoints->endpoint[i]->pod, who))
			continue;
		number = reply->endpoints->endpoint[i]->number;
		snprintf(state_word, size, "%s", reply->endpoints->endpoint[i]->state);
	}
	if (reply)
		weir__v1__reply__free_unpacked(reply, NULL);
	return number;
}

static bool armed_soon(const char *name)
{
	char word[64];

	for (int ms = 0; ms < SOON_MS; ms += 20, child_sleep(20)) {
		endpoint_number(name, word, sizeof(word));
		if (!strcmp(word, "armed"))
			return true;
	}
	return false;
}

/* A pod's interface, as whoever makes them does it: made, handed over, then reachable. */
static void make_pod(int i)
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
	CHECK_EQ(netns_create(&pod[i], netns_name[i]), 0, "namespace");
	CHECK_EQ(podnet_make(node, host_end, pod[i], &addr, 1, alias), 0, "veth");
	netns_link_mac(pod[i], "eth0", mac);
	ask.pod = who;
	ask.interface = host_end;
	ask.mac.data = mac;
	ask.mac.len = 6;
	ask.wait_ms = SOON_MS;
	rq.ask_case = WEIR__V1__REQUEST__ASK_ENDPOINT_ADD;
	rq.endpoint_add = &ask;
	reply = child_ask(&agent, &rq);
	CHECK(reply && reply->endpoint_added && reply->endpoint_added->number, "%s is armed: %s", who, agent.why.text);
	if (reply)
		weir__v1__reply__free_unpacked(reply, NULL);
	CHECK_EQ(podnet_reach(node, host_end, pod[i], &addr, 1), 0, "route");
}

static int socket_in(int where, int type)
{
	int back = netns_enter(pod[where]), fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	netns_leave(back);
	return fd;
}

static struct sockaddr_in address_of(int where, int port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, pod_address[where], &sa.sin_addr);
	return sa;
}

static int listen_in(int where, int port)
{
	struct sockaddr_in sa = address_of(where, port);
	int fd = socket_in(where, SOCK_STREAM), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	CHECK(!bind(fd, (struct sockaddr *)&sa, sizeof(sa)) && !listen(fd, 512), "listen on %d", port);
	return fd;
}

/* A connection within 'ms' from a port of the caller's choice (0: any), or -1. */
static int connect_by(int where, int sport, int to, int port, int ms)
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

static int connect_from(int where, int to, int port, int ms)
{
	return connect_by(where, 0, to, port, ms);
}

static bool can_connect(int where, int to, int port)
{
	int fd = connect_from(where, to, port, 300);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool connects_soon(int where, int to, int port, bool wanted)
{
	for (int ms = 0; ms < SOON_MS; ms += 50, child_sleep(50))
		if (can_connect(where, to, port) == wanted)
			return true;
	return false;
}

/* Bytes there and back on a connection that is open. */
static bool talks(int from, int to, int ms)
{
	char byte = 'x', got = 0;
	struct pollfd p = { .fd = to, .events = POLLIN };

	if (send(from, &byte, 1, MSG_NOSIGNAL) != 1)
		return false;
	return poll(&p, 1, ms) == 1 && recv(to, &got, 1, 0) == 1 && got == byte;
}

static void directory(void)
{
	int l = listen_in(DB, 5432), l2 = listen_in(DB, 80);

	CHECK(can_connect(WEB, DB, 80), "no policy: open");
	write_by_rename("db.yaml", policy_from("web", 5432));
	CHECK(connects_soon(ROGUE, DB, 5432, false), "a policy by rename: the rogue is out");
	CHECK(can_connect(WEB, DB, 5432), "the web pod is in");
	CHECK(!can_connect(WEB, DB, 80), "at its port only");
	write_file("db.yaml", policy_from("rogue", 5432));
	CHECK(connects_soon(ROGUE, DB, 5432, true), "written in place: the rogue is in");
	CHECK(!can_connect(WEB, DB, 5432), "and the web pod out");
	write_file("db.yaml", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: [\n");
	CHECK(rejected_soon("db.yaml", true), "a broken file is listed");
	CHECK(can_connect(ROGUE, DB, 5432) && !can_connect(WEB, DB, 5432), "and what it said last stays in force");
	write_file("db.yaml~", policy_from("web", 80));
	write_file(".db.yaml.swp", policy_from("web", 80));
	write_file("second.yaml", policy_from("web", 5432));
	CHECK(rejected_soon("second.yaml", true), "the same policy in a second file is listed");
	CHECK(!can_connect(WEB, DB, 5432), "and does not count");
	write_file("db.yaml", policy_from("rogue", 5432));
	remove_file("db.yaml");
	CHECK(connects_soon(WEB, DB, 5432, true), "the first file is removed: the second counts");
	CHECK(!can_connect(ROGUE, DB, 5432), "alone");
	CHECK(rejected_soon("second.yaml", false), "nothing is listed any more");
	remove_file("second.yaml");
	CHECK(connects_soon(ROGUE, DB, 80, true), "and that one: open again");
	remove_file("db.yaml~");
	remove_file(".db.yaml.swp");
	close(l);
	close(l2);
}

/* The last denial of the rogue: who said no, and how close it came. */
static void denial(void)
{
	Weir__V1__ObserveRequest ask = WEIR__V1__OBSERVE_REQUEST__INIT;
	Weir__V1__Request rq = WEIR__V1__REQUEST__INIT;
	char policy[256] = "", nearest[512] = "", reason[64] = "", direction[16] = "";
	int l = listen_in(DB, 5432);

	write_file("db.yaml", policy_from("web", 5432));
	CHECK(connects_soon(ROGUE, DB, 5432, false), "the rogue is out");
	child_sleep(100);
	ask.denied_only = true;
	ask.pod = (char *)"shop/rogue";
	rq.ask_case = WEIR__V1__REQUEST__ASK_OBSERVE;
	rq.observe = &ask;
	CHECK_EQ(control_ask(agent.control, &rq, &agent.why), 0, "ask");
	for (bool done = false; !done;) {
		Weir__V1__Reply *reply;

		if (control_answer(agent.control, &reply, 5000, &agent.why))
			break;
		for (size_t i = 0; reply->observed && i < reply->observed->n_record; i++) {
			const Weir__V1__Record *r = reply->observed->record[i];

			if (!strcmp(r->reason, "cut"))
				continue;	/* the end of a connection that was open before */
			snprintf(policy, sizeof(policy), "%s > %s", r->source, r->destination);
			snprintf(nearest, sizeof(nearest), "%s", r->nearest_miss);
			snprintf(reason, sizeof(reason), "%s", r->reason);
			snprintf(direction, sizeof(direction), "%s", r->direction);
		}
		done = reply->done;
		weir__v1__reply__free_unpacked(reply, NULL);
	}
	CHECK_TEXT(policy, "shop/rogue > shop/db", "who to whom");
	CHECK_TEXT(reason, "no-rule", "why");
	CHECK_TEXT(direction, "ingress", "which side said no");
	CHECK(strstr(nearest, "shop/db") && strstr(nearest, "web"), "how close it came: '%s'", nearest);
	remove_file("db.yaml");
	CHECK(connects_soon(ROGUE, DB, 5432, true), "open again");
	close(l);
}

/* More than any table holds: refused whole, and what was in force stays. */
static void too_big(void)
{
	char path[512], to[512];
	FILE *f;

	write_file("db.yaml", policy_from("web", 5432));
	snprintf(path, sizeof(path), "%s/.big", state);
	f = fopen(path, "w");
	fprintf(f, "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: big, namespace: shop}\n"
		   "spec:\n  podSelector: {matchLabels: {app: db}}\n  ingress:\n  - ports:\n");
	for (int i = 0; i < 20000; i++)
		fprintf(f, "    - {port: %d}\n", 2 * i + 1);
	fclose(f);
	snprintf(to, sizeof(to), "%s/big.yaml", state);
	rename(path, to);
	CHECK(rejected_soon("big", true), "a policy that does not fit is listed");
	CHECK(rejected("big") && !strstr(rejected("big"), "yaml:"), "for its size: %s", rejected("big"));
	remove_file("big.yaml");
	CHECK(rejected_soon("big", false), "and no longer when it is gone");
}

static void restart(void)
{
	int l = listen_in(DB, 5432), fd, peer = -1;
	unsigned int before[PODS];
	char word[64];

	write_file("db.yaml", policy_from("web", 5432));
	CHECK(connects_soon(ROGUE, DB, 5432, false), "the policy is in force");
	for (int i = 0; i < PODS; i++)
		before[i] = endpoint_number(pod_name[i], word, sizeof(word));
	while ((peer = accept4(l, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		close(peer);		/* what came while it was open */
	fd = connect_from(WEB, DB, 5432, 1000);
	for (int ms = 0; peer < 0 && ms < 1000; ms += 10, child_sleep(10))
		peer = accept4(l, NULL, NULL, SOCK_NONBLOCK);
	CHECK(fd >= 0 && peer >= 0 && talks(fd, peer, 1000), "a connection is open");
	child_end(&agent, SIGKILL);
	CHECK(talks(fd, peer, 1000), "the agent is killed: the connection lives");
	CHECK(!can_connect(ROGUE, DB, 5432), "and the policy is enforced");
	start();
	if (!agent.control)
		return;
	CHECK(armed_soon("web") && armed_soon("db") && armed_soon("rogue"), "the next agent finds the pods");
	for (int i = 0; i < PODS; i++)
		CHECK_EQ(endpoint_number(pod_name[i], word, sizeof(word)), before[i], "'%s' keeps its number", pod_name[i]);
	CHECK(talks(fd, peer, 1000) && talks(peer, fd, 1000), "the connection lives, both ways");
	CHECK(!can_connect(ROGUE, DB, 5432) && can_connect(WEB, DB, 5432), "the policy is the same");
	write_file("db.yaml", policy_from("rogue", 5432));
	CHECK(connects_soon(ROGUE, DB, 5432, true), "and changes as before");
	CHECK(!talks(fd, peer, 300), "which cuts the open connection");
	remove_file("db.yaml");
	CHECK(connects_soon(WEB, DB, 5432, true), "open");
	close(fd);
	close(peer);
	close(l);
}

/* By a reset: nothing of it lingers, and the port is free at once. */
static void cut_short(int fd)
{
	struct linger off = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
	close(fd);
}

static int accepted(int l)
{
	int fd = -1;

	for (int ms = 0; fd < 0 && ms < 1000; ms += 10, child_sleep(10))
		fd = accept4(l, NULL, NULL, SOCK_NONBLOCK);
	return fd;
}

/* The record of the end of the flow from this port, within a while: who to whom, and its figures in 'out'. */
static bool closed_soon(unsigned int sport, char *who, size_t size, Weir__V1__Record *out)
{
	Weir__V1__ObserveRequest ask = WEIR__V1__OBSERVE_REQUEST__INIT;
	Weir__V1__Request rq = WEIR__V1__REQUEST__INIT;
	bool found = false;

	rq.ask_case = WEIR__V1__REQUEST__ASK_OBSERVE;
	rq.observe = &ask;
	for (int ms = 0; !found && ms < SOON_MS; ms += 50, child_sleep(50)) {
		if (control_ask(agent.control, &rq, &agent.why))
			return false;
		for (bool done = false; !done;) {
			Weir__V1__Reply *reply;

			if (control_answer(agent.control, &reply, 5000, &agent.why))
				return false;
			for (size_t i = 0; reply->observed && i < reply->observed->n_record; i++) {
				const Weir__V1__Record *r = reply->observed->record[i];

				if (r->source_port != sport || strcmp(r->kind, "closed"))
					continue;
				snprintf(who, size, "%s > %s", r->source, r->destination);
				*out = *r;
				found = true;
			}
			done = reply->done;
			weir__v1__reply__free_unpacked(reply, NULL);
		}
	}
	return found;
}

/* A connection that one agent saw begin and the next saw end: it has one beginning, and all its packets. */
static void across(void)
{
	enum { SPORT = 45001 };
	int l = listen_in(DB, 5433), fd = connect_by(WEB, SPORT, DB, 5433, 1000), peer = accepted(l);
	char who[256] = "";
	Weir__V1__Record r = WEIR__V1__RECORD__INIT;

	CHECK(fd >= 0 && peer >= 0 && talks(fd, peer, 1000), "a connection is open");
	child_sleep(200);		/* its opening is read */
	child_end(&agent, SIGKILL);
	CHECK(talks(fd, peer, 1000) && talks(peer, fd, 1000), "it goes on while no agent runs");
	start();
	if (!agent.control)
		return;
	CHECK(armed_soon("web") && talks(fd, peer, 1000), "and under the next");
	cut_short(fd);
	close(peer);
	child_sleep(50);
	fd = connect_by(WEB, SPORT, DB, 5433, 1000);
	CHECK(fd >= 0, "the port serves again");
	CHECK(closed_soon(SPORT, who, sizeof(who), &r), "the end of the first is told");
	CHECK_TEXT(who, "shop/web > shop/db", "who to whom");
	CHECK(!r.duration_at_least && r.duration_ms >= 200, "since it began: %llu ms", (unsigned long long)r.duration_ms);
	CHECK(r.packets >= 6 && r.packets <= 12 && r.reply_packets >= 3, "with all its packets: %llu, %llu",
	      (unsigned long long)r.packets, (unsigned long long)r.reply_packets);
	close(fd);
	close(l);
}

/* What changes while no agent runs is found by the next. */
static void absence(void)
{
	int l = listen_in(DB, 82);
	char word[64];

	CHECK(can_connect(ROGUE, DB, 82) && can_connect(WEB, DB, 82), "before");
	CHECK_EQ(child_stop(&agent), 0, "the agent ends");
	remove_file("pod-rogue.yaml");
	write_file("db.yaml", policy_from("web", 82));
	CHECK(can_connect(ROGUE, DB, 82), "nobody has noticed");
	start();
	if (!agent.control)
		return;
	CHECK(connects_soon(ROGUE, DB, 82, false), "a pod that is gone is closed");
	CHECK(armed_soon("web") && connects_soon(WEB, DB, 82, true), "one that stayed is not");
	endpoint_number("rogue", word, sizeof(word));
	CHECK_TEXT(word, "waiting-for-pod", "the interface waits for its pod");
	write_cluster();
	remove_file("db.yaml");
	CHECK(armed_soon("rogue") && connects_soon(ROGUE, DB, 82, true), "which comes back");
	close(l);
}

/* A pod leaves, and comes back. */
static void leaving(void)
{
	int l = listen_in(DB, 81);
	char word[64], path[512];

	remove_file("db.yaml");
	CHECK(connects_soon(ROGUE, DB, 81, true), "before");
	remove_file("pod-rogue.yaml");
	CHECK(connects_soon(ROGUE, DB, 81, false), "its manifest is removed: closed");
	write_cluster();
	snprintf(path, sizeof(path), "%s/pod-rogue.yaml", state);
	CHECK(armed_soon("rogue"), "it comes back");
	CHECK(connects_soon(ROGUE, DB, 81, true), "and is open");
	CHECK(endpoint_number("rogue", word, sizeof(word)) > 0, "with a number");
	close(l);
}

/* Another user may look, and nothing else. */
static void another_user(void)
{
	char path[512];
	int status_code;
	pid_t child;

	snprintf(path, sizeof(path), "%s/socket", dir);
	chmod(path, 0666);
	chmod(dir, 0755);
	child = fork();
	if (!child) {
		Weir__V1__EndpointRemoveRequest remove = WEIR__V1__ENDPOINT_REMOVE_REQUEST__INIT;
		Weir__V1__Request rq = WEIR__V1__REQUEST__INIT;
		struct child c = { .dir = dir };
		Weir__V1__Reply *reply;

		if (setgid(65534) || setuid(65534) || control_open(&c.control, path, &c.why))
			_exit(10);
		rq.ask_case = WEIR__V1__REQUEST__ASK_ENDPOINT_REMOVE;
		rq.endpoint_remove = &remove;
		remove.pod = (char *)"shop/web";
		reply = child_ask(&c, &rq);
		if (reply || !strstr(c.why.text, "only root"))
			_exit(11);
		agent.control = c.control;
		_exit(status() ? 0 : 12);
	}
	waitpid(child, &status_code, 0);
	CHECK_EQ(WEXITSTATUS(status_code), 0, "another user is refused what changes, and told the status");
	CHECK_EQ(chmod(path, 0660), 0, "closed again");
}

/* Nonsense on the socket costs one client. */
static void nonsense(void)
{
	static const char *const say[] = { "\xff\xff\xff\xff", "\0\0\0\5hello", "\0\0\0\3\x0a\xff\xff", "GET / HTTP/1.0\r\n\r\n" };
	static const size_t size[] = { 4, 9, 7, 18 };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	Weir__V1__Reply *reply;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/socket", dir);
	for (size_t i = 0; i < sizeof(say) / sizeof(*say); i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		char buf[2048];
		ssize_t n, got = 0;

		CHECK(!connect(fd, (struct sockaddr *)&at, sizeof(at)), "connect");
		CHECK(write(fd, say[i], size[i]) == (ssize_t)size[i], "write");
		while ((n = read(fd, buf, sizeof(buf))) > 0)
			got += n;
		CHECK(got < 1024, "nonsense %zu is cut", i);
		close(fd);
	}
	reply = status();
	CHECK(reply, "and the agent goes on: %s", agent.why.text);
	if (reply)
		weir__v1__reply__free_unpacked(reply, NULL);
}

static unsigned int files_in(const char *path)
{
	DIR *d = opendir(path);
	unsigned int n = 0;

	for (struct dirent *e; d && (e = readdir(d));)
		n += e->d_name[0] != '.' && !strstr(e->d_name, ".debug");
	if (d)
		closedir(d);
	return n;
}

static void second_agent(void)
{
	struct child other = { .dir = dir };
	int code;

	child_spawn(&other, (char *[]){ "--state", state, "--data", data, "--bpffs", pins, NULL });
	waitpid(other.pid, &code, 0);
	CHECK_EQ(WEXITSTATUS(code), 1, "a second agent with the same files does not start");
}

static void the_end(void)
{
	struct child c = { .dir = dir };
	int l = listen_in(DB, 5432), code;

	write_file("db.yaml", policy_from("web", 5432));
	CHECK(connects_soon(ROGUE, DB, 5432, false), "a policy is in force");
	CHECK_EQ(child_stop(&agent), 0, "SIGTERM: a clean end");
	CHECK(!can_connect(ROGUE, DB, 5432) && can_connect(WEB, DB, 5432), "which leaves it enforced");
	child_spawn(&c, (char *[]){ "--uninstall", "--purge", "--data", data, "--bpffs", pins, NULL });
	waitpid(c.pid, &code, 0);
	CHECK_EQ(WEXITSTATUS(code), 0, "uninstall");
	CHECK(connects_soon(ROGUE, DB, 5432, true), "nothing is enforced");
	CHECK_EQ(files_in(bpf), 0, "no pin is left");
	CHECK(access(data, F_OK), "no file is left");
	close(l);
}

static bool world_open(void)
{
	if (!mkdtemp(dir) || unshare(CLONE_NEWNET | CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return false;
	snprintf(state, sizeof(state), "%s/state", dir);
	snprintf(data, sizeof(data), "%s/data", dir);
	snprintf(bpf, sizeof(bpf), "%s/bpf", dir);
	snprintf(pins, sizeof(pins), "%s/weir", bpf);
	agent.dir = dir;
	return !mkdir(state, 0755) && !mkdir(bpf, 0755) && !mount("bpf", bpf, "bpf", 0, NULL) &&
	       !netns_open(&node, NULL) && !netns_link_up(node, "lo") && !netns_router(node);
}

static void world_close(void)
{
	char path[512];

	if (agent.pid > 0)
		child_end(&agent, SIGKILL);
	for (int i = 0; i < PODS; i++) {
		netns_close(pod[i]);
		if (netns_name[i][0])
			netns_delete(netns_name[i]);
	}
	netns_close(node);
	umount(bpf);
	snprintf(path, sizeof(path), "rm -rf %s", dir);
	if (system(path))
		printf("cannot remove '%s'\n", dir);
}

int main(void)
{
	if (geteuid()) {
		check_skip("needs root");
		return check_done();
	}
	if (!world_open()) {
		CHECK(false, "a namespace of our own: %s", strerror(errno));
		world_close();
		return check_done();
	}
	write_cluster();
	start();
	if (agent.control) {
		for (int i = 0; i < PODS; i++)
			make_pod(i);
		directory();
		denial();
		too_big();
		leaving();
		another_user();
		nonsense();
		second_agent();
		restart();
		across();
		absence();
		the_end();
	}
	world_close();
	return check_done();
}
