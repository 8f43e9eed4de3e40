// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "lib/wire/scan.h"
#include "lib/wire/text.h"

struct reader {
	const uint8_t *at, *end;
};

/* One field: its number, its type and its value, which lies wholly before the end. */
struct field {
	uint32_t number;
	unsigned int type;
	uint64_t value;			/* of a varint */
	const uint8_t *bytes;		/* of what has its length before it */
	size_t size;
};

static bool read_varint(struct reader *r, uint64_t *out)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; shift < 64 && r->at < r->end; shift += 7) {
		uint8_t byte = *r->at++;

		if (shift == 63 && byte > 1)
			return false;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*out = v;
			return true;
		}
	}
	return false;
}

static bool skip(struct reader *r, size_t size)
{
	if ((size_t)(r->end - r->at) < size)
		return false;
	r->at += size;
	return true;
}

static bool read_value(struct reader *r, struct field *f)
{
	uint64_t size;

	switch (f->type) {
	case 0:
		return read_varint(r, &f->value);
	case 1:
		return skip(r, 8);
	case 2:
		if (!read_varint(r, &size) || size > (uint64_t)(r->end - r->at))
			return false;
		f->bytes = r->at;
		f->size = (size_t)size;
		return skip(r, f->size);
	case 5:
		return skip(r, 4);
	}
	return false;			/* groups: no message of ours has any */
}

static bool read_field(struct reader *r, struct field *f)
{
	uint64_t head;

	if (!read_varint(r, &head) || head >> 3 == 0 || head >> 3 > 0x1fffffff)
		return false;
	f->number = (uint32_t)(head >> 3);
	f->type = head & 7;
	return read_value(r, f);
}

/* A Timestamp's parts; the same field once more goes on where the first one ended. */
static bool read_time(const struct field *f, int64_t *seconds, int64_t *nanos)
{
	struct reader r = { f->bytes, f->bytes + f->size };
	struct field part;

	while (r.at < r.end) {
		if (!read_field(&r, &part))
			return false;
		if (part.type == 0 && part.number == 1)
			*seconds = (int64_t)part.value;
		if (part.type == 0 && part.number == 2)
			*nanos = (int32_t)part.value;
	}
	return true;
}

/* What no clock says is no time: it would only mislead who sorts by it. */
static uint64_t nanoseconds(int64_t seconds, int64_t nanos)
{
	if (seconds < 0 || seconds > 18446744072 || nanos < 0 || nanos > 999999999)
		return 0;
	return (uint64_t)seconds * 1000000000 + (uint64_t)nanos;
}

static bool take(struct wire_scan *s, const struct field *f, int64_t *seconds, int64_t *nanos)
{
	if (f->type != 2)
		return true;
	switch (f->number) {
	case WIRE_FLOW:
	case WIRE_NODE_STATUS:
	case WIRE_LOST:
		s->kind = (enum wire_kind)f->number;
		s->body = f->bytes;
		s->body_size = f->size;
		return true;
	case 1000:
		s->node = (const char *)f->bytes;
		s->node_size = f->size;
		return !memchr(s->node, 0, f->size) && text_is_utf8(s->node, f->size);
	case 1001:
		return read_time(f, seconds, nanos);
	}
	return true;
}

int wire_scan(const uint8_t *bytes, size_t size, struct wire_scan *out)
{
	struct reader r = { bytes, bytes + size };
	struct wire_scan s = { .kind = WIRE_MARK, .body = bytes, .node = "" };
	int64_t seconds = 0, nanos = 0;
	struct field f;

	while (r.at < r.end)
		if (!read_field(&r, &f) || !take(&s, &f, &seconds, &nanos))
			return -EBADMSG;
	s.time = nanoseconds(seconds, nanos);
	*out = s;
	return 0;
}
