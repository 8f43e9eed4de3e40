/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that are lists, which come in parts: rows of a table for people, or one JSON array.
 *
 *	list_begin(&l, &want, "endpoints");
 *	... list_json(&l, &endpoint->base), or table_cell(&l.table, ...)
 *	list_end(&l, code);
 */
#ifndef WEIR_TOOLS_LIST_H
#define WEIR_TOOLS_LIST_H

#include "lib/control/json.h"
#include "tools/table.h"
#include "tools/verb.h"

struct list {
	const struct verb_want *want;	/* not ours */
	struct json_out json;
	struct table table;
	const char *key;
	bool open;			/* the JSON has begun */
	unsigned int n;
};

void list_begin(struct list *l, const struct verb_want *want, const char *key);	/* after table_begin() */
void list_json(struct list *l, const ProtobufCMessage *message);
void list_end(struct list *l, int code);	/* prints if it went well: VERB_OK */

#endif
