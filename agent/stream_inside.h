/* SPDX-License-Identifier: Apache-2.0 */
/* What a stream is: stream_ask.c makes it of a request, stream.c moves it along. */
#ifndef WEIR_AGENT_STREAM_INSIDE_H
#define WEIR_AGENT_STREAM_INSIDE_H

#include "agent/stream.h"
#include "lib/filter/filter.h"
#include "lib/wire/mask.h"

#define NS_PER_S 1000000000ULL

enum stream_wait { WAIT_NOT, WAITING, WAIT_OVER };

struct stream {
	struct stream_source from;
	struct rpc_call *call;		/* not ours */
	struct filters *filters;	/* NULL: all */
	struct wire_mask *mask;		/* NULL: all */
	char name[STREAM_NAME + 1];
	bool marks;			/* it is sent marks */
	bool detail;			/* it is sent weir.v1.FlowDetail */
	bool wants_hints;		/* the mask lets them through */
	bool by_policy;			/* its filters ask who isolates a pod */

	uint64_t at;			/* the record it looks at next */
	uint64_t start;			/* where it began: losses before that are not its own */
	uint64_t end;			/* one past the last; UINT64_MAX: none */
	uint64_t left;			/* flows it may yet send; 0: any number */
	uint64_t since, until;		/* nanoseconds of CLOCK_REALTIME; 0 and UINT64_MAX: any */

	bool seeking;			/* the beginning is still looked for: */
	uint64_t back, to_find;		/* all from here on has been looked at; flows to be found yet */

	uint64_t losses;		/* cursor of losses_next() */
	struct loss loss;		/* the next one to be told */
	bool has_loss;
	uint64_t missed, missed_first, missed_last, missed_told;	/* overwritten under the cursor; when */

	uint64_t mark_time, mark_before;	/* 0: none is to be said */

	uint64_t slice_end;		/* of this call: nanoseconds of CLOCK_MONOTONIC */
	enum stream_wait wait;		/* for a hint */
	struct rpc_timer timer;
	uint64_t born_ms, wait_began, waited_ms;
};

uint64_t stream_clock(void);		/* nanoseconds of CLOCK_REALTIME */

#endif
