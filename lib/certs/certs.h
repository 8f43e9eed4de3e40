/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate, key and authority in files, and what was last taken from them.
 *
 *	certs_open(&c, &(struct certs_files){ .cert = "tls.crt", .key = "tls.key" }, &why);
 *	if (certs_version(c) != mine)			looks at the files: a few stat() calls
 *		certs_copy(c, &pems, &mine);		lib/certs/pems.h
 *
 * Files that changed are read anew, certificate and key as a pair; a pair that does not fit is not taken: the old one
 * stays, and this is logged and counted.  Any thread.
 */
#ifndef WEIR_LIB_CERTS_CERTS_H
#define WEIR_LIB_CERTS_CERTS_H

#include <stdint.h>

#include "lib/complaint.h"

struct certs;

/* PEM; paths are copied.  Any of them may be missing, but of certificate and key only both. */
struct certs_files {
	const char *ca;		/* who signs the other side */
	const char *cert, *key;	/* our own */
};

/* Times are seconds since 1970. */
struct certs_state {
	int64_t expires;	/* our certificate; 0 if there is none */
	int64_t ca_expires;	/* the earliest of the authorities' */
	uint64_t reloads;	/* pairs taken after the first */
	uint64_t failures;	/* changes that were not taken */
	char subject[256];	/* our certificate's */
	char failure[256];	/* why the newest files are not in use; "" if they are */
};

int certs_open(struct certs **out, const struct certs_files *files, struct complaint *why);
void certs_close(struct certs *c);		/* NULL is fine */

uint64_t certs_version(struct certs *c);	/* looks at the files; moves when what is in use does */
void certs_state(struct certs *c, struct certs_state *out);

/* Looks at the files.  A warning is logged once a day for a certificate that has less than 'days' to live. */
void certs_check(struct certs *c, unsigned int days);

#endif
