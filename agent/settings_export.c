// SPDX-License-Identifier: Apache-2.0
/* What is exported: filters and fields are read once before anything starts. */
#include <errno.h>

#include "agent/export.h"
#include "agent/settings_inside.h"

static const char *only_with_export(const struct settings *s)
{
	return s->export_allow ? "--export-allow" : s->export_deny ? "--export-deny" : s->export_fields ? "--export-fields" :
		s->export_fold ? "--export-fold" : NULL;
}

void settings_export_options(const struct settings *s, struct export_options *out)
{
	*out = (struct export_options){
		.file = s->export, .allow = s->export_allow, .deny = s->export_deny, .fields = s->export_fields,
		.fold = s->export_fold, .detail = s->export_detail, .window_ms = s->export_window_ms,
		.rotation = { .size = s->export_mb * 1000000ULL, .age_s = (s->export_age_ms + 999) / 1000,
			      .backups = s->export_backups },
	};
}

int settings_export(struct settings *s, struct complaint *why)
{
	const char *option = only_with_export(s);
	struct export_options options;

	if (s->export && !*s->export)
		s->export = NULL;
	if (!s->export && option) {
		complaint_set(why, 0, 0, "'%s' without '--export': say where to", option);
		return -EINVAL;
	}
	if (s->export_fold && (s->export_window_ms < 100 || s->export_window_ms > 86400000)) {
		complaint_set(why, 0, 0, "'--export-window' is from 100ms to 24h");
		return -EINVAL;
	}
	if (s->export_backups > 1000) {
		complaint_set(why, 0, 0, "'--export-backups' is at most 1000, not %u", s->export_backups);
		return -EINVAL;
	}
	settings_export_options(s, &options);
	return export_check(&options, why);
}
