// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire/json_inside.h"
#include "lib/wire/known.h"
#include "lib/wire/text.h"
#include "lib/wire/value.h"
#include "proto/google/protobuf/any.pb-c.h"
#include "proto/google/protobuf/field_mask.pb-c.h"
#include "proto/google/protobuf/timestamp.pb-c.h"

static bool read_message(struct reading *r, ProtobufCMessage *m);
static bool read_fields(struct reading *r, ProtobufCMessage *m);
static ProtobufCMessage *message_new(struct reading *r, const ProtobufCMessageDescriptor *type);

int wire_json_read(const char *text, size_t size, const ProtobufCMessageDescriptor *type, ProtobufCMessage **out,
		   struct wire_unknown *unknown, struct complaint *why)
{
	struct reading r = { .why = why, .unknown = unknown };
	ProtobufCMessage *m = message_new(&r, type);
	struct json_span at;

	json_read(&r.json, text, size);
	if (m && read_message(&r, m)) {
		at = reading_here(&r);
		if (r.json.at != r.json.end)
			reading_refuse(&r, &at, "nothing more is wanted here");
	}
	if (m && !r.json.error) {
		*out = m;
		return 0;
	}
	if (m)
		protobuf_c_message_free_unpacked(m, NULL);
	if (r.no_memory)
		return -ENOMEM;
	if (!r.said)
		json_complain(&r.json, why);
	return -EINVAL;
}

static ProtobufCMessage *message_new(struct reading *r, const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *m = calloc(1, type->sizeof_message);

	if (m)
		protobuf_c_message_init(type, m);
	else
		reading_no_memory(r);
	return m;
}

/* One value to 'at', where there is nothing yet.  What is half read stays there: who frees the whole frees it. */
static bool read_value(struct reading *r, const ProtobufCFieldDescriptor *f, void *at)
{
	ProtobufCMessage *message;
	size_t length;
	char *text;

	switch (f->type) {
	case PROTOBUF_C_TYPE_STRING:
		text = wire_reading_text(r, &length);
		if (text)
			*(char **)at = text;
		return text;
	case PROTOBUF_C_TYPE_BYTES:
		return reading_bytes(r, at);
	case PROTOBUF_C_TYPE_MESSAGE:
		message = message_new(r, f->descriptor);
		*(ProtobufCMessage **)at = message;
		return message && read_message(r, message);
	default:
		return reading_scalar(r, f, at);
	}
}

/* Room for one item more, in steps of powers of two; all of it zero. */
static void *list_grow(struct reading *r, const ProtobufCFieldDescriptor *f, char **items, size_t n)
{
	size_t size = wire_value_size(f->type);
	char *more = *items;

	if (!(n & (n - 1))) {
		more = realloc(*items, (n ? 2 * n : 1) * size);
		if (!more) {
			reading_no_memory(r);
			return NULL;
		}
		*items = more;
	}
	return memset(more + n * size, 0, size);
}

static bool read_list(struct reading *r, const ProtobufCFieldDescriptor *f, ProtobufCMessage *m)
{
	size_t *n = (void *)((char *)m + f->quantifier_offset);
	char **items = (void *)((char *)m + f->offset);

	if (!json_enter(&r->json, '['))
		return false;
	while (json_item(&r->json)) {
		void *at = list_grow(r, f, items, *n);

		if (!at)
			return false;
		++*n;		/* also what is only half read is freed with the list */
		if (!read_value(r, f, at))
			return false;
	}
	return !r->json.error;
}

static bool read_oneof(struct reading *r, const ProtobufCFieldDescriptor *f, ProtobufCMessage *m, const struct json_span *key)
{
	uint32_t *chosen = (void *)((char *)m + f->quantifier_offset);
	void *at = (char *)m + f->offset;

	if (*chosen)
		return reading_refuse(r, key, "'%s' is one more of a choice that was made already", f->name);
	*chosen = f->id;
	return read_value(r, f, at);
}

/* null says nothing, whatever the field. */
static bool read_null(struct reading *r)
{
	struct json_span s;

	return json_peek(&r->json) == JSON_NULL && json_word(&r->json, &s);
}

static bool read_field(struct reading *r, const ProtobufCFieldDescriptor *f, ProtobufCMessage *m, const struct json_span *key)
{
	if (json_peek(&r->json) == JSON_NULL)
		return read_null(r);
	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		return read_list(r, f, m);
	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		return read_oneof(r, f, m, key);
	return read_value(r, f, (char *)m + f->offset);
}

/* By the proto's name or JSON's; -1: none of either. */
static int field_named(const ProtobufCMessageDescriptor *type, const struct json_span *key)
{
	char camel[128];

	for (unsigned int i = 0; i < type->n_fields; i++)
		if (json_is(key, type->fields[i].name))
			return (int)i;
	for (unsigned int i = 0; i < type->n_fields; i++) {
		wire_camel(type->fields[i].name, camel, sizeof(camel));
		if (json_is(key, camel))
			return (int)i;
	}
	return -1;
}

static bool skip_unknown(struct reading *r, const struct json_span *key)
{
	char show[80];

	if (r->unknown && !r->unknown->fields++)
		snprintf(r->unknown->first, sizeof(r->unknown->first), "%s", wire_reading_show(key, show));
	return json_skip(&r->json);
}

/* Fields of an object that is open already. */
static bool read_fields(struct reading *r, ProtobufCMessage *m)
{
	struct json_span key;
	uint64_t seen = 0;

	while (json_key(&r->json, &key)) {
		int field = field_named(m->descriptor, &key);

		if (field < 0) {
			if (json_is(&key, "@type") ? !json_skip(&r->json) : !skip_unknown(r, &key))
				return false;
			continue;
		}
		if (field < 64 && seen >> field & 1)
			return reading_refuse(r, &key, "'%s' is here twice", m->descriptor->fields[field].name);
		seen |= field < 64 ? 1ULL << field : 0;
		if (!read_field(r, &m->descriptor->fields[field], m, &key))
			return false;
	}
	return !r->json.error;
}

static bool read_time(struct reading *r, ProtobufCMessage *m)
{
	Google__Protobuf__Timestamp *t = (void *)m;
	struct json_span at = reading_here(r);
	size_t length;
	char *text = wire_reading_text(r, &length);
	bool sound;

	if (!text)
		return false;
	sound = text_stamp_read(text, length, &t->seconds, &t->nanos);
	free(text);
	return sound || reading_refuse(r, &at, "a time as 2006-01-02T15:04:05.000Z is wanted here");
}

/* "podName" as "pod_name"; what begins with a capital or has a '_' is as protos have it, "IP". */
static char *snake(const char *from, size_t length)
{
	char *to = malloc(2 * length + 1);
	size_t n = 0;
	bool begins = true, plain = memchr(from, '_', length);

	for (size_t i = 0; to && i < length; i++) {
		char c = from[i];
		bool capital = c >= 'A' && c <= 'Z';

		if (begins)
			plain |= capital;
		if (capital && !plain)
			to[n++] = '_';
		to[n++] = (char)(capital && !plain ? c - 'A' + 'a' : c);
		begins = c == '.';
	}
	if (to)
		to[n] = '\0';
	return to;
}

static bool read_paths(struct reading *r, ProtobufCMessage *m)
{
	Google__Protobuf__FieldMask *mask = (void *)m;
	const ProtobufCFieldDescriptor *f = &m->descriptor->fields[0];
	size_t length;
	char *text = wire_reading_text(r, &length);

	if (!text)
		return false;
	for (char *p = text; *p; ) {
		size_t n = strcspn(p, ",");
		char **at = list_grow(r, f, (void *)((char *)m + f->offset), mask->n_paths);

		if (!at || !(*at = snake(p, n))) {
			free(text);
			return reading_no_memory(r);
		}
		mask->n_paths++;
		p += n + (p[n] == ',');
	}
	free(text);
	return true;
}

/* What an Any says it is, wherever among its fields; the reading stays where it is. */
static char *type_ahead(const struct reading *r)
{
	struct reading ahead = *r;
	struct json_span key;
	size_t length;

	if (json_enter(&ahead.json, '{'))
		while (json_key(&ahead.json, &key)) {
			if (json_is(&key, "@type"))
				return wire_reading_text(&ahead, &length);
			if (!json_skip(&ahead.json))
				break;
		}
	return NULL;
}

static bool pack(struct reading *r, const ProtobufCMessage *inner, ProtobufCBinaryData *out)
{
	size_t size = protobuf_c_message_get_packed_size(inner);

	if (!size)
		return true;
	out->data = malloc(size);
	if (!out->data)
		return reading_no_memory(r);
	out->len = protobuf_c_message_pack(inner, out->data);
	return true;
}

/* An Any of ours has its message's fields beside "@type". */
static bool read_ours(struct reading *r, const ProtobufCMessageDescriptor *type, ProtobufCBinaryData *value)
{
	ProtobufCMessage *inner = message_new(r, type);
	bool sound = inner && read_fields(r, inner) && pack(r, inner, value);

	if (inner)
		protobuf_c_message_free_unpacked(inner, NULL);
	return sound;
}

/* Another one has its bytes under "value". */
static bool read_any(struct reading *r, ProtobufCMessage *m)
{
	Google__Protobuf__Any *any = (void *)m;
	char *url = type_ahead(r);
	const ProtobufCMessageDescriptor *type = url ? wire_type_of(url) : NULL;
	bool sound = json_enter(&r->json, '{') && (type ? read_ours(r, type, &any->value) : read_fields(r, m));

	if (!url)
		return sound;
	if (any->type_url != (char *)protobuf_c_empty_string)
		free(any->type_url);	/* somebody wrote "type_url" beside it */
	any->type_url = url;
	return sound;
}

static bool read_message(struct reading *r, ProtobufCMessage *m)
{
	const ProtobufCFieldDescriptor *f = m->descriptor->fields;
	struct json_span at = reading_here(r);
	bool sound = false;

	if (r->depth == WIRE_JSON_DEPTH)
		return reading_refuse(r, &at, "messages are nested deeper than %d", WIRE_JSON_DEPTH);
	r->depth++;
	switch (wire_known_of(m->descriptor)) {
	case WIRE_TIMESTAMP:
		sound = read_time(r, m);
		break;
	case WIRE_WRAPPER:
		sound = read_value(r, f, (char *)m + f->offset);
		break;
	case WIRE_FIELD_MASK:
		sound = read_paths(r, m);
		break;
	case WIRE_ANY:
		sound = read_any(r, m);
		break;
	case WIRE_PLAIN:
		sound = json_enter(&r->json, '{') && read_fields(r, m);
		break;
	}
	r->depth--;
	return sound;
}
