/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which flows a person wants: the options of `hubble observe` under their names and with their meaning, and a few of
 * weir's own, as one request.
 *
 *	static const struct opt options[] = { OPT_TABLE(select_options), VERB_OPTIONS(&want), OPT_END };
 *
 *	code = verb_begin(&help, &want, options, &words, argc, argv);
 *	err = select_done(&s, now, &why);		s: what the options asked for
 *	if (err)
 *		return verb_complain(VERB_USAGE, &why);
 *	if (s->ends)
 *		return select_print(s, stdout);		--print-raw-filters, --explain-filter
 *	if (s->input)
 *		return stored_each(s, on_flow, me, &why);	tools/stored.h
 *	select_mask(s, paths, n);			what this output needs, unless they said --field-mask
 *	n = observer__get_flows_request__get_packed_size(s->ask);
 *	... for each flow that comes: if (select_pass(s, &flow)) print
 *	select_free(s);
 *
 * --not negates the option behind it, so options are taken in their order.  A symmetric option (--pod) makes two
 * filters, one for each end.  Options that contradict each other are refused by one sentence.
 */
#ifndef WEIR_LIB_SELECT_H
#define WEIR_LIB_SELECT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/filter/filter.h"
#include "lib/opt.h"

typedef struct Observer__GetFlowsRequest Observer__GetFlowsRequest;

#define SELECT_LAST 20		/* when neither a number, a time, a file nor --follow is given */

extern const struct opt select_options[];	/* with heads; what they take is kept until select_done() */

struct select {
	Observer__GetFlowsRequest *ask;	/* whitelist, blacklist, number, first, follow, since, until, mask, extensions */
	struct filters *filters;	/* the same lists compiled: bad values are refused before anybody is asked */
	const char *input;		/* --input-file: "-" is stdin; NULL: ask a server */
	uint64_t since, until;		/* nanoseconds of CLOCK_REALTIME; 0: not said */
	bool follow;
	bool masked;			/* --field-mask was given: only for JSON */
	bool default_masks;		/* --use-default-field-masks, true unless given */
	bool authors;			/* --policy: looked at here, too */
	bool ends;			/* nothing is to be asked: select_print() */
	bool raw, explain;
};

/* 'now' is in nanoseconds of CLOCK_REALTIME.  -EINVAL with the complaint, -ENOMEM.  Options given later are anew. */
int select_done(struct select **out, uint64_t now, struct complaint *why);
void select_free(struct select *s);		/* NULL is fine */

/* Fields of a flow that this output needs ("time", "source.pod_name"); left out if the person said otherwise. */
int select_mask(struct select *s, const char *const *path, size_t n);

/* What a server that knows no weir.v1.FlowsOptions lets through: --policy, --rule. */
bool select_pass(const struct select *s, const struct flow *flow);

int select_print(const struct select *s, FILE *to);	/* 0, -EIO */

/* Sums of flows between two workloads, on one port: what most options ask for can be said of those, too.  After the options
 * and before select_done(): -EINVAL with the first option that cannot. */
int select_check_edges(struct complaint *why);

struct select_edge_end {
	const char *ns, *workload, *kind;
};
struct select_edge {
	struct select_edge_end source, destination;
	uint16_t port;			/* the destination's */
	uint8_t proto;
};
/* Whether flows of this edge with this verdict are selected.  Any thread. */
bool select_edge_pass(const struct select *s, const struct select_edge *e, enum flow_verdict verdict);

#endif
