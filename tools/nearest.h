/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For denials that no rule decided: which policies isolate the pod, and which rule came nearest.  A record does not
 * carry that, since it takes the objects to tell; so the agent is asked, once for each pair, port and protocol,
 * over a connection of its own.  Answers are kept for a few seconds, then asked anew: policies change.
 *
 *	nearest_begin(&n, &want);
 *	nearest_fill(n, record);	record->policy and record->nearest_miss, where they were empty
 *	nearest_end(n);
 */
#ifndef WEIR_TOOLS_NEAREST_H
#define WEIR_TOOLS_NEAREST_H

#include "proto/weir/v1/control.pb-c.h"
#include "tools/verb.h"

struct nearest;

int nearest_begin(struct nearest **out, const struct verb_want *want);
void nearest_fill(struct nearest *n, Weir__V1__Record *r);
void nearest_end(struct nearest *n);		/* NULL is fine */

#endif
