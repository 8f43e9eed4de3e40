/* SPDX-License-Identifier: Apache-2.0 */
/* A value as protobuf-c has it in memory: what lies in a field, and each element of a repeated one. */
#ifndef WEIR_LIB_WIRE_VALUE_H
#define WEIR_LIB_WIRE_VALUE_H

#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

size_t wire_value_size(ProtobufCType type);	/* bytes */

#endif
