/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a server cannot be reached, in words for people: gRPC says "failed to connect to all addresses" and "Socket
 * closed".  A thread dials once more by hand (name, connection, handshake, first bytes) and says where it ends.
 *
 *	reason_ask(&r, loop, &(struct reason_of){ .server = "10.0.0.1:4244", .tls = tls }, on_reason, me);
 *	reason_abort(r);		answers at once, with what it has
 *
 * on_reason() gets "" if nothing is wrong that can be seen from here.  Only lib/rpc includes this.
 */
#ifndef WEIR_LIB_RPC_REASON_H
#define WEIR_LIB_RPC_REASON_H

#include "lib/rpc/client.h"

struct reason;
struct reason_of {
	const char *server, *name;
	struct rpc_client_tls *tls;
};

/* -EAGAIN when too many are under way; 'fn' is not called then.  At most three seconds. */
int reason_ask(struct reason **out, struct rpc_loop *loop, const struct reason_of *of,
	       void (*fn)(const char *why, void *ctx), void *ctx);
void reason_abort(struct reason *r);

#endif
