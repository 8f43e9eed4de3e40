/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adopt: what an earlier agent's maps hold, and what it wrote down about the numbers, handed to the compiler.
 *
 *	if (datapath_adopted(dp))
 *		err = adopt(compiler, dp, endpoints, rules);	before the first object
 */
#ifndef WEIR_AGENT_ADOPT_H
#define WEIR_AGENT_ADOPT_H

#include "agent/endpoints.h"
#include "agent/rules.h"

int adopt(struct compiler *c, const struct datapath *dp, const struct endpoints *e, const struct rules *r);

#endif
