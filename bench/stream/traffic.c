// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
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
#include "bench/stream/traffic.h"

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

static void run_connections(int server, const struct sockaddr_in *to, unsigned int rate, int words)
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

/* --- Datagrams: whole IPv4 packets, so that one socket has every port. --- */

#define PORTS 64			/* of the receiver, each with a socket that nobody reads */
#define FIRST_PORT 20000
#define SOURCES 50000			/* ports of the sender */
#define BATCH 32

struct datagram {
	struct iphdr ip;
	struct udphdr udp;
	char text[8];
};

/* The n-th flow's. */
static void fill(struct datagram *d, const struct sockaddr_in *from, const struct sockaddr_in *to, unsigned long n)
{
	*d = (struct datagram){
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP, .tot_len = htons(sizeof(*d)),
			.saddr = from->sin_addr.s_addr, .daddr = to->sin_addr.s_addr },
		.udp = { .source = htons(10000 + n % SOURCES), .dest = htons(FIRST_PORT + n / SOURCES % PORTS),
			 .len = htons(sizeof(*d) - sizeof(d->ip)) },
	};
}

static unsigned int send_batch(int fd, const struct sockaddr_in *from, struct sockaddr_in *to, unsigned long n)
{
	struct datagram d[BATCH];
	struct iovec v[BATCH];
	struct mmsghdr m[BATCH] = { 0 };
	int sent;

	for (int i = 0; i < BATCH; i++) {
		fill(&d[i], from, to, n + i);
		v[i] = (struct iovec){ &d[i], sizeof(d[i]) };
		m[i].msg_hdr = (struct msghdr){ .msg_name = to, .msg_namelen = sizeof(*to), .msg_iov = &v[i], .msg_iovlen = 1 };
	}
	sent = sendmmsg(fd, m, BATCH, 0);
	return sent < 0 ? 0 : sent;
}

static void run_datagrams(int fd, const struct sockaddr_in *from, struct sockaddr_in *to, unsigned int rate, int words)
{
	double began = wall_ns(), now = began;
	unsigned long sent = 0;

	while (!stopped) {
		now = wall_ns();
		if (sent <= (now - began) / 1e9 * rate)
			sent += send_batch(fd, from, to, sent);
		else
			nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
	}
	dprintf(words, "%f\n", sent / ((now - began) / 1e9));
}

/* Ports that take what comes: nobody is told that they are closed. */
static bool take_ports(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	bool all = true;

	for (int i = 0; i < PORTS; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		at.sin_port = htons(FIRST_PORT + i);
		all &= fd >= 0 && !bind(fd, (struct sockaddr *)&at, sizeof(at));
	}
	return all;
}

/* --- The process of both ends. --- */

/* Returns 0 in the child, with 'words' to write to. */
static int begin(struct traffic *t, int *words)
{
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC))
		return -errno;
	t->words = pipes[0];
	t->pid = fork();
	if (!t->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGTERM, on_stop);
		*words = pipes[1];
		return 0;
	}
	close(pipes[1]);
	return t->pid < 0 ? -errno : 1;
}

int traffic_connections(struct traffic *t, const char *from, const char *to, const char *address, uint16_t port,
			unsigned int rate)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	int words, server, err;

	inet_pton(AF_INET, address, &at.sin_addr);
	err = begin(t, &words);
	if (err)
		return err < 0 ? err : 0;
	server = go(to) ? listener(port) : -1;
	if (server < 0 || !go(from))
		_exit(1);
	run_connections(server, &at, rate, words);
	_exit(0);
}

int traffic_datagrams(struct traffic *t, const char *from, const char *to, const char *source, const char *address,
		      unsigned int rate)
{
	struct sockaddr_in here = { .sin_family = AF_INET }, at = { .sin_family = AF_INET };
	int words, fd, err;

	inet_pton(AF_INET, source, &here.sin_addr);
	inet_pton(AF_INET, address, &at.sin_addr);
	err = begin(t, &words);
	if (err)
		return err < 0 ? err : 0;
	if (!go(to) || !take_ports() || !go(from))
		_exit(1);
	fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0)
		_exit(1);
	run_datagrams(fd, &here, &at, rate, words);
	_exit(0);
}

double traffic_stop(struct traffic *t)
{
	double rate = 0;
	FILE *f = fdopen(t->words, "r");

	kill(t->pid, SIGTERM);
	if (f && fscanf(f, "%lf", &rate) != 1)
		rate = 0;
	if (f)
		fclose(f);
	waitpid(t->pid, NULL, 0);
	return rate;
}
