/* SPDX-License-Identifier: Apache-2.0 */
/* A reading of JSON into a message, and its values that are no messages; for lib/wire/json_*.c alone. */
#ifndef WEIR_LIB_WIRE_JSON_INSIDE_H
#define WEIR_LIB_WIRE_JSON_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/json.h"
#include "lib/wire/json.h"

struct reading {
	struct json json;
	struct complaint *why;
	struct wire_unknown *unknown;	/* may be NULL */
	unsigned int depth;		/* of messages */
	bool no_memory;
	bool said;			/* 'why' is filled; else the JSON's own error is the complaint */
};

/* Each false one has stopped the reading, with a reason. */
__attribute__((format(printf, 3, 4)))
bool reading_refuse(struct reading *r, const struct json_span *at, const char *format, ...);
bool reading_no_memory(struct reading *r);
struct json_span reading_here(struct reading *r);		/* where the value that comes begins */
const char *wire_reading_show(const struct json_span *s, char buf[80]);

char *wire_reading_text(struct reading *r, size_t *length);		/* on the heap, ends with a NUL; NULL: false */
bool reading_bytes(struct reading *r, ProtobufCBinaryData *out);

/* A number, a boolean or an enum of the field's type to 'at'. */
bool reading_scalar(struct reading *r, const ProtobufCFieldDescriptor *f, void *at);

#endif
