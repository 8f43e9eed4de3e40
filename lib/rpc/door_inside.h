/* SPDX-License-Identifier: Apache-2.0 */
/* What lib/rpc/door.c (the loop's thread: guests, opening, closing) and lib/rpc/door_in.c (the door's own thread: who comes
 * in) share; no one else. */
#ifndef WEIR_LIB_RPC_DOOR_INSIDE_H
#define WEIR_LIB_RPC_DOOR_INSIDE_H

#include <pthread.h>

#include "lib/rpc/door.h"
#include "lib/rpc/door_watch.h"

#define WAITING_MOST 64		/* connections that have made no call yet; more wait in the kernel's line */
#define LISTENERS 8

struct listener {
	int fd;
	struct door_rules rules;
};

struct door {
	struct rpc_loop *loop;
	grpc_server *core;
	grpc_server_credentials *plain;
	unsigned int max, unused_ms;
	struct listener listeners[LISTENERS];
	unsigned int n_listeners;
	int epoll, end;
	pthread_t thread;
	bool running;
	atomic_bool shut;
	/* The core's number of a connection is its name for it, so a number is not given again soon: a call that is
	 * late must not be taken for its successor's. */
	int first_number, number, last_number;
	struct watch watch;
	struct rpc_bell full_bell;	/* the line is full */
	struct rpc_timer sweep;		/* set while there are guests without a call */
	uint64_t sweep_due;
	struct rpc_timer trim;
	unsigned int trims;		/* how many times more */
	bool paused;			/* the listeners are not looked at; the door's thread only */
	atomic_uint live, waiting;
	_Atomic uint64_t came, refused, cut;
	pthread_mutex_t lock;		/* of the list */
	struct door_guest *guests;
	struct door_guest **by_number;	/* the loop's thread only */
};

/* The line of those that have made no call yet. */
static inline bool door_is_full(const struct door *d)
{
	return atomic_load(&d->waiting) >= WAITING_MOST;
}

/* door.c, by bells: a guest has come, it has left */
void door_on_arrive(void *guest);
void door_on_leave(void *guest);

/* door_in.c: the door's thread, until 'end' is written to and the door is not shut */
void *door_keep(void *door);

#endif
