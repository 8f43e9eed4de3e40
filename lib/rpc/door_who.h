/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at the other end of a connection, as the kernel has it.  Only lib/rpc includes this. */
#ifndef WEIR_LIB_RPC_DOOR_WHO_H
#define WEIR_LIB_RPC_DOOR_WHO_H

#include "lib/rpc/door.h"

/* False: it may not come in, which is logged, or it is gone. */
bool guest_of_socket(int fd, const struct door_rules *rules, struct rpc_peer *to);
bool guest_of_network(int fd, struct rpc_peer *to);

#endif
