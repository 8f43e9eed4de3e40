// SPDX-License-Identifier: Apache-2.0
/* Which fields of a flow an output reads.  tests/tools/print.c takes all others away and sees the same lines. */
#include "tools/print.h"

enum when_needed { ALWAYS, NAMES, LAYOUT_WITH_IDENTITY, NODE, POLICIES, RULES };

static const struct {
	enum when_needed when;
	const char *path;
} fields[] = {
	{ ALWAYS, "time" },		/* a relay sorts by it, too */
	{ ALWAYS, "verdict" },
	{ ALWAYS, "drop_reason_desc" },
	{ ALWAYS, "ethernet" },
	{ ALWAYS, "IP.source" },
	{ ALWAYS, "IP.destination" },
	{ ALWAYS, "l4" },
	{ ALWAYS, "is_reply" },
	{ ALWAYS, "event_type" },
	{ ALWAYS, "l7" },
	{ ALWAYS, "traffic_direction" },
	{ ALWAYS, "policy_match_type" },
	{ ALWAYS, "debug_capture_point" },
	{ ALWAYS, "sock_xlate_point" },
	{ ALWAYS, "auth_type" },
	{ ALWAYS, "ip_trace_id" },
	{ ALWAYS, "Summary" },
	{ LAYOUT_WITH_IDENTITY, "source.identity" },
	{ LAYOUT_WITH_IDENTITY, "destination.identity" },
	{ NAMES, "source.namespace" },
	{ NAMES, "source.pod_name" },
	{ NAMES, "destination.namespace" },
	{ NAMES, "destination.pod_name" },
	{ NAMES, "source_names" },
	{ NAMES, "destination_names" },
	{ NAMES, "source_service" },
	{ NAMES, "destination_service" },
	{ NODE, "node_name" },
	{ POLICIES, "egress_allowed_by" },
	{ POLICIES, "ingress_allowed_by" },
	{ POLICIES, "egress_denied_by" },
	{ POLICIES, "ingress_denied_by" },
	{ RULES, "extensions" },
};
_Static_assert(sizeof(fields) / sizeof(fields[0]) <= PRINT_MASK_MAX, "the caller's room");

static bool needed(const struct print_how *how, enum when_needed when)
{
	switch (when) {
	case NAMES:
		return how->translate && !how->numeric;
	case LAYOUT_WITH_IDENTITY:
		return !how->output || !strcmp(how->output, "compact");
	case NODE:
		return how->node;
	case POLICIES:
		return how->policies;
	case RULES:
		return how->rules;
	default:
		return true;
	}
}

unsigned int print_mask(const struct print_how *how, const char *path[PRINT_MASK_MAX])
{
	unsigned int n = 0;

	if (print_is_json(how))
		return 0;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (needed(how, fields[i].when))
			path[n++] = fields[i].path;
	return n;
}
