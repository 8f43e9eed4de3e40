// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "lib/rpc/head_text.h"

struct head_kept {
	struct head_kept *next;
	const grpc_slice *of;		/* the header it was made from */
	char text[];
};

static const char *keep(struct head_kept **kept, const grpc_slice *of)
{
	size_t n = GRPC_SLICE_LENGTH(*of);
	struct head_kept *k;

	for (k = *kept; k; k = k->next)
		if (k->of == of)
			return k->text;
	k = malloc(sizeof(*k) + n + 1);
	if (!k)
		return NULL;
	memcpy(k->text, GRPC_SLICE_START_PTR(*of), n);
	k->text[n] = '\0';
	k->of = of;
	k->next = *kept;
	*kept = k;
	return k->text;
}

const char *head_text(struct head_kept **kept, const grpc_metadata_array *headers, const char *name)
{
	for (size_t i = 0; i < headers->count; i++)
		if (grpc_slice_str_cmp(headers->metadata[i].key, name) == 0)
			return keep(kept, &headers->metadata[i].value);
	return NULL;
}

void head_text_free(struct head_kept **kept)
{
	for (struct head_kept *k = *kept, *next; k; k = next) {
		next = k->next;
		free(k);
	}
	*kept = NULL;
}
