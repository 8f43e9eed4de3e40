/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of flows: one client's cursor in the history.
 *
 *	err = stream_new(&s, &source, call, ask, &why);		-EINVAL: 'why' begins with the field's name
 *	what = stream_next(s, out);				in rpc_method.next
 *	stream_free(s);						in rpc_method.closed
 *
 * Where it begins: 'since' if given; the oldest with 'first'; now with 'follow' alone; else back from the newest until
 * 'number' flows that pass have been found.  Where it ends: at 'number' flows, at the first one later than 'until',
 * and, unless it follows, at what was the newest when it was asked for.  A follower with a number never ends.
 *
 * What is lost is told in its place: by the kernel's rings as it was noticed, by the history under this cursor as one
 * event a second.  One call looks at no more than STREAM_SCAN records.  The gRPC thread's.
 */
#ifndef WEIR_AGENT_STREAM_H
#define WEIR_AGENT_STREAM_H

#include "agent/flow_view.h"
#include "agent/hints.h"
#include "agent/losses.h"
#include "agent/quiet.h"
#include "agent/reader.h"
#include "lib/complaint.h"
#include "lib/rpc/server.h"
#include "proto/observer/observer.pb-c.h"

#define STREAM_SCAN 1024
#define STREAM_NAME 64			/* bytes of FlowsOptions.stream */

struct stream;

struct stream_source {			/* none of them ours */
	const struct records *records;
	const struct flow_views *views;
	struct losses *losses;
	struct quiet *quiet;
	struct reader *reader;
	struct hints *hints;
	struct rpc_loop *rpc;
};

int stream_new(struct stream **out, const struct stream_source *from, struct rpc_call *call,
	       const Observer__GetFlowsRequest *ask, struct complaint *why);
void stream_free(struct stream *s);	/* NULL is fine */

enum rpc_next stream_next(struct stream *s, struct rpc_out *out);

void stream_hinted(struct stream *s);	/* a hint has come: was it waiting for one? */

/* Marks: behind record number 'before' a response that holds 'time' alone.  A newer one takes an older one's place. */
bool stream_wants_marks(const struct stream *s, const char *name);
void stream_mark(struct stream *s, uint64_t before, uint64_t time);

#endif
