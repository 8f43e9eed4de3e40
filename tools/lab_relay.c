// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/lab_program.h"
#include "tools/lab_relay.h"

#define START_MS 10000
#define FIXED 11		/* words beside the peers */
#define RELAY_PORT 4245
#define METRICS_PORT 9966
#define PAGE_PORT 8092

static bool is_free(unsigned int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	bool is;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	is = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 1) == 0;
	close(fd);
	return is;
}

static bool answers(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd;
	bool is;

	if (strlen(path) >= sizeof(at.sun_path))
		return false;
	strcpy(at.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	is = fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
	close(fd);
	return is;
}

static int wait_ready(pid_t pid, const char *socket, const char *log, struct complaint *why)
{
	char said[400];
	int status;

	for (int ms = 0; ms < START_MS; ms += 5) {
		if (answers(socket))
			return 0;
		if (waitpid(pid, &status, WNOHANG) == pid) {
			lab_program_last_words(log, said, sizeof(said));
			complaint_set(why, 0, 0, "the relay ended: %s", said);
			return -ECHILD;
		}
		usleep(5000);
	}
	complaint_set(why, 0, 0, "the relay does not listen after %d s (see '%s')", START_MS / 1000, log);
	return -ETIMEDOUT;
}

static char **make_args(struct lab_net *n, const char *program, const char *socket, const char *data)
{
	char **argv = calloc(FIXED + n->world->nnodes + 1, sizeof(*argv)), path[PATH_MAX];
	unsigned int at = 0;
	bool full = !argv;

	if (full)
		return NULL;
	argv[at++] = strdup(program);
	full |= asprintf(&argv[at++], "--socket=%s", socket) < 0;
	full |= asprintf(&argv[at++], "--data=%s", data) < 0;
	argv[at++] = strdup(is_free(RELAY_PORT) ? "--listen=127.0.0.1:4245" : "--listen=127.0.0.1:0");
	argv[at++] = strdup(is_free(METRICS_PORT) ? "--metrics=127.0.0.1:9966" : "--metrics=");
	argv[at++] = strdup(is_free(PAGE_PORT) ? "--page=127.0.0.1:8092" : "--page=127.0.0.1:0");
	for (unsigned int i = 0; i < n->world->nnodes; i++) {
		lab_file(n->lab, n->world->node[i].name, LAB_OBSERVER, path);
		full |= asprintf(&argv[at++], "--peer=%s=unix:%s", n->world->node[i].name, path) < 0;
	}
	return full ? NULL : argv;	/* a command that has no room for its words ends: nothing to give back */
}

static void drop_args(char **argv)
{
	for (char **a = argv; *a; a++)
		free(*a);
	free(argv);
}

int lab_relay_start(struct lab_net *n, struct complaint *why)
{
	char program[PATH_MAX], socket[PATH_MAX], log[PATH_MAX], data[PATH_MAX], **argv;
	pid_t pid;
	int err;

	lab_program_path(NULL, "weir-relay", program);
	if (!strchr(program, '/')) {
		complaint_set(why, 0, 0, "no weir-relay beside this program");
		return -ENOENT;
	}
	lab_file(n->lab, LAB_RELAY, "sock", socket);
	lab_file(n->lab, LAB_RELAY, "log", log);
	lab_file(n->lab, LAB_RELAY, "data", data);
	argv = make_args(n, program, socket, data);
	if (!argv)
		return -ENOMEM;
	err = lab_program_start(n->lab, &(struct lab_program){ argv, log, LAB_RELAY, NULL }, &pid);
	drop_args(argv);
	if (err) {
		complaint_set(why, 0, 0, "cannot start a relay: %s", strerror(-err));
		return err;
	}
	return wait_ready(pid, socket, log, why);
}

bool lab_relay_at(const struct lab *lab, char url[LAB_RELAY_URL])
{
	static const char said[] = "the page is at ";
	char path[PATH_MAX], line[512], *at = NULL;
	FILE *log;

	lab_file(lab, LAB_RELAY, "log", path);
	log = fopen(path, "re");
	while (log && !at && fgets(line, sizeof(line), log))
		at = strstr(line, said);
	if (log)
		fclose(log);
	if (!at)
		return false;
	snprintf(url, LAB_RELAY_URL, "%.*s", (int)strcspn(at + strlen(said), " \n"), at + strlen(said));
	return true;
}
