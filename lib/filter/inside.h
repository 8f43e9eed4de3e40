/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters, compiled.  A filter is a row of conditions that must all hold, the cheap ones first; a condition has the values
 * of one field, one of which must fit.  fields.c knows the fields, filter.c the order of things.
 */
#ifndef WEIR_LIB_FILTER_INSIDE_H
#define WEIR_LIB_FILTER_INSIDE_H

#include <stdint.h>

#include "lib/arena.h"
#include "lib/filter/filter.h"

#define FILTERS_STEPS 16384		/* of all regular expressions */

struct condition;
typedef bool (*condition_holds)(const struct condition *c, const struct flow *flow);

struct condition {
	condition_holds holds;
	const void *value;		/* of the field's own type */
	uint32_t n;
	uint32_t sorted;		/* of them, the first that are in order: addresses */
	bool destination;		/* of the two ends, this one; else the source */
};

struct filter {
	const struct condition *condition;
	uint32_t n;
};

struct filters {
	struct filter *white, *black;
	uint32_t whites, blacks;
	struct filter authors;		/* policies and rules; empty: any */
	struct arena things, texts;
};

/* While one is made: where we are, for complaints, and what has been used of the bounds. */
struct compiler {
	struct filters *f;
	const char *list, *field;	/* "whitelist", "source_label" */
	size_t filter, value;		/* their numbers */
	size_t values, patterns, steps;
	struct complaint *why;
};

/* "whitelist[0].source_label[1]: ..."; -EINVAL. */
__attribute__((format(printf, 2, 3)))
int compiler_refuse(struct compiler *c, const char *format, ...);
/* A value as it may be shown. */
#define COMPILER_SHOW 100
const char *compiler_show(const char *text, char buf[COMPILER_SHOW]);
int compiler_spend(struct compiler *c, size_t values, size_t patterns);	/* -EINVAL if that is too much */

/* One of the fields that a filter may have; in the order in which they are asked. */
struct field {
	uint32_t number;		/* in flow.FlowFilter */
	bool destination;
	uint16_t size;			/* of a value, compiled */
	bool pattern;			/* gone through one by one */
	int (*read)(struct compiler *c, const void *element, void *value);
	int (*order)(const void *a, const void *b);	/* NULL: as they came */
	condition_holds holds;
	void (*finish)(struct condition *c);	/* once values are in order; NULL: nothing to do */
};
extern const struct field fields[];
extern const unsigned int fields_n;

struct ProtobufCFieldDescriptor;
const struct ProtobufCFieldDescriptor *field_descriptor(const struct field *field);

#endif
