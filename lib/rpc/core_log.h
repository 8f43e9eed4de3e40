/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gRPC-core's own log: its complaints go to lib/log as debug lines; failed handshakes, which it tells nobody
 * else, are counted and said.  Only lib/rpc includes this.
 *
 *	core_log_open();			before grpc_init()
 *	core_log_watch(text, sizeof(text));	this thread's next error is kept in 'text', too
 *	core_log_watch(NULL, 0);
 */
#ifndef WEIR_LIB_RPC_CORE_LOG_H
#define WEIR_LIB_RPC_CORE_LOG_H

#include <stddef.h>
#include <stdint.h>

void core_log_open(void);
void core_log_serving(void);		/* there is a server with TLS: its failed handshakes are said, a client says its own */
void core_log_watch(char *text, size_t size);
uint64_t core_log_handshakes(void);		/* that failed, on either side, since the start; any thread */

#endif
