/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who comes in by gRPC's own listeners.  gRPC 1.51 has no limit on connections, no word when one comes, and gives a
 * listener up for good when descriptors run out for a moment.  Its call of accept4() finds ours, as the rules of linking
 * have it (the program's definition before the C library's, statically and dynamically).  For every other caller ours
 * is the system call and nothing more.
 *
 *	accept_watch(port, on_accept, me);	false: the connection is closed, gRPC does not see it
 *	accept_unwatch(me);			on_accept() is not under way any more when this returns
 *
 * Only lib/rpc includes this.
 */
#ifndef WEIR_LIB_RPC_ACCEPT_H
#define WEIR_LIB_RPC_ACCEPT_H

#include <stdbool.h>

/* 'fd' stays gRPC's; -1: one was turned away since there is no descriptor.  On whatever thread accepts. */
typedef bool (*accept_fn)(void *ctx, int fd);

int accept_watch(unsigned int port, accept_fn fn, void *ctx);	/* -ENOSPC past 8 */
void accept_unwatch(void *ctx);
int accept_watched(void);			/* listeners that are watched now, for tests */

#endif
