/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may see the page.  On loopback everybody, unless more is asked for; elsewhere only by TLS, and who has a token or a
 * certificate.
 *
 *	access_check(&settings, &why);			at the start, before anything is opened
 *	access_open(&a, &settings, &why);
 *	if (access_of(a, ask) <= ACCESS_WAIT)
 *		refuse;
 *
 * A program sends 'Authorization: Bearer TOKEN' with each request; a browser signs in once and has a cookie then; who came
 * by a certificate needs neither.  The main thread's.
 */
#ifndef WEIR_RELAY_ACCESS_H
#define WEIR_RELAY_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/certs/certs.h"
#include "lib/complaint.h"

#define ACCESS_COOKIE 256		/* bytes of a Set-Cookie line */

struct access;
struct http_ask;
struct settings;

int access_check(const struct settings *s, struct complaint *why);	/* reads the files, too */
int access_open(struct access **out, const struct settings *s, struct complaint *why);
void access_close(struct access *a);		/* NULL is fine; after the page */
struct http_tls *access_tls(struct access *a);		/* NULL: plain text */
void access_port(struct access *a, unsigned int port);	/* cookies know hosts, not ports: it is in their name */

enum access_how {
	ACCESS_NONE,			/* it must show something */
	ACCESS_WAIT,			/* it was wrong too often */
	ACCESS_OPEN, ACCESS_CERTIFICATE, ACCESS_TOKEN, ACCESS_SESSION,
};
enum access_how access_of(struct access *a, const struct http_ask *ask);	/* a wrong token counts */
enum access_how access_still(struct access *a, const struct http_ask *ask);	/* of one that was let in */
unsigned int access_wait(struct access *a, const struct http_ask *ask);		/* seconds */
uint64_t access_left(struct access *a, const struct http_ask *ask);		/* of a session, milliseconds */

bool access_by_token(const struct access *a);	/* there is a form to sign in */
/* 'cookie' is a header line, with its end.  -EACCES: a wrong token; -EAGAIN: too many of them. */
int access_sign_in(struct access *a, const struct http_ask *ask, const char *token, char cookie[ACCESS_COOKIE]);
void access_sign_out(struct access *a, const struct http_ask *ask, char cookie[ACCESS_COOKIE]);

struct access_counts {
	uint64_t signed_in, wrong, waited, unknown, foreign;	/* foreign: asked by another site's page */
	uint64_t file_failures;
	unsigned int sessions;
};
void access_count(const struct access *a, struct access_counts *out);
void access_foreign(struct access *a);		/* one more */

#endif
