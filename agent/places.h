/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places: whose an address is, by name number (agent/names.h); of several the one that came last.
 *
 *	places_add(p, &addr, number); places_remove(p, &addr, number);	one thread
 *	number = places_at(p, &addr);					another, at the same time: no lock
 */
#ifndef WEIR_AGENT_PLACES_H
#define WEIR_AGENT_PLACES_H

#include <stddef.h>
#include <stdint.h>

#include <weir/base.h>

#define PLACES (1 << 18)		/* what is beyond is refused, and counted */

struct places;

int places_new(struct places **out);
void places_free(struct places *p);		/* NULL is fine */

void places_add(struct places *p, const struct weir_addr *a, uint32_t number);
void places_remove(struct places *p, const struct weir_addr *a, uint32_t number);	/* nothing if it is not there */
uint32_t places_at(const struct places *p, const struct weir_addr *a);			/* 0: nobody's */

void places_count(const struct places *p, size_t *used, size_t *refused);

#endif
