/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay's HTTP: /metrics for Prometheus, /healthz for whoever restarts it.
 *
 *	meters_open(&m, relay, &why);		relay->http is given
 *	meters_close(m);			gRPC's thread is gone, the loop is still there
 *
 * What is told belongs to gRPC's thread: it is asked to write it down (relay/metrics_look.c), and the main thread makes
 * text of that.  /healthz is answered by way of that thread, too: it says that both turn.
 */
#ifndef WEIR_RELAY_METRICS_H
#define WEIR_RELAY_METRICS_H

#include "lib/complaint.h"
#include "lib/http/http.h"

struct relay;
struct meters;

int meters_open(struct meters **out, struct relay *relay, struct complaint *why);
void meters_close(struct meters *m);		/* NULL is fine */
struct http *meters_http(struct meters *m);	/* for whoever has more to serve */

#endif
