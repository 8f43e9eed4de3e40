/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control: the agent's unix socket, for the CLI and for whoever makes interfaces (proto/weir/v1/control.proto).
 *
 *	server_open(&s, loop, &options, on_ask, me, &why);
 *	on_ask(me, client, request)			one at a time per client; its answer may come later:
 *	client_reply(client, &reply, true);		the last part ends the request, the next one is asked
 *
 * Clients, what one may send, and what may wait for one are bounded; who is slow, sends nonsense, or comes when all
 * places are taken is cut and counted.  A request that changes something is refused here unless root or the
 * agent's own user asks.  One thread, the loop's.
 */
#ifndef WEIR_AGENT_CONTROL_H
#define WEIR_AGENT_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/complaint.h"
#include "lib/loop.h"
#include "proto/weir/v1/control.pb-c.h"

#define CONTROL_CLIENTS 64
#define CONTROL_CLIENTS_OF_OTHERS 16	/* of them, for other users than root and our own */
#define CONTROL_WAITING (4U << 20)	/* bytes that may wait for one client */
#define CONTROL_SLOW_MS 30000		/* without taking a byte of them: cut */

struct server;
struct client;

struct server_options {
	const char *path;
	unsigned int mode;		/* of the socket: who may connect at all */
	unsigned int request_max;	/* bytes */
};

struct server_counts {
	uint64_t accepted, turned_away, slow, nonsense, refused, requests;
	unsigned int clients;
};

typedef void (*server_fn)(void *ctx, struct client *c, const Weir__V1__Request *ask);

int server_open(struct server **out, struct loop *loop, const struct server_options *options, server_fn fn, void *ctx,
		struct complaint *why);
void server_close(struct server *s);	/* NULL is fine; removes the socket */
void server_count(const struct server *s, struct server_counts *out);

/* A client as long as it is there: whoever answers later keeps the number and looks it up. */
uint64_t client_number(const struct client *c);
struct client *server_client(const struct server *s, uint64_t number);	/* NULL: it hung up */

/* A part of the answer; the last one has 'done' set by this.  -ENOBUFS: it does not fit, and the client is cut. */
int client_reply(struct client *c, Weir__V1__Reply *reply, bool last);
__attribute__((format(printf, 2, 3))) void client_error(struct client *c, const char *format, ...);

/* Bytes that wait for the client; 'fn' is called once they are fewer than 'below', if the client lives. */
size_t client_waiting(const struct client *c);
void client_when_below(struct client *c, size_t below, void (*fn)(void *ctx, struct client *c), void *ctx);

/* Its answer has no end. */
void client_follows(struct client *c);

/* Called when the client is gone while its request is being answered. */
void client_on_gone(struct client *c, void (*fn)(void *ctx, uint64_t number), void *ctx);

/* One request as it comes from a client; NULL if it is none.  For the server and for fuzzing. */
Weir__V1__Request *request_unpack(const uint8_t *data, size_t size);
void request_free(Weir__V1__Request *ask);
bool request_changes(const Weir__V1__Request *ask);

#endif
