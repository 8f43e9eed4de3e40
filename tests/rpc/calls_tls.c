// SPDX-License-Identifier: Apache-2.0
#include "tests/rpc/calls_tls.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "lib/rpc/credentials.h"
#include "tests/check.h"
#include "tests/rpc/calls_stage.h"

static struct rpc_server_tls *server_tls(const char *ca, const char *name)
{
	char c[128], x[128], k[128];
	struct rpc_server_tls *tls = NULL;
	struct complaint why = { 0 };

	snprintf(c, sizeof(c), "%s/%s.crt", stage.dir, ca);
	snprintf(x, sizeof(x), "%s/%s.crt", stage.dir, name);
	snprintf(k, sizeof(k), "%s/%s.key", stage.dir, name);
	CHECK_EQ(rpc_server_tls_open(&tls, &(struct rpc_tls_files){ .ca = c, .cert = x, .key = k }, &why), 0, "%s", why.text);
	return tls;
}

static struct rpc_client_tls *client_tls(const char *ca, const char *name, bool insecure)
{
	char c[128], x[128], k[128];
	struct rpc_client_tls *tls = NULL;
	struct complaint why = { 0 };

	snprintf(c, sizeof(c), "%s/%s.crt", stage.dir, ca);
	snprintf(x, sizeof(x), "%s/%s.crt", stage.dir, name ?: "");
	snprintf(k, sizeof(k), "%s/%s.key", stage.dir, name ?: "");
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
		struct got g = call_wait(ch, "/test.T/Unary", "x", 20000);

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
	struct got g = call_wait(ch, "/test.T/Unary", "x", 20000);

	CHECK(strstr(g.text, "speaks TLS, and was spoken to in plaintext"), "plaintext to TLS: '%s'", g.text);
	rpc_channel_close(ch);
	server_end(s);
	s = server_begin("127.0.0.1:0", NULL, at, sizeof(at));
	ch = channel_to(at, ct, NULL);
	g = call_wait(ch, "/test.T/Unary", "x", 20000);
	CHECK(strstr(g.text, "does not speak TLS"), "TLS to plaintext: '%s'", g.text);
	rpc_channel_close(ch);
	server_end(s);
	rpc_client_tls_close(ct);
	rpc_server_tls_close(st);
}

/* --- certificates change --- */

static void copy(const char *from, const char *to)
{
	char command[400];

	snprintf(command, sizeof(command), "cp %s/%s %s/%s", stage.dir, from, stage.dir, to);
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
	g = call_wait(ch, "/test.T/Unary", "x", 20000);
	CHECK_EQ(g.code, RPC_OK, "with half a pair the old one serves: %s", g.text);
	rpc_channel_close(ch);
	rpc_server_tls_state(st, &state);
	CHECK(state.failures == 1 && state.expires == first && strstr(state.failure, "is not that of"), "and it is said: %s",
	      state.failure);

	copy("server2.key", "now.key");
	ch = channel_to(at, ct, NULL);
	g = call_wait(ch, "/test.T/Unary", "x", 20000);
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
		rpc_loop_run(stage.loop);
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
	g = call_wait(ch, "/test.T/Unary", "x", 20000);
	CHECK_EQ(g.code, RPC_UNAVAILABLE, "refused with the wrong one");
	copy("client.crt", "mine.crt");
	copy("client.key", "mine.key");
	run_for(1100);
	g = call_wait(ch, "/test.T/Unary", "x", 20000);
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

	snprintf(ca, sizeof(ca), "%s/ca.crt", stage.dir);
	snprintf(cert, sizeof(cert), "%s/server.crt", stage.dir);
	snprintf(key, sizeof(key), "%s/client.key", stage.dir);
	CHECK(rpc_server_tls_open(&tls, &f, &why) && strstr(why.text, "is not that of the certificate"), "%s", why.text);
	snprintf(key, sizeof(key), "%s/nothing.key", stage.dir);
	CHECK(rpc_server_tls_open(&tls, &f, &why) && strstr(why.text, "No such file"), "%s", why.text);
	snprintf(key, sizeof(key), "%s/server.crt", stage.dir);
	CHECK(rpc_server_tls_open(&tls, &f, &why) && strstr(why.text, "there is no key"), "%s", why.text);
	snprintf(ca, sizeof(ca), "%s/ca.key", stage.dir);
	CHECK(rpc_server_tls_open(&tls, &f, &why) && strstr(why.text, "no certificate of an authority"), "%s", why.text);
	f.key = NULL;
	CHECK(rpc_server_tls_open(&tls, &f, &why) && strstr(why.text, "needs three files"), "%s", why.text);
}

static void test_listen_tls_twice(void)
{
	struct rpc_server_tls *st = server_tls("ca", "server");
	struct complaint why = { 0 };
	struct rpc_server *s, *b;
	char at[64];

	s = server_begin("127.0.0.1:0", st, at, sizeof(at));
	rpc_server_new(&b, stage.loop, NULL);
	CHECK_EQ(rpc_server_listen(b, at, st, NULL, &why), -EADDRINUSE, "a port is not shared: %s", why.text);
	rpc_server_free(b);
	server_end(s);
	rpc_server_tls_close(st);
}

void calls_tls(void)
{
	test_tls();
	test_plain_to_tls_and_back();
	test_reload();
	test_client_reload();
	test_bad_files();
	test_listen_tls_twice();
}
