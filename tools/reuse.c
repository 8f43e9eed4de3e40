// SPDX-License-Identifier: Apache-2.0
#include "tools/reuse.h"

#define TIMES 64
#define LEAST 65536

static void *take(void *data, size_t size)
{
	struct reuse *u = data;

	if (size > u->left)
		return NULL;
	u->left -= size;
	return arena_alloc(&u->arena, size);
}

static void give(void *data, void *block)
{
}

void reuse_begin(struct reuse *u)
{
	*u = (struct reuse){ .allocator = { .alloc = take, .free = give } };
}

void *reuse_unpack(struct reuse *u, const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size)
{
	u->allocator.allocator_data = u;
	u->left = size * TIMES + LEAST;
	arena_reset(&u->arena);
	return protobuf_c_message_unpack(type, &u->allocator, size, data);
}

void reuse_end(struct reuse *u)
{
	arena_free(&u->arena);
}
