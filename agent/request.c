// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "agent/control.h"
#include "lib/utf8.h"

/* A message of two-byte parts would become a hundred times its size in memory: what unpacking may take is bounded
 * by what was sent. */
#define TIMES 48
#define LEAST 65536

struct budget {
	size_t left;
};

static void *take(void *ctx, size_t size)
{
	struct budget *b = ctx;

	if (size + 16 > b->left)
		return NULL;
	b->left -= size + 16;
	return malloc(size ? size : 1);
}

static void give(void *ctx, void *p)
{
	free(p);
}

static bool is_text(const char *s)
{
	size_t size = strlen(s);

	while (size) {
		unsigned int n = utf8_length(s, size);

		if (!n)
			return false;
		s += n;
		size -= n;
	}
	return true;
}

static bool texts_are_text(const ProtobufCMessage *m);

/* Every string of a message is text: what came in is said again in answers and logs. */
static bool field_is_text(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
	const void *at = (const char *)m + f->offset;
	size_t n = 1;

	if (f->type != PROTOBUF_C_TYPE_STRING && f->type != PROTOBUF_C_TYPE_MESSAGE)
		return true;
	if (f->label == PROTOBUF_C_LABEL_REPEATED) {
		n = *(const size_t *)((const char *)m + f->quantifier_offset);
		at = *(void *const *)at;
	} else if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
		   *(const uint32_t *)((const char *)m + f->quantifier_offset) != f->id) {
		return true;
	}
	for (size_t i = 0; i < n; i++) {
		const void *one = ((void *const *)at)[i];

		if (one && !(f->type == PROTOBUF_C_TYPE_STRING ? is_text(one) : texts_are_text(one)))
			return false;
	}
	return true;
}

static bool texts_are_text(const ProtobufCMessage *m)
{
	for (unsigned int i = 0; i < m->descriptor->n_fields; i++)
		if (!field_is_text(m, &m->descriptor->fields[i]))
			return false;
	return true;
}

Weir__V1__Request *request_unpack(const uint8_t *data, size_t size)
{
	struct budget budget = { .left = LEAST + size * TIMES };
	ProtobufCAllocator allocator = { .alloc = take, .free = give, .allocator_data = &budget };
	Weir__V1__Request *ask = weir__v1__request__unpack(&allocator, size, data);

	if (ask && !texts_are_text(&ask->base)) {
		request_free(ask);
		return NULL;
	}
	return ask;
}

void request_free(Weir__V1__Request *ask)
{
	ProtobufCAllocator allocator = { .alloc = take, .free = give };

	if (ask)
		weir__v1__request__free_unpacked(ask, &allocator);
}

bool request_changes(const Weir__V1__Request *ask)
{
	switch (ask->ask_case) {
	case WEIR__V1__REQUEST__ASK_STATUS:
	case WEIR__V1__REQUEST__ASK_ENDPOINTS:
	case WEIR__V1__REQUEST__ASK_WHY:
	case WEIR__V1__REQUEST__ASK_POLICIES:
	case WEIR__V1__REQUEST__ASK_OBSERVE:
		return false;
	default:
		return true;
	}
}
