/* SPDX-License-Identifier: Apache-2.0 */
/* What gRPC makes of certificates in memory.  Only lib/rpc includes this. */
#ifndef WEIR_LIB_RPC_TLS_H
#define WEIR_LIB_RPC_TLS_H

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "lib/certs/pems.h"
#include "lib/rpc/credentials.h"

/* The caller's to release.  NULL if there is no memory. */
grpc_server_credentials *server_tls_credentials(struct rpc_server_tls *tls);
/* *version says which files; it moves when they do. */
grpc_channel_credentials *client_tls_credentials(struct rpc_client_tls *tls, uint64_t *version);
uint64_t client_tls_version(struct rpc_client_tls *tls);	/* looks at the files */
int client_tls_pems(struct rpc_client_tls *tls, struct pems *to, bool *insecure);	/* a copy */

#endif
