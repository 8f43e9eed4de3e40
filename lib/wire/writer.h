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
 * Zero and "" are not written, as proto3 has it; what is no UTF-8 comes out as U+FFFD.  What does not fit sets 'full', and
 * nothing more is written; the buffer's first WRITER_SPARE bytes are not counted on.
 */
#ifndef WEIR_LIB_WIRE_WRITER_H
#define WEIR_LIB_WIRE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/wire/text.h"

/* So much of the buffer stays free: a varint is stored as eight bytes at once, and a field's head and length need no
 * look at the room that is left. */
#define WRITER_SPARE 32

struct writer {
	uint8_t *begin, *at, *end;	/* 'begin' is behind the spare bytes */
	bool full;
};

/* Text that may not be UTF-8.  Returns the bytes it took. */
size_t writer_repaired(struct writer *w, const char *text, size_t size);

void writer_time(struct writer *w, uint32_t field, uint64_t ns);	/* google.protobuf.Timestamp; 0 is not written */
void writer_varint_long(struct writer *w, uint64_t v);

static inline void writer_begin(struct writer *w, void *buf, size_t size)
{
	w->begin = (uint8_t *)buf + (size < WRITER_SPARE ? size : WRITER_SPARE);
	w->at = w->end = (uint8_t *)buf + size;
	w->full = size < WRITER_SPARE;
}

static inline size_t writer_size(const struct writer *w)
{
	return (size_t)(w->end - w->at);
}

/* Is there room for 'size' bytes and, behind the last of them, the spare ones.  Once it is full it stays so. */
static inline bool writer_room(struct writer *w, size_t size)
{
	if (__builtin_expect(w->at - w->begin >= (ptrdiff_t)size && !w->full, 1))
		return true;
	w->full = true;
	return false;
}

static inline void writer_bytes(struct writer *w, const void *from, size_t size)
{
	if (writer_room(w, size))
		text_copy(w->at -= size, from, size);
}

/* The three that follow look for no room: they take at most ten bytes of the spare ones. */
static inline void writer_varint_spare(struct writer *w, uint64_t v)
{
	uint64_t x;
	unsigned int n;

	if (__builtin_expect(v < 0x80, 1)) {
		*--w->at = (uint8_t)v;
		return;
	}
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ || v >> 56) {
		writer_varint_long(w, v);
		return;
	}
	/* groups of seven bits to bytes; all but the last say that one follows */
	n = (unsigned int)(70 - __builtin_clzll(v)) / 7;
	x = (v & 0xfffffff) | (v & 0xfffffff0000000) << 4;
	x = (x & 0x3fff00003fff) | (x & 0xfffc0000fffc000) << 2;
	x = (x & 0x7f007f007f007f) | (x & 0x3f803f803f803f80) << 1;
	x |= 0x8080808080808080ULL >> (8 * (9 - n));
	x <<= 8 * (8 - n);
	memcpy(w->at - 8, &x, 8);
	w->at -= n;
}

/* A field's head; 'type' is 0 varint, 1 eight bytes, 2 length before, 5 four bytes.  Its number is mostly a constant. */
static inline __attribute__((always_inline)) void writer_head_spare(struct writer *w, uint32_t field, unsigned int type)
{
	uint32_t v = field << 3 | type;
	unsigned int n = v < 0x80 ? 1 : v < 0x4000 ? 2 : v < 0x200000 ? 3 : v < 0x10000000 ? 4 : 5;

	w->at -= n;
	for (unsigned int i = 0; i < n; i++)
		w->at[i] = (uint8_t)(v >> 7 * i | (i + 1 < n ? 0x80 : 0));
}

static inline __attribute__((always_inline)) void writer_uint_spare(struct writer *w, uint32_t field, uint64_t v)
{
	writer_varint_spare(w, v);
	writer_head_spare(w, field, 0);
}

/* For what may be zero and present: a member of a oneof. */
static inline __attribute__((always_inline)) void writer_uint_always(struct writer *w, uint32_t field, uint64_t v)
{
	if (writer_room(w, 0))
		writer_uint_spare(w, field, v);
}

static inline __attribute__((always_inline)) void writer_uint(struct writer *w, uint32_t field, uint64_t v)
{
	if (v)
		writer_uint_always(w, field, v);
}

static inline void writer_int(struct writer *w, uint32_t field, int64_t v)
{
	writer_uint(w, field, (uint64_t)v);
}

/* The head of what is 'size' bytes long. */
static inline __attribute__((always_inline)) void writer_length(struct writer *w, uint32_t field, size_t size)
{
	if (!writer_room(w, 0))
		return;
	writer_varint_spare(w, size);
	writer_head_spare(w, field, 2);
}

/* Bytes with their length before them, also none. */
static inline __attribute__((always_inline)) void writer_data(struct writer *w, uint32_t field, const void *from, size_t size)
{
	writer_bytes(w, from, size);
	writer_length(w, field, size);
}

/* The head of the message whose fields are all that was written since 'mark' was w->at. */
static inline __attribute__((always_inline)) void writer_message(struct writer *w, uint32_t field, const uint8_t *mark)
{
	writer_length(w, field, (size_t)(mark - w->at));
}

/* A text of so many bytes, also of none. */
static inline void writer_span(struct writer *w, uint32_t field, const char *text, size_t size)
{
	if (__builtin_expect(text_is_ascii(text, size), 1))
		writer_bytes(w, text, size);
	else
		size = writer_repaired(w, text, size);
	writer_length(w, field, size);
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

/* A text of the program's own, not "". */
#define writer_literal(w, field, text) writer_data(w, field, text, sizeof(text "") - 1)

#endif
