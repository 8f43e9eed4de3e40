/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection made by hand, to learn what is wrong with it.  Blocking, on a thread of its own, never longer than
 * its time; only lib/rpc/reason.c uses it, and tests.
 *
 *	struct dial d = { .server = "relay:4245", .until = rpc_now_ms() + 3000, .abort = -1 };
 *	dial_try(&d, why, sizeof(why));		'why' is "" if the server answers as a gRPC server does
 */
#ifndef WEIR_LIB_RPC_DIAL_H
#define WEIR_LIB_RPC_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/rpc/tls.h"

struct dial {
	const char *server;	/* "unix:PATH", "HOST:PORT" */
	const char *name;	/* in the certificate; NULL: the host */
	bool tls, insecure;
	struct pems pems;
	uint64_t until;		/* rpc_now_ms() */
	int abort;		/* a descriptor; once readable, gives up */
};

void dial_try(const struct dial *d, char *why, size_t size);

#endif
