/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates in memory, read from files and checked to belong together.
 *
 *	err = pems_load(&p, &files, &why);
 *	pems_free(&p);
 *
 * lib/certs/certs.h follows files as they change; only who hands certificates to a TLS library needs this one.
 */
#ifndef WEIR_LIB_CERTS_PEMS_H
#define WEIR_LIB_CERTS_PEMS_H

#include "lib/certs/certs.h"

struct pems {
	char *ca, *cert, *key;		/* NULL: none */
	int64_t expires, ca_expires;
	char subject[256];
	uint64_t stamp;			/* of the files that they were read from: which ones, when changed */
};

int pems_load(struct pems *to, const struct certs_files *files, struct complaint *why);
void pems_free(struct pems *p);
uint64_t pems_stamp(const struct certs_files *files);
int pems_copy(struct pems *to, const struct pems *from);
int64_t certificate_time(const void *asn1_time);	/* an ASN1_TIME, seconds since 1970 */

/* What is in use, a copy, and its version.  Does not look at the files. */
int certs_copy(struct certs *c, struct pems *to, uint64_t *version);

#endif
