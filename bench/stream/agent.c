// SPDX-License-Identifier: Apache-2.0
/*
 * What an agent with gRPC costs: idle, with a follower at 10,000 new connections a second, with a thousand followers;
 * what a start takes where an earlier agent left pods.
 *
 *	agent DIRECTORY
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/report.h"
#include "bench/stream/lab.h"
#include "bench/stream/terminal.h"
#include "bench/stream/traffic.h"
#include "lib/rpc/client.h"
#include "proto/observer/observer.pb-c.h"

#define RATE 10000
#define ROUNDS 5
#define SECONDS 3			/* of a round */
#define FOLLOWERS 1000
#define OF_ONE 50			/* followers by one connection */
#define CART "10.244.1.11"
#define PORT 8080
#define HERE 110				/* pods that a starting agent adopts */
#define KNOWN 1000
#define POLICIES 100

static char from[128], to[128];

/* Nanoseconds on a CPU, all threads. */
static double used(void)
{
	char path[PATH_MAX];
	unsigned long long ns, sum = 0;
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", lab.agent);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", lab.agent, e->d_name);
		f = e->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (f && fscanf(f, "%llu", &ns) == 1)
			sum += ns;
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return sum;
}

/* Per cent of a core, while time passes. */
static double share(double seconds)
{
	double cpu = used(), wall = wall_ns();

	usleep(seconds * 1e6);
	return (used() - cpu) / (wall_ns() - wall) * 100;
}

/* MiB resident, less what is mapped from the kernel's maps. */
static double resident(void)
{
	char line[512];
	bool ours = true;
	long kib, sum = 0;
	FILE *f;

	snprintf(line, sizeof(line), "/proc/%d/smaps", lab.agent);
	f = fopen(line, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (strchr("0123456789abcdef", line[0]))
			ours = !strstr(line, "bpf");
		else if (ours && sscanf(line, "Rss: %ld", &kib) == 1)
			sum += kib;
	}
	if (f)
		fclose(f);
	return sum / 1024.0;
}

/* --- Rows --- */

static void idle(struct report *r)
{
	double v[ROUNDS];

	sleep(4);			/* the reader slows down when there is nothing */
	for (int i = 0; i < ROUNDS; i++)
		v[i] = share(SECONDS);
	report_goal(r, "idle", "% of a core", v, ROUNDS, 0.2);
	v[0] = resident();
	report_row(r, "resident less maps, five pods", "MiB", v, 1);
}

static void followed(struct report *r)
{
	double v[ROUNDS], alone[ROUNDS], rates[1];
	struct traffic c;
	struct terminal t;

	if (traffic_connections(&c, from, to, CART, PORT, RATE))
		return;
	sleep(1);
	for (int i = 0; i < ROUNDS; i++)
		alone[i] = share(SECONDS);
	if (terminal_open(&t, lab.build, lab.observer))
		return;
	terminal_watch(&t, 1, NULL, 0);
	for (int i = 0; i < ROUNDS; i++) {
		double cpu = used(), wall = wall_ns();

		terminal_watch(&t, SECONDS, NULL, 0);
		v[i] = (used() - cpu) / (wall_ns() - wall) * 100;
	}
	rates[0] = traffic_stop(&c);
	report_row(r, "new connections", "a second", rates, 1);
	report_row(r, "nobody follows", "% of a core", alone, ROUNDS);
	report_goal(r, "one follower at 10,000 connections a second", "% of a core", v, ROUNDS, 5);
	report_fact(r, "lines that it was told", "%lu", t.lines);
	terminal_close(&t);
}

/* --- Followers without number --- */

static unsigned long told;
static unsigned int began;

static bool on_message(struct rpc_ask *a, const uint8_t *data, size_t size, void *ctx)
{
	told++;
	return true;
}

static void on_began(struct rpc_ask *a, void *ctx)
{
	began++;
}

static void on_ended(struct rpc_ask *a, const struct rpc_end *end, void *ctx)
{
	began--;
}

static void on_over(void *ctx)
{
	rpc_loop_stop(ctx);
}

static void pass(struct rpc_loop *loop, unsigned int ms)
{
	struct rpc_timer timer = { 0 };

	rpc_timer_set(loop, &timer, ms, on_over, loop);
	rpc_loop_run(loop);
}

static double share_of(struct rpc_loop *loop, unsigned int ms)
{
	double cpu = used(), wall = wall_ns();

	pass(loop, ms);
	return (used() - cpu) / (wall_ns() - wall) * 100;
}

static void thousand(struct report *r)
{
	Observer__GetFlowsRequest request = OBSERVER__GET_FLOWS_REQUEST__INIT;
	struct rpc_channel *channel[FOLLOWERS / OF_ONE];
	double before = resident(), v[ROUNDS], more;
	struct rpc_ask *ask[FOLLOWERS];
	struct traffic c;
	struct rpc_loop *loop;
	uint8_t data[64];
	size_t size;

	request.follow = true;
	size = observer__get_flows_request__pack(&request, data);
	if (rpc_loop_open(&loop))
		return;
	for (int i = 0; i < FOLLOWERS; i++) {
		/* another window is another connection */
		struct rpc_target at = { .server = lab.observer, .window = 65536 + i / OF_ONE };
		struct rpc_ask_options options = { .path = "/observer.Observer/GetFlows", .data = data, .size = size,
						   .began = on_began, .message = on_message, .ended = on_ended };
		struct complaint why;

		if (i % OF_ONE == 0 && rpc_channel_open(&channel[i / OF_ONE], loop, &at, &why))
			return;
		if (rpc_ask(&ask[i], channel[i / OF_ONE], &options))
			return;
	}
	pass(loop, 2000);
	report_fact(r, "followers", "%u", began);
	more = resident() - before;
	report_row(r, "1,000 idle followers", "MiB more", &more, 1);
	for (int i = 0; i < ROUNDS; i++)
		v[i] = share_of(loop, SECONDS * 1000);
	report_row(r, "1,000 idle followers", "% of a core", v, ROUNDS);
	if (!traffic_connections(&c, from, to, CART, PORT, 20)) {
		pass(loop, 1000);
		for (int i = 0; i < ROUNDS; i++)
			v[i] = share_of(loop, 1000);
		traffic_stop(&c);
		report_row(r, "1,000 followers told of 20 connections a second", "% of a core", v, ROUNDS);
	}
	report_fact(r, "flows that they were told", "%lu", told);
	for (int i = 0; i < FOLLOWERS; i++)
		rpc_ask_cancel(ask[i]);
	pass(loop, 500);
	for (int i = 0; i < FOLLOWERS / OF_ONE; i++)
		rpc_channel_close(channel[i]);
	rpc_loop_close(loop);
}

/* --- Starts --- */

static void manifests(const char *file, int first, int end, const char *node, bool rest)
{
	FILE *f = fopen(file, "w");

	if (rest)
		fprintf(f, "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n"
			   "status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}\n");
	for (int i = first; i < end; i++)
		fprintf(f, "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p%d, namespace: ns%d, labels: {app: a%d, tier: t%d}}\n"
			   "spec: {nodeName: %s, containers: [{name: c}]}\nstatus: {phase: Running, podIPs: [{ip: 10.%s.%d.%d}]}\n",
			i, i % 20, i % 50, i % 5, node, rest ? "244" : "245", i / 250, i % 250 + 2);
	for (int i = 0; rest && i < POLICIES; i++)
		fprintf(f, "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: np%d, namespace: ns%d}\n"
			   "spec:\n  podSelector: {matchLabels: {app: a%d}}\n  policyTypes: [Ingress]\n"
			   "  ingress: [{from: [{podSelector: {matchLabels: {tier: t%d}}}], ports: [{port: %d}]}]\n",
			i, i % 20, i % 50, i % 5, 8000 + i);
	fclose(f);
}

/* The words an agent was started with, from the process that runs. */
static unsigned int arguments(char *room, size_t size, char **argv, unsigned int most)
{
	char path[64];
	unsigned int n = 0;
	size_t got;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", lab.agent);
	f = fopen(path, "r");
	got = f ? fread(room, 1, size - 1, f) : 0;
	if (f)
		fclose(f);
	room[got] = '\0';
	for (char *at = room; at < room + got && n < most - 1; at += strlen(at) + 1)
		argv[n++] = at;
	argv[n] = NULL;
	return n;
}

/* Milliseconds from fork to "ready", which it says when it serves. */
static double start(char **argv)
{
	char node[160], line[1024];
	double began = wall_ns(), ms = 1e9;
	int words[2];
	FILE *f;

	if (pipe2(words, O_CLOEXEC))
		return ms;
	lab.agent = fork();
	if (!lab.agent) {
		int fd;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		snprintf(node, sizeof(node), "/run/netns/weir-%s+node+n1", lab.name);
		fd = open(node, O_RDONLY);
		if (fd < 0 || setns(fd, CLONE_NEWNET) || dup2(words[1], 2) < 0)
			_exit(126);
		execv(argv[0], argv);
		_exit(127);
	}
	close(words[1]);
	f = fdopen(words[0], "r");
	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, " ready on node ")) {
			ms = (wall_ns() - began) / 1e6;
			break;
		}
	usleep(500000);			/* what it says while it arms goes into the pipe */
	if (f)
		fclose(f);
	return ms;
}

static void starts(struct report *r)
{
	char state[] = "/tmp/weir-bench-XXXXXX", file[64], room[4096], *argv[64];
	double v[ROUNDS], rss[ROUNDS];

	if (!mkdtemp(state))
		return;
	snprintf(file, sizeof(file), "%s/here.yaml", state);
	manifests(file, 0, HERE, "n1", true);
	if (lab_up(state) && arguments(room, sizeof(room), argv, 64)) {
		snprintf(file, sizeof(file), "%s/known.yaml", state);
		manifests(file, HERE, KNOWN, "n2", false);
		kill(lab.agent, SIGTERM);
		sleep(2);
		for (int i = 0; i < ROUNDS; i++) {
			v[i] = start(argv);
			sleep(1);
			rss[i] = resident();
			kill(lab.agent, SIGTERM);
			waitpid(lab.agent, NULL, 0);
		}
		report_goal(r, "start to serving, adopting 110 pods, 1,000 known", "ms", v, ROUNDS, 100);
		report_goal(r, "resident less maps, 1,000 pods, 100 policies", "MiB", rss, ROUNDS, 32);
	}
	lab_run("rm -r %s", state);
}

int main(int argc, char **argv)
{
	struct report r;

	lab_begin();
	lab_netns(from, "shop", "frontend");
	lab_netns(to, "shop", "cart");
	if (geteuid() || !lab_up("policies/shop")) {
		fprintf(stderr, "agent: needs root, and a lab\n");
		return 1;
	}
	report_begin(&r, "agent", "an agent with gRPC in a lab");
	idle(&r);
	followed(&r);
	thousand(&r);
	lab_down();
	starts(&r);
	return report_end(&r, argc > 1 ? argv[1] : ".") ? 1 : 0;
}
