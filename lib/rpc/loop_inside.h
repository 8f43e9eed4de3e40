/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop as its servers and clients see it.  Only lib/rpc includes this.
 *
 * A tag is what an event of the completion queue points at; it lives inside its owner, which counts the tags that are
 * out and stays until they are back.
 */
#ifndef WEIR_LIB_RPC_LOOP_INSIDE_H
#define WEIR_LIB_RPC_LOOP_INSIDE_H

#include <grpc/grpc.h>

#include "lib/rpc/loop.h"

struct rpc_tag {
	void (*fn)(struct rpc_tag *t, bool ok);
	void *owner;
};

grpc_completion_queue *rpc_loop_queue(struct rpc_loop *loop);

#endif
