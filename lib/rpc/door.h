/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door: listeners of our own for plaintext (unix sockets, loopback).  A thread accepts, asks who it is,
 * counts, and hands the socket to gRPC.  It keeps a duplicate, by which it learns that a connection ended and can end
 * it: gRPC itself has neither a limit on connections nor a way to cut one.  Who comes by gRPC's own listeners (TLS) is
 * counted and watched likewise (accept.h), and a quarter of the room is the most that one address gets of it.
 *
 *	door_open(&d, loop, core, max, unused_ms);
 *	door_add(d, listening_fd, rules);		takes the descriptor
 *	guest = door_guest(d, "fd:17");			whose call it is, by gRPC's name for the peer
 *	door_cut(guest);
 *
 * Only the thread of the loop calls these; only lib/rpc includes this.
 */
#ifndef WEIR_LIB_RPC_DOOR_H
#define WEIR_LIB_RPC_DOOR_H

#include <grpc/grpc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/rpc/server.h"

#define DOOR_RECEIVE_BUFFER 16384	/* what a flood has in flight when it is cut is bounded by this; requests are small */

struct door;

struct door_guest {
	struct rpc_peer peer;
	struct door *door;
	struct door_guest *prev, *next;
	int fd;				/* our duplicate; gRPC's own number is 'theirs' */
	int theirs;			/* -1: gRPC accepted it */
	unsigned int holds;		/* calls, and the open connection */
	unsigned int resets;		/* a bucket that leaks: calls given up soon after they began */
	uint64_t leaked;		/* when, milliseconds */
	uint64_t born;			/* milliseconds */
	uint64_t silent;		/* since the look at which it was first; 0: it is not */
	bool called;			/* it has made a call: the loop's thread only */
	atomic_bool cut;
	atomic_bool proven;		/* a call of it came to its end */
	struct rpc_bell arrive, leave;
	/* door_watch.c, the door's thread only */
	struct door_guest *watched_next;
	bool watched;
	uint64_t head;			/* of what it has sent and gRPC has not read */
	unsigned int strikes, epoch;
};

/* Who may come in by a listener. */
struct door_rules {
	bool unix_peer;
	mode_t mode;
	gid_t group;
	uid_t *uids;			/* the door's to free */
	unsigned int n_uids;
	char *path, *lock_path;		/* of a unix socket, unlinked when closed; the door's to free */
	int lock;			/* the descriptor that holds the lock; -1 if none */
};

/* At most 'max' connections; of plaintext ones those without a call for 'unused_ms' are cut. */
int door_open(struct door **out, struct rpc_loop *loop, grpc_server *core, unsigned int max, unsigned int unused_ms);
/* Takes the descriptor and what the rules hold, also on failure. */
int door_add(struct door *d, int fd, const struct door_rules *rules);
int door_watch_port(struct door *d, unsigned int port);	/* of a listener of gRPC's: counted, limited and watched, too */
int door_begin(struct door *d);		/* lets in: once gRPC's server has started */
void door_shut(struct door *d);		/* no listeners any more; guests stay */
void door_close(struct door *d);	/* NULL is fine; the loop is still there, gRPC's server is gone */

/* A call of it has begun: holds the guest.  NULL if it is none of ours. */
struct door_guest *door_guest(struct door *d, const char *peer);
void door_let_go(struct door_guest *g);
void door_cut(struct door_guest *g);		/* any thread; its connection ends */
/* A call was given up by the client right after it began: who does so too often is cut. */
void door_reset(struct door_guest *g);
void door_stats(const struct door *d, struct rpc_server_stats *out);

#endif
