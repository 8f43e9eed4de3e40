// SPDX-License-Identifier: Apache-2.0
/* What an export to a file has written, and what not. */
#include <errno.h>

#include "agent/export.h"
#include "agent/metrics_inside.h"

/* Zeros without --export: a panel of it is empty for no other reason. */
static struct export_counts counts_of(void *ctx)
{
	const struct agent *a = ((struct meters *)ctx)->a;
	struct export_counts c = { 0 };

	if (a->export)
		export_count(a->export, &c);
	return c;
}

static void read_flows(void *ctx, struct metric *to)
{
	struct export_counts c = counts_of(ctx);

	metric_put_count(to, (const char *[]){ "written" }, c.flows);
	metric_put_count(to, (const char *[]){ "lost" }, c.lost);
}

static void read_bytes(void *ctx, struct metric *to)
{
	metric_put_count(to, NULL, counts_of(ctx).bytes);
}

static void read_failures(void *ctx, struct metric *to)
{
	metric_put_count(to, NULL, counts_of(ctx).failures);
}

static void read_rotations(void *ctx, struct metric *to)
{
	metric_put_count(to, NULL, counts_of(ctx).rotations);
}

static const char *const fate_label[] = { "fate", NULL };

static const struct metric_about families[] = {
	{ .name = "weir_export_flows", .help = "Flows of --export that were written, or overwritten before they could be.",
	  .label = fate_label, .read = read_flows },
	{ .name = "weir_export_bytes", .help = "Bytes that --export wrote.", .unit = "bytes", .read = read_bytes },
	{ .name = "weir_export_failures", .help = "Writes of --export that failed and were tried again.", .read = read_failures },
	{ .name = "weir_export_rotations", .help = "Files that --export began anew.", .read = read_rotations },
};

int meters_export_open(struct meters *m)
{
	for (unsigned int i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		struct metric_about about = families[i];

		about.ctx = m;
		if (!metrics_add(m->metrics, &about))
			return -ENOMEM;
	}
	return 0;
}
