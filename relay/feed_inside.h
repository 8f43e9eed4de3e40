/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What relay/feed.c (streams onto tapes, on gRPC's thread) and relay/feed_read.c (readers, on the main one) share; no one else.
 *
 * A reader is made on the main thread, goes to the other by the inbox, and when it leaves goes there again, to be freed.  What
 * both touch is under the one lock.
 */
#ifndef WEIR_RELAY_FEED_INSIDE_H
#define WEIR_RELAY_FEED_INSIDE_H

#include <pthread.h>
#include <stdbool.h>

#include "relay/feed.h"
#include "relay/flows.h"
#include "relay/sse.h"
#include "relay/tape.h"

struct feed_ask {
	uint8_t *request;		/* as it was asked */
	size_t size;
	uint8_t *shared;		/* the same for all who follow the like; NULL: it cannot be shared */
	size_t shared_size;
	uint64_t last;			/* flows of the past */
	bool follow;
};

struct feed_reader {
	struct feed_reader *all;	/* main thread: of these feeds */
	struct feed_reader *next;	/* gRPC's thread: of its feed */
	struct feed_reader *in;		/* lock: of the inbox */
	struct feeds *feeds;
	struct feed_ask ask;
	void *ctx;
	bool inbox, left;		/* lock */

	/* under the lock */
	struct feed *feed;		/* NULL: none yet */
	bool joined, over;		/* 'at' is on its tape; has read the last event */
	struct tape_at at;
	uint64_t began;			/* where the present begins: of nodes it was told what is older */
	char *rest;			/* goes before what is on the tape */
	size_t rest_size, rest_taken;
};

struct feed {
	struct feed *next;
	struct feeds *feeds;
	struct stream *stream;		/* NULL: ended */
	uint8_t *question;		/* shared by who asks the same; NULL: one reader's own */
	size_t size;
	struct feed_reader *readers;
	bool ready;			/* the past is on the tape */
	uint64_t past;			/* flows of it */
	bool patient;			/* what is about the past waits for its reader */
	bool passing;			/* nobody is near enough to read what comes: it is only counted */
	bool fast;			/* many came of late */
	uint64_t seen, looked;		/* messages since then; ms */
	struct rpc_bell bell;		/* pump */
	struct rpc_timer timer;		/* patience, or grace */
	uint64_t idle;			/* ms, since when nobody reads */

	/* under the lock */
	struct tape *tape;
	uint64_t lead;			/* where the foremost reader is */
	bool waits;			/* to be told when there is room */
};

struct feeds {
	struct feeds_options options;
	struct feed *feed;		/* gRPC's thread */
	struct sse sse;			/* gRPC's thread */
	bool stopped;			/* gRPC's thread */
	struct rpc_timer again;		/* the main thread could not be told */
	struct rpc_timer trim;		/* what a feed took is given back */

	struct feed_reader *readers;	/* main thread */
	struct sse words;		/* main thread */

	pthread_mutex_t lock;
	struct feed_reader *inbox, **inbox_end;
	struct rpc_bell bell;
	bool told;			/* main thread's news are on their way */
	struct packs *packs;		/* of all tapes */
	size_t taped;			/* bytes of all tapes */
	struct feeds_counts counts;
};

void feeds_tell(struct feeds *f);	/* gRPC's thread: there are news */
void feed_send(struct feed_reader *r);	/* under the lock: into the inbox */
void feed_reader_free(struct feed_reader *r);

#endif
