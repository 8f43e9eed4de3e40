/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A weir-agent as a child process, and questions to it.
 *
 *	struct child c = { .dir = "/tmp/..." };
 *	child_start(&c, (char *[]){ "--judge", NULL });		its socket is DIR/socket
 *	reply = child_ask(&c, &ask);				NULL: it said no, c.why says what
 *	child_stop(&c);						SIGTERM; the exit code
 */
#ifndef WEIR_TESTS_AGENT_CHILD_H
#define WEIR_TESTS_AGENT_CHILD_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/control/client.h"

#define CHILD_ARGS 32

struct child {
	const char *dir;		/* of its socket and its log */
	pid_t pid;
	struct control *control;
	struct complaint why;
};

static inline void child_sleep(unsigned int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

static inline const char *child_program(void)
{
	static char path[4096];
	const char *build = getenv("B");

	snprintf(path, sizeof(path), "%s/weir-agent", build ? build : "build");
	return path;
}

static inline int child_connect(struct child *c, unsigned int ms)
{
	char socket[256];
	int err = -1;

	snprintf(socket, sizeof(socket), "%s/socket", c->dir);
	for (unsigned int waited = 0; err && waited < ms; waited += 5) {
		err = control_open(&c->control, socket, &c->why);
		if (err)
			child_sleep(5);
		if (err && waitpid(c->pid, NULL, WNOHANG) == c->pid) {
			c->pid = 0;
			return -ECHILD;
		}
	}
	return err;
}

/* Without waiting for it. */
static inline void child_spawn(struct child *c, char *const *args)
{
	char socket[256], log[256], *argv[CHILD_ARGS] = { (char *)"weir-agent", (char *)"--socket", socket };
	int n = 3;

	snprintf(socket, sizeof(socket), "%s/socket", c->dir);
	snprintf(log, sizeof(log), "%s/log", c->dir);
	while (*args && n < CHILD_ARGS - 1)
		argv[n++] = *args++;
	c->pid = fork();
	if (c->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!freopen(log, "a", stderr))
		_exit(126);
	execv(child_program(), argv);
	_exit(127);
}

static inline int child_start(struct child *c, char *const *args)
{
	child_spawn(c, args);
	return child_connect(c, 20000);
}

/* One answer, the caller's to free. */
static inline Weir__V1__Reply *child_ask(struct child *c, const Weir__V1__Request *ask)
{
	Weir__V1__Reply *reply = NULL;

	return control_ask_once(c->control, ask, &reply, 120000, &c->why) ? NULL : reply;
}

static inline int child_end(struct child *c, int signo)
{
	int status = -1;

	control_close(c->control);
	c->control = NULL;
	if (c->pid > 0) {
		kill(c->pid, signo);
		waitpid(c->pid, &status, 0);
	}
	c->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline int child_stop(struct child *c)
{
	return child_end(c, SIGTERM);
}

#endif
