// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>

#include "agent/datapath_inside.h"
#include "agent/datapath_word.h"

__u64 datapath_word(const struct datapath *dp, const struct weir_addr *a)
{
	struct weir_prefix prefix = { .length = 128, .addr = *a };
	__u64 value;

	if (!bpf_map_lookup_elem(dp->map[MAP_ADDRESSES].fd, a, &value)) {
		if (value >> 32 != weir_addr_tag(a) || (__u32)value >= WEIR_SLOTS)
			return 0;
	} else if (bpf_map_lookup_elem(dp->map[MAP_PREFIXES].fd, &prefix, &value) || (__u32)value >= WEIR_SLOTS) {
		return 0;
	}
	return __atomic_load_n(&dp->view.word[(__u32)value], __ATOMIC_RELAXED);
}
