// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The entry points.  The section's plain name is what libbpf 1.1 loads for tcx links and for clsact alike. */
#include "bpf/maps.h"

SEC("tc") int from_pod(struct __sk_buff *skb)
{
	return control.observe_only ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

SEC("tc") int to_pod(struct __sk_buff *skb)
{
	return control.observe_only ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

SEC("tc") int expire(struct __sk_buff *skb)
{
	return 0;
}

/* The clock that programs see, for whoever reads ticks and seconds in the tables. */
SEC("tc") int clock(struct __sk_buff *skb)
{
	return (__u32)bpf_jiffies64() + control.later;
}

char licence[] SEC("license") = "Dual BSD/GPL";
