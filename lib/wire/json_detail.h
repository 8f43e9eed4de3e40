/* SPDX-License-Identifier: Apache-2.0 */
/* Who decided, and what only weir says, as JSON: the parts of lib/wire/json_flow.c about policy; nobody else's. */
#ifndef WEIR_LIB_WIRE_JSON_DETAIL_H
#define WEIR_LIB_WIRE_JSON_DETAIL_H

#include "lib/flow/flow.h"
#include "lib/wire/json_out.h"

/* The fields of a weir.v1.FlowDetail. */
void line_detail(struct json_line *o, const struct flow *f);

/* A list of flow.Policy: who allowed, or denied, on that side. */
void line_policies(struct json_line *o, const char *key, size_t n, const struct flow *f, enum flow_direction side, bool denied);

#endif
