// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/wire/unpack.h"
#include "relay/when.h"
#include "tests/relay/rig.h"

#define WORDS 300
#define WORD  128

struct words {
	char word[WORDS][WORD];
	char *argv[WORDS + 1];
	unsigned int n;
};

__attribute__((format(printf, 2, 3))) static void add(struct words *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(w->word[w->n], WORD, format, args);
	va_end(args);
	w->argv[w->n] = w->word[w->n];
	w->argv[++w->n] = NULL;
}

static const char *build_dir(void)
{
	return getenv("B") ? getenv("B") : "build";
}

static pid_t spawn(struct words *w, const char *log)
{
	pid_t parent = getpid(), pid = (fflush(stdout), fork());

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || !freopen(log, "a", stdout) || dup2(1, 2) < 0)
		_exit(126);
	execv(w->argv[0], w->argv);
	_exit(127);
}

static pid_t start_agents(const struct rig *r, const struct rig_want *want, bool foreign)
{
	struct words w = { .n = 0 };
	char log[128];

	snprintf(log, sizeof(log), "%s/%s.log", r->dir, foreign ? "foreign" : "agents");
	add(&w, "%s/tests/relay/fake_agent", build_dir());
	add(&w, "--at=%s/%s", r->dir, foreign ? "f" : "a");
	add(&w, "--agents=%u", foreign ? want->foreign : want->agents);
	add(&w, "--rate=%u", want->rate ? want->rate : 100);
	add(&w, "--past=%u", want->past);
	add(&w, "--bell=%u", want->bell ? want->bell : 25);
	add(&w, "--edges=%u", want->edges);
	add(&w, "--offset=%u", want->offset);
	if (foreign) {
		add(&w, "--foreign");
		add(&w, "--from=40");
	}
	return spawn(&w, log);
}

static pid_t start_relay(const struct rig *r, const struct rig_want *want)
{
	struct words w = { .n = 0 };
	char path[128];
	FILE *nodes;

	snprintf(path, sizeof(path), "%s/nodes", r->dir);
	nodes = fopen(path, "w");
	if (!nodes)
		return -1;
	for (unsigned int i = 0; i < want->agents; i++)
		fprintf(nodes, "node-%u=unix:%s/a.%u.sock\n", i, r->dir, i);
	for (unsigned int i = 0; i < want->foreign; i++)
		fprintf(nodes, "foreign-%u=unix:%s/f.%u.sock\n", i, r->dir, i);
	fclose(nodes);
	add(&w, "%s/weir-relay", build_dir());
	add(&w, "--peers=%s", path);
	add(&w, "--listen=127.0.0.1:0");
	add(&w, "--socket=%s/relay.sock", r->dir);
	add(&w, "--metrics=");
	add(&w, "--data=%s", r->dir);
	for (unsigned int i = 0; i < 8 && want->more[i]; i++)
		add(&w, "%s", want->more[i]);
	snprintf(path, sizeof(path), "%s/relay.log", r->dir);
	return spawn(&w, path);
}

static int wait_for(const struct rig *r, const char *prefix, unsigned int n)
{
	char path[128];

	for (int i = 0; i < 1200; i++, usleep(25000)) {
		snprintf(path, sizeof(path), "%s/%s.%u.sock", r->dir, prefix, n - 1);
		if (!n || !access(path, F_OK))
			return 0;
	}
	return -ETIMEDOUT;
}

static int wait_connected(struct rig *r, unsigned int n)
{
	for (int i = 0; i < 600; i++, usleep(50000)) {
		Observer__ServerStatusResponse *status = NULL;
		struct complaint why = { 0 };
		uint8_t *answer = NULL;
		size_t size = 0;
		bool done = false;

		if (rpc_ask_once(r->channel, "/observer.Observer/ServerStatus", "", 0, 3000, &answer, &size, &why) == RPC_OK)
			status = unpack_message(&observer__server_status_response__descriptor, answer, size);
		if (status && status->num_connected_nodes)
			done = status->num_connected_nodes->value >= n;
		unpack_free(status);
		free(answer);
		if (done)
			return 0;
	}
	return -ETIMEDOUT;
}

int rig_start(struct rig *r, const struct rig_want *want)
{
	struct complaint why = { 0 };
	char server[128];
	int err;

	*r = (struct rig){ .dir = "/tmp/weir-relay-XXXXXX" };
	if (!mkdtemp(r->dir))
		return -errno;
	r->agents = want->agents ? start_agents(r, want, false) : 0;
	r->foreign = want->foreign ? start_agents(r, want, true) : 0;
	err = wait_for(r, "a", want->agents) ?: wait_for(r, "f", want->foreign);
	if (!err)
		r->relay = start_relay(r, want);
	snprintf(server, sizeof(server), "unix:%s/relay.sock", r->dir);
	log_open("rig", LOG_LEVEL_ERROR, false);
	err = err ?: rpc_loop_open(&r->loop) ?: rpc_channel_open(&r->channel, r->loop, &(struct rpc_target){ .server = server }, &why) ?:
	      wait_connected(r, want->connected ? want->connected : want->agents + want->foreign);
	if (err)
		printf("the rig does not start: %s\n", strerror(-err));
	return err;
}

static void end(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGCONT);
	kill(pid, SIGTERM);
	for (int i = 0; i < 2000; i++, usleep(10000))
		if (waitpid(pid, NULL, WNOHANG))
			return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void rig_stop(struct rig *r)
{
	char command[128];

	rpc_channel_close(r->channel);
	rpc_loop_close(r->loop);
	end(r->relay);
	end(r->agents);
	end(r->foreign);
	snprintf(command, sizeof(command), "%s '%s'", getenv("KEEP") ? "ls -l" : "rm -rf", r->dir);
	if (system(command))
		printf("cannot remove '%s'\n", r->dir);
}

struct running {
	struct rig *rig;
	rig_fn fn;
	void *ctx;
};

static bool on_message(struct rpc_ask *a, const uint8_t *data, size_t size, void *ctx)
{
	struct running *run = ctx;

	run->fn(run->ctx, data, size);
	return true;
}

static void on_ended(struct rpc_ask *a, const struct rpc_end *end, void *ctx)
{
	struct running *run = ctx;

	run->rig->end = *end;
	snprintf(run->rig->why, sizeof(run->rig->why), "%s", end->text);
	run->rig->ask = NULL;
	rpc_timer_stop(run->rig->loop, &run->rig->timer);
	rpc_loop_stop(run->rig->loop);
}

static void on_time(void *ctx)
{
	struct rig *r = ctx;

	if (r->ask)
		rpc_ask_cancel(r->ask);
}

void rig_enough(struct rig *r)
{
	rpc_timer_set(r->loop, &r->timer, 0, on_time, r);
}

enum rpc_code rig_call(struct rig *r, const char *path, const ProtobufCMessage *request, unsigned int ms, rig_fn fn,
		       void *ctx)
{
	struct running run = { r, fn, ctx };
	uint8_t packed[4096];
	size_t size = protobuf_c_message_pack(request, packed);

	if (rpc_ask(&r->ask, r->channel, &(struct rpc_ask_options){ .path = path, .data = packed, .size = size,
		    .message = on_message, .ended = on_ended, .ctx = &run }))
		return RPC_INTERNAL;
	if (ms)
		rpc_timer_set(r->loop, &r->timer, ms, on_time, r);
	rpc_loop_run(r->loop);
	return r->end.code;
}

enum rpc_code rig_flows(struct rig *r, const Observer__GetFlowsRequest *request, unsigned int ms, rig_fn fn, void *ctx)
{
	return rig_call(r, "/observer.Observer/GetFlows", &request->base, ms, fn, ctx);
}

uint64_t rig_cpu_us(pid_t pid)
{
	clockid_t clock;

	return clock_getcpuclockid(pid, &clock) ? 0 : when_of(clock) / 1000;
}

unsigned int rig_rss_kb(pid_t pid)
{
	char path[64], line[256];
	unsigned int kb = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %u kB", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb;
}
