/* SPDX-License-Identifier: Apache-2.0 */
/* What an export is asked for, read once; for agent/export*.c alone. */
#ifndef WEIR_AGENT_EXPORT_ASK_H
#define WEIR_AGENT_EXPORT_ASK_H

#include "agent/export.h"
#include "lib/filter/filter.h"
#include "lib/wire/mask.h"

struct export_ask {
	struct filters *filters;	/* NULL: everything */
	struct wire_mask *fields, *fold;	/* NULL: all; not folded */
};

int export_ask_read(struct export_ask *a, const struct export_options *options, struct complaint *why);
void export_ask_free(struct export_ask *a);

#endif
