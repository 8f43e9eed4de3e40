/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of JSON into a buffer, fast: for lib/wire/json_*.c alone.  Who may take his time uses lib/json_write.h.
 *
 *	line_begin(&o, buf, size);
 *	line_open(&o, LINE_KEY("source"));
 *	line_text(&o, LINE_KEY("pod_name"), pod);	not written if ""
 *	line_close(&o);
 *	n = line_end(&o, buf);				0: it did not fit
 *
 * Each value leaves a comma behind it, which the closing bracket takes the place of.
 */
#ifndef WEIR_LIB_WIRE_JSON_OUT_H
#define WEIR_LIB_WIRE_JSON_OUT_H

#include <stdbool.h>

#include "lib/wire/text.h"

#define LINE_KEY(name) "\"" name "\":", sizeof("\"" name "\":") - 1

struct json_line {
	char *at, *end;
	bool full;
};

void line_quote_slowly(struct json_line *o, const char *text, size_t size);

/* Room for 'size' bytes and the few that go with them, looked for once per value. */
#define LINE_SPARE 32
static inline bool line_room(struct json_line *o, size_t size)
{
	if (__builtin_expect(o->end - o->at >= (ptrdiff_t)(size + LINE_SPARE) && !o->full, 1))
		return true;
	o->full = true;
	return false;
}

/* Looks for no room; a size that is a constant becomes a few stores. */
static inline __attribute__((always_inline)) void line_copy(struct json_line *o, const char *from, size_t size)
{
	text_copy(o->at, from, size);
	o->at += size;
}

static inline void line_put(struct json_line *o, const char *from, size_t size)
{
	if (line_room(o, size))
		line_copy(o, from, size);
}

static inline void line_begin(struct json_line *o, char *buf, size_t size)
{
	*o = (struct json_line){ buf, buf + size, false };
	line_put(o, "{", 1);
}

static inline __attribute__((always_inline)) void line_open(struct json_line *o, const char *key, size_t n)
{
	if (!line_room(o, n))
		return;
	line_copy(o, key, n);
	*o->at++ = '{';
}

static inline void line_close_with(struct json_line *o, char bracket, char behind)
{
	if (!line_room(o, 0))
		return;
	if (o->at[-1] == ',')
		o->at--;
	*o->at++ = bracket;
	*o->at++ = behind;
}

static inline void line_close(struct json_line *o) { line_close_with(o, '}', ','); }
static inline void line_close_list(struct json_line *o) { line_close_with(o, ']', ','); }

static inline size_t line_end(struct json_line *o, const char *begin)
{
	line_close_with(o, '}', '\n');
	return o->full ? 0 : (size_t)(o->at - begin);
}

/* The top bit of some byte, if one of eight is no ASCII, a quote, a backslash or a control character.  A byte is below n
 * if taking n from it borrows: right for the lowest such byte, and one will do. */
static inline uint64_t line_odd(uint64_t w)
{
	const uint64_t ones = 0x0101010101010101ULL;

	return w | (w - ones * 0x20) | ((w ^ ones * '"') - ones) | ((w ^ ones * '\\') - ones);
}

/* May the text stand between quotes as it is? */
static inline bool line_is_plain(const char *text, size_t size)
{
	uint64_t w, odd = 0;

	if (size < 8)
		return !(line_odd(text_few(text, size)) & 0x8080808080808080ULL);
	for (size_t i = 0; i + 8 < size; i += 8) {
		memcpy(&w, text + i, 8);
		odd |= line_odd(w);
	}
	memcpy(&w, text + size - 8, 8);		/* the last eight, some of them again */
	return !((odd | line_odd(w)) & 0x8080808080808080ULL);
}

static inline void line_span(struct json_line *o, const char *text, size_t size)
{
	if (!line_is_plain(text, size)) {
		line_quote_slowly(o, text, size);
		return;
	}
	if (!line_room(o, size))
		return;
	*o->at++ = '"';
	line_copy(o, text, size);
	*o->at++ = '"';
	*o->at++ = ',';
}

/* Letters that need no escape, between quotes. */
static inline __attribute__((always_inline))
void line_quoted(struct json_line *o, const char *key, size_t n, const char *text, size_t size)
{
	if (!line_room(o, n + size))
		return;
	line_copy(o, key, n);
	*o->at++ = '"';
	line_copy(o, text, size);
	*o->at++ = '"';
	*o->at++ = ',';
}

static inline __attribute__((always_inline))
void line_word(struct json_line *o, const char *key, size_t n, const char *word)
{
	line_quoted(o, key, n, word, strlen(word));
}

static inline __attribute__((always_inline))
void line_text(struct json_line *o, const char *key, size_t n, const char *text)
{
	if (!*text || !line_room(o, n))
		return;
	line_copy(o, key, n);
	line_span(o, text, strlen(text));
}

static inline __attribute__((always_inline))
void line_number(struct json_line *o, const char *key, size_t n, uint64_t v)
{
	if (!line_room(o, n))
		return;
	line_copy(o, key, n);
	o->at += text_number(v, o->at);
	*o->at++ = ',';
}

static inline __attribute__((always_inline))
void line_uint(struct json_line *o, const char *key, size_t n, uint32_t v)
{
	if (v)
		line_number(o, key, n, v);
}

/* 64 bits go as a string. */
static inline __attribute__((always_inline))
void line_long(struct json_line *o, const char *key, size_t n, uint64_t v)
{
	if (!v || !line_room(o, n))
		return;
	line_copy(o, key, n);
	*o->at++ = '"';
	o->at += text_number(v, o->at);
	*o->at++ = '"';
	*o->at++ = ',';
}

static inline void line_enum(struct json_line *o, const char *key, size_t n, unsigned int v, const char *word)
{
	if (v && word)
		line_word(o, key, n, word);
	else
		line_uint(o, key, n, v);
}

static inline void line_bool(struct json_line *o, const char *key, size_t n, bool v)
{
	if (!line_room(o, n))
		return;
	line_copy(o, key, n);
	line_put(o, v ? "true," : "false,", v ? 5 : 6);
}

static inline void line_addr(struct json_line *o, const char *key, size_t n, const struct weir_addr *a)
{
	if (!line_room(o, n + TEXT_ADDR_SIZE))
		return;
	line_copy(o, key, n);
	*o->at++ = '"';
	o->at += text_addr(a, o->at);
	*o->at++ = '"';
	*o->at++ = ',';
}

static inline void line_time(struct json_line *o, const char *key, size_t n, uint64_t seconds, uint32_t nanos)
{
	if (!line_room(o, n + TEXT_TIME_SIZE))
		return;
	line_copy(o, key, n);
	*o->at++ = '"';
	o->at += text_stamp((int64_t)seconds, nanos, o->at);
	*o->at++ = '"';
	*o->at++ = ',';
}

/* A list, not written if it has no items; "" is an item. */
static inline void line_texts(struct json_line *o, const char *key, size_t n, const char *const *item, unsigned int items)
{
	if (!items)
		return;
	line_put(o, key, n);
	line_put(o, "[", 1);
	for (unsigned int i = 0; i < items; i++)
		line_span(o, item[i], strlen(item[i]));
	line_close_list(o);
}

#endif
