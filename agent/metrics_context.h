/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Context: which labels a metric of flows has beside its own, as Hubble's configuration says it.
 *
 *	metric_list_read(list, "flow:sourceContext=workload|namespace;labelsContext=source_pod tcp", &why);
 *	n = context_labels(&list->metric[0].context, label);	"source", "source_pod"
 *	context_values(&context, &ends, text, value, owner);
 *
 * A list is metrics with blanks between, each NAME or NAME:OPTION=VALUE;OPTION=VALUE.  A context is kinds with '|'
 * between, of which the first counts that is known; source and destination may differ by the flow's direction.
 */
#ifndef WEIR_AGENT_METRICS_CONTEXT_H
#define WEIR_AGENT_METRICS_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/complaint.h"
#include "lib/flow/flow.h"

#define CONTEXT_KINDS	8		/* in one context */
#define CONTEXT_LABELS	15		/* source, destination, and what labelsContext knows */
#define CONTEXT_TEXT	520		/* of one value: namespace, slash, name */
#define METRIC_LIST_MOST 16

#define CONTEXT_DEFAULT										\
	"sourceContext=workload|reserved-identity;destinationContext=workload|reserved-identity;"	\
	"labelsContext=source_namespace,source_workload,destination_namespace,destination_workload,traffic_direction"

enum context_kind {
	CONTEXT_NONE, CONTEXT_IDENTITY, CONTEXT_NAMESPACE, CONTEXT_POD, CONTEXT_POD_NAME, CONTEXT_DNS, CONTEXT_IP,
	CONTEXT_RESERVED, CONTEXT_WORKLOAD, CONTEXT_WORKLOAD_NAME, CONTEXT_APP, CONTEXT_WORKLOAD_KIND,
};

struct context {
	/* by side (0 source, 1 destination), for flows of either direction (0 egress, 1 ingress) */
	uint8_t kind[2][2][CONTEXT_KINDS];
	bool has[2];
	uint16_t labels;		/* bits, in the order of the table in metrics_context.c */
	bool any_drop, port, syn_only;	/* flows-to-world's own */
};

struct metric_wanted {
	const char *name;		/* of the table of whoever reads the list */
	struct context context;
};

struct metric_list {
	struct metric_wanted metric[METRIC_LIST_MOST];
	unsigned int metrics;
};

/* 'name': the metrics there are, to the NULL.  -EINVAL: 'why' says what is not understood. */
int metric_list_read(struct metric_list *out, const char *list, const char *const *name, struct complaint *why);

/* One end of a flow, and what else its context may want. */
struct context_end {
	const struct flow_end *end;
	const char *ip;			/* "" for what is no pod or node */
	uint64_t pod, workload;		/* owners (agent/metrics_owners.h); 0: none */
};

unsigned int context_labels(const struct context *c, const char *label[CONTEXT_LABELS]);
/* 'text' is where values lie that are put together.  'owner' gets whoever the values name. */
unsigned int context_values(const struct context *c, enum flow_direction direction, const struct context_end end[2],
			    char text[2][CONTEXT_TEXT], const char *value[CONTEXT_LABELS], uint64_t owner[2]);

#endif
