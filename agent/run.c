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

static enum weir_reason counted_reason(const struct weir_sum *before, const struct weir_sum *after)
{
	for (int r = 1; r < WEIR_REASON_COUNT; r++)
		if (after[r].packets != before[r].packets)
			return r;
	return WEIR_UNDECIDED;
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
	struct weir_sum before[WEIR_COUNTERS], after[WEIR_COUNTERS];
	struct flows_mark mark;
	int err;

	run->recorded = false;
	run->reason = WEIR_UNDECIDED;
	rings_mark(dp, &mark);
	err = datapath_counters(dp, before) ?: test_run(dp, run) ?: datapath_counters(dp, after);
	if (err)
		return err;
	run->recorded = rings_newest(dp, &mark, &run->record);
	run->reason = counted_reason(before, after);
	return 0;
}
