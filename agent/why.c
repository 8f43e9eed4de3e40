// SPDX-License-Identifier: Apache-2.0
/*
 * Why: both sides of one connection.  The verdict is that of the judge's one header over the kernel's own maps; who
 * the author is comes from the rule's number, and what is said of the policies beside it from the objects in force.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/answers.h"
#include "agent/cluster.h"
#include "agent/datapath_word.h"
#include "lib/addr.h"
#include "lib/word.h"

struct weir_view {
	const struct datapath_view *map;
};

static inline __u32 weir_view_cell(const struct weir_view *v, __u32 index)
{
	return index < WEIR_CELLS ? __atomic_load_n(&v->map->cell[index], __ATOMIC_RELAXED) : 0;
}

static inline const struct weir_range *weir_view_range(const struct weir_view *v, __u32 index)
{
	return index < WEIR_RANGES ? &v->map->range[index] : NULL;
}

#include <weir/verdict.h>

#define LAST_MOST 8
#define PROTO_ICMP 1
#define PROTO_ICMP6 58

struct side {
	Weir__V1__Side side;
	struct explain_miss miss;
	char policy[600], would[600], list[4096], *isolating[64];
};

struct question {
	struct agent *a;
	struct complaint *complaint;
	const Weir__V1__WhyRequest *ask;
	struct policy_list policies;
	struct end src, dst;
	uint8_t proto;
	__u64 word[2];			/* [0] the source's */
	struct side side[WEIR_DIRS];
	Weir__V1__Side *sides[WEIR_DIRS];
	struct record_words *last;
	Weir__V1__Record *records[LAST_MOST];
	Weir__V1__Why why;
	char text[2][600], address[2][ADDR_TEXT_SIZE];
};

static int read_protocol(const char *word, bool v4)
{
	static const struct {
		const char *word;
		int proto;
	} known[] = { { "TCP", 6 }, { "UDP", 17 }, { "SCTP", 132 }, { "", 6 } };
	char *end;
	long n;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcasecmp(word, known[i].word))
			return known[i].proto;
	if (!strcasecmp(word, "ICMP") || !strcasecmp(word, "ICMPv6"))
		return v4 ? PROTO_ICMP : PROTO_ICMP6;
	n = strtol(word, &end, 10);
	return *end || n < 0 || n > 255 ? -1 : (int)n;
}

/* "namespace/pod", an address, or "node"; the answer is an end, with its address if the text was one. */
static int read_end(const struct agent *a, const char *text, struct end *out, bool *has_address)
{
	struct weir_addr addr;
	char ns[256], name[256], rest;

	*has_address = !addr_parse(text, &addr);
	if (*has_address)
		return end_of_address(a, &addr, out);
	if (sscanf(text, "%255[^/]/%255[^/]%c", ns, name, &rest) != 2)
		return -EINVAL;
	return end_of_pod(a, ns, name, out);
}

static const struct weir_addr *of_family(const struct end *e, bool v4)
{
	for (unsigned int i = 0; i < e->name->naddr; i++)
		if (addr_is_v4(&e->name->addr[i]) == v4)
			return &e->name->addr[i];
	return NULL;
}

static bool choose(struct end *e, bool given, bool v4)
{
	const struct weir_addr *a = given ? NULL : of_family(e, v4);

	if (given)
		return addr_is_v4(&e->explain.addr) == v4;
	if (a)
		e->explain.addr = *a;
	return a;
}

/* Both ends and the addresses they speak with; false if an error was said. */
static bool read_ends(struct question *q)
{
	bool given[2], want = false;
	struct weir_addr asked;
	int err = read_end(q->a, q->ask->source, &q->src, &given[0]);

	if (err) {
		complaint_set(q->complaint, 0, 0, "'%s' is neither a pod that is known (NAMESPACE/NAME) nor an address", q->ask->source);
		return false;
	}
	err = read_end(q->a, q->ask->destination, &q->dst, &given[1]);
	if (err) {
		complaint_set(q->complaint, 0, 0, "'%s' is neither a pod that is known (NAMESPACE/NAME) nor an address", q->ask->destination);
		return false;
	}
	if (*q->ask->source_address) {
		want = true;
		if (addr_parse(q->ask->source_address, &asked)) {
			complaint_set(q->complaint, 0, 0, "'%s' is no address", q->ask->source_address);
			return false;
		}
		q->src.explain.addr = asked;
		given[0] = true;
	}
	for (int v4 = 1; v4 >= 0; v4--)
		if (choose(&q->src, given[0], v4) && choose(&q->dst, given[1], v4))
			return true;
	complaint_set(q->complaint, 0, 0, "'%s'%s%s and '%s' have no address of one family", q->ask->source, want ? " from " : "",
		     q->ask->source_address, q->ask->destination);
	return false;
}

static void name_rule(const struct question *q, uint16_t kernel, struct side *s)
{
	const struct rule_name *rule = rules_of(q->a->rules, kernel);

	s->side.tier = (char *)"default";
	s->side.rule_text = (char *)rules_fixed_text(kernel);
	if (!rule || kernel < WEIR_RULE_FIRST)
		return;
	snprintf(s->policy, sizeof(s->policy), "%s%s%s", rule->ns, *rule->ns ? "/" : "", rule->policy);
	s->side.tier = (char *)tier_word(rule->tier);
	s->side.policy = s->policy;
	s->side.rule = rule->index + 1;
	s->side.rule_name = (char *)rule->name;
	s->side.rule_text = (char *)rule->text;
}

static void name_would_be(const struct question *q, const struct weir_said *said, struct side *s)
{
	const struct rule_name *rule = rules_of(q->a->rules, said->audit_rule);

	if (said->audit == said->verdict || said->audit == WEIR_UNSAID)
		return;
	s->side.would_be = (char *)(said->audit == WEIR_ALLOW ? "allow" : "deny");
	if (!rule)
		return;
	snprintf(s->would, sizeof(s->would), "%s%s%s", rule->ns, *rule->ns ? "/" : "", rule->policy);
	s->side.would_be_policy = s->would;
	s->side.would_be_rule = rule->index + 1;
}

static void explain_side(struct question *q, enum weir_dir dir, enum weir_reason reason, struct side *s)
{
	const struct explain_end *subject = dir == WEIR_EGRESS ? &q->src.explain : &q->dst.explain;

	explain_isolating(q->policies.v, q->policies.n, dir, subject, s->list, sizeof(s->list));
	s->side.isolating = s->isolating;
	s->side.n_isolating = word_split(s->list, s->isolating, sizeof(s->isolating) / sizeof(*s->isolating));
	if (reason != WEIR_UNDECIDED && explain_miss(q->policies.v, q->policies.n, dir, &q->src.explain, &q->dst.explain,
						     q->proto, q->ask->port, &s->miss))
		s->side.nearest_miss = s->miss.text;
}

/* One side, if its pod lives here.  Returns whether it says no. */
static bool judge_side(struct question *q, enum weir_dir dir)
{
	const struct datapath_view *map = datapath_view(q->a->datapath);
	struct weir_view view = { map };
	struct side *s = &q->side[dir];
	unsigned int endpoint = WEIR_WORD_ENDPOINT(q->word[dir == WEIR_INGRESS]);
	struct weir_question ask = { .opener = q->word[0], .receiver = q->word[1], .port = q->ask->port,
				     .proto = q->proto, .sides = WEIR_SIDE(dir),
				     .own_node = WEIR_WORD_FLAGS(q->word[0]) & WEIR_WORD_HOST };
	struct weir_said said = { 0 };
	enum weir_reason reason;

	weir__v1__side__init(&s->side);
	q->sides[q->why.n_side++] = &s->side;
	s->side.direction = (char *)(dir == WEIR_EGRESS ? "egress" : "ingress");
	if (WEIR_WORD_FLAGS(q->word[dir == WEIR_INGRESS]) & WEIR_WORD_GRANT)
		endpoint = 0;		/* the number is a namespace's */
	s->side.judged_here = endpoint && endpoint != WEIR_ENDPOINT_NODE;
	if (!s->side.judged_here)
		return false;
	memcpy(&ask.set[dir], &map->endpoint[endpoint].set[dir], sizeof(ask.set[dir]));
	reason = weir_judge_side(&view, &ask, dir, &said);
	if (q->word[0] == q->word[1] && !map->control->hairpin)
		reason = WEIR_UNDECIDED;	/* a pod may speak to itself */
	s->side.verdict = (char *)(reason ? "deny" : "allow");
	s->side.reason = (char *)reason_text(reason ? reason : WEIR_ALLOWED);
	name_rule(q, said.rule, s);
	name_would_be(q, &said, s);
	explain_side(q, dir, reason, s);
	if (reason && !*q->why.reason)
		q->why.reason = s->side.reason;
	return reason;
}

static bool is_about(const struct question *q, const struct record *r)
{
	return r->proto == q->proto && r->dport == q->ask->port && addr_equal(&r->src, &q->src.explain.addr) &&
	       addr_equal(&r->dst, &q->dst.explain.addr);
}

/* The last real packets of that pair and port, newest first. */
static void add_last(struct question *q)
{
	uint64_t first = records_first(q->a->records), n = records_next(q->a->records);
	struct record r;

	q->last = malloc(LAST_MOST * sizeof(*q->last));
	q->why.last = q->records;
	while (q->last && n > first && q->why.n_last < LAST_MOST) {
		struct record_words *w = &q->last[q->why.n_last];

		if (records_copy(q->a->records, --n, &r) || !is_about(q, &r))
			continue;
		record_words(q->a, &r, w);
		q->records[q->why.n_last++] = &w->record;
	}
}

static void answer(struct question *q)
{
	bool denied;

	weir__v1__why__init(&q->why);
	q->why.side = q->sides;
	q->word[0] = datapath_word(q->a->datapath, &q->src.explain.addr);
	q->word[1] = datapath_word(q->a->datapath, &q->dst.explain.addr);
	denied = judge_side(q, WEIR_EGRESS);
	denied |= judge_side(q, WEIR_INGRESS);
	q->why.verdict = (char *)(denied ? "deny" : "allow");
	if (!denied)
		q->why.reason = (char *)reason_text(WEIR_ALLOWED);
	q->why.source = (char *)names_text(q->src.name, q->text[0], sizeof(q->text[0]));
	q->why.destination = (char *)names_text(q->dst.name, q->text[1], sizeof(q->text[1]));
	q->why.source_address = (char *)addr_text(&q->src.explain.addr, q->address[0]);
	q->why.destination_address = (char *)addr_text(&q->dst.explain.addr, q->address[1]);
	add_last(q);
}

/* Does the question make sense? */
static int check(struct question *q)
{
	const Weir__V1__WhyRequest *ask = q->ask;
	int proto;

	if (!read_ends(q))
		return -EINVAL;
	proto = read_protocol(ask->protocol, addr_is_v4(&q->src.explain.addr));
	q->proto = proto;
	if (proto >= 0 && ask->port <= 65535 && (!weir_lane(proto) || ask->port))
		return 0;
	if (proto < 0)
		complaint_set(q->complaint, 0, 0, "'%s' is no protocol (TCP, UDP, SCTP, ICMP or a number to 255), and a port is "
			      "asked for by its number", ask->protocol);
	else
		complaint_set(q->complaint, 0, 0, "a port from 1 to 65535 is needed, not %u", ask->port);
	return -EINVAL;
}

int answer_why(struct agent *a, const Weir__V1__WhyRequest *ask, answer_fn fn, void *ctx, struct complaint *why)
{
	struct question *q = calloc(1, sizeof(*q));
	int err;

	if (!q || policies_in_force(a, NULL, &q->policies)) {
		free(q);
		return -ENOMEM;
	}
	q->a = a;
	q->complaint = why;
	q->ask = ask;
	err = check(q);
	if (!err) {
		answer(q);
		err = fn(ctx, &q->why.base, true);
	}
	end_drop(&q->src);
	end_drop(&q->dst);
	policies_drop(&q->policies);
	free(q->last);
	free(q);
	return err;
}
