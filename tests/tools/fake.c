// SPDX-License-Identifier: Apache-2.0
/*
 * A server that answers from files, to try the command line on: fake ADDRESS DIR [REPEAT [HOLD]]
 *
 * DIR/observer.Observer.GetFlows holds a line of JSON for each message; a method without a file is UNIMPLEMENTED.  A
 * stream is sent REPEAT times over; with HOLD it stays open behind.  A line "!CODE words" ends the call with that code;
 * "@MS" waits.   What was asked is put into DIR/METHOD.asked.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/rpc/credentials.h"
#include "lib/rpc/server.h"
#include "lib/rpc/unix.h"
#include "lib/wire/json.h"
#include "proto/grpc/health/v1/health.pb-c.h"
#include "proto/observer/observer.pb-c.h"
#include "proto/peer/peer.pb-c.h"
#include "proto/weir/v1/agent.pb-c.h"
#include "proto/weir/v1/relay.pb-c.h"

#define LINES 4096

struct line {
	uint8_t *data;		/* a message; NULL: end with 'code', or wait */
	size_t size;
	int code;
	unsigned int wait_ms;
	char text[200];
};

struct method {
	const char *path;
	const ProtobufCMessageDescriptor *asks, *answers;
	bool streams;
	struct line line[LINES];
	unsigned int lines;
	bool there;
};

struct stream {
	struct method *m;
	unsigned long at;
	struct rpc_timer timer;
	struct rpc_call *call;
};

#define UNARY(name, in, out) { .path = name, .asks = &in##__descriptor, .answers = &out##__descriptor }
#define STREAM(name, in, out) { .path = name, .asks = &in##__descriptor, .answers = &out##__descriptor, .streams = true }
static struct method methods[] = {
	STREAM("observer.Observer.GetFlows", observer__get_flows_request,
		observer__get_flows_response),
	STREAM("observer.Observer.GetAgentEvents", observer__get_agent_events_request,
		observer__get_agent_events_response),
	UNARY("observer.Observer.GetNodes", observer__get_nodes_request,
		observer__get_nodes_response),
	UNARY("observer.Observer.GetNamespaces", observer__get_namespaces_request,
		observer__get_namespaces_response),
	UNARY("observer.Observer.ServerStatus", observer__server_status_request,
		observer__server_status_response),
	STREAM("peer.Peer.Notify", peer__notify_request,
		peer__change_notification),
	UNARY("grpc.health.v1.Health.Check", grpc__health__v1__health_check_request,
		grpc__health__v1__health_check_response),
	STREAM("weir.v1.Agent.Edges", weir__v1__edges_request,
		weir__v1__edges_reply),
	STREAM("weir.v1.Relay.Edges", weir__v1__edges_request,
		weir__v1__edges_reply),
	UNARY("weir.v1.Relay.ClusterStatus", weir__v1__cluster_status_request,
		weir__v1__cluster_status),
	UNARY("weir.v1.Relay.Policies", weir__v1__policies_request,
		weir__v1__cluster_policies),
	UNARY("weir.v1.Relay.Endpoints", weir__v1__endpoints_request,
		weir__v1__cluster_endpoints),
	UNARY("weir.v1.Relay.Why", weir__v1__why_request,
		weir__v1__cluster_why),
	UNARY("weir.v1.Agent.Status", weir__v1__status_request,
		weir__v1__status),
};
#define METHODS (sizeof(methods) / sizeof(methods[0]))

static const char *dir;
static unsigned long repeat = 1;
static bool hold;

static void read_line(struct method *m, char *text)
{
	struct line *l = &m->line[m->lines++];
	struct complaint why = { 0 };
	ProtobufCMessage *message;

	if (*text == '!') {
		l->code = strtol(text + 1, &text, 10);
		snprintf(l->text, sizeof(l->text), "%s", text + (*text == ' '));
		return;
	}
	if (*text == '@') {
		l->wait_ms = atoi(text + 1);
		return;
	}
	if (wire_json_read(text, strlen(text), m->answers, &message, NULL, &why)) {
		fprintf(stderr, "fake: %s: %s\n", m->path, why.text);
		exit(2);
	}
	l->data = malloc(protobuf_c_message_get_packed_size(message) + 1);
	l->size = protobuf_c_message_pack(message, l->data);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void read_method(struct method *m)
{
	char path[4096], *text = NULL;
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, m->path);
	f = fopen(path, "re");
	if (!f)
		return;
	m->there = true;
	while (m->lines < LINES && getline(&text, &room, f) > 0) {
		text[strcspn(text, "\n")] = '\0';
		if (*text)
			read_line(m, text);
	}
	free(text);
	fclose(f);
}

static void note_asked(const struct method *m, const uint8_t *data, size_t size)
{
	ProtobufCMessage *message = protobuf_c_message_unpack(m->asks, NULL, size, data);
	char path[4096];
	struct json_out j;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.asked", dir, m->path);
	f = fopen(path, "we");
	if (!f || !message)
		return;
	json_begin(&j, f, false);
	wire_json(&j, NULL, message);
	json_done(&j);
	fclose(f);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void on_request(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	struct method *m = ctx;
	struct stream *s;

	note_asked(m, data, size);
	if (!m->there) {
		rpc_call_finish(c, RPC_UNIMPLEMENTED, "unknown method %s", m->path);
	} else if (m->streams) {
		s = calloc(1, sizeof(*s));
		s->m = m;
		s->call = c;
		*rpc_call_user(c) = s;
	} else if (m->lines && m->line[0].data) {
		rpc_call_answer(c, m->line[0].data, m->line[0].size);
	} else {
		rpc_call_finish(c, m->lines ? m->line[0].code : RPC_INTERNAL, "%s", m->line[0].text);
	}
}

static void on_waited(void *ctx)
{
	struct stream *s = ctx;

	rpc_call_wake(s->call);
}

static enum rpc_next next(struct rpc_call *c, struct rpc_out *out, void *ctx)
{
	struct stream *s = *rpc_call_user(c);
	const struct line *l;

	if (!s)
		return RPC_DONE;
	if (rpc_call_stopping(c) || !s->m->lines || s->at >= repeat * s->m->lines)
		return hold && !rpc_call_stopping(c) ? RPC_IDLE : RPC_DONE;
	l = &s->m->line[s->at++ % s->m->lines];
	if (l->data) {
		rpc_out_copy(out, l->data, l->size);
		return RPC_MESSAGE;
	}
	if (l->wait_ms) {
		rpc_timer_set(rpc_call_loop(c), &s->timer, l->wait_ms, on_waited, s);
		return RPC_IDLE;
	}
	rpc_call_finish(c, l->code, "%s", l->text);
	return RPC_DONE;
}

static void on_closed(struct rpc_call *c, bool gone, void *ctx)
{
	struct stream *s = *rpc_call_user(c);

	if (s)
		rpc_timer_stop(rpc_call_loop(c), &s->timer);
	free(s);
}

static void on_signal(int signal, void *ctx)
{
	rpc_loop_stop(ctx);
}

/* By mutual TLS if FAKE_TLS names a directory of ca.crt, tls.crt and tls.key. */
static int listen_on(struct rpc_server *s, const char *address, struct complaint *why)
{
	const char *tls = getenv("FAKE_TLS");
	char ca[4096], cert[4096], key[4096];
	struct rpc_tls_files files = { .ca = ca, .cert = cert, .key = key };
	struct rpc_server_tls *t = NULL;
	unsigned int port;
	int err;

	snprintf(ca, sizeof(ca), "%s/ca.crt", tls ? tls : "");
	snprintf(cert, sizeof(cert), "%s/tls.crt", tls ? tls : "");
	snprintf(key, sizeof(key), "%s/tls.key", tls ? tls : "");
	err = tls ? rpc_server_tls_open(&t, &files, why) : 0;
	if (err)
		return err;
	if (!strncmp(address, "unix:", 5))
		return rpc_unix_listen(s, &(struct rpc_unix){ .path = address + 5 }, why);
	err = rpc_server_listen(s, address, t, &port, why);
	if (!err)
		printf("port %u\n", port);
	return err;
}

int main(int argc, char **argv)
{
	static const int signals[] = { SIGINT, SIGTERM };
	static struct rpc_method table[METHODS];
	static char path[METHODS][80];
	struct complaint why = { 0 };
	struct rpc_signals *wait;
	struct rpc_server *s;
	struct rpc_loop *loop;

	if (argc < 3)
		return 2;
	dir = argv[2];
	repeat = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
	hold = argc > 4;
	if (rpc_signals_block(signals, 2) || rpc_loop_open(&loop) || rpc_signals_open(&wait, loop, on_signal, loop) ||
	    rpc_server_new(&s, loop, NULL))
		return 1;
	for (size_t i = 0; i < METHODS; i++) {
		struct method *m = &methods[i];

		read_method(m);
		snprintf(path[i], sizeof(path[i]), "/%s", m->path);
		*strrchr(path[i], '.') = '/';
		table[i] = (struct rpc_method){ .path = path[i], .request = on_request, .next = m->streams ? next : NULL,
						.closed = on_closed };
		if (rpc_server_add(s, &table[i], 1, m))
			return 1;
	}
	if (listen_on(s, argv[1], &why)) {
		fprintf(stderr, "fake: %s\n", why.text);
		return 1;
	}
	rpc_server_start(s);
	puts("ready");
	fflush(stdout);
	rpc_loop_run(loop);
	_exit(0);	/* calls may be open: nobody waits for their end */
}
