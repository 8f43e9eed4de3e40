/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON to a stream, for '-o json' and whatever else programs read.
 *
 *	struct json_out j;
 *
 *	json_begin(&j, stdout, true);
 *	json_object(&j, NULL);
 *	json_text(&j, "pod", "shop/web");
 *	json_array(&j, "addresses");
 *	json_text(&j, NULL, "10.0.0.1");	no key inside an array, nor for the outermost value
 *	json_end(&j);
 *	json_end(&j);
 *	err = json_done(&j);			-EIO if the stream failed
 *
 * Commas, line ends and escapes are the writer's.  What is no UTF-8 comes out as U+FFFD.  One value per
 * json_begin(); not indented, that is one line.
 */
#ifndef WEIR_LIB_JSON_WRITE_H
#define WEIR_LIB_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_OUT_DEPTH 32

struct json_out {
	FILE *to;			/* not ours */
	bool indent;
	unsigned int depth;
	char close[JSON_OUT_DEPTH];	/* what ends each open object or array */
	bool filled[JSON_OUT_DEPTH + 1];	/* has it a value already */
};

void json_begin(struct json_out *j, FILE *to, bool indent);
int json_done(struct json_out *j);	/* ends the last line, flushes nothing */

void json_object(struct json_out *j, const char *key);
void json_array(struct json_out *j, const char *key);
void json_end(struct json_out *j);

void json_text(struct json_out *j, const char *key, const char *value);	/* NULL: null */
void json_uint(struct json_out *j, const char *key, uint64_t value);
void json_int(struct json_out *j, const char *key, int64_t value);
void json_number(struct json_out *j, const char *key, double value);	/* what is not finite: null */
void json_bool(struct json_out *j, const char *key, bool value);
void json_null(struct json_out *j, const char *key);

/* One string in quotes, escaped; for who writes by hand. */
void json_quote(FILE *to, const char *text);

#endif
