// SPDX-License-Identifier: Apache-2.0
/* What the kept records say of policies: by rule, by who isolates, and no further back than they go. */
#include <stdlib.h>

#include "agent/used.h"
#include "tests/check.h"

#define ALLOWS 20			/* the kernel's numbers of rules */
#define DENIES 21
#define POD    7

static struct records *records;
static struct rules *rules;
static uint64_t now = 1000;

static void publish(uint16_t kernel, const char *policy)
{
	struct compile_rule rule = { .tier = TIER_NETPOL, .dir = WEIR_INGRESS, .ns = "shop", .policy = policy, .name = "", .text = policy };

	CHECK_EQ(rules_publish(rules, kernel, &rule, 0), 0, "published");
}

static struct record record(enum weir_kind kind, uint32_t ingress)
{
	struct record r = { .time = ++now, .kind = kind, .proto = 6 };

	r.rule[WEIR_EGRESS] = WEIR_RULE_REMOTE;
	r.rule[WEIR_INGRESS] = ingress;
	r.endpoint[WEIR_INGRESS] = POD;
	return r;
}

static void opened(uint16_t kernel)
{
	struct record r = record(WEIR_REC_OPENED, rules_number(rules, kernel));

	records_add(records, &r);
}

static void denied(uint32_t rule, uint32_t repeats)
{
	struct record r = record(WEIR_REC_DENIED, rule);

	r.flags = WEIR_REC_INGRESS;
	r.repeats = repeats;
	records_add(records, &r);
}

/* Allowed, and audited policies would not have. */
static void would(uint32_t rule)
{
	struct record r = record(WEIR_REC_OPENED, rules_number(rules, ALLOWS));

	r.flags = WEIR_REC_AUDIT;
	r.audit = WEIR_DENY << (2 * WEIR_INGRESS);
	r.audit_rule[WEIR_INGRESS] = rule;
	records_add(records, &r);
}

int main(void)
{
	struct record closed;
	struct used u;

	CHECK(!records_new(&records, 16) && !rules_open(&rules, NULL), "opens");
	publish(ALLOWS, "front");
	publish(DENIES, "guard");

	CHECK(!used_read(&u, records, rules) && !u.rule[ALLOWS].last, "no record, nothing used");
	used_free(&u);

	opened(ALLOWS);
	denied(WEIR_RULE_ISOLATED, 4);
	denied(WEIR_RULE_ISOLATED, 0);
	denied(rules_number(rules, DENIES), 1);
	would(WEIR_RULE_ISOLATED);
	closed = record(WEIR_REC_CLOSED, rules_number(rules, ALLOWS));
	records_add(records, &closed);
	CHECK(!used_read(&u, records, rules), "read");
	CHECK_EQ(u.rule[ALLOWS].last, 1005, "a rule's last decision; an end is none");
	CHECK_EQ(u.rule[ALLOWS].n, 0, "what it allowed it did not deny");
	CHECK_EQ(u.side[POD][WEIR_INGRESS][false].n, 6, "by default, with those that were only counted");
	CHECK_EQ(u.side[POD][WEIR_INGRESS][false].last, 1003, "and when");
	CHECK_EQ(u.side[POD][WEIR_INGRESS][true].n, 1, "audited ones would");
	CHECK_EQ(u.side[POD][WEIR_EGRESS][false].n, 0, "of that side alone");
	CHECK_EQ(u.rule[DENIES].n, 2, "by a rule");
	CHECK_EQ(u.rule[DENIES].last, 1004, "and when");
	used_free(&u);

	for (unsigned int i = 0; i < 2 * records_capacity(records); i++)
		opened(ALLOWS);
	CHECK(!used_read(&u, records, rules) && !u.rule[DENIES].last && !u.side[POD][WEIR_INGRESS][false].n, "what was overwritten is forgotten");
	CHECK_EQ(u.rule[ALLOWS].last, now, "the newest");
	used_free(&u);
	records_free(records);
	rules_close(rules);
	return check_done();
}
