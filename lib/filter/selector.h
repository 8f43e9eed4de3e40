/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Label selectors, in Kubernetes' syntax, over labels as flows have them: "k8s:app=cart", "reserved:world".
 *
 *	app=cart, tier in (web, api), !debug, k8s:zone!=a, weight>5
 *
 *	err = selector_parse("app=cart", &things, &texts, &s, &why);	of the arenas; nothing to free
 *	if (selector_fits(&s, end->label, end->labels)) ...
 *
 * A key may say of which source it is ("k8s:", "reserved:"); without one, or with "any:", all are looked through.
 * A key is there once or not at all, as in Kubernetes; where two sources have it, one that agrees is enough.
 */
#ifndef WEIR_LIB_FILTER_SELECTOR_H
#define WEIR_LIB_FILTER_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/complaint.h"

enum selector_op { SELECTOR_IN, SELECTOR_NOT_IN, SELECTOR_THERE, SELECTOR_ABSENT, SELECTOR_ABOVE, SELECTOR_BELOW };

struct selector_need {
	const char *source, *key;	/* source NULL: any */
	uint32_t source_length, key_length;
	enum selector_op op;
	uint32_t values;
	const char **value;		/* sorted */
	int64_t number;			/* ABOVE, BELOW */
};

struct selector {		/* all needs must hold; none: everything passes */
	struct selector_need *need;
	size_t needs, values;
};

/* 0, -ENOMEM, or -EINVAL with the complaint: what is wrong, in quotes, and why. */
int selector_parse(const char *text, struct arena *things, struct arena *texts, struct selector *out,
		   struct complaint *why);
bool selector_fits(const struct selector *s, const char *const *label, unsigned int labels);

#endif
