/* SPDX-License-Identifier: Apache-2.0 */
/* weir observe, in parts: options and talk (observe.c), the stream or file (observe_flows.c), other events (observe_events.c). */
#ifndef WEIR_TOOLS_OBSERVE_H
#define WEIR_TOOLS_OBSERVE_H

#include "tools/print.h"
#include "lib/select/select.h"

#define OBSERVE_INCOMPLETE 5	/* exit code of --require-complete */

struct observe_want {
	struct print_how how;
	bool require_complete;
	unsigned int for_ms;		/* --for: end by itself; 0: never */
};

int observe_flows(const struct observe_want *want, struct select *s);
int observe_events(const struct observe_want *want, const struct select *s, bool debug);

#endif
