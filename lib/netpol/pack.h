/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pack: a policy without its pointers, a seventh of its size, for who keeps thousands and looks at few.
 *
 *	size = policy_pack(o, buf, sizeof(buf));	what it takes; more than there is room for: nothing was written
 *	o = policy_unpack(buf, size);			a block of its own, object_free() gives it back; NULL: no memory
 *
 * NetworkPolicy and ClusterNetworkPolicy, whole: what is unpacked equals what was packed.
 */
#ifndef WEIR_LIB_NETPOL_PACK_H
#define WEIR_LIB_NETPOL_PACK_H

#include "lib/netpol/object.h"

size_t policy_pack(const struct object *o, void *buf, size_t size);
struct object *policy_unpack(const void *buf, size_t size);

#endif
