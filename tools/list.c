// SPDX-License-Identifier: Apache-2.0
#include "tools/list.h"

void list_begin(struct list *l, const struct verb_want *want, const char *key)
{
	l->want = want;
	l->n = 0;
	l->key = key;
}

/* Not before there is something: an agent that cannot be reached leaves no half a document. */
static void open_json(struct list *l)
{
	json_begin(&l->json, stdout, true);
	json_object(&l->json, NULL);
	json_array(&l->json, l->key);
	l->open = true;
}

void list_json(struct list *l, const ProtobufCMessage *message)
{
	if (!l->open)
		open_json(l);
	json_message(&l->json, NULL, message);
}

void list_end(struct list *l, int code)
{
	if (l->want->json || code != VERB_OK)
		table_drop(&l->table);
	else
		table_end(&l->table, stdout);
	if (!l->want->json || (code != VERB_OK && !l->open))
		return;
	if (!l->open)
		open_json(l);
	json_end(&l->json);
	json_end(&l->json);
	json_done(&l->json);
}
