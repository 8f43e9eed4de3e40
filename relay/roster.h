/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The roster: who the peers are.  Named one by one, by a file, by a DNS name, or by an agent's Peer service.
 *
 *	roster_open(&roster, loop, peers, &options, &why);
 *
 * A file is looked at every two seconds: lines NAME=ADDRESS, '#' begins a comment.  A DNS name is resolved every 30 s
 * by a thread of its own; a failure keeps who was known.  A Peer service (peer.Peer/Notify) is asked again when it ends,
 * with back-off; who it no longer names is then let go.  Loop's thread only.
 */
#ifndef WEIR_RELAY_ROSTER_H
#define WEIR_RELAY_ROSTER_H

#include "lib/complaint.h"
#include "lib/opt.h"
#include "relay/peers.h"

struct roster_options {
	const struct opt_list *list;	/* "NAME=ADDRESS" */
	const char *file;		/* NULL: none, here and below */
	const char *dns;		/* "NAME:PORT" */
	const char *service;		/* an address */
	struct rpc_client_tls *tls;	/* for the service; borrowed */
	const char *service_name;	/* in its certificate; NULL: that of the address */
};

struct roster;

int roster_open(struct roster **out, struct rpc_loop *loop, struct peers *peers, const struct roster_options *options,
		struct complaint *why);
void roster_stop(struct roster *r);		/* with peers_stop(): calls are cancelled */
bool roster_busy(const struct roster *r);	/* a call has not ended yet */
void roster_close(struct roster *r);		/* NULL is fine; when it is not busy */

/* Whether all of it makes sense; nothing is opened. */
int roster_check(const struct roster_options *options, struct complaint *why);

/* "NAME=ADDRESS" taken apart; the address alone has no name ("").  -EINVAL and a complaint. */
struct roster_line {
	char name[PEER_TEXT], server[PEER_TEXT];
};
int roster_read(const char *text, struct roster_line *out, struct complaint *why);

#endif
