// SPDX-License-Identifier: Apache-2.0
/* One frame through the real program, and what it said: the ring's newest record, else the counter that moved. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "agent/datapath_inside.h"
#include "agent/flows.h"

#define TC_NEXT		-1	/* TC_ACT_UNSPEC: what passes */
#define TC_OK		0
#define TC_SHOT		2
#define TC_REDIRECT	7

/*
 * Reading the counters of all CPUs takes 35 us, a frame 2.  So it is known what they should be: where nobody else's
 * packets run, each frame adds to one, and a record says to which.
 */
static enum weir_reason counted_reason(struct datapath *dp, bool pass)
{
	struct weir_sum now[WEIR_COUNTERS];
	enum weir_reason found = pass ? WEIR_KNOWN : WEIR_UNDECIDED;	/* uncounted: its sender's hook counts its flow */

	if (datapath_counters(dp, now))
		return WEIR_UNDECIDED;
	for (int r = 1; r < WEIR_REASON_COUNT; r++) {
		if (now[r].packets != dp->counted[r])
			found = r;
		dp->counted[r] = now[r].packets;
	}
	return found;
}

/* The first frame, and each where others' packets run, too. */
static int count_before(struct datapath *dp)
{
	struct weir_sum now[WEIR_COUNTERS];
	int err;

	if (dp->counting && datapath_private(dp))
		return 0;
	err = datapath_counters(dp, now);
	for (int r = 0; r < WEIR_REASON_COUNT && !err; r++)
		dp->counted[r] = now[r].packets;
	dp->counting = !err;
	return err;
}

static int test_run(struct datapath *dp, struct datapath_run *run)
{
	struct __sk_buff skb = { .ifindex = run->ifindex, .ingress_ifindex = run->ingress_ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = run->frame, .data_size_in = run->size, .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb), .repeat = 1);

	if (bpf_prog_test_run_opts(datapath_prog_fd(dp, run->to_pod), &o))
		return -errno;
	run->pass = (int)o.retval == TC_NEXT || o.retval == TC_OK || o.retval == TC_REDIRECT;
	run->redirected = o.retval == TC_REDIRECT;
	return 0;
}

int datapath_run(struct datapath *dp, struct datapath_run *run)
{
	struct flows_mark mark;
	int err;

	run->recorded = false;
	run->reason = WEIR_UNDECIDED;
	rings_mark(dp, &mark);
	err = count_before(dp) ?: test_run(dp, run);
	if (err)
		return err;
	run->recorded = rings_newest(dp, &mark, &run->record);
	if (run->recorded && run->record.kind != WEIR_REC_AGAIN) {
		run->reason = run->record.reason;
		dp->counted[run->reason & 63] += run->record.packets;
	} else {
		run->reason = counted_reason(dp, run->pass);
	}
	return 0;
}
