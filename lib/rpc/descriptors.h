/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A serialized FileDescriptorSet, looked into where it lies: which file has a name, which one defines a symbol.
 * It may contain itself without end, so it is never unpacked: walked by hand, to a depth.
 *
 *	if (descriptors_symbol(set, size, "flow.Flow", &file))
 *		send(file.data, file.size);
 *
 * Only lib/rpc includes this, and its tests.
 */
#ifndef WEIR_LIB_RPC_DESCRIPTORS_H
#define WEIR_LIB_RPC_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	const uint8_t *data;
	size_t size;
};

bool descriptors_valid(const void *set, size_t size);		/* every file can be walked */
bool descriptors_file(const void *set, size_t size, const char *name, struct span *out);
/* A message, field, oneof, enum, value, service or method, by its whole name. */
bool descriptors_symbol(const void *set, size_t size, const char *symbol, struct span *out);

#endif
