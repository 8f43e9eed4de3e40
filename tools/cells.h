/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said of a flow, piece by piece, in the words of the Hubble tools; and what only weir says, in ours.
 *
 *	cells_end(&text, &how, flow, true);		shop/cart:40312
 *	cells_verdict(&text, &how, flow);		DENIED
 */
#ifndef WEIR_TOOLS_CELLS_H
#define WEIR_TOOLS_CELLS_H

#include <stdbool.h>

#include "proto/observer/observer.pb-c.h"
#include "proto/weir/v1/flow.pb-c.h"
#include "tools/reuse.h"
#include "tools/text.h"

struct cells {
	bool numeric;		/* addresses, not names */
	bool policies;		/* names of policies behind the verdict */
	bool colour;
};

enum cells_colour { CELLS_HOST, CELLS_PORT, CELLS_IDENTITY, CELLS_GOOD, CELLS_BAD, CELLS_WARN, CELLS_DIM };
void cells_colour(struct text *t, const struct cells *how, enum cells_colour c);
void cells_plain(struct text *t, const struct cells *how);

const char *cells_arrow(const Flow__Flow *f);		/* -> <- <> */
bool cells_turned(const Flow__Flow *f);			/* an answer: its ends are told the other way round */

void cells_end(struct text *t, const struct cells *how, const Flow__Flow *f, bool source);
void cells_identity(struct text *t, const struct cells *how, const Flow__Endpoint *e);
void cells_type(struct text *t, const Flow__Flow *f);
void cells_verdict(struct text *t, const struct cells *how, const Flow__Flow *f);
void cells_summary(struct text *t, const Flow__Flow *f);

/* What only weir says.  NULL if the flow has none. */
const Weir__V1__FlowDetail *cells_detail(const Flow__Flow *f, struct reuse *room);
/* "egress shop/cart#2, ingress shop/db#1", "ingress shop/default-deny", "no policy isolates the pod"; 'by' stands before
 * who has a name. */
void cells_author(struct text *t, const Flow__Flow *f, const Weir__V1__FlowDetail *d, const char *by);
void cells_nearest(struct text *t, const Weir__V1__FlowDetail *d);	/* "nearest: rule 1 of ..."; "" if nothing came near */

#endif
