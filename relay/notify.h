/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer.Peer of the relay: its nodes, and those that come and go, as an agent would tell them.
 *
 *	rpc_server_add(server, notify_methods, NOTIFY_METHODS, peers);
 */
#ifndef WEIR_RELAY_NOTIFY_H
#define WEIR_RELAY_NOTIFY_H

#include "lib/rpc/server.h"

#define NOTIFY_METHODS 1
extern const struct rpc_method notify_methods[NOTIFY_METHODS];

#endif
