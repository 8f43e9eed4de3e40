// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/utf8.h"
#include "lib/wire/unpack.h"

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

void *unpack_message(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size)
{
	struct budget budget = { .left = UNPACK_LEAST + size * UNPACK_TIMES };
	ProtobufCAllocator allocator = { .alloc = take, .free = give, .allocator_data = &budget };
	ProtobufCMessage *m = protobuf_c_message_unpack(type, &allocator, size, data);

	if (m && !texts_are_text(m)) {
		unpack_free(m);
		return NULL;
	}
	return m;
}

void unpack_free(void *message)
{
	ProtobufCAllocator allocator = { .alloc = take, .free = give };

	if (message)
		protobuf_c_message_free_unpacked(message, &allocator);
}
