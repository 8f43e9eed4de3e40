// SPDX-License-Identifier: Apache-2.0
#include "lib/wire/writer.h"

/* What it becomes is three times as long at worst: it is written to the far end of that room, then moved up. */
size_t writer_repaired(struct writer *w, const char *text, size_t size)
{
	size_t n = 0;

	if (text_is_utf8(text, size)) {
		writer_bytes(w, text, size);
		return size;
	}
	if (!writer_room(w, 3 * size))
		return 0;
	n = text_repaired(text, size, (char *)w->at - 3 * size);
	memmove(w->at - n, w->at - 3 * size, n);
	w->at -= n;
	return n;
}

void writer_varint_long(struct writer *w, uint64_t v)
{
	uint8_t bytes[10];
	unsigned int n = 0;

	for (; v >= 0x80; v >>= 7)
		bytes[n++] = (uint8_t)v | 0x80;
	bytes[n++] = (uint8_t)v;
	memcpy(w->at -= n, bytes, n);
}

void writer_time(struct writer *w, uint32_t field, uint64_t ns)
{
	uint8_t *mark = w->at;

	if (!ns)
		return;
	writer_uint(w, 2, ns % 1000000000);
	writer_uint(w, 1, ns / 1000000000);
	writer_message(w, field, mark);
}
