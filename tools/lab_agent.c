// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/control/client.h"
#include "tools/files.h"
#include "tools/lab_agent.h"

#define START_MS 30000		/* to load the programs on a busy machine */
#define ANSWER_MS 30000
#define ARGS_MAX (18 + OPT_LIST_MAX)

static void agent_path(const struct lab_agent_options *options, char path[PATH_MAX])
{
	static const char *const beside[] = { "weir-agent", "../sbin/weir-agent" };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	snprintf(path, PATH_MAX, "%s", options->program ? options->program : "weir-agent");
	if (options->program || n < 0)
		return;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	for (int i = 0; i < 2; i++) {
		char at[PATH_MAX * 2];

		snprintf(at, sizeof(at), "%s/%s", self, beside[i]);
		if (strlen(at) < PATH_MAX && access(at, X_OK) == 0) {
			strcpy(path, at);
			return;
		}
	}
}

static int make_dirs(struct lab *lab, const char *node, struct complaint *why)
{
	char bpf[PATH_MAX], data[PATH_MAX];
	int err = 0;

	lab_file(lab, node, "bpf", bpf);
	lab_file(lab, node, "data", data);
	if (mkdir(data, 0700) < 0 || mkdir(bpf, 0700) < 0)
		err = -errno;
	if (!err)
		err = lab_note(lab, "mount", bpf, NULL, NULL);
	if (!err && mount("bpf", bpf, "bpf", 0, "mode=0700") < 0)
		err = -errno;
	if (err)
		complaint_set(why, 0, 0, "cannot mount a bpffs for node '%s': %s (a lab needs root, and a kernel with BPF)", node,
			      strerror(-err));
	return err;
}

/* The agent's words; they point into 'room', which lives as long as they are used. */
static void fill_args(char **argv, char (*room)[PATH_MAX], struct lab *lab, const char *node,
		      const struct lab_agent_options *options)
{
	int n = 0;

	lab_file(lab, node, "data", room[1]);
	lab_file(lab, node, "bpf/weir", room[2]);
	lab_file(lab, node, "sock", room[3]);
	lab_file(lab, node, LAB_OBSERVER, room[4]);
	argv[n++] = room[0];
	argv[n++] = "--state";
	argv[n++] = (char *)options->state;
	argv[n++] = "--node";
	argv[n++] = (char *)node;
	argv[n++] = "--data";
	argv[n++] = room[1];
	argv[n++] = "--bpffs";
	argv[n++] = room[2];
	argv[n++] = "--socket";
	argv[n++] = room[3];
	argv[n++] = "--observer-socket";
	argv[n++] = room[4];
	argv[n++] = "--buckets=4096";	/* 4 MiB of flows are many for a lab */
	for (unsigned int i = 0; i < options->more.n; i++)
		argv[n++] = (char *)options->more.value[i];
	argv[n] = NULL;
}

/* In the child: a process of its own session, in the node's namespace, which says all it says into its log. */
static void become_agent(const struct netns *node, char **argv, const char *log)
{
	static char *environment[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	int null = open("/dev/null", O_RDWR), to = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	if (null < 0 || to < 0 || dup2(null, 0) < 0 || dup2(to, 1) < 0 || dup2(to, 2) < 0)
		_exit(126);
	if (setns(netns_fd(node), CLONE_NEWNET) < 0)
		_exit(126);
	closefrom(3);
	execvpe(argv[0], argv, environment);
	fprintf(stderr, "weir-agent: cannot run '%s': %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void last_words(const char *log, char *buf, size_t size)
{
	char *text, *end;
	size_t n;

	snprintf(buf, size, "its log is empty");
	if (file_read(log, &text, &n))
		return;
	while (n && text[n - 1] == '\n')
		text[--n] = '\0';
	end = strrchr(text, '\n');
	if (n)
		snprintf(buf, size, "%s", end ? end + 1 : text);
	free(text);
}

/* Until it listens; or ended before that, with its last words. */
static int wait_ready(pid_t pid, struct lab *lab, const char *node, struct complaint *why)
{
	char socket[PATH_MAX], log[PATH_MAX], said[400];
	struct control *c;
	struct complaint not_yet;
	int status;

	lab_file(lab, node, "sock", socket);
	lab_file(lab, node, "log", log);
	for (int ms = 0; ms < START_MS; ms += 5) {
		if (control_open(&c, socket, &not_yet) == 0) {
			control_close(c);
			return 0;
		}
		if (waitpid(pid, &status, WNOHANG) == pid) {
			last_words(log, said, sizeof(said));
			complaint_set(why, 0, 0, "the agent of node '%s' ended: %s", node, said);
			return -ECHILD;
		}
		usleep(5000);
	}
	complaint_set(why, 0, 0, "the agent of node '%s' does not listen after %d s (see '%s')", node, START_MS / 1000, log);
	return -ETIMEDOUT;
}

int lab_agent_start(struct lab_net *n, unsigned int node, const struct lab_agent_options *options,
		    struct complaint *why)
{
	const char *name = n->world->node[node].name;
	static char room[5][PATH_MAX];
	char *argv[ARGS_MAX + 1], log[PATH_MAX];
	int err = make_dirs(n->lab, name, why);
	pid_t pid;

	if (err)
		return err;
	agent_path(options, room[0]);
	fill_args(argv, room, n->lab, name, options);
	lab_file(n->lab, name, "log", log);
	pid = fork();
	if (pid == 0)
		become_agent(n->node[node], argv, log);
	err = pid < 0 ? -errno : lab_note_process(n->lab, "process", pid, name);
	if (err) {
		complaint_set(why, 0, 0, "cannot start an agent for node '%s': %s", name, strerror(-err));
		return err;
	}
	return wait_ready(pid, n->lab, name, why);
}

int lab_agent_add(struct lab_net *n, unsigned int pod, struct complaint *why)
{
	Weir__V1__EndpointAddRequest add = WEIR__V1__ENDPOINT_ADD_REQUEST__INIT;
	Weir__V1__Request ask = { PROTOBUF_C_MESSAGE_INIT(&weir__v1__request__descriptor),
				  WEIR__V1__REQUEST__ASK_ENDPOINT_ADD, { .endpoint_add = &add } };
	const struct object *o = n->world->pod[pod];
	Weir__V1__Reply *reply;
	struct control *c;
	char socket[PATH_MAX], who[512];
	__u8 mac[6];
	int err;

	snprintf(who, sizeof(who), "%s/%s", o->ns, o->name);
	add.pod = who;
	add.wait_ms = 10000;
	if (netns_link_mac(n->pod[pod], "eth0", mac) == 0)
		add.mac = (ProtobufCBinaryData){ 6, mac };
	lab_file(n->lab, o->pod.node, "sock", socket);
	err = control_open(&c, socket, why);
	if (err)
		return err;
	err = control_ask_once(c, &ask, &reply, ANSWER_MS, why);
	if (!err)
		weir__v1__reply__free_unpacked(reply, NULL);
	control_close(c);
	return err;
}
