/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holdings: which file says which object, so that what vanished from a file is known to be gone.
 *
 *	holdings_begin(h, "db.yaml");
 *	if (holdings_offer(h, OBJECT_POD, "shop", "db-0") == HOLD_TAKE)
 *		tell(object);				it is this file's to say
 *	holdings_end(h, complete);			what it no longer says goes
 *
 * Of two files that say the same object the first by name counts.  When that one lets go, the other is asked to
 * be read again; in between nothing is told to be gone.  A file that was not read completely (it does not parse)
 * lets nothing go.  Pure; one thread.
 */
#ifndef WEIR_AGENT_HOLDINGS_H
#define WEIR_AGENT_HOLDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/netpol/object.h"

enum holding {
	HOLD_TAKE,		/* this file holds it */
	HOLD_OTHER,		/* a file earlier by name holds it */
	HOLD_TWICE,		/* this file said it already */
	HOLD_NO_MEMORY,
};

struct holdings_to {
	void (*gone)(void *ctx, enum object_kind kind, const char *ns, const char *name);
	void (*again)(void *ctx, const char *file);	/* please read it again */
	void *ctx;
};

struct holdings;

int holdings_new(struct holdings **out, const struct holdings_to *to);
void holdings_free(struct holdings *h);			/* NULL is fine; tells nobody */

int holdings_begin(struct holdings *h, const char *file);
enum holding holdings_offer(struct holdings *h, enum object_kind kind, const char *ns, const char *name);
void holdings_drop(struct holdings *h, enum object_kind kind, const char *ns, const char *name);	/* of the file begun */
bool holdings_behind(const struct holdings *h);	/* does the file begun still say what this reading of it did not find? */
void holdings_end(struct holdings *h, bool complete);
bool holdings_says(struct holdings *h, const char *file);	/* anything */

/* The file that holds an object, or NULL. */
const char *holdings_file(const struct holdings *h, enum object_kind kind, const char *ns, const char *name);

/* What files say in vain, because an earlier one says it, too. */
typedef void (*holdings_fn)(void *ctx, const char *file, enum object_kind kind, const char *ns, const char *name);
void holdings_duplicates(const struct holdings *h, holdings_fn fn, void *ctx);
size_t holdings_count(const struct holdings *h);

#endif
