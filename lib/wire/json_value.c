// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire/base64.h"
#include "lib/wire/json_inside.h"
#include "lib/word.h"

/* Says it where the value began, and stops.  False. */
bool reading_refuse(struct reading *r, const struct json_span *at, const char *format, ...)
{
	char text[sizeof(r->why->text)];
	va_list args;

	if (r->json.error)
		return false;
	json_fail(&r->json, "refused");
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	complaint_set(r->why, at->line, at->column, "%s", text);
	r->said = true;
	return false;
}

bool reading_no_memory(struct reading *r)
{
	r->no_memory = true;
	return json_fail(&r->json, "no memory");
}

/* Here, before a value is read. */
struct json_span reading_here(struct reading *r)
{
	json_peek(&r->json);
	return (struct json_span){ .text = r->json.at, .line = r->json.line, .column = json_column(&r->json) };
}

const char *wire_reading_show(const struct json_span *s, char buf[80])
{
	char text[64];

	snprintf(text, sizeof(text), "%.*s", (int)(s->length < 60 ? s->length : 60), s->text);
	return complaint_show(text, buf, 80);
}

/* A string without its escapes, on the heap. */
char *wire_reading_text(struct reading *r, size_t *length)
{
	struct json_span s;
	char *text;

	if (!json_string(&r->json, &s))
		return NULL;
	text = malloc(s.length + 1);
	if (!text) {
		reading_no_memory(r);
		return NULL;
	}
	*length = json_plain(&s, text);
	text[*length] = '\0';
	return text;
}

/* A number, bare or in quotes, as text that ends with a NUL. */
static bool read_digits(struct reading *r, struct json_span *s, char buf[64])
{
	bool quoted = json_peek(&r->json) == JSON_STRING;

	if (!quoted && json_peek(&r->json) != JSON_NUMBER) {
		*s = reading_here(r);
		return reading_refuse(r, s, "a number is wanted here");
	}
	if (!(quoted ? json_string(&r->json, s) : json_word(&r->json, s)))
		return false;
	if (!s->length || s->length > 63 || s->escaped || strchr(" \t\n\r\v\f+", s->text[0]))
		return reading_refuse(r, s, "a number is wanted here");
	memcpy(buf, s->text, s->length);
	buf[s->length] = '\0';
	return true;
}

/* Whole numbers may be written as 1.0 or 1e3, too, while a double holds them. */
static bool read_whole(struct reading *r, struct json_span *s, int64_t *number, uint64_t *magnitude)
{
	char buf[64], *end;
	double d;

	if (!read_digits(r, s, buf))
		return false;
	errno = 0;
	*number = strtoll(buf, &end, 10);
	*magnitude = *number < 0 ? 0 : (uint64_t)*number;
	if (buf[0] != '-' && (errno || *end)) {
		errno = 0;
		*magnitude = strtoull(buf, &end, 10);
		*number = *magnitude <= INT64_MAX ? (int64_t)*magnitude : INT64_MAX;
	}
	if (!errno && !*end)
		return true;
	d = strtod(buf, &end);
	if (*end || d != floor(d) || fabs(d) > 9007199254740992.0 || strpbrk(buf, "xXnN"))
		return reading_refuse(r, s, "'%s' is no whole number that fits", buf);
	*number = (int64_t)d;
	*magnitude = d < 0 ? 0 : (uint64_t)d;
	return true;
}

static bool read_signed(struct reading *r, int64_t least, int64_t most, int64_t *out)
{
	struct json_span s;
	uint64_t magnitude;

	if (!read_whole(r, &s, out, &magnitude))
		return false;
	if (*out < least || *out > most || (*out >= 0 && magnitude > (uint64_t)most))
		return reading_refuse(r, &s, "%lld to %lld is wanted here", (long long)least, (long long)most);
	return true;
}

static bool read_unsigned(struct reading *r, uint64_t most, uint64_t *out)
{
	struct json_span s;
	int64_t number;

	if (!read_whole(r, &s, &number, out))
		return false;
	if (number < 0 || *out > most)
		return reading_refuse(r, &s, "0 to %llu is wanted here", (unsigned long long)most);
	return true;
}

static bool read_double(struct reading *r, double *out)
{
	struct json_span s;
	char buf[64], *end;

	if (!read_digits(r, &s, buf))
		return false;
	if (!strcmp(buf, "NaN") || !strcmp(buf, "Infinity") || !strcmp(buf, "-Infinity")) {
		*out = buf[0] == 'N' ? NAN : buf[0] == '-' ? -INFINITY : INFINITY;
		return true;
	}
	*out = strtod(buf, &end);
	if (*end || !isfinite(*out) || strpbrk(buf, "xXnN"))
		return reading_refuse(r, &s, "'%s' is no number that fits", buf);
	return true;
}

static bool read_bool(struct reading *r, protobuf_c_boolean *out)
{
	struct json_span s;

	if (json_peek(&r->json) != JSON_BOOL) {
		s = reading_here(r);
		return reading_refuse(r, &s, "true or false is wanted here");
	}
	if (!json_word(&r->json, &s))
		return false;
	*out = s.text[0] == 't';
	return true;
}

static bool unknown_word(struct reading *r, const struct json_span *s, const ProtobufCEnumDescriptor *type, const char *text)
{
	const char *words[256], *meant;
	unsigned int n = 0;
	char buf[80];

	for (; n < type->n_value_names && n < 256; n++)
		words[n] = type->values_by_name[n].name;
	meant = word_closest(text, words, n);
	return reading_refuse(r, s, "'%s' is no %s%s%s%s", wire_reading_show(s, buf), type->short_name, meant ? ", is '" : "",
		      meant ?: "", meant ? "' meant?" : "");
}

static bool read_enum(struct reading *r, const ProtobufCEnumDescriptor *type, int *out)
{
	const ProtobufCEnumValue *value;
	struct json_span s;
	char text[128];
	int64_t number;

	if (json_peek(&r->json) != JSON_STRING) {
		if (!read_signed(r, INT32_MIN, INT32_MAX, &number))
			return false;
		*out = (int)number;
		return true;
	}
	if (!json_string(&r->json, &s))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)(s.length < 127 ? s.length : 127), s.text);
	value = protobuf_c_enum_descriptor_get_value_by_name(type, text);
	if (!value)
		return unknown_word(r, &s, type, text);
	*out = value->value;
	return true;
}

bool reading_bytes(struct reading *r, ProtobufCBinaryData *out)
{
	struct json_span at = reading_here(r);
	size_t length, size;
	char *text = wire_reading_text(r, &length);
	uint8_t *data;

	if (!text)
		return false;
	data = malloc(length + 1);
	if (!data || !base64_bytes(text, length, data, &size)) {
		free(text);
		free(data);
		return data ? reading_refuse(r, &at, "base64 is wanted here") : reading_no_memory(r);
	}
	free(text);
	out->data = data;
	out->len = size;
	return true;
}

bool reading_scalar(struct reading *r, const ProtobufCFieldDescriptor *f, void *at)
{
	uint64_t magnitude;
	int64_t number;
	double d;

	switch (f->type) {
	case PROTOBUF_C_TYPE_BOOL:
		return read_bool(r, at);
	case PROTOBUF_C_TYPE_ENUM:
		return read_enum(r, f->descriptor, at);
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return read_unsigned(r, UINT64_MAX, at);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return read_signed(r, INT64_MIN, INT64_MAX, at);
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		return read_unsigned(r, UINT32_MAX, &magnitude) && (*(uint32_t *)at = (uint32_t)magnitude, true);
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		return read_signed(r, INT32_MIN, INT32_MAX, &number) && (*(int32_t *)at = (int32_t)number, true);
	case PROTOBUF_C_TYPE_DOUBLE:
		return read_double(r, at);
	case PROTOBUF_C_TYPE_FLOAT:
		return read_double(r, &d) && (*(float *)at = (float)d, true);
	default:
		return json_fail(&r->json, "no scalar");
	}
}
