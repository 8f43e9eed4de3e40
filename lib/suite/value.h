/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values: a document (YAML, JSON) as a tree that may be changed and written again.  Suites and states of
 * clusters are kept in them; nothing here knows what a policy is.
 *
 *	docs = value_read(text, size, "suite.json", &why);	a list: one item a document
 *	spec = value_at(docs->first, "spec.podSelector");
 *	value_put(pod, "status", value_map());
 *	value_write(docs->first, stdout);
 *	value_free(docs);
 *
 * A tree owns what is put into it.  No memory ends the program: only tests and 'weir policy test' use this.
 */
#ifndef WEIR_LIB_SUITE_VALUE_H
#define WEIR_LIB_SUITE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/complaint.h"

enum value_kind { VALUE_NULL, VALUE_BOOL, VALUE_NUMBER, VALUE_TEXT, VALUE_LIST, VALUE_MAP };

struct value {
	enum value_kind kind;
	unsigned int line;		/* in its file; 0: made here */
	char *key;			/* in a map; else NULL */
	char *text;			/* scalars: as written, without quotes */
	struct value *first, *last, *next;
};

struct value *value_read(const char *text, size_t size, const char *file, struct complaint *why);
struct value *value_read_file(const char *path, struct complaint *why);
void value_free(struct value *v);				/* NULL is fine */
struct value *value_copy(const struct value *v);
bool value_same(const struct value *a, const struct value *b);
void value_write(const struct value *v, FILE *to);		/* as JSON, in one line */
char *value_json(const struct value *v);			/* the same, to be freed */

const struct value *value_get(const struct value *map, const char *key);	/* NULL: no such key, or no map */
const struct value *value_at(const struct value *map, const char *path);	/* keys joined by dots */
const char *value_text(const struct value *map, const char *path, const char *without);
long value_number(const struct value *map, const char *path, long without);
bool value_true(const struct value *map, const char *path);
bool value_null(const struct value *v);				/* NULL, or null */
unsigned int value_count(const struct value *v);

struct value *value_map(void);
struct value *value_list(void);
struct value *value_of_text(const char *text);
struct value *value_of_number(long n);
struct value *value_of_bool(bool b);
struct value *value_put(struct value *map, const char *key, struct value *v);	/* replaces; returns 'v' */
struct value *value_add(struct value *list, struct value *v);			/* returns 'v' */
void value_drop(struct value *map, const char *key);
void value_remove(struct value *list, struct value *item);			/* frees 'item' */
struct value *value_inside(struct value *map, const char *key);	/* the map under 'key', made if it is missing */

#define value_each(v, list) (const struct value *v = (list) ? (list)->first : NULL; v; v = v->next)

#endif
