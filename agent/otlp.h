/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP: flows as logs and the metrics, sent by gRPC to a receiver such as the OpenTelemetry collector.
 *
 *	otlp_open(&o, a, &why);			it runs from here on, on a thread of its own
 *	otlp_close(o);				what is under way gets a second
 *
 * Flows are read from the history by a cursor: that is the queue.  While the receiver is away the history goes on, and
 * what it overwrites is counted.  One request of each kind is under way at a time; one that the receiver may yet take is
 * tried again, later and later; one that it refuses is dropped, and counted.  Metrics are written on the loop's thread
 * every --otlp-interval; a round that finds the one before still under way is left out, and counted.
 */
#ifndef WEIR_AGENT_OTLP_H
#define WEIR_AGENT_OTLP_H

#include <stdint.h>

#include "lib/complaint.h"
#include "lib/rpc/credentials.h"

struct agent;
struct otlp;

int otlp_open(struct otlp **out, struct agent *a, struct complaint *why);	/* behind the meters */
void otlp_close(struct otlp *o);		/* NULL is fine; before what it reads */

bool otlp_tls(const struct otlp *o, struct certs_state *out);		/* false: no TLS; any thread; NULL is fine */
void otlp_tls_check(const struct otlp *o, unsigned int days);		/* as rpc_client_tls_check() */

struct otlp_counts {
	uint64_t requests, failures;	/* answered; not answered, or with an error */
	uint64_t flows, points;		/* taken by the receiver */
	uint64_t lost;			/* flows overwritten before they were sent */
	uint64_t dropped;		/* flows and points that the receiver refused */
	uint64_t skipped;		/* rounds of metrics left out */
};
void otlp_count(const struct otlp *o, struct otlp_counts *out);		/* any thread; NULL is fine */

#endif
