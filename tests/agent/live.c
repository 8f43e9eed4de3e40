// SPDX-License-Identifier: Apache-2.0
/*
 * The whole agent in a namespace of its own: a directory of manifests, pods made as the lab makes them, real
 * connections, changes of the directory in every way an editor makes them, a kill, and an end that leaves nothing.
 */
#include <dirent.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/agent/live_stage.h"
#include "tests/check.h"

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

struct denial {
	char who[256], reason[64], direction[16], nearest[512];
};

/* The last denial of the rogue that is told, if one is. */
static bool denial_told(struct denial *d)
{
	Weir__V1__ObserveRequest ask = WEIR__V1__OBSERVE_REQUEST__INIT;
	Weir__V1__Request rq = WEIR__V1__REQUEST__INIT;

	*d = (struct denial){ .who = "" };
	ask.denied_only = true;
	ask.pod = (char *)"shop/rogue";
	rq.ask_case = WEIR__V1__REQUEST__ASK_OBSERVE;
	rq.observe = &ask;
	if (control_ask(stage.agent.control, &rq, &stage.agent.why))
		return false;
	for (bool done = false; !done;) {
		Weir__V1__Reply *reply;

		if (control_answer(stage.agent.control, &reply, 30000, &stage.agent.why))
			return false;
		for (size_t i = 0; reply->observed && i < reply->observed->n_record; i++) {
			const Weir__V1__Record *r = reply->observed->record[i];

			if (!strcmp(r->reason, "cut"))
				continue;	/* the end of a connection that was open before */
			snprintf(d->who, sizeof(d->who), "%s > %s", r->source, r->destination);
			snprintf(d->nearest, sizeof(d->nearest), "%s", r->nearest_miss);
			snprintf(d->reason, sizeof(d->reason), "%s", r->reason);
			snprintf(d->direction, sizeof(d->direction), "%s", r->direction);
		}
		done = reply->done;
		weir__v1__reply__free_unpacked(reply, NULL);
	}
	return d->who[0];
}

/* Who said no, and how close it came. */
static void denial(void)
{
	struct denial d = { .who = "" };
	int l = listen_in(DB, 5432);

	write_file("db.yaml", policy_from("web", 5432));
	CHECK(connects_soon(ROGUE, DB, 5432, false), "the rogue is out");
	for (int ms = 0; !denial_told(&d) && ms < SOON_MS; ms += 20, child_sleep(20))
		;
	CHECK_TEXT(d.who, "shop/rogue > shop/db", "who to whom");
	CHECK_TEXT(d.reason, "no-rule", "why");
	CHECK_TEXT(d.direction, "ingress", "which side said no");
	CHECK(strstr(d.nearest, "shop/db") && strstr(d.nearest, "web"), "how close it came: '%s'", d.nearest);
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
	snprintf(path, sizeof(path), "%s/.big", stage.state);
	f = fopen(path, "w");
	fprintf(f, "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: big, namespace: shop}\n"
		   "spec:\n  podSelector: {matchLabels: {app: db}}\n  ingress:\n  - ports:\n");
	for (int i = 0; i < 20000; i++)
		fprintf(f, "    - {port: %d}\n", 2 * i + 1);
	fclose(f);
	snprintf(to, sizeof(to), "%s/big.yaml", stage.state);
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
	child_end(&stage.agent, SIGKILL);
	CHECK(talks(fd, peer, 1000), "the agent is killed: the connection lives");
	CHECK(!can_connect(ROGUE, DB, 5432), "and the policy is enforced");
	agent_start();
	if (!stage.agent.control)
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

/* A record of the flow from this port, within a while: who to whom, and its figures in 'out'. */
static bool told_soon(unsigned int sport, const char *kind, char *who, size_t size, Weir__V1__Record *out)
{
	Weir__V1__ObserveRequest ask = WEIR__V1__OBSERVE_REQUEST__INIT;
	Weir__V1__Request rq = WEIR__V1__REQUEST__INIT;
	bool found = false;

	rq.ask_case = WEIR__V1__REQUEST__ASK_OBSERVE;
	rq.observe = &ask;
	for (int ms = 0; !found && ms < SOON_MS; ms += 50, child_sleep(50)) {
		if (control_ask(stage.agent.control, &rq, &stage.agent.why))
			return false;
		for (bool done = false; !done;) {
			Weir__V1__Reply *reply;

			if (control_answer(stage.agent.control, &reply, 5000, &stage.agent.why))
				return false;
			for (size_t i = 0; reply->observed && i < reply->observed->n_record; i++) {
				const Weir__V1__Record *r = reply->observed->record[i];

				if (r->source_port != sport || strcmp(r->kind, kind))
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
	enum { SPORT = 25001 };		/* below the ports that the kernel gives by itself */
	int l = listen_in(DB, 5433), fd = connect_by(WEB, SPORT, DB, 5433, 1000), peer = accepted(l);
	char who[256] = "";
	Weir__V1__Record r = WEIR__V1__RECORD__INIT;

	CHECK(fd >= 0 && peer >= 0 && talks(fd, peer, 1000), "a connection is open");
	CHECK(told_soon(SPORT, "opened", who, sizeof(who), &r), "and told");
	child_sleep(200);
	child_end(&stage.agent, SIGKILL);
	CHECK(talks(fd, peer, 1000) && talks(peer, fd, 1000), "it goes on while no agent runs");
	agent_start();
	if (!stage.agent.control)
		return;
	CHECK(armed_soon("web") && talks(fd, peer, 1000), "and under the next");
	cut_short(fd);
	close(peer);
	child_sleep(50);
	fd = connect_by(WEB, SPORT, DB, 5433, 1000);
	CHECK(fd >= 0, "the port serves again");
	CHECK(told_soon(SPORT, "closed", who, sizeof(who), &r), "the end of the first is told");
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
	CHECK_EQ(child_stop(&stage.agent), 0, "the agent ends");
	remove_file("pod-rogue.yaml");
	write_file("db.yaml", policy_from("web", 82));
	CHECK(can_connect(ROGUE, DB, 82), "nobody has noticed");
	agent_start();
	if (!stage.agent.control)
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
	snprintf(path, sizeof(path), "%s/pod-rogue.yaml", stage.state);
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

	snprintf(path, sizeof(path), "%s/socket", stage.dir);
	chmod(path, 0666);
	chmod(stage.dir, 0755);
	child = fork();
	if (!child) {
		Weir__V1__EndpointRemoveRequest remove = WEIR__V1__ENDPOINT_REMOVE_REQUEST__INIT;
		Weir__V1__Request rq = WEIR__V1__REQUEST__INIT;
		struct child c = { .dir = stage.dir };
		Weir__V1__Reply *reply;

		if (setgid(65534) || setuid(65534) || control_open(&c.control, path, &c.why))
			_exit(10);
		rq.ask_case = WEIR__V1__REQUEST__ASK_ENDPOINT_REMOVE;
		rq.endpoint_remove = &remove;
		remove.pod = (char *)"shop/web";
		reply = child_ask(&c, &rq);
		if (reply || !strstr(c.why.text, "only root"))
			_exit(11);
		stage.agent.control = c.control;
		_exit(agent_status() ? 0 : 12);
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

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/socket", stage.dir);
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
	reply = agent_status();
	CHECK(reply, "and the agent goes on: %s", stage.agent.why.text);
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

/* A pod whose annotation names an interface of the node, as by the name it has inside. */
static void not_the_pods(void)
{
	char state[64];

	write_file("lost.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: lost, namespace: shop, annotations: "
		   "{weir.dev/interface: lo}}\nspec: {nodeName: n1, containers: [{name: c, image: none}]}\n"
		   "status: {phase: Running, podIPs: [{ip: 10.77.0.9}]}\n");
	for (int ms = 0; ms < SOON_MS && !endpoint_number("lost", state, sizeof(state)); ms += 20)
		child_sleep(20);
	child_sleep(300);		/* interfaces are looked at meanwhile */
	endpoint_number("lost", state, sizeof(state));
	CHECK_TEXT(state, "waiting-for-interface", "the node's loopback is no pod's");
	remove_file("lost.yaml");
}

static void second_agent(void)
{
	struct child other = { .dir = stage.dir };
	int code;

	child_spawn(&other, (char *[]){ "--state", stage.state, "--data", stage.data, "--bpffs", stage.pins, NULL });
	alarm(120);		/* it would run for ever if it did */
	waitpid(other.pid, &code, 0);
	alarm(0);
	CHECK_EQ(WEXITSTATUS(code), 1, "a second agent with the same files does not start");
}

static void the_end(void)
{
	struct child c = { .dir = stage.dir };
	int l = listen_in(DB, 5432), code;

	write_file("db.yaml", policy_from("web", 5432));
	CHECK(connects_soon(ROGUE, DB, 5432, false), "a policy is in force");
	CHECK_EQ(child_stop(&stage.agent), 0, "SIGTERM: a clean end");
	CHECK(!can_connect(ROGUE, DB, 5432) && can_connect(WEB, DB, 5432), "which leaves it enforced");
	child_spawn(&c, (char *[]){ "--uninstall", "--purge", "--data", stage.data, "--bpffs", stage.pins, NULL });
	waitpid(c.pid, &code, 0);
	CHECK_EQ(WEXITSTATUS(code), 0, "uninstall");
	CHECK(connects_soon(ROGUE, DB, 5432, true), "nothing is enforced");
	CHECK_EQ(files_in(stage.bpf), 0, "no pin is left");
	CHECK(access(stage.data, F_OK), "no file is left");
	close(l);
}

int main(void)
{
	if (geteuid()) {
		check_skip("needs root");
		return check_done();
	}
	if (!stage_open()) {
		CHECK(false, "a namespace of our own: %s", strerror(errno));
		stage_close();
		return check_done();
	}
	write_cluster();
	agent_start();
	if (stage.agent.control) {
		for (int i = 0; i < PODS; i++)
			make_pod(i);
		directory();
		denial();
		too_big();
		leaving();
		another_user();
		nonsense();
		not_the_pods();
		second_agent();
		restart();
		across();
		absence();
		the_end();
	}
	stage_close();
	return check_done();
}
