// SPDX-License-Identifier: Apache-2.0
/* What could not be told, and the certificates that run out. */
#include <errno.h>
#include <stdio.h>

#include "agent/losses.h"
#include "agent/metrics_inside.h"
#include "agent/otlp.h"
#include "agent/serve.h"

/* Hubble's three sources, in small letters. */
static const char *const source_word[] = { "unknown_lost_event_source", "perf_event_ring_buffer", "observer_events_queue",
					   "hubble_ring_buffer" };

static void read_sources(void *ctx, struct metric *to)
{
	const struct agent *a = ((struct meters *)ctx)->a;

	for (unsigned int stage = 0; stage < LOSS_STAGES; stage++)
		metric_put_count(to, &source_word[loss_source(stage)], losses_total(a->losses, stage));
}

static void read_stages(void *ctx, struct metric *to)
{
	const struct agent *a = ((struct meters *)ctx)->a;

	for (unsigned int stage = 0; stage < LOSS_STAGES; stage++)
		metric_put_count(to, (const char *[]){ loss_word(stage) }, losses_total(a->losses, stage));
}

static bool tls_of(void *ctx, struct certs_state *tls)
{
	const struct agent *a = ((struct meters *)ctx)->a;

	return a->serve && serve_tls(a->serve, tls);
}

static void read_expiry(void *ctx, struct metric *to)
{
	struct certs_state tls;

	if (tls_of(ctx, &tls)) {
		metric_put(to, (const char *[]){ "server" }, tls.expires);
		metric_put(to, (const char *[]){ "client-ca" }, tls.ca_expires);
	}
	if (!otlp_tls(((struct meters *)ctx)->a->otlp, &tls))
		return;
	if (tls.expires)
		metric_put(to, (const char *[]){ "otlp" }, tls.expires);
	if (tls.ca_expires)
		metric_put(to, (const char *[]){ "otlp-ca" }, tls.ca_expires);
}

static void read_failures(void *ctx, struct metric *to)
{
	struct certs_state tls;
	uint64_t n = 0;

	if (tls_of(ctx, &tls))
		n += tls.failures;
	if (otlp_tls(((struct meters *)ctx)->a->otlp, &tls))
		n += tls.failures;
	metric_put_count(to, NULL, n);
}

static void read_streams(void *ctx, struct metric *to)
{
	const struct agent *a = ((struct meters *)ctx)->a;
	struct serve_counts c;

	if (!a->serve)
		return;
	serve_count(a->serve, &c);
	metric_put(to, NULL, c.streams);
}

static struct otlp_counts otlp_of(void *ctx)
{
	struct otlp_counts c;

	otlp_count(((struct meters *)ctx)->a->otlp, &c);
	return c;
}

static void read_otlp_requests(void *ctx, struct metric *to)
{
	struct otlp_counts c = otlp_of(ctx);

	metric_put_count(to, (const char *[]){ "taken" }, c.requests);
	metric_put_count(to, (const char *[]){ "failed" }, c.failures);
	metric_put_count(to, (const char *[]){ "skipped" }, c.skipped);
}

static void read_otlp_flows(void *ctx, struct metric *to)
{
	metric_put_count(to, NULL, otlp_of(ctx).flows);
}

static void read_otlp_points(void *ctx, struct metric *to)
{
	metric_put_count(to, NULL, otlp_of(ctx).points);
}

static void read_otlp_dropped(void *ctx, struct metric *to)
{
	struct otlp_counts c = otlp_of(ctx);

	metric_put_count(to, (const char *[]){ "overwritten" }, c.lost);
	metric_put_count(to, (const char *[]){ "refused" }, c.dropped);
}

static const char *const fate_label[] = { "fate", NULL }, *const why_label[] = { "why", NULL };
static const char *const source_label[] = { "source", NULL }, *const stage_label[] = { "stage", NULL };
static const char *const use_label[] = { "use", NULL };

static const struct metric_about families[] = {
	{ .name = "hubble_lost_events", .help = "Events that could not be told, by Hubble's names of where.",
	  .label = source_label, .read = read_sources },
	{ .name = "weir_lost_events", .help = "Events that could not be told, by where they were lost.", .label = stage_label,
	  .read = read_stages },
	{ .name = "weir_certificate_expiry_timestamp_seconds", .help = "When a certificate runs out, in seconds since 1970: the gRPC "
	  "server's, otlp: what the receiver is shown.", .unit = "seconds", .type = METRIC_GAUGE, .label = use_label, .read = read_expiry },
	{ .name = "weir_certificate_failures", .help = "Changed certificate files that were not taken.", .read = read_failures },
	{ .name = "weir_otlp_requests", .help = "Requests to the OTLP receiver, by what became of them; skipped: the one before was "
	  "still under way.", .label = fate_label, .read = read_otlp_requests },
	{ .name = "weir_otlp_flows", .help = "Flows that the OTLP receiver took.", .read = read_otlp_flows },
	{ .name = "weir_otlp_points", .help = "Points of metrics that the OTLP receiver took.", .read = read_otlp_points },
	{ .name = "weir_otlp_dropped", .help = "Flows that were overwritten before they were sent, and flows and points that the "
	  "receiver refused.", .label = why_label, .read = read_otlp_dropped },
	{ .name = "weir_streams", .help = "Clients that are being sent flows.", .type = METRIC_GAUGE, .read = read_streams },
};

int meters_losses_open(struct meters *m)
{
	for (unsigned int i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		struct metric_about about = families[i];

		about.ctx = m;
		if (!metrics_add(m->metrics, &about))
			return -ENOMEM;
	}
	return 0;
}
