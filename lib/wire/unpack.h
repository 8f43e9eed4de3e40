/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message as it comes from a stranger: unpacked within a budget, its texts checked.
 *
 *	ask = unpack_message(&observer__get_flows_request__descriptor, data, size);
 *	if (!ask)
 *		refuse();			no such message, too much memory for its size, a text that is no UTF-8
 *	unpack_free(ask);
 *
 * A message of two-byte parts becomes a hundred times its size in memory: what unpacking may take is UNPACK_TIMES
 * what was sent, and UNPACK_LEAST.  Only for messages that cannot contain themselves: unpacking is recursive.
 */
#ifndef WEIR_LIB_WIRE_UNPACK_H
#define WEIR_LIB_WIRE_UNPACK_H

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#define UNPACK_TIMES 48
#define UNPACK_LEAST (256U << 10)	/* some hundred small filters, each 700 bytes in memory */

void *unpack_message(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size);
void unpack_free(void *message);		/* NULL is fine */

#endif
