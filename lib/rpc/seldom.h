/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stranger can make us say is said once a second, so that nobody fills our log.
 *
 *	static struct seldom s;
 *	if (seldom(&s, more))
 *		log_warn("...%s", more);	"" or " (and 12 more before it)"
 *
 * Any thread.
 */
#ifndef WEIR_LIB_RPC_SELDOM_H
#define WEIR_LIB_RPC_SELDOM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/rpc/loop.h"

struct seldom {
	_Atomic uint64_t next, unsaid;
};

#define SELDOM_MORE 48

static inline bool seldom(struct seldom *s, char more[SELDOM_MORE])
{
	uint64_t now = rpc_now_ms(), next = atomic_load(&s->next), unsaid;

	if (now < next || !atomic_compare_exchange_strong(&s->next, &next, now + 1000)) {
		atomic_fetch_add(&s->unsaid, 1);
		return false;
	}
	unsaid = atomic_exchange(&s->unsaid, 0);
	more[0] = '\0';
	if (unsaid)
		snprintf(more, SELDOM_MORE, " (and %lu more before it)", (unsigned long)unsaid);
	return true;
}

#endif
