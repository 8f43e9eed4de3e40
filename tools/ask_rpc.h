/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket's questions to a server that speaks gRPC: weir.v1.Agent of one node, weir.v1.Relay of all.
 * A relay's answer comes node by node, each as a part.
 */
#ifndef WEIR_TOOLS_ASK_RPC_H
#define WEIR_TOOLS_ASK_RPC_H

#include "tools/ask.h"

/* A server that is no control socket: what is no path, or a socket where HTTP/2 is spoken (it is tried). */
bool ask_is_rpc(const char *server);
extern const char *ask_rpc_node;	/* whose part this is, while it is handed on; "" if nobody said */
int ask_rpc(const char *server, const Weir__V1__Request *ask, ask_fn each, void *ctx);

#endif
