/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS from files.  TLS 1.3 only, on both sides.
 *
 *	struct rpc_tls_files files = { .ca = "ca.crt", .cert = "tls.crt", .key = "tls.key" };
 *	rpc_server_tls_open(&tls, &files, &why);	clients must show a certificate of 'ca'
 *	rpc_server_listen(server, "0.0.0.0:4244", tls, NULL, &why);
 *
 * Files are looked at before every handshake and read anew when they changed, certificate and key as a pair; a pair
 * that does not fit is not taken: the old one stays, and this is logged and counted.  Connections live on.
 */
#ifndef WEIR_LIB_RPC_CREDENTIALS_H
#define WEIR_LIB_RPC_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/certs/certs.h"
#include "lib/complaint.h"

struct rpc_server_tls;
struct rpc_client_tls;

/* PEM; paths are copied. */
struct rpc_tls_files {
	const char *ca;		/* who signs the other side; a server must have it */
	const char *cert, *key;	/* our own; a client may have none, but only both */
	bool insecure;		/* a client takes any certificate of the server: for trying things out only */
};

int rpc_server_tls_open(struct rpc_server_tls **out, const struct rpc_tls_files *files, struct complaint *why);
void rpc_server_tls_close(struct rpc_server_tls *tls);		/* NULL is fine; after its servers */
/* What is loaded; any thread. */
void rpc_server_tls_state(struct rpc_server_tls *tls, struct certs_state *out);
/* Looks at the files now, not at the next handshake.  A warning is logged once a day for a certificate that has less
 * than 'days' to live.  Any thread. */
void rpc_server_tls_check(struct rpc_server_tls *tls, unsigned int days);

int rpc_client_tls_open(struct rpc_client_tls **out, const struct rpc_tls_files *files, struct complaint *why);
void rpc_client_tls_close(struct rpc_client_tls *tls);		/* NULL is fine; after its channels */
void rpc_client_tls_state(struct rpc_client_tls *tls, struct certs_state *out);
void rpc_client_tls_check(struct rpc_client_tls *tls, unsigned int days);

#endif
