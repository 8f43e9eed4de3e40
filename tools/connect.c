// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/rpc/credentials.h"
#include "tools/connect.h"
#include "tools/connect_server.h"
#include "tools/forward.h"
#include "tools/files.h"
#include "tools/verb.h"

#define IDLE_MS 2		/* a line waits no longer for company */

struct connect {
	struct rpc_loop *loop;
	struct rpc_signals *signals;
	struct rpc_client_tls *tls;
	struct rpc_channel *channel;
	char server[CONNECT_SERVER_SIZE];
	struct forward *forward;	/* the way there; NULL: none is needed */
	int ca_fd;			/* several authorities, joined; -1 */

	/* the stream that runs */
	struct connect_stream *stream;
	struct rpc_ask *ask;
	struct rpc_timer dial, idle, end, quiet;
	bool heard, over, other;	/* a message came; we ended it, for 'code'; ask the other question */
	int code;
};

static void end_stream(struct connect *c, int code)
{
	if (c->over || !c->ask)
		return;
	c->over = true;
	c->code = code;
	rpc_ask_cancel(c->ask);
}

static void on_signal(int signal, void *ctx)
{
	struct connect *c = ctx;

	if (!c->stream) {
		forward_close(c->forward);
		_exit(128 + signal);
	}
	c->stream->interrupted = true;
	end_stream(c, VERB_GO);
}

/* gRPC takes one file of authorities: several are joined in one that has no name. */
static int join_authorities(struct connect *c, char *path, size_t size)
{
	struct opt_list *ca = &connect_want.ca;

	c->ca_fd = memfd_create("weir-ca", MFD_CLOEXEC);
	if (c->ca_fd < 0)
		return -errno;
	for (unsigned int i = 0; i < ca->n; i++) {
		char *text;
		size_t n;

		if (file_read(ca->value[i], &text, &n))
			return verb_fail(VERB_USAGE, "cannot read '%s', which --tls-ca-cert-files names: %s", ca->value[i], strerror(errno));
		if (write(c->ca_fd, text, n) != (ssize_t)n || write(c->ca_fd, "\n", 1) != 1) {
			free(text);
			return -EIO;
		}
		free(text);
	}
	snprintf(path, size, "/proc/self/fd/%d", c->ca_fd);
	return 0;
}

/* "a,b" is two files, as Hubble takes it. */
static void split_authorities(struct opt_list *ca)
{
	struct opt_list all = { 0 };

	for (unsigned int i = 0; i < ca->n; i++) {
		char *text = strdup(ca->value[i]), *rest = text, *one;

		/* kept for the life of the command: the list points into it */
		while ((one = strsep(&rest, ",")) && all.n < OPT_LIST_MAX)
			all.value[all.n++] = one;
	}
	*ca = all;
}

static int open_tls(struct connect *c)
{
	struct rpc_tls_files files = {
		.cert = connect_want.cert, .key = connect_want.key, .insecure = connect_want.insecure,
	};
	struct complaint why = { 0 };
	char path[64];
	int err;

	split_authorities(&connect_want.ca);
	if (connect_want.ca.n == 1)
		files.ca = connect_want.ca.value[0];
	if (connect_want.ca.n > 1) {
		err = join_authorities(c, path, sizeof(path));
		if (err)
			return err < 0 ? verb_fail(VERB_FAILED, "no memory for authorities") : err;
		files.ca = path;
	}
	if (rpc_client_tls_open(&c->tls, &files, &why))
		return verb_complain(VERB_USAGE, &why);
	return VERB_GO;
}

static int open_channel(struct connect *c, bool tls)
{
	struct rpc_target to = { .server = c->server, .name = connect_want.name };
	static const int signals[] = { SIGINT, SIGTERM };
	struct complaint why = { 0 };
	int code = VERB_GO;

	if (rpc_signals_block(signals, 2) || rpc_loop_open(&c->loop))
		return verb_fail(VERB_FAILED, "cannot start gRPC");
	if (rpc_signals_open(&c->signals, c->loop, on_signal, c))
		return verb_fail(VERB_FAILED, "cannot wait for signals");
	if (tls)
		code = open_tls(c);
	if (code != VERB_GO)
		return code;
	to.tls = c->tls;
	if (rpc_channel_open(&c->channel, c->loop, &to, &why))
		return verb_complain(VERB_USAGE, &why);
	if (connect_want.debug)
		fprintf(stderr, "asking '%s'%s%s%s\n", c->server, tls ? " by TLS" : "", to.name ? " as " : "", to.name ?: "");
	return VERB_GO;
}

int connect_open(struct connect **out)
{
	struct connect *c = calloc(1, sizeof(*c));
	bool tls = false;
	int code;

	if (!c)
		return verb_fail(VERB_FAILED, "no memory");
	c->ca_fd = -1;
	code = connect_choose(c->server, &tls, &c->forward);
	if (code == VERB_GO)
		code = open_channel(c, tls);
	if (code != VERB_GO) {
		connect_close(c);
		return code;
	}
	*out = c;
	return VERB_GO;
}

void connect_close(struct connect *c)
{
	if (!c)
		return;
	if (c->channel)
		rpc_channel_close(c->channel);
	rpc_signals_close(c->signals);
	if (c->loop)
		rpc_loop_close(c->loop);
	rpc_client_tls_close(c->tls);
	forward_close(c->forward);
	if (c->ca_fd >= 0)
		close(c->ca_fd);
	free(c);
}

const char *connect_server(const struct connect *c)
{
	return c->server;
}

struct rpc_loop *connect_loop(struct connect *c)
{
	return c->loop;
}

struct rpc_channel *connect_channel(struct connect *c)
{
	return c->channel;
}

bool connect_is_local(const struct connect *c)
{
	return !strncmp(c->server, "unix:", 5);
}

/* What a person may do about it. */
static const char *hint(const struct connect *c)
{
	static char kubectl[600];

	if (c->forward)
		return forward_why(c->forward, kubectl, sizeof(kubectl));
	if (!connect_want.server && !connect_want.lab && !strcmp(c->server, CONNECT_RELAY))
		return " (no agent runs here, no lab is up: --server says whom to ask, 'weir lab demo' makes something to look at)";
	if (connect_is_local(c))
		return " (weir-agent makes that socket; --server says whom else to ask)";
	return "";
}

static int unreached(const struct connect *c, const char *text)
{
	return verb_fail(VERB_UNREACHED, "cannot reach '%s': %s%s", c->server, text, hint(c));
}

static enum rpc_code ask(struct connect *c, const char *path, const ProtobufCMessage *request, uint8_t **data, size_t *n,
			 struct complaint *why)
{
	size_t size = protobuf_c_message_get_packed_size(request);
	uint8_t *packed = malloc(size + 1);
	enum rpc_code code;

	if (!packed)
		return RPC_RESOURCE_EXHAUSTED;
	protobuf_c_message_pack(request, packed);
	code = rpc_ask_once(c->channel, path, packed, size, connect_want.request_timeout, data, n, why);
	free(packed);
	return code;
}

enum rpc_code connect_try(struct connect *c, const char *path, const ProtobufCMessage *request,
			  const ProtobufCMessageDescriptor *type, void *answer, struct complaint *why)
{
	uint8_t *data = NULL;
	size_t n = 0;
	enum rpc_code code = ask(c, path, request, &data, &n, why);

	if (code != RPC_OK)
		return code;
	*(void **)answer = protobuf_c_message_unpack(type, NULL, n, data);
	free(data);
	if (*(void **)answer)
		return RPC_OK;
	complaint_set(why, 0, 0, "the answer is no %s", type->name);
	return RPC_INTERNAL;
}

int connect_failed(struct connect *c, const char *path, enum rpc_code code, const struct complaint *why)
{
	switch (code) {
	case RPC_UNAVAILABLE:
	case RPC_DEADLINE_EXCEEDED:
		return unreached(c, why->text);
	case RPC_UNIMPLEMENTED:
		return verb_fail(VERB_FAILED, "'%s' does not know this question (%s)", c->server, path + 1);
	default:
		return verb_fail(VERB_FAILED, "'%s' says: %s (%s)", c->server, why->text, rpc_code_name(code));
	}
}

int connect_ask(struct connect *c, const char *path, const ProtobufCMessage *request,
		const ProtobufCMessageDescriptor *type, void *answer)
{
	struct complaint why = { 0 };
	enum rpc_code code = connect_try(c, path, request, type, answer, &why);

	return code == RPC_OK ? VERB_GO : connect_failed(c, path, code, &why);
}

static void on_idle(void *ctx)
{
	struct connect *c = ctx;

	int code = c->stream->idle(c->stream->ctx);

	if (code != VERB_GO)
		end_stream(c, code);
}

static void on_quiet(void *ctx)
{
	struct connect *c = ctx;

	if (!c->heard && rpc_channel_state(c->channel) == RPC_STATE_READY)
		c->stream->quiet(c->stream->ctx);
}

static void on_end(void *ctx)
{
	end_stream(ctx, VERB_GO);
}

static void on_dial(void *ctx)
{
	struct connect *c = ctx;

	if (!c->heard && rpc_channel_state(c->channel) != RPC_STATE_READY)
		end_stream(c, VERB_UNREACHED);
}

static bool on_message(struct rpc_ask *a, const uint8_t *data, size_t size, void *ctx)
{
	struct connect *c = ctx;
	struct connect_stream *s = c->stream;
	int code;

	c->heard = true;
	if (c->over)
		return true;
	code = s->message(s->ctx, data, size);
	if (code != VERB_GO)
		end_stream(c, code);
	else if (s->idle && !c->idle.when)
		rpc_timer_set(c->loop, &c->idle, IDLE_MS, on_idle, c);
	return true;
}

static void on_ended(struct rpc_ask *a, const struct rpc_end *end, void *ctx)
{
	struct connect *c = ctx;

	c->ask = NULL;
	rpc_loop_stop(c->loop);
	if (c->over && c->code == VERB_UNREACHED)
		verb_fail(VERB_UNREACHED, "no answer from '%s' within %u ms (--timeout)%s", c->server, connect_want.timeout,
			  c->forward ? hint(c) : "");
	if (c->over)
		return;
	if (end->code == RPC_OK)
		c->code = VERB_GO;
	else if (end->code == RPC_UNIMPLEMENTED && c->stream->other && !c->other)
		c->other = true;
	else if (!end->reached)
		c->code = unreached(c, end->text);
	else if (end->code == RPC_UNIMPLEMENTED && c->stream->lacks)
		c->code = verb_fail(VERB_FAILED, "'%s' %s", c->server, c->stream->lacks);
	else if (end->code == RPC_UNAVAILABLE)
		c->code = verb_fail(VERB_UNREACHED, "'%s' has gone: %s%s", c->server, end->text, c->forward ? hint(c) : "");
	else
		c->code = verb_fail(VERB_FAILED, "'%s' says: %s (%s)", c->server, end->text, rpc_code_name(end->code));
}

static int begin_stream(struct connect *c, const char *path, const void *packed, size_t size)
{
	struct rpc_ask_options options = {
		.path = path, .data = packed, .size = size, .message = on_message, .ended = on_ended, .ctx = c,
	};
	int err;

	c->heard = c->over = false;
	c->code = VERB_GO;
	err = rpc_ask(&c->ask, c->channel, &options);
	if (err)
		return verb_fail(VERB_FAILED, "cannot ask '%s': %s", c->server, strerror(-err));
	rpc_loop_run(c->loop);
	return c->code;
}

int connect_stream(struct connect *c, struct connect_stream *s)
{
	size_t size = protobuf_c_message_get_packed_size(s->ask);
	uint8_t *packed = malloc(size + 1);
	int code;

	if (!packed)
		return verb_fail(VERB_FAILED, "no memory");
	protobuf_c_message_pack(s->ask, packed);
	c->stream = s;
	c->other = s->interrupted = false;
	rpc_timer_set(c->loop, &c->dial, connect_want.timeout, on_dial, c);
	if (s->for_ms)
		rpc_timer_set(c->loop, &c->end, s->for_ms, on_end, c);
	if (s->quiet)
		rpc_timer_set(c->loop, &c->quiet, s->quiet_ms, on_quiet, c);
	code = begin_stream(c, s->path, packed, size);
	if (c->other)
		code = begin_stream(c, s->other, packed, size);
	rpc_timer_stop(c->loop, &c->dial);
	rpc_timer_stop(c->loop, &c->idle);
	rpc_timer_stop(c->loop, &c->end);
	rpc_timer_stop(c->loop, &c->quiet);
	free(packed);
	c->stream = NULL;
	if (s->idle)
		s->idle(s->ctx);
	return code;
}
