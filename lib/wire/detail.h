/* SPDX-License-Identifier: Apache-2.0 */
/* Who decided, and what only weir says, as protobuf: the parts of lib/wire/encode.c about policy; nobody else's. */
#ifndef WEIR_LIB_WIRE_DETAIL_H
#define WEIR_LIB_WIRE_DETAIL_H

#include "lib/flow/flow.h"
#include "lib/wire/writer.h"

/* The fields of a weir.v1.FlowDetail. */
void detail_write(struct writer *w, const struct flow *f);

/* The flow.Policy list 'field': who allowed, or denied, on that side. */
void policies_write(struct writer *w, uint32_t field, const struct flow *f, enum flow_direction side, bool denied);

#endif
