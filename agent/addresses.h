/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses: the node's own, on whatever interface of the agent's namespace, as they come and go.
 *
 *	addresses_open(&a, loop, on_address, me);	on_address(me, &addr, true) for each before it returns
 *
 * Loopback addresses never leave the node and are not told.
 */
#ifndef WEIR_AGENT_ADDRESSES_H
#define WEIR_AGENT_ADDRESSES_H

#include <stdbool.h>

#include <weir/base.h>

#include "lib/loop.h"

struct addresses;

typedef void (*addresses_fn)(void *ctx, const struct weir_addr *a, bool there);

int addresses_open(struct addresses **out, struct loop *loop, addresses_fn fn, void (*settled)(void *ctx), void *ctx);
void addresses_close(struct addresses *a);	/* NULL is fine */

#endif
