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
#include "tools/lab_program.h"

#define START_MS 30000		/* to load the programs on a busy machine */
#define ANSWER_MS 30000
#define ARGS_MAX (19 + OPT_LIST_MAX)

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
	argv[n++] = "--metrics=127.0.0.1:9965";	/* in the node's own namespace */
	argv[n++] = "--buckets=4096";	/* 4 MiB of flows are many for a lab */
	for (unsigned int i = 0; i < options->more.n; i++)
		argv[n++] = (char *)options->more.value[i];
	argv[n] = NULL;
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
			lab_program_last_words(log, said, sizeof(said));
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
	lab_program_path(options->program, "weir-agent", room[0]);
	fill_args(argv, room, n->lab, name, options);
	lab_file(n->lab, name, "log", log);
	err = lab_program_start(n->lab, &(struct lab_program){ argv, log, name, n->node[node] }, &pid);
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
