/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message as JSON, from its own description: fields by the names of the .proto file, all of them present;
 * numbers as numbers, bytes in hexadecimal; of a oneof the one that is set.
 *
 *	json_begin(&j, stdout, true);
 *	json_message(&j, NULL, &status->base);
 *	json_done(&j);
 */
#ifndef WEIR_LIB_CONTROL_JSON_H
#define WEIR_LIB_CONTROL_JSON_H

#include <protobuf-c/protobuf-c.h>

#include "lib/json_write.h"

void json_message(struct json_out *j, const char *key, const ProtobufCMessage *message);

#endif
