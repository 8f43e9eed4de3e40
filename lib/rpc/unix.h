/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A unix socket as a listener of a server: who may connect is asked of the kernel.
 *
 *	rpc_unix_listen(server, &(struct rpc_unix){ .path = "/run/weir/observer.sock", .mode = 0660, .group = gid }, &why);
 *
 * A path that a live server holds is not taken (a lock on PATH.lock tells), a dead one's is.  It is removed when the
 * server stops.  A caller must be root, of our own user or listed, or the mode must let its group or others write.
 */
#ifndef WEIR_LIB_RPC_UNIX_H
#define WEIR_LIB_RPC_UNIX_H

#include <sys/types.h>

#include "lib/rpc/server.h"

struct rpc_unix {
	const char *path;
	mode_t mode;			/* 0: 0600 */
	gid_t group;			/* of the socket; 0: ours */
	const uid_t *uids;		/* who else may; the mode must let them in, too */
	unsigned int n_uids;
};

/* -EADDRINUSE if a live server has it.  Before rpc_server_start(). */
int rpc_unix_listen(struct rpc_server *s, const struct rpc_unix *u, struct complaint *why);

#endif
