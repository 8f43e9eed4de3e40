/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates in memory, and what gRPC makes of them.  Only lib/rpc includes this.
 *
 *	err = pems_load(&p, &files, &why);	read, and checked to belong together
 *	pems_free(&p);
 */
#ifndef WEIR_LIB_RPC_TLS_H
#define WEIR_LIB_RPC_TLS_H

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "lib/rpc/credentials.h"

struct pems {
	char *ca, *cert, *key;		/* NULL: none */
	int64_t expires, ca_expires;
	char subject[256];
	uint64_t stamp;			/* of the files that they were read from: which ones, when changed */
};

int pems_load(struct pems *to, const struct rpc_tls_files *files, struct complaint *why);
void pems_free(struct pems *p);
uint64_t pems_stamp(const struct rpc_tls_files *files);
int pems_copy(struct pems *to, const struct pems *from);
int64_t certificate_time(const void *asn1_time);	/* an ASN1_TIME, seconds since 1970 */

/* The caller's to release.  NULL if there is no memory. */
grpc_server_credentials *server_tls_credentials(struct rpc_server_tls *tls);
/* *version says which files; it moves when they do. */
grpc_channel_credentials *client_tls_credentials(struct rpc_client_tls *tls, uint64_t *version);
uint64_t client_tls_version(struct rpc_client_tls *tls);	/* looks at the files */
int client_tls_pems(struct rpc_client_tls *tls, struct pems *to, bool *insecure);	/* a copy */

#endif
