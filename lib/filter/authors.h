/* SPDX-License-Identifier: Apache-2.0 */
/* Filters by policy and rule: filters_authors(). */
#ifndef WEIR_LIB_FILTER_AUTHORS_H
#define WEIR_LIB_FILTER_AUTHORS_H

#include "lib/filter/inside.h"

int authors_new(struct compiler *c, char *const *policy, size_t policies, const uint32_t *rule, size_t rules,
		struct filter *out);

#endif
