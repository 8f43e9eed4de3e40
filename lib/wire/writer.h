/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes protobuf from the end of a buffer to its beginning: a nested message's length is known when its head is
 * written, so nothing is moved and nothing sized twice.  Fields therefore go from the highest number to the lowest.
 *
 *	writer_begin(&w, buf, sizeof(buf));
 *	mark = w.at;
 *	writer_uint(&w, 2, port);		a field of the nested message
 *	writer_message(&w, 6, mark);		its head
 *	writer_text(&w, 1, "web");
 *	if (!w.full)
 *		send(w.at, writer_size(&w));
 *
 * Zero and "" are not written, as proto3 has it; what is no UTF-8 comes out as U+FFFD.  What does not fit sets 'full', and nothing more is written.
 */
#ifndef WEIR_LIB_WIRE_WRITER_H
#define WEIR_LIB_WIRE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/wire/text.h"

struct writer {
	uint8_t *begin, *at, *end;
	bool full;
};

static inline void writer_begin(struct writer *w, void *buf, size_t size)
{
	w->begin = buf;
	w->at = w->end = (uint8_t *)buf + size;
	w->full = false;
}

static inline size_t writer_size(const struct writer *w)
{
	return (size_t)(w->end - w->at);
}

/* Text that may not be UTF-8.  Returns the bytes it took. */
size_t writer_repaired(struct writer *w, const char *text, size_t size);

void writer_time(struct writer *w, uint32_t field, uint64_t ns);	/* google.protobuf.Timestamp; 0 is not written */

/* Is there room for 'size' bytes, and has there always been. */
static inline bool writer_room(struct writer *w, size_t size)
{
	if (__builtin_expect((size_t)(w->at - w->begin) >= size && !w->full, 1))
		return true;
	w->full = true;
	return false;
}

static inline void writer_bytes(struct writer *w, const void *from, size_t size)
{
	if (writer_room(w, size))
		memcpy(w->at -= size, from, size);
}

static inline void writer_varint(struct writer *w, uint64_t v)
{
	uint8_t bytes[10];
	unsigned int n = 0;

	if (__builtin_expect(v < 0x80, 1)) {
		if (writer_room(w, 1))
			*--w->at = (uint8_t)v;
		return;
	}
	for (; v >= 0x80; v >>= 7)
		bytes[n++] = (uint8_t)v | 0x80;
	bytes[n++] = (uint8_t)v;
	writer_bytes(w, bytes, n);
}

/* A field's head; 'type' is 0 varint, 1 eight bytes, 2 length before, 5 four bytes. */
static inline void writer_head(struct writer *w, uint32_t field, unsigned int type)
{
	writer_varint(w, (uint64_t)field << 3 | type);
}

/* For what may be zero and present: a member of a oneof. */
static inline void writer_uint_always(struct writer *w, uint32_t field, uint64_t v)
{
	writer_varint(w, v);
	writer_head(w, field, 0);
}

static inline void writer_uint(struct writer *w, uint32_t field, uint64_t v)
{
	if (v)
		writer_uint_always(w, field, v);
}

static inline void writer_int(struct writer *w, uint32_t field, int64_t v)
{
	writer_uint(w, field, (uint64_t)v);
}

/* Bytes with their length before them, also none. */
static inline void writer_data(struct writer *w, uint32_t field, const void *from, size_t size)
{
	writer_bytes(w, from, size);
	writer_varint(w, size);
	writer_head(w, field, 2);
}

/* The head of the message whose fields are all that was written since 'mark' was w->at. */
static inline void writer_message(struct writer *w, uint32_t field, const uint8_t *mark)
{
	writer_varint(w, (uint64_t)(mark - w->at));
	writer_head(w, field, 2);
}

/* A text of so many bytes, also of none. */
static inline void writer_span(struct writer *w, uint32_t field, const char *text, size_t size)
{
	if (__builtin_expect(text_is_ascii(text, size), 1))
		writer_bytes(w, text, size);
	else
		size = writer_repaired(w, text, size);
	writer_varint(w, size);
	writer_head(w, field, 2);
}

/* A text as an item of a list: "" is written, too. */
static inline void writer_item(struct writer *w, uint32_t field, const char *text)
{
	writer_span(w, field, text, strlen(text));
}

static inline void writer_text(struct writer *w, uint32_t field, const char *text)
{
	if (*text)
		writer_item(w, field, text);
}

#endif
