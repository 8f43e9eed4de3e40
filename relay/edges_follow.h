/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follows the Edges of every agent that is connected, and hands what they tell to relay/edges.h.
 *
 *	edges_follow(&follow, loop, peers, edges);
 *	edges_unfollow(follow);			after peers_stop(), once the loop has run empty
 */
#ifndef WEIR_RELAY_EDGES_FOLLOW_H
#define WEIR_RELAY_EDGES_FOLLOW_H

#include "lib/rpc/loop.h"
#include "relay/edges.h"
#include "relay/peers.h"

#define EDGES_INTERVAL_MS 5000

struct edges_follow;

int edges_follow(struct edges_follow **out, struct rpc_loop *loop, struct peers *peers, struct edges *edges);
/* Told when a node that has just been connected has told all it had summed up since 'since' (nanoseconds). */
typedef void (*edges_whole_fn)(void *ctx, const char *node, uint64_t since);
void edges_follow_whole(struct edges_follow *f, edges_whole_fn fn, void *ctx);

void edges_follow_stop(struct edges_follow *f);		/* no more timers; with peers_stop() */
void edges_unfollow(struct edges_follow *f);		/* NULL is fine */

#endif
