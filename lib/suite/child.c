// SPDX-License-Identifier: Apache-2.0
#include "lib/suite/child.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir/base.h>

#define START_MS 15000
#define ANSWER_MS 30000

#define SETTLE_MS 400		/* a standing agent says nothing when a file is in force */

struct child {
	struct child_options options;
	pid_t pid;
	char dir[64], pins[128];
	char node[256];
	bool mounted;
	struct control *control;
};

static const char *beside(char *buf, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", buf, size - 1);
	char *slash;

	buf[n < 0 ? 0 : n] = 0;
	slash = strrchr(buf, '/');
	if (slash)
		*slash = 0;
	/* tests lie deeper in the build tree than the programs */
	for (int up = 0; up < 4; up++) {
		size_t length = strlen(buf);

		snprintf(buf + length, size - length, "/weir-agent");
		if (!access(buf, X_OK))
			return buf;
		buf[length] = 0;
		slash = strrchr(buf, '/');
		if (!slash)
			break;
		*slash = 0;
	}
	return "weir-agent";
}

static const char **arguments(const struct child *c, const struct child_options *o, const char *agent)
{
	static char socket[96], data[96], state[96], bpffs[96];
	static const char *arg[24];
	unsigned int n = 0;

	snprintf(socket, sizeof(socket), "%s/agent.sock", c->dir);
	snprintf(data, sizeof(data), "%s/data", c->dir);
	arg[n++] = agent;
	arg[n++] = "--node", arg[n++] = o->node;
	arg[n++] = "--socket", arg[n++] = socket;
	arg[n++] = "--data", arg[n++] = data;
	arg[n++] = "--hairpin", arg[n++] = o->hairpin ? "deny" : "allow";
	arg[n++] = "--buckets", arg[n++] = "8192";
	arg[n++] = "--log-level", arg[n++] = o->talk ? "info" : "error";
	if (o->stack)
		arg[n++] = "--stack";
	if (o->standing) {
		snprintf(state, sizeof(state), "%s/state", c->dir);
		snprintf(bpffs, sizeof(bpffs), "%s/bpf/weir", c->dir);
		arg[n++] = "--state", arg[n++] = state;
		arg[n++] = "--bpffs", arg[n++] = bpffs;
	} else {
		arg[n++] = "--judge";
	}
	arg[n] = NULL;
	return arg;
}

__attribute__((noreturn)) static void run(const struct child *c, const struct child_options *o, pid_t parent)
{
	char path[4096];
	const char *agent = o->agent ?: beside(path, sizeof(path));

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (o->netns >= 0 ? setns(o->netns, CLONE_NEWNET) : unshare(CLONE_NEWNET))
		_exit(126);
	execv(agent, (char **)arguments(c, o, agent));
	_exit(127);
}

static int wait_for(struct child *c, struct complaint *why)
{
	char socket[96];

	snprintf(socket, sizeof(socket), "%s/agent.sock", c->dir);
	for (int i = 0; i < START_MS / 20; i++) {
		int status;

		if (waitpid(c->pid, &status, WNOHANG) == c->pid) {
			c->pid = 0;
			complaint_set(why, 0, 0, "the agent ended before it listened (code %d): this judge needs root and "
				      "weir-agent beside this program", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
			return -EPIPE;
		}
		if (!access(socket, F_OK) && !control_open(&c->control, socket, why))
			return 0;
		usleep(20000);
	}
	complaint_set(why, 0, 0, "the agent does not listen after %d s", START_MS / 1000);
	return -ETIMEDOUT;
}

/* A directory of manifests, and a bpffs of its own. */
static int furnish(struct child *c)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/state", c->dir);
	if (mkdir(path, 0755))
		return -errno;
	snprintf(path, sizeof(path), "%s/bpf", c->dir);
	if (mkdir(path, 0755) || mount("bpf", path, "bpf", 0, NULL))
		return -errno;
	c->mounted = true;
	return 0;
}

int child_again(struct child *c, struct complaint *why)
{
	pid_t parent = getpid();
	char socket[96];

	snprintf(socket, sizeof(socket), "%s/agent.sock", c->dir);
	unlink(socket);
	c->pid = fork();
	if (!c->pid)
		run(c, &c->options, parent);
	return c->pid < 0 ? -errno : wait_for(c, why);
}

void child_kill(struct child *c)
{
	control_close(c->control);
	c->control = NULL;
	if (c->pid > 0 && !kill(c->pid, SIGKILL))
		waitpid(c->pid, NULL, 0);
	c->pid = 0;
}

int child_start(struct child **out, const struct child_options *options, struct complaint *why)
{
	struct child *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	snprintf(c->dir, sizeof(c->dir), "/tmp/weir-test-%d-XXXXXX", getpid());
	if (!mkdtemp(c->dir)) {
		free(c);
		return -errno;
	}
	c->options = *options;
	snprintf(c->node, sizeof(c->node), "%s", options->node);
	c->options.node = c->node;
	err = options->standing ? furnish(c) : 0;
	if (err)
		complaint_set(why, 0, 0, "cannot mount a bpffs: %s", strerror(-err));
	err = err ?: child_again(c, why);
	if (err) {
		child_stop(c);
		return err;
	}
	*out = c;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	return remove(path);
}

static void clear_away(const struct child *c)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/bpf", c->dir);
	if (c->mounted)
		umount2(path, MNT_DETACH);
	nftw(c->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void child_abandon(struct child *c)
{
	if (c->pid > 0)
		kill(c->pid, SIGKILL);
	clear_away(c);
}

void child_stop(struct child *c)
{
	if (!c)
		return;
	control_close(c->control);
	if (c->pid > 0) {
		kill(c->pid, SIGTERM);
		for (int i = 0; i < 250 && waitpid(c->pid, NULL, WNOHANG) != c->pid; i++) {
			if (i == 200)
				kill(c->pid, SIGKILL);
			usleep(10000);
		}
	}
	clear_away(c);
	free(c);
}

struct control *child_control(struct child *c) { return c->control; }
int child_pid(const struct child *c) { return c->pid; }

/* -- handing over -- */

struct batch {
	FILE *text;
	char **gone;
	size_t ngone;
	bool any;
};

static int on_changed(void *ctx, const char *key, const char *json)
{
	struct batch *b = ctx;

	fprintf(b->text, "---\n%s\n", json);
	b->any = true;
	return 0;
}

static int on_gone(void *ctx, const char *key)
{
	struct batch *b = ctx;

	b->gone = realloc(b->gone, (b->ngone + 1) * sizeof(*b->gone));
	b->gone[b->ngone++] = strdup(key);
	b->any = true;
	return 0;
}

static int apply(struct child *c, char *text, const struct batch *b, struct complaint *why)
{
	Weir__V1__ApplyRequest apply = WEIR__V1__APPLY_REQUEST__INIT;
	Weir__V1__Request ask = WEIR__V1__REQUEST__INIT;
	Weir__V1__Reply *reply;
	int err;

	apply.manifests = text;
	apply.gone = b->gone;
	apply.n_gone = b->ngone;
	ask.ask_case = WEIR__V1__REQUEST__ASK_APPLY;
	ask.apply = &apply;
	err = control_ask_once(c->control, &ask, &reply, ANSWER_MS, why);
	if (err)
		return err;
	if (reply->answer_case == WEIR__V1__REPLY__ANSWER_APPLIED && reply->applied->n_rejected) {
		Weir__V1__Rejected *r = reply->applied->rejected[0];

		complaint_set(why, 0, 0, "the agent rejected '%s': %s", r->object, r->why);
		err = -EINVAL;
	}
	weir__v1__reply__free_unpacked(reply, NULL);
	return err;
}

/* -- a standing agent's directory -- */

static void file_of(const struct child *c, const char *key, char path[1200], const char *end)
{
	snprintf(path, 1200, "%s/state/%s%s", c->dir, key, end);
	for (char *p = path + strlen(c->dir) + 7; *p; p++)
		if (*p == '/')
			*p = '_';
}

static int write_file(void *ctx, const char *key, const char *json)
{
	char path[1200], new[1200];
	FILE *f;

	file_of(ctx, key, path, ".json");
	file_of(ctx, key, new, ".new");
	f = fopen(new, "we");
	if (!f)
		return -errno;
	fputs(json, f);
	return fclose(f) || rename(new, path) ? -errno : 0;
}

static int remove_file(void *ctx, const char *key)
{
	char path[1200];

	file_of(ctx, key, path, ".json");
	return unlink(path) ? -errno : 0;
}

int child_hand(struct child *c, struct hand *hand, const struct cluster *cluster, struct complaint *why)
{
	struct batch b = { 0 };
	char *text = NULL;
	size_t size;
	int err;

	if (c->options.standing) {
		err = hand_over(hand, cluster, write_file, remove_file, c);
		usleep(SETTLE_MS * 1000);
		return err;
	}
	b.text = open_memstream(&text, &size);
	err = hand_over(hand, cluster, on_changed, on_gone, &b);
	fclose(b.text);
	if (!err && b.any)
		err = apply(c, text, &b, why);
	for (size_t i = 0; i < b.ngone; i++)
		free(b.gone[i]);
	free(b.gone);
	free(text);
	return err;
}

const char *child_pins(struct child *c)
{
	snprintf(c->pins, sizeof(c->pins), "%s/bpf/weir/%u", c->dir, WEIR_ABI);
	return c->pins;
}
