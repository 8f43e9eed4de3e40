/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows from a file: JSON lines as an exporter wrote them or `-o json` printed them, this product's or Hubble's.
 *
 *	err = stored_each(s, on_response, me, &why);	what passes the filters and the times of 's', in the file's order
 *
 * A line is a GetFlowsResponse, an ExportEvent (events of agents are stepped over) or, as old tools wrote it, a bare
 * Flow.  Fields that are not known are tolerated, lines that are no flow are left out: both are said once, on stderr.
 * Lost events and states of nodes always pass.
 */
#ifndef WEIR_TOOLS_STORED_H
#define WEIR_TOOLS_STORED_H

#include "proto/observer/observer.pb-c.h"
#include "lib/select/select.h"

#define STORED_LAST_MOST 1000000		/* of --last */
#define STORED_LINE_MOST (4 << 20)		/* bytes */

typedef int (*stored_fn)(void *ctx, const Observer__GetFlowsResponse *r);	/* 0: go on; else it ends with that */

/* 0, what 'each' ended with, or -errno and the complaint: no such file, nothing in it is a flow. */
int stored_each(const struct select *s, stored_fn each, void *ctx, struct complaint *why);

#endif
