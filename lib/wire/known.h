/* SPDX-License-Identifier: Apache-2.0 */
/* Messages whose JSON is not an object of their fields; for lib/wire/json*.c alone. */
#ifndef WEIR_LIB_WIRE_KNOWN_H
#define WEIR_LIB_WIRE_KNOWN_H

#include <protobuf-c/protobuf-c.h>

enum wire_known { WIRE_PLAIN, WIRE_TIMESTAMP, WIRE_WRAPPER, WIRE_FIELD_MASK, WIRE_ANY };

enum wire_known wire_known_of(const ProtobufCMessageDescriptor *type);

/* The message that an Any of this URL holds; NULL: none of ours. */
const ProtobufCMessageDescriptor *wire_type_of(const char *url);

/* "pod_name" as "podName", as protoc has it.  Returns the length, at most 'size' - 1; ends with a NUL. */
size_t wire_camel(const char *name, char *to, size_t size);

#endif
