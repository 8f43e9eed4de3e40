/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a server listens: its door, and addresses taken apart.  Only lib/rpc includes this.
 *
 *	address_split("[::1]:4244", host, sizeof(host), &port, &why);
 */
#ifndef WEIR_LIB_RPC_LISTEN_H
#define WEIR_LIB_RPC_LISTEN_H

#include "lib/rpc/door.h"

int server_door(struct rpc_server *s, struct door **out);	/* opened with its first listener */
int address_split(const char *address, char *host, size_t size, unsigned int *port, struct complaint *why);

#endif
