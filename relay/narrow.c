// SPDX-License-Identifier: Apache-2.0
#include "relay/narrow.h"

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

bool narrow(struct past_edge *e, const struct select *only)
{
	struct select_edge key = { { e->source.ns, e->source.workload, e->source.kind },
				   { e->destination.ns, e->destination.workload, e->destination.kind }, e->port, e->proto };
	uint64_t *sum = e->sum, audited = least(sum[PAST_WOULD_DENY], sum[PAST_OPENED]), any = 0;
	bool would = sum[PAST_WOULD_DENY] && select_edge_pass(only, &key, FLOW_AUDIT);

	if ((sum[PAST_DENIED] || sum[PAST_DROPPED]) && !select_edge_pass(only, &key, FLOW_DROPPED))
		sum[PAST_DENIED] = sum[PAST_DROPPED] = 0;
	if (!would)
		sum[PAST_WOULD_DENY] = 0;
	if (!select_edge_pass(only, &key, FLOW_FORWARDED)) {
		sum[PAST_BYTES] = sum[PAST_REPLY_BYTES] = sum[PAST_HANDSHAKES] = sum[PAST_HANDSHAKE_US] = 0;
		sum[PAST_OPENED] = audited;
	}
	if (!would)
		sum[PAST_OPENED] -= least(audited, sum[PAST_OPENED]);
	for (unsigned int i = 0; i < PAST_SUMS; i++)
		any |= sum[i];
	return any;
}
