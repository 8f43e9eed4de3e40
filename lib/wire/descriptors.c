// SPDX-License-Identifier: Apache-2.0
#include "lib/wire/descriptors.h"

const uint8_t wire_descriptors[] = {
#include "proto/descriptors.inc"
};
const size_t wire_descriptors_size = sizeof(wire_descriptors);
