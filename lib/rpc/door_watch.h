/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who floods us.  gRPC reads a connection for as long as something is there to be read, and keeps 13 kB for every call
 * that was opened, also of those that were reset at once: its thread does not come back to us meanwhile.
 * So the door looks every WATCH_MS: if what a guest has sent goes on being read while the loop does not answer its bell,
 * WATCH_STRIKES times over, the guest is cut.
 *
 *	watch_open(&w, loop);
 *	watch_begin(&w, guest);		it has sent something
 *	timeout = watch_ms(&w);		when to look, for epoll_wait(); -1: nobody is watched
 *	watch_look(&w, on_quiet, ctx);	those with nothing unread are let go, and told of
 *	watch_end(&w, guest);
 *
 * On the door's thread only.  Only lib/rpc includes this.
 */
#ifndef WEIR_LIB_RPC_DOOR_WATCH_H
#define WEIR_LIB_RPC_DOOR_WATCH_H

#include "lib/rpc/door.h"

#define WATCH_MS 5
#define WATCH_STRIKES 5

struct watch {
	struct rpc_loop *loop;
	struct door_guest *guests;
	struct rpc_bell bell;
	atomic_bool asked;		/* the bell is rung and not answered */
	atomic_uint epoch;		/* moves when it is answered */
	uint64_t next;			/* when to look, milliseconds */
};

void watch_open(struct watch *w, struct rpc_loop *loop);
void watch_close(struct watch *w);		/* on the loop's thread, when the door's has ended */
void watch_begin(struct watch *w, struct door_guest *g);
void watch_end(struct watch *w, struct door_guest *g);
int watch_ms(const struct watch *w);
void watch_look(struct watch *w, void (*quiet)(struct door_guest *g, void *ctx), void *ctx);

#endif
