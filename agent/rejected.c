// SPDX-License-Identifier: Apache-2.0
#include "agent/agent.h"

void rejected_each(const struct agent *a, state_reject_fn fn, void *ctx)
{
	state_rejected(a->state, fn, ctx);
	policies_rejected(a->policies, fn, ctx);
}
