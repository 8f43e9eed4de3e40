/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sums per reason and per enum weir_stat, on this CPU. */
#ifndef WEIR_BPF_COUNTERS_H
#define WEIR_BPF_COUNTERS_H

#include "bpf/maps.h"

inline_fn void sum(__u32 what, __u64 packets, __u64 bytes)
{
	struct weir_sum *s = bpf_map_lookup_elem(&counters, &what);

	if (s) {
		s->packets += packets;
		s->bytes += bytes;
	}
}

/* Does a reason end a packet's way? */
inline_fn int reason_drops(__u32 reason)
{
	enum { PASS, DROP };
	switch (reason) {
#define X(name, fate, word, text) case WEIR_##name: return fate;
	WEIR_REASONS(X)
#undef X
	}
	return DROP;
}

#endif
