/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the calls stand on: one loop, a directory with certificates, a server on the loop, and calls that are waited for.
 *
 *	if (!stage_open()) ...
 *	s = server_begin("127.0.0.1:0", NULL, at, sizeof(at));
 *	ch = channel_to(at, NULL, NULL);
 *	g = call_wait(ch, "/test.T/Unary", "hello", 2000);	g.code, g.text
 *	rpc_channel_close(ch);
 *	server_end(s);
 *	stage_close();						the directory goes
 *
 * The server has two methods.  /test.T/Unary answers what it is sent, but "fail" (PERMISSION_DENIED), "away" (UNAVAILABLE)
 * and "hang" (never).  /test.T/Stream is sent a number in text and answers with so many messages of 8 bytes.
 */
#ifndef WEIR_TESTS_RPC_CALLS_STAGE_H
#define WEIR_TESTS_RPC_CALLS_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/rpc/client.h"
#include "lib/rpc/server.h"

struct stage {
	char dir[64];			/* sockets, and the certificates that certs.sh makes */
	struct rpc_loop *loop;
	unsigned int closed, gone_early;	/* calls that the server saw end; of them: left by the client */
};
extern struct stage stage;

bool stage_open(void);
void stage_close(void);

#define STAGE_METHODS 2
extern const struct rpc_method stage_methods[STAGE_METHODS];

/* Where it listens is written to 'at'. */
struct rpc_server *server_begin(const char *address, struct rpc_server_tls *tls, char *at, size_t size);
void server_end(struct rpc_server *s);		/* a second's grace */

/* What came of a call. */
struct got {
	enum rpc_code code;
	char text[512];
	bool reached, ended, began;
	uint64_t messages, pause_at;	/* 'pause_at': after so many no more is read, until rpc_ask_read() */
	struct rpc_ask *ask;
};

struct rpc_channel *channel_to(const char *server, struct rpc_client_tls *tls, const char *name);
/* 'ms' 0: without a deadline.  'g' must outlive the call. */
struct rpc_ask *call(struct rpc_channel *ch, const char *path, const char *text, unsigned int ms, struct got *g);
struct got call_wait(struct rpc_channel *ch, const char *path, const char *text, unsigned int ms);

void run_for(uint64_t ms);			/* the loop, or until something stops it */
#define RUN_UNTIL(cond) do { for (int i_ = 0; i_ < 400 && !(cond); i_++) run_for(50); } while (0)

#endif
