/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What our protos say, for gRPC's reflection: a google.protobuf.FileDescriptorSet of all of them and what they import,
 * each file after those that it imports.  A walk over field 1 gives the FileDescriptorProtos as they are sent.
 */
#ifndef WEIR_LIB_WIRE_DESCRIPTORS_H
#define WEIR_LIB_WIRE_DESCRIPTORS_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t wire_descriptors[];
extern const size_t wire_descriptors_size;

#endif
