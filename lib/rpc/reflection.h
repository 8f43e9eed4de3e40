/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server reflection, v1 and v1alpha: what a client such as grpcurl asks to learn the services.
 *
 *	rpc_reflection_new(&r, server, wire_descriptors, wire_descriptors_size);	before rpc_server_start()
 *
 * The descriptors are a serialized FileDescriptorSet (protoc --descriptor_set_out --include_imports), borrowed.
 * Services listed are those whose methods the server has.
 */
#ifndef WEIR_LIB_RPC_REFLECTION_H
#define WEIR_LIB_RPC_REFLECTION_H

#include <stddef.h>

#include "lib/rpc/server.h"

struct rpc_reflection;

/* -EINVAL if the descriptors are none. */
int rpc_reflection_new(struct rpc_reflection **out, struct rpc_server *s, const void *descriptors, size_t size);
void rpc_reflection_free(struct rpc_reflection *r);	/* NULL is fine; after the server */

#endif
