/* SPDX-License-Identifier: Apache-2.0 */
/* What relay/metrics.c (who asks) and relay/metrics_families.c (what is told) share. */
#ifndef WEIR_RELAY_METRICS_INSIDE_H
#define WEIR_RELAY_METRICS_INSIDE_H

#include "lib/http/http.h"
#include "lib/metrics/metrics.h"
#include "relay/metrics_look.h"

#define METERS_WAITING 64		/* who waits for a look; as many as there are connections */

struct meters {
	struct relay *relay;
	struct http *http;
	struct metrics *metrics;
	struct look look;		/* gRPC's thread's while 'looking' */
	bool looking;
	struct meters_wait {
		struct http_ask *ask;	/* NULL: free */
		bool health;
		bool now;		/* the look that is under way is for it */
	} wait[METERS_WAITING];
	double bound[EDGES_BUCKETS - 1];
};

int meters_add(struct meters *m);

#endif
