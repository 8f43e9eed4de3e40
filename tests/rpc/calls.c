// SPDX-License-Identifier: Apache-2.0
/* Our client against our server, on one loop: calls, their ends, listeners, and the words for what cannot be reached. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "lib/rpc/unix.h"
#include "tests/check.h"
#include "tests/rpc/calls_stage.h"
#include "tests/rpc/calls_tls.h"

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

	CHECK_EQ(rpc_ask_once(ch, "/test.T/Unary", "hello", 5, 20000, &answer, &size, &why), RPC_OK, "%s", why.text);
	CHECK(size == 5 && !memcmp(answer, "hello", 5), "the echo");
	free(answer);
	CHECK_EQ(rpc_channel_state(ch), RPC_STATE_READY, "the connection stands");
	CHECK_EQ(rpc_ask_once(ch, "/test.T/Unary", "fail", 4, 20000, &answer, &size, &why), RPC_PERMISSION_DENIED, "denied");
	CHECK_TEXT(why.text, "not you", "the server's words");
	g = call_wait(ch, "/test.T/Unary", "away", 20000);
	CHECK(g.code == RPC_UNAVAILABLE && !strcmp(g.text, "come back later"), "unavailable by the server's word: %s", g.text);
	g = call_wait(ch, "/test.T/Unary", "hang", 500);
	CHECK_EQ(g.code, RPC_DEADLINE_EXCEEDED, "the deadline");
	CHECK(g.reached, "a slow server was reached");
	g = call_wait(ch, "/test.T/None", "", 20000);
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
	stage.closed = stage.gone_early = 0;
	rpc_ask_cancel(g.ask);
	while (!g.ended)
		rpc_loop_run(stage.loop);
	RUN_UNTIL(stage.closed);
	CHECK_EQ(g.code, RPC_CANCELLED, "cancelled");
	CHECK(stage.closed == 1 && stage.gone_early == 1, "and the server heard of it");
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
		rpc_loop_run(stage.loop);
	CHECK_EQ(stream.code, RPC_UNAVAILABLE, "the stream ends");
	CHECK_TEXT(stream.text, "the server is shutting down", "and says why");
	CHECK_EQ(hang.code, RPC_UNAVAILABLE, "what hangs is ended after the grace");
	CHECK_TEXT(hang.text, "the server is shutting down", "and it is said");
	rpc_channel_close(ch);
}

/* --- what cannot be reached --- */

static void unreachable(const char *server, unsigned int ms, const char *want)
{
	struct rpc_channel *ch = channel_to(server, NULL, NULL);
	struct got g = call_wait(ch, "/test.T/Unary", "x", ms);

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

	unreachable("127.0.0.1:1", 20000, "connection to '127.0.0.1:1' refused: nobody listens there");
	unreachable("no-such-host.invalid:4245", 500, "'no-such-host.invalid'");
	snprintf(path, sizeof(path), "unix:%s/none.sock", stage.dir);
	unreachable(path, 20000, "there is no socket");
	snprintf(text, sizeof(text), "unix://%s/none.sock", stage.dir);
	unreachable(text, 20000, "there is no socket");
	unreachable(at, 500, "takes connections and says nothing");
	close(fd);
	CHECK_EQ(rpc_channel_open(&ch, stage.loop, &(struct rpc_target){ .server = "relay" }, &why), -EINVAL, "no port");
	CHECK(strstr(why.text, "'relay' is no address"), "%s", why.text);
	CHECK_EQ(rpc_channel_open(&ch, stage.loop, &(struct rpc_target){ .server = "unix:x" }, &why), -EINVAL, "no path");
	CHECK_EQ(rpc_channel_open(&ch, stage.loop, &(struct rpc_target){ .server = "a:99999" }, &why), -EINVAL, "no port");

	/* a call that is given up while it is looked into ends at once */
	fd = mute(at, sizeof(at));
	ch = channel_to(at, NULL, NULL);
	call(ch, "/test.T/Unary", "x", 300, &g);
	began = rpc_now_ms();
	run_for(600);
	if (!g.ended)
		rpc_ask_cancel(g.ask);
	while (!g.ended)
		rpc_loop_run(stage.loop);
	CHECK(rpc_now_ms() - began < 10000, "given up in %lu ms", (unsigned long)(rpc_now_ms() - began));
	rpc_channel_close(ch);
	close(fd);
}

/* --- listeners --- */

static void test_listen(void)
{
	struct complaint why = { 0 };
	struct rpc_server *a, *b;
	unsigned int port;
	char text[64];

	rpc_server_new(&a, stage.loop, NULL);
	rpc_server_new(&b, stage.loop, NULL);
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

static void test_unix(void)
{
	struct complaint why = { 0 };
	struct rpc_server *a, *b;
	char path[128], at[140];
	struct rpc_channel *ch;
	struct stat there;
	struct got g;

	snprintf(path, sizeof(path), "%s/s.sock", stage.dir);
	snprintf(at, sizeof(at), "unix:%s", path);
	rpc_server_new(&a, stage.loop, NULL);
	rpc_server_new(&b, stage.loop, NULL);
	rpc_server_add(a, stage_methods, STAGE_METHODS, NULL);
	CHECK_EQ(rpc_unix_listen(a, &(struct rpc_unix){ .path = path, .mode = 0660 }, &why), 0, "%s", why.text);
	CHECK(!stat(path, &there) && (there.st_mode & 07777) == 0660, "its mode is %o", there.st_mode);
	CHECK_EQ(rpc_unix_listen(b, &(struct rpc_unix){ .path = path }, &why), -EADDRINUSE, "a live server's");
	CHECK(strstr(why.text, "another server has it"), "%s", why.text);
	rpc_server_start(a);
	ch = channel_to(at, NULL, NULL);
	g = call_wait(ch, "/test.T/Unary", "x", 20000);
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

	snprintf(path, sizeof(path), "%s/stale.sock", stage.dir);
	strcpy(to.sun_path, path);
	CHECK_EQ(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0, "a socket is left");
	close(fd);
	rpc_server_new(&s, stage.loop, NULL);
	CHECK_EQ(rpc_unix_listen(s, &(struct rpc_unix){ .path = path }, &why), 0, "a dead one's path is taken: %s", why.text);
	snprintf(path, sizeof(path), "%s/ca.crt", stage.dir);
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
	if (!stage_open())
		return 1;
	test_calls();
	test_pause_cancel();
	test_stop_in_the_middle();
	test_unreachable();
	test_listen();
	test_unix();
	test_unix_stale();
	test_backoff();
	calls_tls();
	stage_close();
	return check_done();
}
