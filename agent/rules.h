/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules: who a rule number is, beyond the life of an agent.
 *
 *	rules_publish(r, kernel, &rule, now);	the loop, before the kernel is told the number
 *	rules_flush(r);				and this before it, too: what was published is in the file
 *	record.rule[0] = rules_number(r, 4711);	the reader, at event time: the name number
 *	who = rules_get(r, record.rule[0]);	any thread between two of its quiet points, when somebody asks
 *
 * A rule has two numbers: the kernel's, 16 bits, serves another when it is free again; the name number, 32 bits,
 * never does.  DATA/rules holds both, so that the next agent can read what this one's programs say.  Numbers
 * below WEIR_RULE_FIRST are the fixed ones, the same in both.
 */
#ifndef WEIR_AGENT_RULES_H
#define WEIR_AGENT_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/policy.h>

#include "agent/quiet.h"
#include "lib/policy/compile.h"

struct rule_name {
	uint32_t number;
	uint16_t kernel;		/* the number it has, or had last, on this node */
	bool alive;			/* the kernel number is its own now */
	uint16_t bucket;		/* of 'by_what' */
	uint8_t tier;			/* enum policy_tier */
	uint8_t dir;			/* enum weir_dir */
	uint8_t match;			/* how far it narrows: the wire's policy_match_type */
	bool denies;
	uint32_t index;			/* in written order, from 0 */
	uint64_t dead_at;		/* the record number from which on nobody says it; then a mark of 'quiet' */
	const char *ns, *policy, *name, *text;
	struct rule_name *by_number, *by_what;	/* chains */
	char bytes[];
};

struct rules;

int rules_open(struct rules **out, const char *dir);	/* NULL: kept in memory only */
void rules_close(struct rules *r);			/* NULL is fine */
void rules_share(struct rules *r, struct quiet *quiet);	/* before other threads look: nothing is freed under their hands */

int rules_publish(struct rules *r, uint16_t kernel, const struct compile_rule *rule, uint64_t now);
int rules_flush(struct rules *r);
void rules_forget(struct rules *r, uint64_t oldest);	/* records older than this are gone */

uint32_t rules_number(const struct rules *r, uint16_t kernel);		/* any thread; 0: not known */
const struct rule_name *rules_get(const struct rules *r, uint32_t number);	/* NULL: fixed, or forgotten */
const struct rule_name *rules_of(const struct rules *r, uint16_t kernel);	/* who has the kernel number; or NULL */

/* What a fixed number says: "nobody isolates the pod" ... */
const char *rules_fixed_text(uint32_t number);

#endif
