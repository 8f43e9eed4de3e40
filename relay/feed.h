/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds: streams of flows as server-sent events, one for all who follow the same question.
 *
 *	feeds_open(&feeds, &(struct feeds_options){ .rpc = rpc, .loop = loop, .flows = flows, .news = on_news });
 *	r = feed_ask(feeds, request, me);		main thread; NULL: no memory
 *	while ((n = feed_read(r, buf, size)) > 0)	0: nothing now, on_news(me) says when; FEED_END: no more will come
 *		send(buf, n);
 *	feed_leave(r);
 *	...
 *	feeds_stop(feeds);				gRPC's thread: its streams end
 *	feeds_close(feeds);				that thread is gone, all have left
 *
 * Who asks for the last N and all that follows, and for nothing that only others need not see, is a cursor on the tape
 * (relay/tape.h) of a feed that begins with the first who asks so and ends FEED_GRACE_MS after the last has left.  A feed reads on
 * whatever its readers do: who is too slow is told exactly how many flows it missed.  Who joins is told first which nodes
 * are there.  Whom no tape can answer (it ends by itself, begins at a time, or wants more of the past than is kept) has a feed of its own,
 * which waits for its reader a while.
 */
#ifndef WEIR_RELAY_FEED_H
#define WEIR_RELAY_FEED_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/loop.h"
#include "lib/rpc/loop.h"

#define FEED_LAST	300		/* flows of the past that a shared feed begins with: what relay/ui/table.js asks for */
#define FEED_KEEP	450		/* and that it keeps, so that who joins is not lapped before it has begun to read */
#define FEED_BLOCK	(16U << 10)	/* bytes of text that are packed together */
#define FEED_KEPT	3		/* blocks that are kept as they were, too: what is new is read by many */
#define FEED_TAPE	(1U << 20)	/* bytes of memory that it takes at most; 100 KiB are usual */
#define FEED_TAPES	(8U << 20)	/* that all take; who comes then has what one block takes */
#define FEED_OWN	(128U << 10)	/* that one reader's own takes */
#define FEED_AHEAD	(32U << 10)	/* bytes that wait for it; then its stream pauses */
#define FEED_PATIENCE_MS 10000		/* with who does not read what has been; then it passes by and is counted */
#define FEED_LIVE_MS	100		/* with who does not read what is */
#define FEED_GRACE_MS	3000
#define FEED_IDLE	2		/* feeds without readers that are kept that long */

#define FEED_END	(-1000)

typedef struct Observer__GetFlowsRequest Observer__GetFlowsRequest;

struct flows;
struct feeds;
struct feed_reader;

struct feeds_options {
	struct rpc_loop *rpc;		/* none of these is ours */
	struct loop *loop;
	struct flows *flows;
	void (*news)(void *reader_ctx);	/* main thread */
};

int feeds_open(struct feeds **out, const struct feeds_options *options);
void feeds_stop(struct feeds *f);
void feeds_close(struct feeds *f);	/* NULL is fine */

/* The main thread's. */
struct feed_reader *feed_ask(struct feeds *f, const Observer__GetFlowsRequest *request, void *ctx);
ssize_t feed_read(struct feed_reader *r, char *buf, size_t size);
void feed_leave(struct feed_reader *r);	/* it is gone */

struct feeds_counts {
	unsigned int feeds, readers;
	uint64_t missed;		/* flows that readers were told to have missed */
};
void feeds_count(struct feeds *f, struct feeds_counts *out);

#endif
