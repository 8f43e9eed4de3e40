/* SPDX-License-Identifier: Apache-2.0 */
/* What relay/flows.c (a client's stream) and relay/leg.c (one node's part in it) share; no one else. */
#ifndef WEIR_RELAY_FLOWS_INSIDE_H
#define WEIR_RELAY_FLOWS_INSIDE_H

#include "relay/ask.h"
#include "relay/flows.h"
#include "relay/merge.h"
#include "relay/notices.h"
#include "relay/queue.h"

struct flows {
	struct rpc_loop *loop;
	struct peers *peers;
	struct stream *streams;
	char name[24];			/* before the number of a stream: no two relays have the same */
	uint64_t numbers;
	struct flows_counts counts;
};

/* One node's stream for one client. */
struct leg {
	struct leg *next;
	struct stream *stream;
	struct peer *peer;		/* held */
	struct rpc_ask *ask;		/* NULL: not under way */
	struct merge_source *source;	/* likewise */
	unsigned int calls;		/* to the peer, that have not ended */
	uint64_t newest;		/* stamp of what came last */
	uint64_t began, heard;		/* mono, nanoseconds */
	unsigned int garbage;
	bool paused, cancelled;
	bool refused;			/* it does not understand what is asked */
	struct rpc_backoff backoff;	/* it ended while its node is there: asked again */
	uint64_t again;			/* when; mono, nanoseconds; 0: not at all */
	char why[512];			/* cancelled, or ended: why, if the client is to hear of it */
};

struct stream {
	struct stream *next;
	struct flows *flows;
	bool open;			/* else it goes when its last leg is gone */
	void (*wake)(void *ctx);	/* of who asked */
	void *ctx;
	struct rpc_loop *loop;
	char name[48];
	struct flows_ask ask;
	uint64_t start;			/* when it was asked; CLOCK_REALTIME, nanoseconds */
	struct merge *merge;
	struct leg *legs;
	struct notices notices;
	struct peers_listener listener;
	struct rpc_timer timer;		/* when the merge is to be asked again */
	struct rpc_timer pause;		/* until the next wake: messages are gathered */
	struct rpc_timer watch;		/* looks after those that have stopped to answer, or have ended */
	uint64_t woken;			/* mono, nanoseconds */
	bool begun;
	bool gathering;			/* the last N of what is past are still being found */
	bool flushing;			/* and now sent */
	bool past;			/* a follow: what has been before it began has not gone out yet */
	struct queue window;
	unsigned int window_flows;
	uint64_t sent, marks;		/* flows; marks asked for */
	uint64_t cut, dropped, told;	/* that are to be told as lost; told already */
	enum rpc_code code;		/* it failed: for the client */
	char text[512];
};

enum { MESSAGE_FLOW, MESSAGE_OTHER, MESSAGE_NOW };	/* kinds in the merge; NOW: what is past is past */

#define LEG_FOREIGN "another product's agent: it cannot select by policy or rule"

void stream_wake(struct stream *s, uint64_t mono);	/* something has come: soon, or at once if it has been quiet */
void stream_fail(struct stream *s, enum rpc_code code, const char *text);	/* the client's fault: every node says so */
void stream_settle(struct stream *s);	/* a leg has ended */
void stream_watch(struct stream *s);	/* one of them is to be begun again */

int leg_start(struct stream *s, struct peer *p);	/* one that had broken off goes on */
void leg_read(struct leg *leg);
void leg_mark(struct leg *leg);		/* ask it for a mark */
void leg_cancel(struct leg *leg, const char *why);	/* NULL: nobody is told */
struct leg *leg_of(struct stream *s, const struct peer *p);
bool legs_drop(struct stream *s);	/* those that are through; true: none is left */

#endif
