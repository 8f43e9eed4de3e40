/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads JSON by pulling: a cursor over bytes, no tree, no memory of its own.
 *
 *	struct json j;
 *	struct json_span key, name;
 *
 *	json_read(&j, text, size);
 *	json_enter(&j, '{');
 *	while (json_key(&j, &key))
 *		if (json_is(&key, "name"))
 *			json_string(&j, &name);
 *		else
 *			json_skip(&j);
 *	if (j.error)
 *		... json_complain(&j, &why);
 *
 * Strict (RFC 8259): no comments, no comma too many, UTF-8, escapes checked, a pair of surrogates is one
 * character and half a pair none; U+0000 is refused, because texts here end with NUL.  An error is sticky: everything after it answers false.
 */
#ifndef WEIR_LIB_JSON_H
#define WEIR_LIB_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/complaint.h"

#define JSON_DEPTH 256

struct json {
	const char *at, *end;
	const char *line_begin;
	unsigned int line;
	unsigned int depth;
	const char *error;		/* a constant sentence, or NULL; 'at' is where */
	uint8_t filled[JSON_DEPTH];	/* has this level a value already */
	char close[JSON_DEPTH];
};

/* A string without its quotes, or a number, as it is written. */
struct json_span {
	const char *text;
	size_t length;
	unsigned int line, column;	/* of its first byte, the quote if it has one */
	bool escaped;			/* holds escapes: json_plain() undoes them */
};

enum json_kind { JSON_NONE, JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

void json_read(struct json *j, const char *text, size_t size);
enum json_kind json_peek(struct json *j);			/* of the value that comes; NONE: none does */

bool json_enter(struct json *j, char open);			/* '{' or '[' */
bool json_key(struct json *j, struct json_span *key);		/* false: the object ended */
bool json_item(struct json *j);					/* is there another one; false: the array ended */
bool json_string(struct json *j, struct json_span *out);
bool json_word(struct json *j, struct json_span *out);		/* number, true, false or null */
bool json_skip(struct json *j);					/* any value */

bool json_is(const struct json_span *s, const char *word);
size_t json_plain(const struct json_span *s, char *to);		/* without escapes; at most s->length bytes; their number */

bool json_fail(struct json *j, const char *error);		/* false */
void json_complain(const struct json *j, struct complaint *why);
unsigned int json_column(const struct json *j);			/* of 'at': bytes, from 1 */

#endif
