/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows and metrics as requests of OTLP, written from the end of a buffer to its beginning (lib/wire/writer.h).
 *
 *	otlp_logs_begin(&o, buf, size, &who);
 *	for (i = n; i--;)
 *		otlp_flow(&o, &flow[i]);		the last first
 *	if (otlp_logs_end(&o))
 *		send(o.w.at, writer_size(&o.w));
 */
#ifndef WEIR_AGENT_OTLP_WRITE_H
#define WEIR_AGENT_OTLP_WRITE_H

#include "lib/flow/flow.h"
#include "lib/metrics/metrics.h"
#include "lib/wire/writer.h"

struct otlp_who {
	const char *node, *cluster;	/* cluster "": none */
	uint64_t started, now;		/* CLOCK_REALTIME, nanoseconds */
};

struct otlp_request {
	struct writer w;
	const struct otlp_who *who;
	uint8_t *resource, *scope;	/* where they end */
	unsigned int points;
};

void otlp_logs_begin(struct otlp_request *o, void *buf, size_t size, const struct otlp_who *who);
void otlp_flow(struct otlp_request *o, const struct flow *f);
bool otlp_logs_end(struct otlp_request *o);		/* false: it did not fit */

/* All families of a registry.  false: it did not fit. */
bool otlp_metrics(struct otlp_request *o, void *buf, size_t size, const struct otlp_who *who, struct metrics *m);

#endif
