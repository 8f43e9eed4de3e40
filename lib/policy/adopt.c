// SPDX-License-Identifier: Apache-2.0
/* A new agent over old maps. */
#include <errno.h>

#include "lib/policy/inside.h"

bool adopt_slot(struct compiler *c, u32 member) { return false; }
u32 adopt_endpoint(struct compiler *c, const char *ns, const char *pod) { return 0; }
u32 adopt_rule(struct compiler *c, u32 rule) { return 0; }
void adopt_free(struct compiler *c) { }

int compile_adopt(struct compiler *c, const struct compile_adopted *old)
{
	return -EOPNOTSUPP;
}
