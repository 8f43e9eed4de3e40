/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the bench's own programs and user space share. */
#ifndef WEIR_BENCH_WRAP_H
#define WEIR_BENCH_WRAP_H

#include <linux/types.h>

/* 'peer' sends what came in by 'in' out of 'out', where a pod with this MAC lives. */
struct wrap_peer {
	__u32 in, out;
	__u8 mac[6], gateway[6];
};

#endif
