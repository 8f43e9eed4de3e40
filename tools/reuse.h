/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages one after the other, unpacked into memory that is used again: a third of what malloc for each part takes.
 *
 *	struct reuse u;
 *
 *	reuse_begin(&u);
 *	r = reuse_unpack(&u, &observer__get_flows_response__descriptor, data, size);	good until the next; NULL: it is none
 *	reuse_end(&u);
 *
 * A message may take 64 times what it has in bytes, and 64 KiB: one that was made to burst is refused.
 */
#ifndef WEIR_TOOLS_REUSE_H
#define WEIR_TOOLS_REUSE_H

#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "lib/arena.h"

struct reuse {
	struct arena arena;
	size_t left;			/* of the budget for this message */
	ProtobufCAllocator allocator;
};

void reuse_begin(struct reuse *u);
void *reuse_unpack(struct reuse *u, const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size);
void reuse_end(struct reuse *u);

#endif
