/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS for an HTTP server, from files.  TLS 1.3 only, nothing is resumed: who comes again is looked at again.
 *
 *	http_tls_open(&tls, &(struct http_tls_options){ .files = { .cert = "tls.crt", .key = "tls.key" } }, &why);
 *	http_open(&server, loop, &(struct http_options){ .tls = tls });
 *	http_close(server);
 *	http_tls_close(tls);
 *
 * With an authority in the files clients may show a certificate of it, or must; http_certified() says who did.  Files are
 * looked at before each handshake (lib/certs/certs.h).  Who came by a certificate is cut when it runs out, or when the
 * authorities are others.  The program ignores SIGPIPE.  One thread, the server's; state and check: any.
 */
#ifndef WEIR_LIB_HTTP_TLS_H
#define WEIR_LIB_HTTP_TLS_H

#include <stdbool.h>

#include "lib/certs/certs.h"

struct http_tls;

struct http_tls_options {
	struct certs_files files;
	bool must;			/* a client without a certificate does not come in */
};

int http_tls_open(struct http_tls **out, const struct http_tls_options *options, struct complaint *why);
void http_tls_close(struct http_tls *t);		/* NULL is fine; after its servers */

void http_tls_state(struct http_tls *t, struct certs_state *out);
void http_tls_check(struct http_tls *t, unsigned int days);

/* Whether our certificate holds this DNS name. */
bool http_tls_named(const struct http_tls *t, const char *name);

#endif
