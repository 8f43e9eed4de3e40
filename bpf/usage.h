/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who pays for a slot: its opener's endpoint, or the receiver's if the opener is no pod of this node.  Both follow
 * from the slot's gate and tag, which keep them for the slot's life, so whoever retires a slot can give it back.
 */
#ifndef WEIR_BPF_USAGE_H
#define WEIR_BPF_USAGE_H

#include "bpf/counters.h"

inline_fn int number_is_pod(__u32 number)
{
	return number - 1 < WEIR_ENDPOINT_NODE - 1;
}

inline_fn __u32 payer_of(__u64 gate, __u64 tag)
{
	__u32 a = WEIR_GATE_EP(gate, 0), b = WEIR_GATE_EP(gate, 1);
	__u32 opener = tag & WEIR_TAG_OPENER ? b : a;

	return number_is_pod(opener) ? opener : tag & WEIR_TAG_OPENER ? a : b;
}

inline_fn int half_open(__u64 tag)
{
	return WEIR_TAG_PHASE(tag) - WEIR_OPENED < 2;
}

/* Both numbers in one addition; exact, as neither is ever below zero. */
inline_fn void usage_add(__u32 payer, __s64 slots, __s64 half)
{
	__u64 *u = bpf_map_lookup_elem(&usage, &payer);

	if (u)
		__sync_fetch_and_add(u, slots + half * (1LL << 32));
}

/* A quota as large as the table is none: who alone fills it is not over it. */
inline_fn int exceeds(__u32 used, __u32 quota)
{
	return used >= quota && quota < (control.bucket_mask + 1) * WEIR_WAYS;
}
/* Which quota a new flow would exceed: 0, WEIR_QUOTA or WEIR_QUOTA_HALF.  Two CPUs may both take the last one: a pod may
 * exceed its quota by as many flows as there are CPUs. */
inline_fn __u32 usage_over(__u32 payer)
{
	const struct weir_endpoint *ep = bpf_map_lookup_elem(&endpoints, &payer);
	__u64 *u = bpf_map_lookup_elem(&usage, &payer), used;

	if (!u || !ep || !number_is_pod(payer))
		return 0;
	used = ONCE(*u);
	if (exceeds(used, ep->quota ?: control.quota))
		return WEIR_QUOTA;
	return exceeds(used >> 32, ep->quota_half ?: control.quota_half) ? WEIR_QUOTA_HALF : 0;
}

/* What a stranger's reply opens in a pod's name may fill a quarter of its half-open quota: the rest is for what it opens. */
inline_fn int usage_crowded(__u32 payer)
{
	const struct weir_endpoint *ep = bpf_map_lookup_elem(&endpoints, &payer);
	__u64 *u = bpf_map_lookup_elem(&usage, &payer);

	return u && ep && number_is_pod(payer) && exceeds(ONCE(*u) >> 32 << 2, ep->quota_half ?: control.quota_half);
}

#endif
