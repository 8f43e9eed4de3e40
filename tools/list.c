// SPDX-License-Identifier: Apache-2.0
#include "tools/list.h"

void list_begin(struct list *l, const struct verb_want *want, const char *key)
{
	l->want = want;
	l->n = 0;
	if (!want->json)
		return;
	json_begin(&l->json, stdout, true);
	json_object(&l->json, NULL);
	json_array(&l->json, key);
}

void list_json(struct list *l, const ProtobufCMessage *message)
{
	json_message(&l->json, NULL, message);
}

void list_end(struct list *l)
{
	if (!l->want->json) {
		table_end(&l->table, stdout);
		return;
	}
	json_end(&l->json);
	json_end(&l->json);
	json_done(&l->json);
}
