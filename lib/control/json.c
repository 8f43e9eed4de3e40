// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "lib/control/json.h"
#include "lib/wire/value.h"

static void put_bytes(struct json_out *j, const char *key, const ProtobufCBinaryData *data)
{
	char *text = malloc(data->len * 2 + 1);

	if (text)
		text[0] = '\0';
	for (size_t i = 0; i < data->len && text; i++)
		snprintf(text + i * 2, 3, "%02x", data->data[i]);
	json_text(j, key, text);
	free(text);
}

/* One value that lies at 'at'. */
static void put(struct json_out *j, const char *key, const ProtobufCFieldDescriptor *f, const void *at)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_STRING:
		json_text(j, key, *(char *const *)at);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		json_bool(j, key, *(const protobuf_c_boolean *)at);
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		json_uint(j, key, *(const uint64_t *)at);
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		json_uint(j, key, *(const uint32_t *)at);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		json_int(j, key, *(const int64_t *)at);
		break;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_ENUM:
		json_int(j, key, *(const int32_t *)at);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		json_number(j, key, *(const double *)at);
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		json_number(j, key, *(const float *)at);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		put_bytes(j, key, at);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		json_message(j, key, *(ProtobufCMessage *const *)at);
		break;
	}
}

void json_message(struct json_out *j, const char *key, const ProtobufCMessage *message)
{
	if (!message) {
		json_null(j, key);
		return;
	}
	json_object(j, key);
	for (unsigned int i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &message->descriptor->fields[i];
		const char *at = (const char *)message + f->offset;
		const char *quantity = (const char *)message + f->quantifier_offset;

		if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF && *(const uint32_t *)quantity != f->id)
			continue;
		if (f->label != PROTOBUF_C_LABEL_REPEATED) {
			put(j, f->name, f, at);
			continue;
		}
		json_array(j, f->name);
		for (size_t n = 0; n < *(const size_t *)quantity; n++)
			put(j, NULL, f, *(const char *const *)at + n * wire_value_size(f->type));
		json_end(j);
	}
	json_end(j);
}
