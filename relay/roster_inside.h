/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the roster share; no one else. */
#ifndef WEIR_RELAY_ROSTER_INSIDE_H
#define WEIR_RELAY_ROSTER_INSIDE_H

#include <sys/stat.h>

#include "relay/roster.h"

/* The addresses that one source names; who is no longer among them is let go. */
struct named {
	char (*server)[PEER_TEXT];
	unsigned int n, room;
};

struct roster {
	struct rpc_loop *loop;
	struct peers *peers;
	struct roster_options options;
	bool stopped;

	struct rpc_timer file_timer;
	struct stat file_was;
	struct named from_file;

	struct rpc_timer dns_timer;
	struct resolving *resolving;	/* under way; NULL: none */
	struct named from_dns;

	struct rpc_channel *channel;	/* of the Peer service */
	struct rpc_ask *notify;
	struct rpc_backoff backoff;
	struct rpc_timer service_timer;	/* to ask it again */
	struct rpc_timer settled;	/* what it has not named by then is gone */
	struct named from_service, anew;
};

bool named_has(const struct named *n, const char *server);
int named_add(struct named *n, const char *server);
void named_remove(struct named *n, const char *server);
void named_free(struct named *n);
/* 'new' takes the place of 'old': who is not in it leaves the peers. */
void named_replace(struct roster *r, struct named *old, struct named *new);

int roster_file_open(struct roster *r, struct complaint *why);
int roster_file_read(struct roster *r, struct complaint *why);
int roster_dns_open(struct roster *r, struct complaint *why);
void roster_dns_close(struct roster *r);
int roster_service_open(struct roster *r, struct complaint *why);

#endif
