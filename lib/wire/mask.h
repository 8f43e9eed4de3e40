/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A field mask, read once: which fields of a flow.Flow are wanted.
 *
 *	err = wire_mask_new(&mask, request->field_mask->paths, request->field_mask->n_paths, &why);
 *	n = wire_flow_response(&flow, mask, buf, sizeof(buf));
 *	wire_mask_free(mask);
 *
 * Paths are proto names with dots, "source.pod_name", "l4.TCP", "IP"; a path includes all below it; a repeated field
 * ends its path.  NULL wants everything, and is what no paths give.  Read by any thread once made.
 */
#ifndef WEIR_LIB_WIRE_MASK_H
#define WEIR_LIB_WIRE_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/complaint.h"

/* Fields are counted in the order of their numbers, as in a descriptor of protobuf-c. */
struct wire_mask {
	uint64_t fields;		/* wanted, wholly or in part */
	struct wire_mask *part[64];	/* of a message wanted in part: of which fields; NULL: wholly */
};

/* -EINVAL: 'why' names the path that is none.  -ENOMEM. */
int wire_mask_new(struct wire_mask **out, char *const *path, size_t paths, struct complaint *why);
/* All but Flow.extensions: Hubble's tools cannot resolve the type that is in it, and then print nothing at all. */
int wire_mask_without_detail(struct wire_mask **out);
void wire_mask_free(struct wire_mask *mask);	/* NULL is fine */

static inline bool wire_mask_wants(const struct wire_mask *mask, unsigned int field)
{
	return !mask || mask->fields >> field & 1;
}

/* The mask of what is below, for a field that is wanted. */
static inline const struct wire_mask *wire_mask_below(const struct wire_mask *mask, unsigned int field)
{
	return mask ? mask->part[field] : NULL;
}

#endif
