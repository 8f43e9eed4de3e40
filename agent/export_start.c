// SPDX-License-Identifier: Apache-2.0
#include "agent/agent.h"
#include "agent/export.h"
#include "lib/log.h"

int export_start(struct agent *a)
{
	static char node[320];
	struct export_options options;
	struct export_source from = { .records = a->records, .losses = a->losses, .quiet = a->quiet };
	struct complaint why = { 0 };
	int err;

	settings_export_options(&a->settings, &options);
	if (!options.file)
		return 0;
	settings_node(&a->settings, node, sizeof(node));
	from.views = (struct flow_views){ .ends = a->ends, .rules = a->rules, .node = node, .node_number = agent_number(a),
					   .isolators = a->isolators };
	err = export_open(&a->export, &options, &from, &why);
	if (err)
		log_error("%s", why.text);
	return err;
}
