// SPDX-License-Identifier: Apache-2.0
#include "tests/rpc/calls_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "tests/check.h"

struct stage stage = { .dir = "/tmp/weir-rpc-XXXXXX" };

bool stage_open(void)
{
	char command[200];

	if (!mkdtemp(stage.dir))
		return false;
	snprintf(command, sizeof(command), "sh tests/rpc/certs.sh %s", stage.dir);
	CHECK_EQ(system(command), 0, "certificates");
	log_open("calls", LOG_LEVEL_ERROR, false);
	rpc_loop_open(&stage.loop);
	return true;
}

void stage_close(void)
{
	char command[200];

	rpc_loop_close(stage.loop);
	snprintf(command, sizeof(command), "rm -rf %s", stage.dir);
	CHECK_EQ(system(command), 0, "cleaned up");
}

/* --- a server --- */

static void on_unary(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	if (size == 4 && !memcmp(data, "fail", 4))
		rpc_call_finish(c, RPC_PERMISSION_DENIED, "not %s", "you");
	else if (size == 4 && !memcmp(data, "away", 4))
		rpc_call_finish(c, RPC_UNAVAILABLE, "come back later");
	else if (size != 4 || memcmp(data, "hang", 4))
		rpc_call_answer(c, data, size);
}

static void on_stream(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	uint64_t *left = malloc(sizeof(*left));

	*left = strtoull((const char *)data, NULL, 10);
	*rpc_call_user(c) = left;
}

static enum rpc_next next_number(struct rpc_call *c, struct rpc_out *out, void *ctx)
{
	uint64_t *left = *rpc_call_user(c);

	if (rpc_call_stopping(c)) {
		rpc_call_finish(c, RPC_UNAVAILABLE, "the server is shutting down");
		return RPC_IDLE;
	}
	if (!*left)
		return RPC_DONE;
	rpc_out_copy(out, left, sizeof(*left));
	--*left;
	return RPC_MESSAGE;
}

static void on_closed(struct rpc_call *c, bool gone, void *ctx)
{
	stage.closed++;
	stage.gone_early += gone;
	free(*rpc_call_user(c));
}

const struct rpc_method stage_methods[STAGE_METHODS] = {
	{ .path = "/test.T/Unary", .request = on_unary, .closed = on_closed },
	{ .path = "/test.T/Stream", .request = on_stream, .next = next_number, .closed = on_closed, .follows = true },
};

struct rpc_server *server_begin(const char *address, struct rpc_server_tls *tls, char *at, size_t size)
{
	struct complaint why = { 0 };
	struct rpc_server *s;
	unsigned int port;

	rpc_server_new(&s, stage.loop, NULL);
	rpc_server_add(s, stage_methods, STAGE_METHODS, NULL);
	CHECK_EQ(rpc_server_listen(s, address, tls, &port, &why), 0, "%s", why.text);
	CHECK_EQ(rpc_server_start(s), 0, "it starts");
	snprintf(at, size, "127.0.0.1:%u", port);
	return s;
}

static void on_stopped(void *ctx)
{
	*(bool *)ctx = true;
	rpc_loop_stop(stage.loop);
}

void server_end(struct rpc_server *s)
{
	bool stopped = false;

	rpc_server_stop(s, 1000, on_stopped, &stopped);
	while (!stopped)
		rpc_loop_run(stage.loop);
	rpc_server_free(s);
}

/* --- calls --- */

static void on_began(struct rpc_ask *a, void *ctx)
{
	((struct got *)ctx)->began = true;
}

static bool on_message(struct rpc_ask *a, const uint8_t *data, size_t size, void *ctx)
{
	struct got *g = ctx;

	return ++g->messages != g->pause_at;
}

static void on_end(struct rpc_ask *a, const struct rpc_end *end, void *ctx)
{
	struct got *g = ctx;

	g->code = end->code;
	g->reached = end->reached;
	snprintf(g->text, sizeof(g->text), "%s", end->text);
	g->ended = true;
	rpc_loop_stop(stage.loop);
}

struct rpc_channel *channel_to(const char *server, struct rpc_client_tls *tls, const char *name)
{
	struct complaint why = { 0 };
	struct rpc_channel *ch = NULL;

	CHECK_EQ(rpc_channel_open(&ch, stage.loop, &(struct rpc_target){ .server = server, .tls = tls, .name = name }, &why), 0,
		 "%s", why.text);
	return ch;
}

struct rpc_ask *call(struct rpc_channel *ch, const char *path, const char *text, unsigned int ms, struct got *g)
{
	struct rpc_ask_options o = { .path = path, .data = text, .size = strlen(text) + !strcmp(path, "/test.T/Stream"),
				     .deadline_ms = ms, .began = on_began, .message = on_message, .ended = on_end, .ctx = g };

	CHECK_EQ(rpc_ask(&g->ask, ch, &o), 0, "a call is made");
	return g->ask;
}

struct got call_wait(struct rpc_channel *ch, const char *path, const char *text, unsigned int ms)
{
	struct got g = { 0 };

	call(ch, path, text, ms, &g);
	while (!g.ended)
		rpc_loop_run(stage.loop);
	return g;
}

static void stop_loop(void *ctx)
{
	rpc_loop_stop(stage.loop);
}

void run_for(uint64_t ms)
{
	struct rpc_timer t = { 0 };

	rpc_timer_set(stage.loop, &t, ms, stop_loop, NULL);
	rpc_loop_run(stage.loop);
	rpc_timer_stop(stage.loop, &t);
}
