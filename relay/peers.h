/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers: the nodes' agents, whom the relay keeps a connection to.
 *
 *	peers_open(&peers, loop, &options);
 *	peers_put(peers, &(struct peer_at){ .name = "node-a", .server = "10.0.0.1:4244" });	relay/roster.h does
 *	peers_listen(peers, &me->listener);			told of every change of state
 *	for (p = peers_first(peers); p; p = p->next)
 *		printf("%s is %s\n", p->name, peer_state_word(p->state));
 *
 * Each is asked every few seconds how it is (ServerStatus) and what time it has (weir.v1.Agent/Mark); who does not
 * know Mark is another product's agent: foreign.  Who cannot be reached is tried again after 1 s, later up to 60 s,
 * with jitter.  Loop's thread only.
 */
#ifndef WEIR_RELAY_PEERS_H
#define WEIR_RELAY_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/rpc/client.h"
#include "lib/rpc/credentials.h"
#include "relay/merge.h"

#define PEERS_MOST	5000		/* more are refused, and this is said */
#define PEERS_POLL_MS	5000
#define PEERS_DEADLINE_MS 3000		/* who does not answer so long is unavailable */
#define PEER_TEXT	256

enum peer_state { PEER_CONNECTING, PEER_CONNECTED, PEER_UNAVAILABLE };

/* Read by all, written by relay/peers.c. */
struct peer {
	struct peer *next;		/* by name */
	char name[PEER_TEXT];		/* the node's; its address until it is known */
	char server[PEER_TEXT];		/* "10.0.0.1:4244", "unix:/run/weir/observer.sock" */
	char tls_name[PEER_TEXT];	/* that its certificate must hold; "": that of the address */
	bool tls;
	bool gone;			/* no longer a peer; held by somebody */
	bool foreign;
	enum peer_state state;
	char why[PEER_TEXT];		/* unavailable: in words */
	uint64_t since;			/* that it is in this state; CLOCK_REALTIME, nanoseconds */
	unsigned int connects;
	char version[64];

	bool clock_known;
	bool clock_off;			/* so far that its flows are put in order by our clock */
	int64_t clock_offset;		/* its clock less ours, nanoseconds */
	uint64_t round_trip;		/* of the measurement */

	uint64_t uptime, num_flows, max_flows, seen_flows;	/* of its ServerStatus */
	double flows_rate;

	struct merge_counts counts;	/* of what passed through */
	uint64_t lost;			/* events that it said to have lost */
	uint64_t garbage;		/* messages that made no sense */

	struct rpc_channel *channel;
	unsigned int holds;
	struct peer_inside *inside;
};

struct peers_options {
	struct rpc_client_tls *tls;	/* NULL: plaintext to all; borrowed */
	const char *tls_name;		/* in certificates, '%' being the node's name; NULL: the address */
};

struct peer_at {
	const char *name;		/* NULL: it will say */
	const char *server;
	const char *tls_name;		/* NULL: as the options say */
	bool plaintext;			/* it was announced without TLS */
};

struct peers;

int peers_open(struct peers **out, struct rpc_loop *loop, const struct peers_options *options);
void peers_stop(struct peers *peers);		/* every call is cancelled; then run the loop until none is left */
unsigned int peers_left(const struct peers *peers);	/* peers in memory, those that somebody holds included */
void peers_close(struct peers *peers);		/* NULL is fine */

/* Known by its address; an equal one stays as it is.  -ENOSPC past PEERS_MOST. */
int peers_put(struct peers *peers, const struct peer_at *at);
void peers_remove(struct peers *peers, const char *server);

struct peer *peers_first(struct peers *peers);
struct peer *peers_find(struct peers *peers, const char *name);	/* NULL: none */

/* A peer that is held outlives its removal; a call to it holds it. */
struct peer *peer_hold(struct peer *p);
void peer_drop(struct peer *p);
/* A call to it failed for want of a connection: it is looked at now. */
void peer_suspect(struct peer *p);

const char *peer_state_word(enum peer_state state);	/* "connected" */

/* Told of a change of state or name, and of its going (p->gone). */
struct peers_listener {
	struct peers_listener *next;	/* the peers' */
	void (*changed)(void *ctx, struct peer *p);
	void *ctx;
};
void peers_listen(struct peers *peers, struct peers_listener *l);
void peers_unlisten(struct peers *peers, struct peers_listener *l);

struct peers_counts {
	unsigned int peers, state[3];
	uint64_t refused;		/* past PEERS_MOST */
};
void peers_count(const struct peers *peers, struct peers_counts *out);

#endif
