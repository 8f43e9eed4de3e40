/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any message of protobuf-c as proto3's JSON with the names of the protos, and back.
 *
 *	json_begin(&j, stdout, false);
 *	wire_json(&j, NULL, &reply->base);
 *	err = json_done(&j);
 *
 *	err = wire_json_read(text, size, &flow__flow_filter__descriptor, &message, &unknown, &why);
 *	protobuf_c_message_free_unpacked(message, NULL);
 *
 * Timestamps, wrappers, FieldMask and an Any of weir.v1.FlowDetail or FlowsOptions have their own forms; any other Any
 * is {"@type", "value": base64}.  Reading takes proto names and JSON names, enums by name or number, 64-bit numbers as
 * strings or numbers, null as absent; an unknown field is stepped over and counted, an unknown enum word is an error.
 */
#ifndef WEIR_LIB_WIRE_JSON_H
#define WEIR_LIB_WIRE_JSON_H

#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "lib/complaint.h"
#include "lib/json_write.h"

#define WIRE_JSON_DEPTH 24		/* of messages in messages; deeper is refused */

void wire_json(struct json_out *j, const char *key, const ProtobufCMessage *message);

struct wire_unknown {
	unsigned long fields;		/* stepped over; counts on */
	char first[64];			/* the first one's name */
};

/* -EINVAL: 'why' has line, column and a sentence; -ENOMEM.  'unknown' may be NULL.  The text is one value, whole. */
int wire_json_read(const char *text, size_t size, const ProtobufCMessageDescriptor *type, ProtobufCMessage **out,
		   struct wire_unknown *unknown, struct complaint *why);

#endif
