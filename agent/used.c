// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include "agent/used.h"

static void note(struct used_count *c, uint64_t time, uint64_t n)
{
	c->n += n;
	if (time > c->last)
		c->last = time;
}

static void note_rule(struct used *u, const struct rules *rules, uint32_t number, uint64_t time, uint64_t n)
{
	const struct rule_name *rule = number >= WEIR_RULE_FIRST ? rules_get(rules, number) : NULL;

	if (rule && rule->alive)
		note(&u->rule[rule->kernel], time, n);
}

/* Who said no, or would: a rule, or all that isolate the pod. */
static void note_denial(struct used *u, const struct rules *rules, const struct record *r, enum weir_dir dir, bool audited, uint64_t n)
{
	uint32_t number = audited ? r->audit_rule[dir] : r->rule[dir];

	if (number == WEIR_RULE_ISOLATED && r->endpoint[dir] < USED_ENDPOINTS)
		note(&u->side[r->endpoint[dir]][dir][audited], r->time, n);
	else
		note_rule(u, rules, number, r->time, n);
}

static void look(struct used *u, const struct rules *rules, const struct record *r)
{
	bool denied = r->kind == WEIR_REC_DENIED || (r->kind == WEIR_REC_AGAIN && r->flags & WEIR_REC_CUT);

	if (r->kind == WEIR_REC_CLOSED)		/* it had been decided before */
		return;
	for (int dir = 0; dir < WEIR_DIRS; dir++) {
		if (!denied)
			note_rule(u, rules, r->rule[dir], r->time, 0);
		if (!denied && r->flags & WEIR_REC_AUDIT && (r->audit >> (2 * dir) & 3) == WEIR_DENY)
			note_denial(u, rules, r, dir, true, 1);
	}
	if (denied)
		note_denial(u, rules, r, r->flags & WEIR_REC_EGRESS ? WEIR_EGRESS : WEIR_INGRESS, false,
			    r->kind == WEIR_REC_DENIED ? 1 + (uint64_t)r->repeats : 1);
}

int used_read(struct used *u, const struct records *records, const struct rules *rules)
{
	struct record r;

	u->rule = calloc(WEIR_RULES, sizeof(*u->rule));
	u->side = calloc(USED_ENDPOINTS, sizeof(*u->side));
	if (!u->rule || !u->side) {
		used_free(u);
		return -ENOMEM;
	}
	for (uint64_t n = records_first(records), end = records_next(records); n < end; n++)
		if (!records_copy(records, n, &r))
			look(u, rules, &r);
	return 0;
}

void used_free(struct used *u)
{
	free(u->rule);
	free(u->side);
	*u = (struct used){ 0 };
}
