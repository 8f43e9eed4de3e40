/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view of a flow that came by the wire, weir's or Hubble's, for a client's filters and printers.
 *
 *	struct flow_wire w;
 *
 *	flow_from_wire(response->flow, &w);		w.flow is good while the message is
 *	print(&w.flow);
 *	flow_wire_free(&w);				of what was made for it: the detail, lists
 *
 * Numbers that no view holds (a verdict of 300, a port of 70000) and addresses that are none come out as unknown, 0.
 * What the view has no place for (ethernet, l7, tunnel ...) is reached by w.message.
 */
#ifndef WEIR_LIB_FLOW_FROM_WIRE_H
#define WEIR_LIB_FLOW_FROM_WIRE_H

#include "lib/flow/flow.h"
#include "proto/flow/flow.pb-c.h"
#include "proto/weir/v1/flow.pb-c.h"

struct flow_wire {
	struct flow flow;
	struct flow_end source, destination;
	struct flow_more more;
	const Flow__Flow *message;	/* not ours */
	Weir__V1__FlowDetail *detail;	/* NULL: there is none, or it is no FlowDetail */
};

void flow_from_wire(const Flow__Flow *message, struct flow_wire *to);
void flow_wire_free(struct flow_wire *w);

#endif
