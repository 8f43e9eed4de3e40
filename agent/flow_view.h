/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record of the history as a struct flow.  Any thread that passes quiet points (agent/quiet.h): what the view points
 * at stays until the thread's next one.
 *
 *	struct flow_views views = { .ends = ends, .rules = rules, .node = "n1", .node_number = hash };
 *	if (!records_copy(records, n, &record))
 *		flow_view(&views, &record, n, &flow);
 *
 * 'nearest' is left "": who wants it asks for it apart.
 */
#ifndef WEIR_AGENT_FLOW_VIEW_H
#define WEIR_AGENT_FLOW_VIEW_H

#include "agent/ends.h"
#include "agent/isolators.h"
#include "agent/records.h"
#include "agent/rules.h"
#include "lib/flow/flow.h"

struct flow_views {			/* none of them ours */
	const struct ends *ends;
	const struct rules *rules;
	const char *node;		/* its name as flows carry it */
	const char *const *node_label;
	unsigned int node_labels;
	uint64_t node_number;		/* what makes uuids differ from other nodes' */
	const struct isolators *isolators;	/* NULL: who isolates a pod is not told */
};

void flow_view(const struct flow_views *v, const struct record *r, uint64_t number, struct flow *out);

#endif
