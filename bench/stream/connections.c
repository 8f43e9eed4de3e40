// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/report.h"
#include "bench/stream/connections.h"

#define AT_ONCE 10			/* connections between two looks at the clock */

static volatile sig_atomic_t stopped;

static void on_stop(int signo)
{
	stopped = 1;
}

static bool go(const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC);
	bool there = fd >= 0 && !setns(fd, CLONE_NEWNET);

	if (fd >= 0)
		close(fd);
	return there;
}

static int listener(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 1024) ? -1 : fd;
}

/* Opened, accepted, and reset: no port rests. */
static bool one(int server, const struct sockaddr_in *to)
{
	struct linger now = { .l_onoff = 1 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), other;
	bool made = fd >= 0 && (!connect(fd, (const struct sockaddr *)to, sizeof(*to)) || errno == EINPROGRESS);

	other = accept(server, NULL, NULL);
	made = made && other >= 0;
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(fd);
	}
	if (other >= 0)
		close(other);
	return made;
}

static void run(int server, const struct sockaddr_in *to, unsigned int rate, int words)
{
	unsigned long made = 0, due = 0;
	double began = wall_ns(), now = began;

	while (!stopped) {
		now = wall_ns();
		if (due <= (now - began) / 1e9 * rate) {
			for (int i = 0; i < AT_ONCE && (rate > 1000 || !i); i++)
				made += one(server, to);
			due += rate > 1000 ? AT_ONCE : 1;
		} else {
			nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
		}
	}
	dprintf(words, "%f\n", made / ((now - began) / 1e9));
}

int connections_start(struct connections *c, const char *from, const char *to, const char *address, uint16_t port,
		      unsigned int rate)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	int words[2], server;

	inet_pton(AF_INET, address, &at.sin_addr);
	if (pipe2(words, O_CLOEXEC))
		return -errno;
	c->words = words[0];
	c->pid = fork();
	if (!c->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGTERM, on_stop);
		server = go(to) ? listener(port) : -1;
		if (server < 0 || !go(from))
			_exit(1);
		run(server, &at, rate, words[1]);
		_exit(0);
	}
	close(words[1]);
	return c->pid < 0 ? -errno : 0;
}

double connections_stop(struct connections *c)
{
	double rate = 0;
	FILE *f = fdopen(c->words, "r");

	kill(c->pid, SIGTERM);
	if (f && fscanf(f, "%lf", &rate) != 1)
		rate = 0;
	if (f)
		fclose(f);
	waitpid(c->pid, NULL, 0);
	return rate;
}
