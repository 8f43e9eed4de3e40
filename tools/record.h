/* SPDX-License-Identifier: Apache-2.0 */
/* A flow record as one line: when, verdict, who to whom, by which policy and rule, how close the nearest was. */
#ifndef WEIR_TOOLS_RECORD_H
#define WEIR_TOOLS_RECORD_H

#include <stdbool.h>
#include <stdio.h>

#include "proto/weir/v1/control.pb-c.h"

void record_print(FILE *to, const Weir__V1__Record *r, bool colour);
bool record_denied(const Weir__V1__Record *r);

#endif
