/* SPDX-License-Identifier: Apache-2.0 */
/* What relay/cluster.c (status) and relay/cluster_lists.c (what nodes list) share; no one else. */
#ifndef WEIR_RELAY_CLUSTER_INSIDE_H
#define WEIR_RELAY_CLUSTER_INSIDE_H

#include "lib/arena.h"
#include "relay/cluster.h"
#include "relay/fan.h"
#include "relay/relay.h"

struct cluster {
	struct relay *relay;		/* not ours */
};

void on_namespaces(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx);
void on_policies(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx);
void on_endpoints(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx);
void on_why(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx);

/* An answer that was built in an arena, all of whose memory was there; else the client is told. */
void cluster_answer(struct rpc_call *c, const ProtobufCMessage *m, struct arena *a, bool whole);

#endif
