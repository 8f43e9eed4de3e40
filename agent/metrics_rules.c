// SPDX-License-Identifier: Apache-2.0
/* Verdicts by rule.  The kernel counts them by its own numbers, which serve one rule after another: what was added since
 * the last look belongs to who has the number now, and looks come before numbers change hands. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/flows.h"
#include "agent/metrics_inside.h"

#define SERIES_MOST 5000
#define OWNER(number) ((uint64_t)(number) << 1 << 32)	/* even: no pod's */

struct meters_rules {
	struct metric *metric;
	struct series *series;			/* of the last, to look up less */
	__u64 hits[WEIR_RULES], last[WEIR_RULES];
	uint32_t name[WEIR_RULES];		/* who was told of last, by kernel number */
};

static const char *const labels[] = { "verdict", "direction", "tier", "kind", "policy", "rule", "rule_name", NULL };

int meters_rules_open(struct meters *m)
{
	m->rules = calloc(1, sizeof(*m->rules));
	if (!m->rules)
		return -ENOMEM;
	m->rules->metric = metrics_add(m->metrics, &(struct metric_about){ .name = "weir_rule_verdicts",
				       .help = "Verdicts of each rule, and of each default, as the kernel counts them: one for each "
					       "flow that opens, and for each packet denied.",
				       .label = labels, .keep = 2, .most = SERIES_MOST });
	return m->rules->metric ? 0 : -ENOMEM;
}

void meters_rules_close(struct meters *m)
{
	free(m->rules);
}

static void count_fixed(struct meters *m, unsigned int number, uint64_t n)
{
	static const char *const word[] = { [WEIR_RULE_OPEN] = "open", [WEIR_RULE_ISOLATED] = "isolated",
		[WEIR_RULE_CLOSED] = "closed", [WEIR_RULE_NODE] = "own-node", [WEIR_RULE_SELF] = "self" };
	bool denies = number == WEIR_RULE_ISOLATED || number == WEIR_RULE_CLOSED;

	if (number >= sizeof(word) / sizeof(word[0]) || !word[number])
		return;
	series_count(metric_series(m->rules->metric, (const char *[]){ denies ? "deny" : "allow", "", "default", "", "",
				   word[number], "" }, NULL), n);
}

static void count_rule(struct meters *m, const struct rule_name *r, uint64_t n)
{
	static const char *const tier[] = { "admin", "networkpolicy", "baseline" };
	char policy[520], rule[12];
	const uint64_t owner[METRICS_OWNERS] = { OWNER(r->number) };

	snprintf(policy, sizeof(policy), "%s%s%s", r->ns, *r->ns ? "/" : "", r->policy);
	snprintf(rule, sizeof(rule), "%u", r->index + 1);
	series_count(metric_series(m->rules->metric, (const char *[]){ r->denies ? "deny" : "allow",
				   r->dir == WEIR_EGRESS ? "egress" : "ingress", r->tier < 3 ? tier[r->tier] : "",
				   r->tier == TIER_NETPOL ? "NetworkPolicy" : "ClusterNetworkPolicy", policy, rule, r->name },
				   owner), n);
}

/* Whoever had the number is out of force: its series goes, unless the rule comes back. */
static void look_after(struct meters *m, unsigned int number, const struct rule_name *now)
{
	struct meters_rules *r = m->rules;
	uint32_t name = now && now->alive ? now->number : 0;

	if (name == r->name[number])
		return;
	if (r->name[number])
		metrics_gone(m->metrics, OWNER(r->name[number]), meters_now_s());
	if (name)
		metrics_back(m->metrics, OWNER(name));
	r->name[number] = name;
}

void meters_settle(struct meters *m)
{
	struct meters_rules *r = m ? m->rules : NULL;

	if (!r || datapath_rule_hits(m->a->datapath, r->hits))
		return;
	for (unsigned int n = 0; n < WEIR_RULES; n++) {
		const struct rule_name *rule;

		if (r->hits[n] == r->last[n] && !r->name[n])
			continue;
		rule = n >= WEIR_RULE_FIRST ? rules_of(m->a->rules, n) : NULL;
		if (n < WEIR_RULE_FIRST)
			count_fixed(m, n, r->hits[n] - r->last[n]);
		else if (rule && r->hits[n] != r->last[n])
			count_rule(m, rule, r->hits[n] - r->last[n]);
		r->last[n] = r->hits[n];
		if (n >= WEIR_RULE_FIRST)
			look_after(m, n, rule);
	}
}
