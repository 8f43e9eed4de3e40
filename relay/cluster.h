/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked of all nodes at once: observer.Observer's unary calls and weir.v1.Relay's.
 *
 *	cluster_new(&cluster, relay);
 *	rpc_server_add(server, cluster_methods, CLUSTER_METHODS, cluster);
 *
 * Every connected node is asked, and what has come within CLUSTER_MS is added up.  Loop's thread only.
 */
#ifndef WEIR_RELAY_CLUSTER_H
#define WEIR_RELAY_CLUSTER_H

#include "lib/rpc/server.h"

#define CLUSTER_MS 2000

#define CLUSTER_METHODS 7
extern const struct rpc_method cluster_methods[CLUSTER_METHODS];

struct relay;
struct cluster;

int cluster_new(struct cluster **out, struct relay *relay);
void cluster_free(struct cluster *c);		/* NULL is fine; after the server */

#endif
