/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks into an encoded GetFlowsResponse without decoding it: what it holds, from which node, of when.
 *
 *	if (!wire_scan(bytes, size, &s) && s.kind == WIRE_FLOW)
 *		merge(s.time, bytes, size);
 *
 * For bytes of any peer, also a lying one: nothing is read past 'size', nothing allocated, depth is one.
 */
#ifndef WEIR_LIB_WIRE_SCAN_H
#define WEIR_LIB_WIRE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wire_kind { WIRE_MARK, WIRE_FLOW, WIRE_NODE_STATUS, WIRE_LOST };	/* the oneof's numbers; MARK: none of them */

struct wire_scan {
	enum wire_kind kind;
	const uint8_t *body;		/* of the flow, the status or the loss */
	size_t body_size;
	const char *node;		/* in the bytes, no NUL behind; UTF-8 without NUL */
	size_t node_size;
	uint64_t time;			/* nanoseconds since 1970; 0: absent, or before */
};

/* -EBADMSG: no such message. */
int wire_scan(const uint8_t *bytes, size_t size, struct wire_scan *out);

#endif
