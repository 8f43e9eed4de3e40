/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What every contract stands on: sizes that are asserted, the ABI number, addresses. */
#ifndef WEIR_BASE_H
#define WEIR_BASE_H

#include <linux/types.h>

/* Raised when the layout or the meaning of anything pinned changes: maps, records, links.  Pins live in
 * a directory of this number, so an old agent and a new one never mistake each other's maps. */
#define WEIR_ABI 1

#define WEIR_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " is not " #bytes " bytes")

/* An address is 16 bytes in network order, IPv4 as ::ffff:a.b.c.d: past the header readers nobody asks for
 * the family.  'w' are its two halves as they lie in memory, for comparing and hashing only. */
struct weir_addr {
	union {
		__u8 byte[16];
		__u64 w[2];
	};
};
WEIR_SIZE(struct weir_addr, 16);

/* A prefix as the kernel's longest-prefix map wants it; 'length' counts all 128 bits, so an IPv4 /24 is 120.
 * No IPv6 prefix, ::/0 neither, covers ::ffff:0:0/96: the map always holds that prefix as an entry of its own. */
struct weir_prefix {
	__u32 length;
	struct weir_addr addr;
} __attribute__((packed, aligned(4)));
WEIR_SIZE(struct weir_prefix, 20);

/* Which side of a connection is judged: ingress at its receiver, egress at its opener. */
enum weir_dir { WEIR_INGRESS, WEIR_EGRESS, WEIR_DIRS };

#endif
