/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flow as one JSON line, straight from the view: proto3's JSON of a GetFlowsResponse (an ExportEvent's is the same),
 * with the names of the protos: 64-bit numbers as strings, enums by name, zero values left out.
 *
 *	n = wire_json_flow(&flow, mask, buf, sizeof(buf));	"{"flow":{...},"node_name":"n1","time":"..."}\n"
 *	fwrite(buf, 1, n, stdout);
 *
 * Returns the length, or 0 when the buffer is too small: it takes some 80 bytes more than the line.  Not ended by a NUL.
 * What is no UTF-8 comes out as U+FFFD.
 */
#ifndef WEIR_LIB_WIRE_JSON_FLOW_H
#define WEIR_LIB_WIRE_JSON_FLOW_H

#include <stddef.h>

#include "lib/flow/flow.h"
#include "lib/wire/encode.h"
#include "lib/wire/mask.h"

#define WIRE_JSON_MAX (4 * WIRE_RESPONSE_MAX)

/* Flow.aggregate: the line stands for so many flows; by enum flow_direction.  NULL: for itself. */
struct wire_aggregate {
	uint32_t flows[3];
};

size_t wire_json_flow(const struct flow *f, const struct wire_mask *mask, char *buf, size_t size);
size_t wire_json_aggregate(const struct flow *f, const struct wire_aggregate *of, const struct wire_mask *mask,
			   char *buf, size_t size);
size_t wire_json_lost(const struct wire_loss *loss, const char *node, uint64_t time, char *buf, size_t size);

#endif
