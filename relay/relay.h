/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay as a whole: what its parts share.
 *
 * Two threads: gRPC's, which owns peers, streams, edges and all that is asked of them, and the main thread, which has
 * signals and HTTP.  From the main thread, what belongs to the other is asked by rpc_post(relay->rpc, fn, ctx), and
 * the answer comes back by loop_post(relay->loop, fn, ctx).
 */
#ifndef WEIR_RELAY_RELAY_H
#define WEIR_RELAY_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/loop.h"
#include "lib/rpc/credentials.h"
#include "lib/rpc/loop.h"
#include "lib/rpc/server.h"
#include "relay/edges.h"
#include "relay/peers.h"
#include "relay/settings.h"

struct access;			/* relay/access.h */
struct flows;			/* relay/flows.h: GetFlows of clients */
struct cluster;			/* relay/cluster.h: what is asked of all nodes at once */

struct relay {
	struct settings settings;
	uint64_t started;		/* CLOCK_REALTIME, nanoseconds */
	uint64_t instance;		/* of this process, never 0 */

	struct loop *loop;		/* the main thread's; its own, too: */
	struct access *access;		/* who may see the page */
	struct http *page_http;		/* NULL: no page */
	struct feeds *page_feeds;	/* likewise */

	struct rpc_loop *rpc;		/* gRPC's thread; all that follows is its own */
	struct rpc_client_tls *client_tls;	/* NULL: none.  State and check: any thread */
	struct rpc_server_tls *server_tls;	/* NULL: none.  Likewise */
	struct rpc_server *server;
	struct peers *peers;
	struct edges *edges;
	struct flows *flows;
	struct cluster *cluster;
};

#endif
