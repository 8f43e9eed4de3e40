// SPDX-License-Identifier: Apache-2.0
/* Our client against our server, on one loop: calls, their ends, and the words for what cannot be reached. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "lib/log.h"
#include "lib/rpc/client.h"
#include "lib/rpc/credentials.h"
#include "lib/rpc/server.h"
#include "lib/rpc/unix.h"
#include "tests/check.h"

static char dir[64];
static struct rpc_loop *loop;

/* --- a server --- */

static unsigned int closed, gone_early;

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
	closed++;
	gone_early += gone;
	free(*rpc_call_user(c));
}

static const struct rpc_method methods[] = {
	{ .path = "/test.T/Unary", .request = on_unary, .closed = on_closed },
	{ .path = "/test.T/Stream", .request = on_stream, .next = next_number, .closed = on_closed, .follows = true },
};

static void stop_loop(void *ctx)
{
	rpc_loop_stop(loop);
}

static void on_stopped(void *ctx)
{
	*(bool *)ctx = true;
	rpc_loop_stop(loop);
}

static void server_end(struct rpc_server *s)
{
	bool stopped = false;

	rpc_server_stop(s, 1000, on_stopped, &stopped);
	while (!stopped)
		rpc_loop_run(loop);
	rpc_server_free(s);
}

static struct rpc_server *server_begin(const char *address, struct rpc_server_tls *tls, char *at, size_t size)
{
	struct complaint why = { 0 };
	struct rpc_server *s;
	unsigned int port;

	rpc_server_new(&s, loop, NULL);
	rpc_server_add(s, methods, 2, NULL);
	CHECK_EQ(rpc_server_listen(s, address, tls, &port, &why), 0, "%s", why.text);
	CHECK_EQ(rpc_server_start(s), 0, "it starts");
	snprintf(at, size, "127.0.0.1:%u", port);
	return s;
}

/* --- calls --- */

struct got {
	enum rpc_code code;
	char text[512];
	bool reached, ended, began;
	uint64_t messages, pause_at;
	struct rpc_ask *ask;
};

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
	rpc_loop_stop(loop);
}

static struct rpc_channel *channel_to(const char *server, struct rpc_client_tls *tls, const char *name)
{
	struct complaint why = { 0 };
	struct rpc_channel *ch = NULL;

	CHECK_EQ(rpc_channel_open(&ch, loop, &(struct rpc_target){ .server = server, .tls = tls, .name = name }, &why), 0,
		 "%s", why.text);
	return ch;
}

static struct rpc_ask *call(struct rpc_channel *ch, const char *path, const char *text, unsigned int ms, struct got *g)
{
	struct rpc_ask_options o = { .path = path, .data = text, .size = strlen(text) + !strcmp(path, "/test.T/Stream"),
				     .deadline_ms = ms, .began = on_began, .message = on_message, .ended = on_end, .ctx = g };

	CHECK_EQ(rpc_ask(&g->ask, ch, &o), 0, "a call is made");
	return g->ask;
}

static struct got call_wait(struct rpc_channel *ch, const char *path, const char *text, unsigned int ms)
{
	struct got g = { 0 };

	call(ch, path, text, ms, &g);
	while (!g.ended)
		rpc_loop_run(loop);
	return g;
}

static void run_for(uint64_t ms)
{
	struct rpc_timer t = { 0 };

	rpc_timer_set(loop, &t, ms, stop_loop, NULL);
	rpc_loop_run(loop);
	rpc_timer_stop(loop, &t);
}

#define RUN_UNTIL(cond) do { for (int i_ = 0; i_ < 400 && !(cond); i_++) run_for(50); } while (0)

static void test_calls(void)
{
	char at[64];
	struct rpc_server *s = server_begin("127.0.0.1:0", NULL, at, sizeof(at));
	struct rpc_channel *ch = channel_to(at, NULL, NULL);
	struct complaint why = { 0 };
	struct rpc_method_stats m;
	uint8_t *answer = NULL;
	size_t size = 0;
	struct got g;

	CHECK_EQ(rpc_ask_once(ch, "/test.T/Unary", "hello", 5, 2000, &answer, &size, &why), RPC_OK, "%s", why.text);
	CHECK(size == 5 && !memcmp(answer, "hello", 5), "the echo");
	free(answer);
	CHECK_EQ(rpc_channel_state(ch), RPC_STATE_READY, "the connection stands");
	CHECK_EQ(rpc_ask_once(ch, "/test.T/Unary", "fail", 4, 2000, &answer, &size, &why), RPC_PERMISSION_DENIED, "denied");
	CHECK_TEXT(why.text, "not you", "the server's words");
	g = call_wait(ch, "/test.T/Unary", "away", 2000);
	CHECK(g.code == RPC_UNAVAILABLE && !strcmp(g.text, "come back later"), "unavailable by the server's word: %s", g.text);
	g = call_wait(ch, "/test.T/Unary", "hang", 50);
	CHECK_EQ(g.code, RPC_DEADLINE_EXCEEDED, "the deadline");
	CHECK(g.reached, "a slow server was reached");
	g = call_wait(ch, "/test.T/None", "", 1000);
	CHECK_EQ(g.code, RPC_UNIMPLEMENTED, "no such method");
	g = call_wait(ch, "/test.T/Stream", "10000", 0);
	CHECK(g.code == RPC_OK && g.messages == 10000 && g.began, "a stream of 10000: %lu", (unsigned long)g.messages);
	CHECK_TEXT(g.text, "", "no words for OK");
	rpc_server_method(s, 1, &m);
	CHECK_EQ(m.sent, 10000, "counted by the server");
	CHECK_EQ(m.sent_bytes, 80000, "in bytes");
	CHECK_EQ(m.finished[RPC_OK], 1, "one stream ended well");
	rpc_channel_close(ch);
	server_end(s);
}

/* Who does not read stalls the server, which then holds little. */
static void test_pause_cancel(void)
{
	char at[64];
	struct rpc_server *s = server_begin("127.0.0.1:0", NULL, at, sizeof(at));
	struct rpc_channel *ch = channel_to(at, NULL, NULL);
	struct got g = { .pause_at = 100 };
	struct rpc_method_stats m;
	uint64_t sent;

	call(ch, "/test.T/Stream", "1000000", 0, &g);
	do {
		rpc_server_method(s, 1, &m);
		sent = m.sent;
		run_for(300);
		rpc_server_method(s, 1, &m);
	} while (m.sent != sent || !sent);
	CHECK_EQ(g.messages, 100, "no message after the pause");
	CHECK(sent < 60000, "the server sent %lu messages to who reads 100", (unsigned long)sent);
	run_for(200);
	rpc_server_method(s, 1, &m);
	CHECK_EQ(m.sent, sent, "and then no more");
	g.pause_at = 200000;
	rpc_ask_read(g.ask);
	RUN_UNTIL(g.messages == g.pause_at);
	CHECK_EQ(g.messages, 200000, "and goes on when read");
	closed = gone_early = 0;
	rpc_ask_cancel(g.ask);
	while (!g.ended)
		rpc_loop_run(loop);
	RUN_UNTIL(closed);
	CHECK_EQ(g.code, RPC_CANCELLED, "cancelled");
	CHECK(closed == 1 && gone_early == 1, "and the server heard of it");
	rpc_server_method(s, 1, &m);
	CHECK_EQ(m.finished[RPC_CANCELLED], 1, "and counted it");
	rpc_channel_close(ch);
	server_end(s);
}

static void test_stop_in_the_middle(void)
{
	char at[64];
	struct rpc_server *s = server_begin("127.0.0.1:0", NULL, at, sizeof(at));
	struct rpc_channel *ch = channel_to(at, NULL, NULL);
	struct got stream = { 0 }, hang = { 0 };

	call(ch, "/test.T/Stream", "1000000000", 0, &stream);
	call(ch, "/test.T/Unary", "hang", 0, &hang);
	RUN_UNTIL(stream.messages);
	server_end(s);
	while (!stream.ended || !hang.ended)
		rpc_loop_run(loop);
	CHECK_EQ(stream.code, RPC_UNAVAILABLE, "the stream ends");
	CHECK_TEXT(stream.text, "the server is shutting down", "and says why");
	CHECK_EQ(hang.code, RPC_UNAVAILABLE, "what hangs is ended after the grace");
	CHECK_TEXT(hang.text, "the server is shutting down", "and it is said");
	rpc_channel_close(ch);
}

/* --- what cannot be reached --- */

static struct rpc_server_tls *server_tls(const char *ca, const char *name)
{
	char c[128], x[128], k[128];
	struct rpc_server_tls *tls = NULL;
	struct complaint why = { 0 };

	snprintf(c, sizeof(c), "%s/%s.crt", dir, ca);
	snprintf(x, sizeof(x), "%s/%s.crt", dir, name);
	snprintf(k, sizeof(k), "%s/%s.key", dir, name);
	CHECK_EQ(rpc_server_tls_open(&tls, &(struct rpc_tls_files){ .ca = c, .cert = x, .key = k }, &why), 0, "%s", why.text);
	return tls;
}

static struct rpc_client_tls *client_tls(const char *ca, const char *name, bool insecure)
{
	char c[128], x[128], k[128];
	struct rpc_client_tls *tls = NULL;
	struct complaint why = { 0 };

	snprintf(c, sizeof(c), "%s/%s.crt", dir, ca);
	snprintf(x, sizeof(x), "%s/%s.crt", dir, name ?: "");
	snprintf(k, sizeof(k), "%s/%s.key", dir, name ?: "");
	struct rpc_tls_files files = { .ca = c, .cert = name ? x : NULL, .key = name ? k : NULL, .insecure = insecure };

	CHECK_EQ(rpc_client_tls_open(&tls, &files, &why), 0, "%s", why.text);
	return tls;
}

static const struct tls_row {
	const char *title, *server, *server_ca, *ca, *client, *name;
	bool insecure;
	const char *want;	/* in the words; NULL: it works */
} tls_rows[] = {
	{ "all is well",                 "server",  "ca",    "ca",    "client",   NULL,          false, NULL },
	{ "another name of it",          "server",  "ca",    "ca",    "client",   "server.test", false, NULL },
	{ "a name it has not",           "server",  "ca",    "ca",    "client",   "relay.test",  false,
	  "is for 'localhost, server.test, 127.0.0.1', not for 'relay.test'" },
	{ "for another host",            "wrong",   "ca",    "ca",    "client",   NULL,          false,
	  "is for 'elsewhere.test', not for '127.0.0.1'" },
	{ "expired",                     "expired", "ca",    "ca",    "client",   NULL,          false, "has expired on 20" },
	{ "an authority not known",      "server",  "ca",    "other", "client",   NULL,          false,
	  "signed by an unknown authority ('ca authority')" },
	{ "a client of a stranger",      "server",  "ca",    "ca",    "stranger", NULL,          false,
	  "does not take our certificate: it may not know its authority ('other authority')" },
	{ "a client that has expired",   "server",  "ca",    "ca",    "late",     NULL,          false,
	  "does not take our certificate: it has expired on 20" },
	{ "a client without certificate", "server", "ca",    "ca",    NULL,       NULL,          false,
	  "wants a certificate from us" },
	{ "expired, not looked at",      "expired", "ca",    "ca",    "client",   NULL,          true,  NULL },
	{ "unknown, not looked at",      "server",  "ca",    "other", "client",   NULL,          true,  NULL },
};

static void test_tls(void)
{
	for (size_t i = 0; i < sizeof(tls_rows) / sizeof(*tls_rows); i++) {
		const struct tls_row *r = &tls_rows[i];
		struct rpc_server_tls *st = server_tls(r->server_ca, r->server);
		struct rpc_client_tls *ct = client_tls(r->ca, r->client, r->insecure);
		char at[64];
		struct rpc_server *s = server_begin("127.0.0.1:0", st, at, sizeof(at));
		struct rpc_channel *ch = channel_to(at, ct, r->name);
		struct got g = call_wait(ch, "/test.T/Unary", "x", 5000);

		if (!r->want)
			CHECK(g.code == RPC_OK, "%s: %s", r->title, g.text);
		else
			CHECK(g.code == RPC_UNAVAILABLE && !g.reached && strstr(g.text, r->want), "%s: %s: '%s'", r->title,
			      rpc_code_name(g.code), g.text);
		rpc_channel_close(ch);
		rpc_client_tls_close(ct);
		server_end(s);
		rpc_server_tls_close(st);
	}
}

static void test_plain_to_tls_and_back(void)
{
	struct rpc_server_tls *st = server_tls("ca", "server");
	struct rpc_client_tls *ct = client_tls("ca", "client", false);
	char at[64];
	struct rpc_server *s = server_begin("127.0.0.1:0", st, at, sizeof(at));
	struct rpc_channel *ch = channel_to(at, NULL, NULL);
	struct got g = call_wait(ch, "/test.T/Unary", "x", 5000);

	CHECK(strstr(g.text, "speaks TLS, and was spoken to in plaintext"), "plaintext to TLS: '%s'", g.text);
	rpc_channel_close(ch);
	server_end(s);
	s = server_begin("127.0.0.1:0", NULL, at, sizeof(at));
	ch = channel_to(at, ct, NULL);
	g = call_wait(ch, "/test.T/Unary", "x", 5000);
	CHECK(strstr(g.text, "does not speak TLS"), "TLS to plaintext: '%s'", g.text);
	rpc_channel_close(ch);
	server_end(s);
	rpc_client_tls_close(ct);
	rpc_server_tls_close(st);
}

static void unreachable(const char *server, const char *want)
{
	struct rpc_channel *ch = channel_to(server, NULL, NULL);
	struct got g = call_wait(ch, "/test.T/Unary", "x", 500);

	CHECK(!g.reached && strstr(g.text, want), "%s: %s: '%s'", server, rpc_code_name(g.code), g.text);
	rpc_channel_close(ch);
}

/* A port where somebody listens and says nothing. */
static int mute(char *at, size_t size)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 8) || getsockname(fd, (struct sockaddr *)&a, &n))
		return -1;
	snprintf(at, size, "127.0.0.1:%u", ntohs(a.sin_port));
	return fd;
}

static void test_unreachable(void)
{
	char at[64], path[128], text[160];
	struct complaint why = { 0 };
	struct rpc_channel *ch;
	struct got g = { 0 };
	int fd = mute(at, sizeof(at));
	uint64_t began;

	unreachable("127.0.0.1:1", "connection to '127.0.0.1:1' refused: nobody listens there");
	unreachable("no-such-host.invalid:4245", "'no-such-host.invalid'");
	snprintf(path, sizeof(path), "unix:%s/none.sock", dir);
	unreachable(path, "there is no socket");
	snprintf(text, sizeof(text), "unix://%s/none.sock", dir);
	unreachable(text, "there is no socket");
	unreachable(at, "takes connections and says nothing");
	close(fd);
	CHECK_EQ(rpc_channel_open(&ch, loop, &(struct rpc_target){ .server = "relay" }, &why), -EINVAL, "no port");
	CHECK(strstr(why.text, "'relay' is no address"), "%s", why.text);
	CHECK_EQ(rpc_channel_open(&ch, loop, &(struct rpc_target){ .server = "unix:x" }, &why), -EINVAL, "no path");
	CHECK_EQ(rpc_channel_open(&ch, loop, &(struct rpc_target){ .server = "a:99999" }, &why), -EINVAL, "no port");

	/* a call that is given up while it is looked into ends at once */
	fd = mute(at, sizeof(at));
	ch = channel_to(at, NULL, NULL);
	call(ch, "/test.T/Unary", "x", 300, &g);
	began = rpc_now_ms();
	run_for(600);
	if (!g.ended)
		rpc_ask_cancel(g.ask);
	while (!g.ended)
		rpc_loop_run(loop);
	CHECK(rpc_now_ms() - began < 1500, "given up in %lu ms", (unsigned long)(rpc_now_ms() - began));
	rpc_channel_close(ch);
	close(fd);
}

/* --- certificates change --- */

static void copy(const char *from, const char *to)
{
	char command[400];

	snprintf(command, sizeof(command), "cp %s/%s %s/%s", dir, from, dir, to);
	CHECK_EQ(system(command), 0, "%s", command);
}

static void test_reload(void)
{
	struct certs_state state;
	struct rpc_client_tls *ct = client_tls("ca", "client", false);
	struct rpc_server_tls *st;
	struct rpc_channel *old, *ch;
	struct got g, long_one = { .pause_at = 10 };
	struct rpc_server *s;
	int64_t first;
	char at[64];

	copy("server.crt", "now.crt");
	copy("server.key", "now.key");
	st = server_tls("ca", "now");
	rpc_server_tls_state(st, &state);
	first = state.expires;
	CHECK(first > time(NULL) + 29 * 86400 && first < time(NULL) + 31 * 86400, "30 days are left");
	CHECK(state.ca_expires > time(NULL), "of the authority, too");
	s = server_begin("127.0.0.1:0", st, at, sizeof(at));
	old = channel_to(at, ct, NULL);
	call(old, "/test.T/Stream", "1000000", 0, &long_one);
	RUN_UNTIL(long_one.messages == 10);
	CHECK_EQ(long_one.messages, 10, "a stream stands");

	/* half a rotation: the certificate is new and the key is not */
	copy("server2.crt", "now.crt");
	ch = channel_to(at, ct, NULL);
	g = call_wait(ch, "/test.T/Unary", "x", 3000);
	CHECK_EQ(g.code, RPC_OK, "with half a pair the old one serves: %s", g.text);
	rpc_channel_close(ch);
	rpc_server_tls_state(st, &state);
	CHECK(state.failures == 1 && state.expires == first && strstr(state.failure, "is not that of"), "and it is said: %s",
	      state.failure);

	copy("server2.key", "now.key");
	ch = channel_to(at, ct, NULL);
	g = call_wait(ch, "/test.T/Unary", "x", 3000);
	CHECK_EQ(g.code, RPC_OK, "the new pair: %s", g.text);
	rpc_channel_close(ch);
	rpc_server_tls_state(st, &state);
	CHECK(state.reloads == 1 && state.expires > first && !state.failure[0], "is taken");

	copy("ca.key", "now.crt");
	CHECK(!long_one.ended, "the old connection lives");
	long_one.pause_at = 20;
	rpc_ask_read(long_one.ask);
	RUN_UNTIL(long_one.messages == 20);
	CHECK_EQ(long_one.messages, 20, "and goes on");
	rpc_ask_cancel(long_one.ask);
	while (!long_one.ended)
		rpc_loop_run(loop);
	rpc_channel_close(old);
	server_end(s);
	rpc_server_tls_close(st);
	rpc_client_tls_close(ct);
}

/* A client whose certificate is replaced connects with the new one. */
static void test_client_reload(void)
{
	struct rpc_server_tls *st = server_tls("ca", "server");
	struct rpc_client_tls *ct;
	struct rpc_server *s;
	struct rpc_channel *ch;
	char at[64];
	struct got g;

	copy("stranger.crt", "mine.crt");
	copy("stranger.key", "mine.key");
	ct = client_tls("ca", "mine", false);
	s = server_begin("127.0.0.1:0", st, at, sizeof(at));
	ch = channel_to(at, ct, NULL);
	g = call_wait(ch, "/test.T/Unary", "x", 3000);
	CHECK_EQ(g.code, RPC_UNAVAILABLE, "refused with the wrong one");
	copy("client.crt", "mine.crt");
	copy("client.key", "mine.key");
	run_for(1100);
	g = call_wait(ch, "/test.T/Unary", "x", 3000);
	CHECK_EQ(g.code, RPC_OK, "let in with the right one: %s", g.text);
	rpc_channel_close(ch);
	server_end(s);
	rpc_client_tls_close(ct);
	rpc_server_tls_close(st);
}

static void test_bad_files(void)
{
	char ca[128], cert[128], key[128];
	struct complaint why = { 0 };
	struct rpc_server_tls *tls;
	struct rpc_tls_files f = { .ca = ca, .cert = cert, .key = key };

	snprintf(ca, sizeof(ca), "%s/ca.crt", dir);
	snprintf(cert, sizeof(cert), "%s/server.crt", dir);
	snprintf(key, sizeof(key), "%s/client.key", dir);
	CHECK(rpc_server_tls_open(&tls, &f, &why) && strstr(why.text, "is not that of the certificate"), "%s", why.text);
	snprintf(key, sizeof(key), "%s/nothing.key", dir);
	CHECK(rpc_server_tls_open(&tls, &f, &why) && strstr(why.text, "No such file"), "%s", why.text);
	snprintf(key, sizeof(key), "%s/server.crt", dir);
	CHECK(rpc_server_tls_open(&tls, &f, &why) && strstr(why.text, "there is no key"), "%s", why.text);
	snprintf(ca, sizeof(ca), "%s/ca.key", dir);
	CHECK(rpc_server_tls_open(&tls, &f, &why) && strstr(why.text, "no certificate of an authority"), "%s", why.text);
	f.key = NULL;
	CHECK(rpc_server_tls_open(&tls, &f, &why) && strstr(why.text, "needs three files"), "%s", why.text);
}

/* --- listeners --- */

static void test_listen(void)
{
	struct complaint why = { 0 };
	struct rpc_server *a, *b;
	unsigned int port;
	char text[64];

	rpc_server_new(&a, loop, NULL);
	rpc_server_new(&b, loop, NULL);
	CHECK_EQ(rpc_server_listen(a, "0.0.0.0:0", NULL, &port, &why), -EPERM, "plaintext for all");
	CHECK(strstr(why.text, "without TLS: plaintext is for loopback only"), "%s", why.text);
	CHECK_EQ(rpc_server_listen(a, ":4244", NULL, &port, &why), -EPERM, "plaintext on no address is on all");
	CHECK_EQ(rpc_server_listen(a, "[::]:0", NULL, &port, &why), -EPERM, "plaintext for all, IPv6");
	CHECK_EQ(rpc_server_listen(a, "[::ffff:10.0.0.1]:0", NULL, &port, &why), -EPERM, "mapped");
	CHECK_EQ(rpc_server_listen(a, "relay.example:1", NULL, &port, &why), -EINVAL, "a name");
	CHECK_EQ(rpc_server_listen(a, "nonsense", NULL, &port, &why), -EINVAL, "no address");
	CHECK_EQ(rpc_server_listen(a, "localhost:0", NULL, &port, &why), 0, "%s", why.text);
	snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	CHECK_EQ(rpc_server_listen(b, text, NULL, &port, &why), -EADDRINUSE, "a port is not shared");
	CHECK(strstr(why.text, "Address already in use"), "%s", why.text);
	rpc_server_free(a);
	rpc_server_free(b);
}

static void test_listen_tls_twice(void)
{
	struct rpc_server_tls *st = server_tls("ca", "server");
	struct complaint why = { 0 };
	struct rpc_server *s, *b;
	char at[64];

	s = server_begin("127.0.0.1:0", st, at, sizeof(at));
	rpc_server_new(&b, loop, NULL);
	CHECK_EQ(rpc_server_listen(b, at, st, NULL, &why), -EADDRINUSE, "a port is not shared: %s", why.text);
	rpc_server_free(b);
	server_end(s);
	rpc_server_tls_close(st);
}

static void test_unix(void)
{
	struct complaint why = { 0 };
	struct rpc_server *a, *b;
	char path[128], at[140];
	struct rpc_channel *ch;
	struct stat there;
	struct got g;

	snprintf(path, sizeof(path), "%s/s.sock", dir);
	snprintf(at, sizeof(at), "unix:%s", path);
	rpc_server_new(&a, loop, NULL);
	rpc_server_new(&b, loop, NULL);
	rpc_server_add(a, methods, 2, NULL);
	CHECK_EQ(rpc_unix_listen(a, &(struct rpc_unix){ .path = path, .mode = 0660 }, &why), 0, "%s", why.text);
	CHECK(!stat(path, &there) && (there.st_mode & 07777) == 0660, "its mode is %o", there.st_mode);
	CHECK_EQ(rpc_unix_listen(b, &(struct rpc_unix){ .path = path }, &why), -EADDRINUSE, "a live server's");
	CHECK(strstr(why.text, "another server has it"), "%s", why.text);
	rpc_server_start(a);
	ch = channel_to(at, NULL, NULL);
	g = call_wait(ch, "/test.T/Unary", "x", 2000);
	CHECK_EQ(g.code, RPC_OK, "a call: %s", g.text);
	rpc_channel_close(ch);
	server_end(a);
	CHECK(stat(path, &there) && errno == ENOENT, "it is gone with the server");
	CHECK_EQ(rpc_unix_listen(b, &(struct rpc_unix){ .path = path }, &why), 0, "then it is free: %s", why.text);
	rpc_server_free(b);
	CHECK(stat(path, &there) && errno == ENOENT, "also gone with one that never began");
}

/* One that died without a word, and one that is no socket. */
static void test_unix_stale(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct complaint why = { 0 };
	struct rpc_server *s;
	char path[100];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(path, sizeof(path), "%s/stale.sock", dir);
	strcpy(to.sun_path, path);
	CHECK_EQ(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0, "a socket is left");
	close(fd);
	rpc_server_new(&s, loop, NULL);
	CHECK_EQ(rpc_unix_listen(s, &(struct rpc_unix){ .path = path }, &why), 0, "a dead one's path is taken: %s", why.text);
	snprintf(path, sizeof(path), "%s/ca.crt", dir);
	CHECK_EQ(rpc_unix_listen(s, &(struct rpc_unix){ .path = path }, &why), -EEXIST, "a file is not");
	CHECK(access(path, R_OK) == 0 && strstr(why.text, "is no socket"), "and stays: %s", why.text);
	rpc_server_free(s);
}

static void test_backoff(void)
{
	struct rpc_backoff b = { .base_ms = 500, .most_ms = 10000 };
	unsigned int first = rpc_backoff_next(&b), last = 0;

	for (int i = 0; i < 40; i++)
		last = rpc_backoff_next(&b);
	CHECK(first >= 250 && first <= 500, "the first wait is %u", first);
	CHECK(last >= 5000 && last <= 10000, "the last is %u", last);
}

int main(void)
{
	char command[200];

	snprintf(dir, sizeof(dir), "/tmp/weir-rpc-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	snprintf(command, sizeof(command), "sh tests/rpc/certs.sh %s", dir);
	CHECK_EQ(system(command), 0, "certificates");
	log_open("calls", LOG_LEVEL_ERROR, false);
	rpc_loop_open(&loop);
	test_calls();
	test_pause_cancel();
	test_stop_in_the_middle();
	test_tls();
	test_plain_to_tls_and_back();
	test_unreachable();
	test_reload();
	test_client_reload();
	test_bad_files();
	test_listen();
	test_listen_tls_twice();
	test_unix();
	test_unix_stale();
	test_backoff();
	rpc_loop_close(loop);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	CHECK_EQ(system(command), 0, "cleaned up");
	return check_done();
}
