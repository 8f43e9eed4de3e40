// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/forward.h"
#include "tools/verb.h"

#define LINE 512
#define END_MS 1000		/* for kubectl to end when it is asked to, then it is killed */
#define LAST_MS 500		/* from its last word to its end */
#define WORDS 16
#define FROM "Forwarding from "

struct forward {
	pid_t pid;		/* of kubectl, and of its group; 0: none runs */
	int out, signals, stop;	/* what it says; whether we are to end; whether the thread is; -1 */
	unsigned int timeout;
	char line[LINE];	/* that it says now */
	size_t n;
	char last[LINE];	/* that it said last, whole; under 'lock' once 'drains' */
	char server[64];
	pthread_mutex_t lock;
	pthread_t drain;
	bool drains, ended;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

/* ---------------------------------------------------------------- kubectl as a process */

static bool on_path(char *out, size_t size)
{
	const char *at = getenv("PATH"), *end;

	for (; at && *at; at = *end ? end + 1 : end) {
		end = at + strcspn(at, ":");
		if ((size_t)snprintf(out, size, "%.*s/kubectl", (int)(end - at), at) < size && access(out, X_OK) == 0)
			return true;
	}
	return false;
}

static void become(const char *path, char **argv, int to, pid_t parent)
{
	int null = open("/dev/null", O_RDONLY);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || null < 0 || dup2(null, 0) < 0 || dup2(to, 1) < 0 || dup2(to, 2) < 0)
		_exit(126);
	closefrom(3);
	execv(path, argv);
	dprintf(2, "cannot run '%s': %s\n", path, strerror(errno));
	_exit(127);
}

static int start(struct forward *f, char **argv)
{
	pid_t parent = getpid();
	char path[4096];
	int out[2];

	if (!on_path(path, sizeof(path)))
		return verb_fail(VERB_FAILED, "no 'kubectl' in PATH, and --port-forward runs it (--server says whom to ask without)");
	if (pipe2(out, O_CLOEXEC))
		return verb_fail(VERB_FAILED, "cannot run kubectl: %s", strerror(errno));
	f->pid = fork();
	if (f->pid == 0)
		become(path, argv, out[1], parent);
	close(out[1]);
	f->out = out[0];
	f->n = 0;
	f->last[0] = '\0';
	if (f->pid > 0)
		return VERB_GO;
	f->pid = 0;
	return verb_fail(VERB_FAILED, "cannot run kubectl: %s", strerror(errno));
}

/* It and whatever it runs; its group is made on either side, whoever comes first. */
static void tell(const struct forward *f, int signal)
{
	setpgid(f->pid, f->pid);
	if (kill(-f->pid, signal))
		kill(f->pid, signal);
}

static bool is_over(const struct forward *f)
{
	siginfo_t i = { 0 };

	return waitid(P_PID, f->pid, &i, WEXITED | WNOHANG | WNOWAIT) || i.si_pid;
}

/* True: it is over, though not yet waited for, so that its number stays its own. */
static bool over_within(const struct forward *f, unsigned int ms)
{
	uint64_t until = now_ms() + ms;

	while (!is_over(f)) {
		if (now_ms() >= until)
			return false;
		poll(NULL, 0, 5);
	}
	return true;
}

/* Ends it if it does not end by itself; returns how it did, as waitpid() has it. */
static int end(struct forward *f, unsigned int patience)
{
	int status = 0;

	if (!f->pid)
		return 0;
	if (!over_within(f, patience)) {
		tell(f, SIGTERM);
		over_within(f, END_MS);
	}
	tell(f, SIGKILL);		/* also whom it left behind */
	waitpid(f->pid, &status, 0);
	f->pid = 0;
	close(f->out);
	f->out = -1;
	return status;
}

/* ---------------------------------------------------------------- what it says */

/* Takes what is there; true: a line is whole, in 'last'. */
static bool take(struct forward *f, const char *from, size_t *used, size_t n)
{
	while (*used < n) {
		char c = from[(*used)++];

		if (c == '\n' && f->n) {
			f->line[f->n] = '\0';
			memcpy(f->last, f->line, f->n + 1);
			f->n = 0;
			return true;
		}
		if (c != '\n' && f->n < LINE - 1)
			f->line[f->n++] = c;
	}
	return false;
}

enum said { SAID_LINE, SAID_END, SAID_NOTHING };

/* The next byte by byte: what comes behind the line stays in the pipe. */
static enum said next_line(struct forward *f, uint64_t until)
{
	struct pollfd p[2] = { { .fd = f->out, .events = POLLIN }, { .fd = f->signals, .events = POLLIN } };

	for (;;) {
		uint64_t now = now_ms();
		size_t used = 0;
		char c;

		if (now >= until || (poll(p, 2, (int)(until - now)) < 0 && errno != EINTR))
			return SAID_NOTHING;
		if (p[1].revents) {
			struct signalfd_siginfo i = { 0 };

			if (read(f->signals, &i, sizeof(i)) < 0)
				continue;
			end(f, 0);
			_exit(128 + (int)i.ssi_signo);
		}
		if (!p[0].revents)
			continue;
		if (read(f->out, &c, 1) != 1) {
			if (f->n)
				take(f, "\n", &used, 1);
			return SAID_END;
		}
		if (take(f, &c, &used, 1))
			return SAID_LINE;
	}
}

static void *drain(void *ctx)
{
	struct forward *f = ctx;
	struct pollfd p[2] = { { .fd = f->out, .events = POLLIN }, { .fd = f->stop, .events = POLLIN } };
	char buf[LINE];

	while ((poll(p, 2, -1) > 0 || errno == EINTR) && !p[1].revents) {
		ssize_t n = read(f->out, buf, sizeof(buf));
		size_t used = 0;

		pthread_mutex_lock(&f->lock);
		while (n > 0 && take(f, buf, &used, n))
			;
		f->ended = n <= 0;
		pthread_mutex_unlock(&f->lock);
		if (n <= 0)
			break;
	}
	return NULL;
}

/* ---------------------------------------------------------------- the two questions */

struct words {
	char *argv[WORDS];
	int n;
};

static void word(struct words *w, const char *text)
{
	w->argv[w->n++] = (char *)text;
	w->argv[w->n] = NULL;
}

static void words_begin(struct words *w, const struct forward_want *want)
{
	w->n = 0;
	word(w, "kubectl");
	if (want->kubeconfig) {
		word(w, "--kubeconfig");
		word(w, want->kubeconfig);
	}
	if (want->context) {
		word(w, "--context");
		word(w, want->context);
	}
	word(w, "--namespace");
	word(w, want->ns);
}

static int failed(struct forward *f, enum said said, const char *what)
{
	int status = end(f, said == SAID_END ? LAST_MS : 0);

	if (said == SAID_NOTHING)
		return verb_fail(VERB_UNREACHED, "kubectl did not %s within %u ms (--timeout)%s%s", what, f->timeout,
				 f->last[0] ? "; it said: " : "", f->last);
	if (f->last[0])
		return verb_fail(VERB_UNREACHED, "kubectl cannot %s: %s", what, f->last);
	return verb_fail(VERB_UNREACHED, "kubectl cannot %s: it ended with code %d", what, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

/* The Service's first port, as Hubble takes it. */
static int ask_port(struct forward *f, const struct forward_want *want, unsigned int *port)
{
	uint64_t until = now_ms() + want->timeout;
	struct words w;
	enum said said;
	int code;
	char tail;

	words_begin(&w, want);
	word(&w, "get");
	word(&w, "service");
	word(&w, want->service);
	word(&w, "--output");
	word(&w, "jsonpath={.spec.ports[0].port}{\"\\n\"}");
	code = start(f, w.argv);
	if (code != VERB_GO)
		return code;
	while ((said = next_line(f, until)) == SAID_LINE)
		;
	if (said == SAID_END && sscanf(f->last, "%u%c", port, &tail) == 1 && *port && *port <= 65535) {
		int status = end(f, LAST_MS);

		if (WIFEXITED(status) && !WEXITSTATUS(status))
			return VERB_GO;
	}
	return failed(f, said, "find the Service (--kube-namespace, --port-forward-service)");
}

/* "Forwarding from 127.0.0.1:4245 -> 4222" */
static bool forwards(struct forward *f)
{
	const char *from = strncmp(f->last, FROM, strlen(FROM)) ? NULL : f->last + strlen(FROM);
	size_t n = from ? strcspn(from, " ") : 0;

	if (!n || n >= sizeof(f->server) || strncmp(from + n, " -> ", 4))
		return false;
	memcpy(f->server, from, n);
	f->server[n] = '\0';
	return true;
}

static int run(struct forward *f, const struct forward_want *want, unsigned int port)
{
	uint64_t until = now_ms() + want->timeout;
	char what[300], ports[32];
	struct words w;
	enum said said;
	int code;

	snprintf(what, sizeof(what), "service/%s", want->service);
	if (want->port)
		snprintf(ports, sizeof(ports), "%u:%u", want->port, port);
	else
		snprintf(ports, sizeof(ports), ":%u", port);
	words_begin(&w, want);
	word(&w, "port-forward");
	word(&w, what);
	word(&w, ports);
	code = start(f, w.argv);
	if (code != VERB_GO)
		return code;
	while ((said = next_line(f, until)) == SAID_LINE)
		if (forwards(f))
			return VERB_GO;
	return failed(f, said, "forward the port");
}

int forward_open(struct forward **out, const struct forward_want *want)
{
	struct forward *f = calloc(1, sizeof(*f));
	unsigned int port = 0;
	sigset_t signals;
	int code;

	if (!f)
		return verb_fail(VERB_FAILED, "no memory");
	f->out = -1;
	f->stop = eventfd(0, EFD_CLOEXEC);
	f->timeout = want->timeout;
	pthread_mutex_init(&f->lock, NULL);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);	/* connect_open() takes them over */
	f->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	code = f->signals < 0 || f->stop < 0 ? verb_fail(VERB_FAILED, "cannot wait for signals") : ask_port(f, want, &port);
	if (code == VERB_GO)
		code = run(f, want, port);
	if (code == VERB_GO && pthread_create(&f->drain, NULL, drain, f))
		code = verb_fail(VERB_FAILED, "no memory");
	if (code != VERB_GO) {
		forward_close(f);
		return code;
	}
	f->drains = true;
	*out = f;
	return VERB_GO;
}

void forward_close(struct forward *f)
{
	if (!f)
		return;
	if (f->drains && eventfd_write(f->stop, 1) == 0)
		pthread_join(f->drain, NULL);
	end(f, 0);
	if (f->stop >= 0)
		close(f->stop);
	if (f->signals >= 0)
		close(f->signals);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

const char *forward_server(const struct forward *f)
{
	return f->server;
}

const char *forward_why(struct forward *f, char *buf, size_t size)
{
	bool ended = false;

	buf[0] = '\0';
	for (int i = 0; f && !ended && i < 30; i++) {
		if (i)
			poll(NULL, 0, 10);
		pthread_mutex_lock(&f->lock);
		ended = f->ended;
		if (ended)
			snprintf(buf, size, " (kubectl has ended: %s)", strncmp(f->last, FROM, strlen(FROM)) ? f->last : "it said no more");
		pthread_mutex_unlock(&f->lock);
	}
	return buf;
}
