/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints what a stream of flows says: one line each, key by key, a table, or JSON.
 *
 *	print_open(&p, &how, stdout, stderr);
 *	n = print_mask(&how, paths);			what this needs of a flow, to be asked for
 *	print_flows(p, response);			any GetFlowsResponse: flow, loss, node status
 *	print_flush(p);					whole lines; whoever follows does it soon
 *	print_close(p);					the table comes now
 *
 * Layouts are those of the Hubble tools; behind them, unless how.rules is off, stands who decided and, of a denial,
 * the nearest miss.  Losses and nodes are told apart from flows, on 'talk'; with JSON losses are lines as well.
 */
#ifndef WEIR_TOOLS_PRINT_H
#define WEIR_TOOLS_PRINT_H

#include <stdio.h>

#include "lib/opt.h"
#include "tools/cells.h"

struct print_how {
	const char *output;		/* PRINT_OUTPUTS; NULL: compact */
	const char *time_format;	/* STAMP_FORMATS; NULL: the first */
	bool translate;			/* names in place of addresses */
	bool numeric;			/* the opposite, which wins */
	bool node, policies, rules;
	bool colour;
	bool events;			/* no flows: the table has other heads */
	bool silent, debug;		/* nothing about losses and nodes; also about nodes that came */
};
#define PRINT_OUTPUTS "compact|dict|json|jsonpb|table|tab"
#define PRINT_DEFAULTS { .translate = true, .rules = true }

struct print;

int print_open(struct print **out, const struct print_how *how, FILE *to, FILE *talk);
void print_close(struct print *p);		/* NULL is fine */

void print_flows(struct print *p, const Observer__GetFlowsResponse *r);
/* Agent and debug events (how.events): 'whole' for JSON, else its parts. */
struct print_event {
	const ProtobufCMessage *whole;
	const Google__Protobuf__Timestamp *time;
	const char *node, *type;
	const ProtobufCMessage *details;	/* field by field; NULL: none */
};
void print_event(struct print *p, const struct print_event *e);
int print_flush(struct print *p);		/* -EPIPE, -EIO: nobody reads on */

/* Fields of a flow; returns how many, 0 if all are needed (JSON). */
#define PRINT_MASK_MAX 40
unsigned int print_mask(const struct print_how *how, const char *path[PRINT_MASK_MAX]);

bool print_is_json(const struct print_how *how);

#endif
