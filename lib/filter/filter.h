/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters: which flows somebody wants, compiled once from the wire's flow.FlowFilter, then asked flow by flow.
 *
 *	err = filters_new(&f, ask->whitelist, ask->n_whitelist, ask->blacklist, ask->n_blacklist, &why);
 *	if (err == -EINVAL)
 *		refuse(why.text);	whitelist[0].source_label[1]: ... : INVALID_ARGUMENT
 *	if (filters_pass(f, &flow)) ...
 *
 * Values in one field are alternatives, fields are conditions that must all hold, filters are alternatives; what
 * passes is what the whitelist selects (an empty one: everything) less what the blacklist does.
 * Nothing of the messages is kept.  Asking allocates nothing, changes nothing (any number of threads may ask), and
 * takes time bounded by the limits below and the flow's own texts: no value, however chosen, makes it more.
 */
#ifndef WEIR_LIB_FILTER_FILTER_H
#define WEIR_LIB_FILTER_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/complaint.h"
#include "lib/flow/flow.h"

/* More is refused, saying which. */
#define FILTERS_MOST 256		/* of both lists */
#define FILTERS_VALUES 65536		/* of both lists: addresses, ports, identities, verdicts and such, found by search */
#define FILTERS_PATTERNS 1024		/* of both lists: pods, globs, selectors, expressions, gone through one by one */
#define FILTERS_TEXT 1024		/* bytes of one value; selectors: four times that */

typedef struct Flow__FlowFilter Flow__FlowFilter;	/* "flow/flow.pb-c.h" */

struct filters;

/* 0, -EINVAL with the complaint, -ENOMEM (with one, too). */
int filters_new(struct filters **out, Flow__FlowFilter *const *white, size_t n_white,
		Flow__FlowFilter *const *black, size_t n_black, struct complaint *why);

/* Narrows 'f' to flows that one of these policies decided, would decide with audited ones in force, or isolated:
 * "namespace/name", "/name" in any namespace, "namespace/" all of one, "name" anywhere; and, if there are any, to those
 * that one of these rules of theirs did.  As weir.v1.FlowsOptions has them.  A denial by nobody's rule of which is not
 * said who isolates the pod passes, unless rules are asked for: what may be is shown rather than hidden. */
int filters_authors(struct filters *f, char *const *policy, size_t policies, const uint32_t *rule, size_t rules,
		    struct complaint *why);
void filters_free(struct filters *f);		/* NULL is fine */

bool filters_pass(const struct filters *f, const struct flow *flow);	/* NULL passes everything */

#endif
