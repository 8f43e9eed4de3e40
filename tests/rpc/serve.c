// SPDX-License-Identifier: Apache-2.0
/*
 * A server of nothing in particular, for peers to try: what it is sent it answers as told.
 *
 *	serve [--unix PATH] [--mode 0660] [--listen ADDRESS:PORT] [--tls CA CERT KEY] [--set NAME=N]...
 *
 * Says "port N" for each listener and "ready"; ends at SIGTERM (a second of grace) and says "stopped".  SIGUSR1: one
 * more event for those who follow.  SIGUSR2: health turns.
 */
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/rpc/credentials.h"
#include "lib/rpc/health.h"
#include "lib/rpc/reflection.h"
#include "lib/rpc/server.h"
#include "lib/rpc/unix.h"
#include "lib/wire/descriptors.h"

static struct rpc_loop *loop;
static struct rpc_server *server;
static struct rpc_health *health;
static struct rpc_server_tls *tls;
static uint64_t events;
static bool serving = true;

/* --- Unary: "code N TEXT", "wait MS", "header NAME", or what is sent back --- */

struct waiting {
	struct rpc_call *call;
	struct rpc_timer timer;
};

static void answer_late(void *ctx)
{
	struct waiting *w = ctx;

	rpc_call_answer(w->call, "late", 4);
}

static void on_unary(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	char text[256] = "";
	int n, at = 0;

	memcpy(text, data, size < 255 ? size : 255);
	rpc_call_set_header(c, "x-test", "seen");
	if (sscanf(text, "code %d %n", &n, &at) == 1) {
		rpc_call_finish(c, (enum rpc_code)n, "%s", text + at);
	} else if (sscanf(text, "wait %d", &n) == 1) {
		struct waiting *w = calloc(1, sizeof(*w));

		w->call = c;
		*rpc_call_user(c) = w;
		rpc_timer_set(loop, &w->timer, n, answer_late, w);
	} else if (!strncmp(text, "header ", 7)) {
		const char *value = rpc_call_header(c, text + 7);

		rpc_call_answer(c, value ? value : "none", value ? strlen(value) : 4);
	} else {
		rpc_call_answer(c, data, size);
	}
}

static void unary_gone(struct rpc_call *c, bool gone, void *ctx)
{
	struct waiting *w = *rpc_call_user(c);

	if (w)
		rpc_timer_stop(loop, &w->timer);
	free(w);
}

/* --- Stream: "count SIZE" messages of so many bytes, -1 without end; "follow": every event --- */

struct cursor {
	int64_t left;
	size_t size;
	uint64_t n;
	bool follow;
};

static void on_stream(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	struct cursor *u = calloc(1, sizeof(*u));
	char text[64] = "";

	memcpy(text, data, size < 63 ? size : 63);
	u->follow = !strcmp(text, "follow");
	u->n = events;
	if (!u->follow)
		sscanf(text, "%" SCNd64 " %zu", &u->left, &u->size);
	*rpc_call_user(c) = u;
}

static enum rpc_next next_message(struct rpc_call *c, struct rpc_out *out, void *ctx)
{
	static char filler[1 << 20];
	struct cursor *u = *rpc_call_user(c);
	char text[32];

	if (rpc_call_stopping(c)) {
		rpc_call_finish(c, RPC_UNAVAILABLE, "the server is shutting down");
		return RPC_IDLE;
	}
	if (u->follow) {
		if (u->n == events)
			return RPC_IDLE;
		rpc_out_copy(out, text, snprintf(text, sizeof(text), "event %" PRIu64, ++u->n));
		return RPC_MESSAGE;
	}
	if (!u->left)
		return RPC_DONE;
	if (u->n++ % 1000 == 999)
		return RPC_AGAIN;
	u->left -= u->left > 0;
	rpc_out_copy(out, filler, u->size < sizeof(filler) ? u->size : sizeof(filler));
	return RPC_MESSAGE;
}

static void stream_gone(struct rpc_call *c, bool gone, void *ctx)
{
	free(*rpc_call_user(c));
}

/* --- Chat: each message back, "bye" ends it --- */

struct talk {
	size_t size;
	bool full;
	uint8_t data[4096];
};

static void on_chat(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	struct talk *t = *rpc_call_user(c) ?: calloc(1, sizeof(*t));

	*rpc_call_user(c) = t;
	if (size == 3 && !memcmp(data, "bye", 3)) {
		rpc_call_finish(c, RPC_OK, NULL);
		return;
	}
	t->full = true;
	t->size = size < sizeof(t->data) ? size : sizeof(t->data);
	memcpy(t->data, data, t->size);
}

static enum rpc_next next_chat(struct rpc_call *c, struct rpc_out *out, void *ctx)
{
	struct talk *t = *rpc_call_user(c);

	if (!t || !t->full)
		return RPC_IDLE;
	t->full = false;
	rpc_out_copy(out, t->data, t->size);
	return RPC_MESSAGE;
}

/* --- Who, Stats --- */

static void on_who(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	const struct rpc_peer *p = rpc_call_peer(c);
	char text[1024];

	rpc_call_answer(c, text, snprintf(text, sizeof(text), "kind %d address %s uid %d pid %d name %s san %s", p->kind,
					  p->address, (int)p->uid, p->pid, p->name, p->san));
}

static long rss_kib(void)
{
	long pages = 0, all;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f && fscanf(f, "%ld %ld", &all, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void on_stats(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	struct rpc_server_stats s;
	struct rpc_method_stats m;
	struct certs_state t = { 0 };
	char text[8192];
	size_t n;

	if (size == 4 && !memcmp(data, "trim", 4))
		malloc_trim(0);
	rpc_server_stats(server, &s);
	if (tls)
		rpc_server_tls_state(tls, &t);
	n = snprintf(text, sizeof(text), "rss %ld\nconnections %" PRIu64 "\nrefused_connections %" PRIu64 "\n"
		     "cut %" PRIu64 "\nrefused_calls %" PRIu64 "\nlive_connections %u\nlive_calls %u\nfollowers %u\n"
		     "reloads %" PRIu64 "\nreload_failures %" PRIu64 "\n",
		     rss_kib(), s.connections, s.refused_connections, s.cut_connections, s.refused_calls,
		     s.live_connections, s.live_calls, rpc_server_followers(server), t.reloads, t.failures);
	for (unsigned int i = 0; rpc_server_method(server, i, &m); i++) {
		const char *name = strrchr(m.path, '/');

		n += snprintf(text + n, sizeof(text) - n, "%s.started %" PRIu64 "\n%s.sent %" PRIu64 "\n%s.received %" PRIu64 "\n",
			      name ? name + 1 : "unknown", m.started, name ? name + 1 : "unknown", m.sent,
			      name ? name + 1 : "unknown", m.received);
		for (int code = 0; code < RPC_CODE_COUNT; code++)
			if (m.finished[code])
				n += snprintf(text + n, sizeof(text) - n, "%s.%s %" PRIu64 "\n", name ? name + 1 : "unknown",
					      rpc_code_name(code), m.finished[code]);
	}
	rpc_call_answer(c, text, n);
}

static const struct rpc_method methods[] = {
	{ .path = "/test.Echo/Unary", .request = on_unary, .closed = unary_gone },
	{ .path = "/test.Echo/Stream", .request = on_stream, .next = next_message, .closed = stream_gone, .follows = true },
	{ .path = "/test.Echo/Chat", .request = on_chat, .next = next_chat, .closed = stream_gone, .many = true },
	{ .path = "/test.Echo/Who", .request = on_who },
	{ .path = "/test.Echo/Stats", .request = on_stats },
};

static void on_stopped(void *ctx)
{
	rpc_loop_stop(loop);
}

static void on_signal(int signal, void *ctx)
{
	if (signal == SIGUSR1) {
		events++;
		rpc_server_kick(server);
	} else if (signal == SIGUSR2) {
		rpc_health_set(health, serving = !serving);
	} else {
		rpc_server_stop(server, 1000, on_stopped, NULL);
	}
}

static int fail(const struct complaint *why)
{
	printf("error %s\n", why->text);
	return 1;
}

static bool set(struct rpc_server_options *o, const char *word)
{
	unsigned int n;

	if (sscanf(word, "max_calls=%u", &n) == 1)
		o->max_calls = n;
	else if (sscanf(word, "max_peer_calls=%u", &n) == 1)
		o->max_peer_calls = n;
	else if (sscanf(word, "max_connections=%u", &n) == 1)
		o->max_connections = n;
	else if (sscanf(word, "max_streams=%u", &n) == 1)
		o->max_streams = n;
	else if (sscanf(word, "keepalive_ms=%u", &n) == 1)
		o->keepalive_ms = n;
	else if (sscanf(word, "unused_ms=%u", &n) == 1)
		o->unused_ms = n;
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGPIPE };
	struct rpc_server_options options = { 0 };
	struct rpc_reflection *reflection;
	struct rpc_signals *taken;
	struct rpc_unix at = { 0 };
	struct complaint why = { 0 };
	unsigned int port;

	setlinebuf(stdout);
	log_open("serve", LOG_LEVEL_INFO, false);
	rpc_signals_block(signals, 5);
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--set") && !set(&options, argv[++i]))
			return 2;
	if (rpc_loop_open(&loop) || rpc_server_new(&server, loop, &options) ||
	    rpc_signals_open(&taken, loop, on_signal, NULL) || rpc_server_add(server, methods, 5, NULL) ||
	    rpc_health_new(&health, server) || rpc_health_name(health, "test.Echo") ||
	    rpc_reflection_new(&reflection, server, wire_descriptors, wire_descriptors_size))
		return 1;
	rpc_server_header(server, "weir-test", "1");
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--mode")) {
			at.mode = strtoul(argv[++i], NULL, 8);
		} else if (!strcmp(argv[i], "--unix")) {
			at.path = argv[++i];
			if (rpc_unix_listen(server, &at, &why))
				return fail(&why);
		} else if (!strcmp(argv[i], "--tls")) {
			struct rpc_tls_files files = { .ca = argv[i + 1], .cert = argv[i + 2], .key = argv[i + 3] };

			i += 3;
			if (rpc_server_tls_open(&tls, &files, &why))
				return fail(&why);
		} else if (!strcmp(argv[i], "--listen")) {
			if (rpc_server_listen(server, argv[++i], tls, &port, &why))
				return fail(&why);
			printf("port %u\n", port);
		}
	}
	if (rpc_server_start(server))
		return 1;
	rpc_health_set(health, true);
	printf("ready\n");
	rpc_loop_run(loop);
	rpc_server_free(server);
	rpc_health_free(health);
	rpc_reflection_free(reflection);
	rpc_server_tls_close(tls);
	rpc_signals_close(taken);
	rpc_loop_close(loop);
	printf("stopped\n");
	return 0;
}
