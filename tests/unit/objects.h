/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: manifests in a string, and the objects in them by name. */
#ifndef WEIR_TESTS_UNIT_OBJECTS_H
#define WEIR_TESTS_UNIT_OBJECTS_H

#include <stdio.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/netpol/read.h"
#include "tests/check.h"

#define OBJECTS 64
struct objects {
	struct object *v[OBJECTS];
	unsigned int n;
	char wrong[1024];		/* complaints, a line each */
};

static int objects_take(void *ctx, struct object *o, const struct complaint *why)
{
	struct objects *all = ctx;
	size_t at = strlen(all->wrong);
	char text[900];

	if (why)
		snprintf(all->wrong + at, sizeof(all->wrong) - at, "%s%s", at ? "\n" : "",
			 complaint_text(why, text, sizeof(text)));
	else if (all->n < OBJECTS)
		all->v[all->n++] = o;
	else
		object_free(o);
	return 0;
}

static inline void objects_read(struct objects *all, const char *text, const char *file)
{
	memset(all, 0, sizeof(*all));
	CHECK_EQ(read_manifests(text, strlen(text), file, objects_take, all), 0, "reading");
}

static inline void objects_free(struct objects *all)
{
	while (all->n)
		object_free(all->v[--all->n]);
}

/* NULL: it is not there. */
static inline const struct object *objects_find(const struct objects *all, enum object_kind kind, const char *ns,
						const char *name)
{
	for (unsigned int i = 0; i < all->n; i++)
		if (all->v[i]->kind == kind && !strcmp(all->v[i]->ns, ns) && !strcmp(all->v[i]->name, name))
			return all->v[i];
	return NULL;
}

#endif
