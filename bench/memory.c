// SPDX-License-Identifier: Apache-2.0
/* What an agent holds, less the maps it has mapped, and what it takes to start cold from a directory of manifests; what the
 * maps hold at their default sizes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/datapath.h"
#include "bench/bench.h"
#include "bench/manifests.h"

#define READY " ready on node "
#define PATIENCE 180		/* seconds for an agent to be ready */

static void remove_tree(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char below[768];

	while (d && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, e->d_name);
		if (e->d_type == DT_DIR)
			remove_tree(below);
		else
			unlink(below);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

struct started {
	pid_t pid;
	int words;			/* its stderr */
	char directory[400];
};

/* The child: a network, a file system for pins and a directory of its own; all of it ends with it. */
static void child(const struct bench *b, const struct started *s, int words)
{
	char state[512], data[512], pins[512], weir[520], socket[512];

	snprintf(state, sizeof(state), "%s/state", s->directory);
	snprintf(data, sizeof(data), "%s/data", s->directory);
	snprintf(pins, sizeof(pins), "%s/fs", s->directory);
	snprintf(weir, sizeof(weir), "%s/fs/weir", s->directory);
	snprintf(socket, sizeof(socket), "%s/socket", s->directory);
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mkdir(pins, 0700) ||
	    mount("bpf", pins, "bpf", 0, NULL))
		_exit(126);
	dup2(words, STDERR_FILENO);
	dup2(words, STDOUT_FILENO);
	execl(b->agent, b->agent, "--state", state, "--data", data, "--bpffs", weir, "--socket", socket, "--node", MANIFESTS_NODE,
	      "--observer-socket", "", "--buckets", "32768", (char *)NULL);
	_exit(127);
}

static int start(const struct bench *b, struct started *s)
{
	int pipe_fd[2];

	if (pipe2(pipe_fd, O_CLOEXEC))
		return -errno;
	s->pid = fork();
	if (!s->pid)
		child(b, s, pipe_fd[1]);
	close(pipe_fd[1]);
	s->words = pipe_fd[0];
	return s->pid < 0 ? -errno : 0;
}

static void end(struct started *s)
{
	if (s->pid > 0) {
		kill(s->pid, SIGTERM);
		waitpid(s->pid, NULL, 0);
	}
	if (s->words >= 0)
		close(s->words);
}

/* Reads what it says until it says that it is ready; that line. */
static int ready(struct started *s, char *line, size_t size)
{
	FILE *f = fdopen(dup(s->words), "r");
	char words[1024], last[1024] = "it said nothing";
	int err = -EPIPE;

	alarm(PATIENCE);
	while (f && fgets(words, sizeof(words), f)) {
		snprintf(last, sizeof(last), "%s", words);
		if (strstr(words, READY)) {
			err = 0;
			break;
		}
	}
	alarm(0);
	if (f)
		fclose(f);
	last[strcspn(last, "\n")] = 0;
	snprintf(line, size, "%s", last);
	return err;
}

/* seconds of CPU, user and system */
static double cpu_of(pid_t pid)
{
	unsigned long user = 0, system = 0;
	char path[64], text[1024], *after;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f || !fgets(text, sizeof(text), f) || !(after = strrchr(text, ')')))
		user = 0;
	else
		sscanf(after, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
	if (f)
		fclose(f);
	return (double)(user + system) / sysconf(_SC_CLK_TCK);
}

/* MiB resident: of maps that are mapped, and of all else. */
static void resident(pid_t pid, double *maps, double *rest)
{
	char path[64], line[512];
	bool bpf = false;
	FILE *f;

	*maps = *rest = 0;
	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		unsigned long from, to, kb;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			bpf = strstr(line, "bpf-map") || strstr(line, "bpf_");
		else if (sscanf(line, "Rss: %lu kB", &kb) == 1)
			*(bpf ? maps : rest) += kb / 1024.0;
	}
	if (f)
		fclose(f);
}

static int measure(struct bench *b, struct report *r, const struct manifests *m, double bound, bool cold)
{
	struct started s = { .pid = -1, .words = -1 };
	double maps = 0, rest = 0, cpu = 0;
	char state[512], line[400], what[80];
	int err;

	snprintf(s.directory, sizeof(s.directory), "%s/agent-%d", b->directory, getpid());
	snprintf(state, sizeof(state), "%s/state", s.directory);
	mkdir(s.directory, 0700);
	err = manifests_directory(state, m) ?: start(b, &s) ?: ready(&s, line, sizeof(line));
	if (!err) {
		cpu = cpu_of(s.pid);
		sleep(3);
		resident(s.pid, &maps, &rest);
		err = kill(s.pid, 0) ? -ESRCH : 0;
	} else {
		complaint_set(&b->why, 0, 0, "the agent did not get ready: %s", line);
	}
	end(&s);
	remove_tree(s.directory);
	if (err)
		return err;
	report_fact(r, "the agent said", "%s", strstr(line, READY) + 1);
	snprintf(what, sizeof(what), "agent, %u pods, %u policies: mapped maps", m->pods, m->policies);
	report_row(r, what, "MiB", &maps, 1);
	snprintf(what, sizeof(what), "agent, %u pods, %u policies: all else", m->pods, m->policies);
	report_goal(r, what, "MiB", &rest, 1, bound);
	if (cold) {
		snprintf(what, sizeof(what), "cold, from manifests to enforced, %u pods", m->pods);
		report_goal(r, what, "s CPU", &cpu, 1, 5);
	}
	return 0;
}

static int map_memory(struct bench *b, struct report *r)
{
	struct datapath_options o = { .dir = "private", .buckets = WEIR_BUCKETS };
	struct datapath_map map[64];
	struct datapath *dp = NULL;
	int err = datapath_open(&dp, &o, &b->why);
	double all = 0, v;

	if (err)
		return err;
	for (unsigned int i = 0, n = datapath_maps(dp, map, 64); i < n; i++) {
		v = map[i].bytes / 1048576.0;
		all += v;
		if (v >= 0.5)
			report_row(r, map[i].name, "MiB", &v, 1);
	}
	report_goal(r, "all BPF maps at default size, per-slot notes too", "MiB", &all, 1, 72);
	datapath_close(dp);
	return 0;
}

static void too_late(int signo)
{
	static const char text[] = "bench: the agent was not ready in time\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(98);
	_exit(99);
}

int part_memory(struct bench *b, struct report *r)
{
	static const struct manifests small = { 1000, 100, 110 }, large = { 50000, 5000, 110 };
	int err;

	report_begin(r, "memory", "what lies in memory, one agent, API off");
	signal(SIGALRM, too_late);
	err = map_memory(b, r);
	if (!err && !b->agent) {
		complaint_set(&b->why, 0, 0, "no agent was named (--agent)");
		err = -ENOENT;
	}
	return err ?: measure(b, r, &small, 10, false) ?: measure(b, r, &large, 40, true);
}
