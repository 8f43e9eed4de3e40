/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grpc.health.v1.Health of a server: Check and Watch.
 *
 *	rpc_health_new(&h, server);		before rpc_server_start()
 *	rpc_health_set(h, true);		any thread
 *
 * Answers for "" and the names given to rpc_health_name(); others are NOT_FOUND (Check) or SERVICE_UNKNOWN (Watch).
 * All have one state, at first not serving.
 */
#ifndef WEIR_LIB_RPC_HEALTH_H
#define WEIR_LIB_RPC_HEALTH_H

#include <stdbool.h>

#include "lib/rpc/server.h"

#define RPC_HEALTH_NAMES 8

struct rpc_health;

int rpc_health_new(struct rpc_health **out, struct rpc_server *s);
void rpc_health_free(struct rpc_health *h);		/* NULL is fine; after the server */
int rpc_health_name(struct rpc_health *h, const char *service);	/* borrowed; before the start; -ENOSPC past 8 */
void rpc_health_set(struct rpc_health *h, bool serving);	/* any thread; Watch is told */

#endif
