// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "lib/rpc/descriptors.h"

#define DEPTH 16

/* Where names are: in a FileDescriptorProto, and what it is made of. */
enum { SET_FILE = 1, FILE_NAME = 1, FILE_PACKAGE = 2, FILE_MESSAGE = 4, FILE_ENUM = 5, FILE_SERVICE = 6, ANY_NAME = 1,
       MESSAGE_FIELD = 2, MESSAGE_NESTED = 3, MESSAGE_ENUM = 4, MESSAGE_ONEOF = 8, ENUM_VALUE = 2, SERVICE_METHOD = 2 };

struct field {
	uint32_t number;
	struct span body;	/* of what has its length before it; else nothing */
};

static bool read_varint(struct span *s, uint64_t *out)
{
	*out = 0;
	for (unsigned int shift = 0; shift < 64 && s->size; shift += 7) {
		uint8_t byte = *s->data++;

		s->size--;
		*out |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

static bool take(struct span *s, uint64_t size, struct span *out)
{
	if (size > s->size)
		return false;
	*out = (struct span){ s->data, (size_t)size };
	s->data += size;
	s->size -= (size_t)size;
	return true;
}

/* 1: a field; 0: the end; -1: no protobuf. */
static int next_field(struct span *s, struct field *f)
{
	struct span skipped;
	uint64_t head, n;

	if (!s->size)
		return 0;
	if (!read_varint(s, &head) || head >> 3 == 0 || head >> 32)
		return -1;
	f->number = (uint32_t)(head >> 3);
	f->body = (struct span){ NULL, 0 };
	switch (head & 7) {
	case 0: return read_varint(s, &n) ? 1 : -1;
	case 1: return take(s, 8, &skipped) ? 1 : -1;
	case 2: return read_varint(s, &n) && take(s, n, &f->body) ? 1 : -1;
	case 5: return take(s, 4, &skipped) ? 1 : -1;
	default: return -1;
	}
}

static bool first_of(struct span in, uint32_t number, struct span *out)
{
	struct field f;

	while (next_field(&in, &f) > 0)
		if (f.number == number && f.body.data) {
			*out = f.body;
			return true;
		}
	*out = (struct span){ NULL, 0 };
	return false;
}

/* If 'path' begins with the name in 'body', what follows it: "" or ".more"; NULL if not. */
static const char *behind_name(struct span body, const char *path)
{
	struct span name;

	if (!first_of(body, ANY_NAME, &name) || !name.size || strncmp(path, (const char *)name.data, name.size) ||
	    strlen(path) < name.size)
		return NULL;
	path += name.size;
	return !*path || *path == '.' ? path : NULL;
}

/* Is there a part 'number' of exactly this name. */
static bool has_part(struct span in, uint32_t number, const char *name)
{
	const char *rest;
	struct field f;

	while (next_field(&in, &f) > 0) {
		rest = f.number == number && f.body.data ? behind_name(f.body, name) : NULL;
		if (rest && !*rest)
			return true;
	}
	return false;
}

/* An enum or service of this name, or a value or method of it; a value is also known beside its enum. */
static bool in_list(struct span list, uint32_t part, const char *path)
{
	const char *rest = behind_name(list, path);

	return rest && (!*rest || has_part(list, part, rest + 1));
}

static bool in_message(struct span message, const char *path, int depth)
{
	const char *rest = behind_name(message, path);
	struct field f;

	if (!rest || depth == DEPTH)
		return false;
	if (!*rest++)
		return true;
	if (has_part(message, MESSAGE_FIELD, rest) || has_part(message, MESSAGE_ONEOF, rest))
		return true;
	while (next_field(&message, &f) > 0) {
		if (f.number == MESSAGE_NESTED && f.body.data && in_message(f.body, rest, depth + 1))
			return true;
		if (f.number == MESSAGE_ENUM && f.body.data &&
		    (in_list(f.body, ENUM_VALUE, rest) || has_part(f.body, ENUM_VALUE, rest)))
			return true;
	}
	return false;
}

static bool in_file(struct span file, const char *symbol)
{
	struct span package;
	struct field f;

	if (first_of(file, FILE_PACKAGE, &package)) {
		if (strncmp(symbol, (const char *)package.data, package.size) || strlen(symbol) <= package.size ||
		    symbol[package.size] != '.')
			return false;
		symbol += package.size + 1;
	}
	while (next_field(&file, &f) > 0) {
		if (!f.body.data)
			continue;
		if (f.number == FILE_MESSAGE && in_message(f.body, symbol, 0))
			return true;
		if (f.number == FILE_ENUM && (in_list(f.body, ENUM_VALUE, symbol) || has_part(f.body, ENUM_VALUE, symbol)))
			return true;
		if (f.number == FILE_SERVICE && in_list(f.body, SERVICE_METHOD, symbol))
			return true;
	}
	return false;
}

bool descriptors_valid(const void *set, size_t size)
{
	struct span in = { set, size }, file;
	struct field f, inner;
	int left, more;

	while ((left = next_field(&in, &f)) > 0) {
		file = f.body;
		while (file.data && (more = next_field(&file, &inner)) != 0)
			if (more < 0)
				return false;
	}
	return left == 0 && size;
}

bool descriptors_file(const void *set, size_t size, const char *name, struct span *out)
{
	struct span in = { set, size }, its;
	struct field f;

	while (next_field(&in, &f) > 0)
		if (f.number == SET_FILE && first_of(f.body, FILE_NAME, &its) && its.size == strlen(name) &&
		    !memcmp(its.data, name, its.size)) {
			*out = f.body;
			return true;
		}
	return false;
}

bool descriptors_symbol(const void *set, size_t size, const char *symbol, struct span *out)
{
	struct span in = { set, size };
	struct field f;

	if (*symbol == '.')
		symbol++;
	while (next_field(&in, &f) > 0)
		if (f.number == SET_FILE && in_file(f.body, symbol)) {
			*out = f.body;
			return true;
		}
	return false;
}
