// SPDX-License-Identifier: Apache-2.0
/* weir policy: list, check, test. */
#include <time.h>

#include "tools/ask.h"
#include "tools/list.h"
#include "tools/words.h"

static struct verb_want want;

static const struct opt options[] = { VERB_OPTIONS(&want), OPT_END };

static const struct verb_help help = {
	"policy list [OPTION...]",
	"Lists the policies the agent knows: tier, whom they select here, how often their rules decided, and their state. "
	"DENIED (of an audited one: what it would have) and USED AGO go as far back as the records that are kept; a denial by "
	"default is told of every policy that isolates the pod.",
	"0 listed, 1 there is none, or one is rejected", false,
	"  weir policy list\n"
	"  weir policy list -o json | jq '.policies[] | select(.why != \"\")'\n",
	NULL
};

static const char *since(uint64_t last, char *buf, size_t size)
{
	struct timespec now;
	uint64_t ms;

	clock_gettime(CLOCK_REALTIME, &now);
	ms = now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
	return !last ? "-" : text_age(ms > last / 1000000 ? ms - last / 1000000 : 0, buf, size);
}

static void add_row(struct table *t, const Weir__V1__Policy *p)
{
	char age[32];

	table_cell(t, "%s", p->name);
	table_cell(t, "%s", p->tier);
	table_cell(t, p->priority ? "%u" : "-", p->priority);
	table_cell(t, "%s", p->audit ? "audit" : "enforced");
	table_cell(t, "%u", p->rules);
	table_cell(t, "%u", p->pods);
	table_cell(t, "%llu", (unsigned long long)p->hits);
	table_cell(t, "%llu", (unsigned long long)(p->audit ? p->would_deny : p->denied));
	table_cell(t, "%s", since(p->last_used, age, sizeof(age)));
	table_cell(t, "%s%s%s", p->state, *p->why ? ": " : "", p->why);
}

struct seen {
	struct list list;
	bool rejected;
};

static int on_part(void *ctx, const Weir__V1__Reply *part)
{
	const Weir__V1__Policies *all = part->policies;
	struct seen *seen = ctx;

	if (part->answer_case != WEIR__V1__REPLY__ANSWER_POLICIES)
		return VERB_GO;
	for (size_t i = 0; i < all->n_policy; i++) {
		const Weir__V1__Policy *p = all->policy[i];

		seen->list.n++;
		seen->rejected |= *p->why != '\0';
		if (want.json)
			list_json(&seen->list, &p->base);
		else
			add_row(&seen->list.table, p);
	}
	return VERB_GO;
}

int policy_list_main(int argc, char **argv)
{
	Weir__V1__PoliciesRequest policies = WEIR__V1__POLICIES_REQUEST__INIT;
	Weir__V1__Request ask = ASK(POLICIES, policies, &policies);
	struct seen seen = { .rejected = false };
	struct verb_words words;
	int code = verb_begin(&help, &want, options, &words, argc, argv);

	if (code != VERB_GO)
		return code;
	if (words.n)
		return verb_fail(VERB_USAGE, "'%s' is not understood", words.word[0]);
	table_begin(&seen.list.table, "POLICY", "TIER", "PRIORITY", "MODE", "RULES", "PODS HERE", "HITS", "DENIED", "USED AGO", "STATE", NULL);
	list_begin(&seen.list, &want, "policies");
	code = ask_each(&want, &ask, ASK_WAIT_MS, on_part, &seen);
	list_end(&seen.list, code);
	if (code != VERB_OK)
		return code;
	if (!seen.list.n && !want.json)
		printf("no policies: every pod is open\n");
	return seen.list.n && !seen.rejected ? VERB_OK : VERB_NO;
}

int policy_main(int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "list", policy_list_main, "the policies in force, whom they select, how often they decided" },
		{ "check", policy_check_main, "read manifests and say what is wrong with them, without an agent" },
		{ "test", policy_test_main, "judge tables of flows and suites by engine, kernel or packets" },
		{ NULL, NULL, NULL }
	};

	return verb_run(verbs, "weir policy", "Policies: what is in force, what is wrong, what they promise.", argc, argv);
}
