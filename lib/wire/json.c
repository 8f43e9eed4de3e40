// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire/base64.h"
#include "lib/wire/json.h"
#include "lib/wire/known.h"
#include "lib/wire/text.h"
#include "lib/wire/value.h"
#include "proto/google/protobuf/any.pb-c.h"
#include "proto/google/protobuf/field_mask.pb-c.h"
#include "proto/google/protobuf/timestamp.pb-c.h"

static void put_fields(struct json_out *j, const ProtobufCMessage *m);

static void put_bytes(struct json_out *j, const char *key, const ProtobufCBinaryData *data)
{
	char *text = malloc(BASE64_LENGTH(data->len) + 1);

	if (text)
		base64_text(data->data, data->len, text);
	json_text(j, key, text);
	free(text);
}

static void put_double(struct json_out *j, const char *key, double v)
{
	if (isfinite(v))
		json_number(j, key, v);
	else
		json_text(j, key, isnan(v) ? "NaN" : v < 0 ? "-Infinity" : "Infinity");
}

static void put_enum(struct json_out *j, const char *key, const ProtobufCFieldDescriptor *f, int v)
{
	const ProtobufCEnumValue *word = protobuf_c_enum_descriptor_get_value(f->descriptor, v);

	if (word)
		json_text(j, key, word->name);
	else
		json_int(j, key, v);
}

/* 64 bits are a string in proto3's JSON: most readers of JSON have but a double for a number. */
static void put_long(struct json_out *j, const char *key, uint64_t magnitude, bool negative)
{
	char text[24] = "-";
	size_t n = text_number(magnitude, text + negative);

	text[n + negative] = '\0';
	json_text(j, key, text);
}

/* One value that lies at 'at'. */
static void put(struct json_out *j, const char *key, const ProtobufCFieldDescriptor *f, const void *at)
{
	int64_t number;

	switch (f->type) {
	case PROTOBUF_C_TYPE_STRING:
		json_text(j, key, *(char *const *)at);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		json_bool(j, key, *(const protobuf_c_boolean *)at);
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		put_long(j, key, *(const uint64_t *)at, false);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		number = *(const int64_t *)at;
		put_long(j, key, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, number < 0);
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		json_uint(j, key, *(const uint32_t *)at);
		break;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		json_int(j, key, *(const int32_t *)at);
		break;
	case PROTOBUF_C_TYPE_ENUM:
		put_enum(j, key, f, *(const int *)at);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		put_double(j, key, *(const double *)at);
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		put_double(j, key, *(const float *)at);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		put_bytes(j, key, at);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		wire_json(j, key, *(const ProtobufCMessage *const *)at);
		break;
	}
}

/* Would proto3 leave it out: zero, "", no message. */
static bool is_default(const ProtobufCFieldDescriptor *f, const void *at)
{
	static const char zero[sizeof(ProtobufCBinaryData)];

	switch (f->type) {
	case PROTOBUF_C_TYPE_STRING:
		return !*(char *const *)at || !**(char *const *)at;
	case PROTOBUF_C_TYPE_BYTES:
		return !((const ProtobufCBinaryData *)at)->len;
	default:
		return !memcmp(at, zero, wire_value_size(f->type));
	}
}

static void put_list(struct json_out *j, const ProtobufCFieldDescriptor *f, const char *items, size_t n)
{
	json_array(j, f->name);
	for (size_t i = 0; i < n; i++)
		put(j, NULL, f, items + i * wire_value_size(f->type));
	json_end(j);
}

static void put_field(struct json_out *j, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
	const char *at = (const char *)m + f->offset, *quantifier = (const char *)m + f->quantifier_offset;

	if (f->label == PROTOBUF_C_LABEL_REPEATED) {
		if (*(const size_t *)quantifier)
			put_list(j, f, *(const char *const *)at, *(const size_t *)quantifier);
		return;
	}
	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF ? *(const uint32_t *)quantifier == f->id : !is_default(f, at))
		put(j, f->name, f, at);
}

static void put_time(struct json_out *j, const char *key, const ProtobufCMessage *m)
{
	const Google__Protobuf__Timestamp *t = (const void *)m;
	char text[TEXT_TIME_SIZE + 1];

	if (text_stamp_fits(t->seconds, t->nanos)) {
		text[text_stamp(t->seconds, (uint32_t)t->nanos, text)] = '\0';
		json_text(j, key, text);
	} else {
		json_null(j, key);
	}
}

static void put_paths(struct json_out *j, const char *key, const ProtobufCMessage *m)
{
	const Google__Protobuf__FieldMask *mask = (const void *)m;
	char *text = NULL, name[256];
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (size_t i = 0; f && i < mask->n_paths; i++) {
		wire_camel(mask->paths[i], name, sizeof(name));
		fprintf(f, "%s%s", i ? "," : "", name);
	}
	if (f)
		fclose(f);
	json_text(j, key, text);
	free(text);
}

static void put_any(struct json_out *j, const char *key, const ProtobufCMessage *m)
{
	const Google__Protobuf__Any *any = (const void *)m;
	const ProtobufCMessageDescriptor *type = wire_type_of(any->type_url);
	ProtobufCMessage *inner = type ? protobuf_c_message_unpack(type, NULL, any->value.len, any->value.data) : NULL;

	json_object(j, key);
	if (*any->type_url)
		json_text(j, "@type", any->type_url);
	if (inner)
		put_fields(j, inner);
	else if (any->value.len)
		put_bytes(j, "value", &any->value);
	json_end(j);
	if (inner)
		protobuf_c_message_free_unpacked(inner, NULL);
}

static void put_fields(struct json_out *j, const ProtobufCMessage *m)
{
	for (unsigned int i = 0; i < m->descriptor->n_fields; i++)
		put_field(j, m, &m->descriptor->fields[i]);
}

void wire_json(struct json_out *j, const char *key, const ProtobufCMessage *message)
{
	const ProtobufCFieldDescriptor *f = message->descriptor->fields;

	switch (wire_known_of(message->descriptor)) {
	case WIRE_TIMESTAMP:
		put_time(j, key, message);
		break;
	case WIRE_WRAPPER:
		put(j, key, f, (const char *)message + f->offset);
		break;
	case WIRE_FIELD_MASK:
		put_paths(j, key, message);
		break;
	case WIRE_ANY:
		put_any(j, key, message);
		break;
	case WIRE_PLAIN:
		json_object(j, key);
		put_fields(j, message);
		json_end(j);
		break;
	}
}
