// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "lib/policy/near.h"

/* A rule and how near it came. */
struct found {
	const struct object *policy;
	const struct peer *peer;	/* the closest one; NULL: any */
	unsigned int index, score;
	bool matches;
};

/* The policies that count: in force, or audited ones where no other speaks. */
struct among {
	const struct object *const *policy;
	unsigned int n;
	const struct asked *asked;
	bool audited;			/* count these, too */
	bool isolated;			/* by NetworkPolicies */
	struct found decided[TIER_BASELINE + 1];	/* of the cluster tiers; no policy: silent */
};

static bool speaks(const struct among *m, const struct object *o, enum policy_tier tier)
{
	const struct policy *p = &o->policy;

	return p->tier == tier && p->applies[m->asked->dir] && (m->audited || !p->audit) &&
	       near_selects(o, m->asked->subject);
}

static bool isolated(const struct among *m)
{
	for (unsigned int i = 0; i < m->n; i++)
		if (speaks(m, m->policy[i], TIER_NETPOL))
			return true;
	return false;
}

/* What a rule does not say brings it less near than what it says and what holds. */
#define UNSAID 10

static struct found near_rule(const struct asked *a, const struct object *o, unsigned int index)
{
	const struct rule *rule = &o->policy.rule[a->dir][index];
	struct found f = { .policy = o, .index = index, .score = rule->any_peer ? NEAR_WHOLE : 0 };

	for (unsigned int i = 0; i < rule->npeer && !rule->any_peer; i++) {
		unsigned int score = near_peer(a, o, &rule->peer[i]);

		if (f.peer && score <= f.score)
			continue;
		f.score = score;
		f.peer = &rule->peer[i];
	}
	f.matches = f.score == NEAR_WHOLE && near_ports(a, rule) == NEAR_WHOLE;
	f.score += 1 + near_ports(a, rule) - (rule->any_port ? UNSAID : 0);
	return f;
}

/* Order within a tier: priority, then name. */
static int order(const struct object *a, const struct object *b)
{
	if (a->policy.priority != b->policy.priority)
		return a->policy.priority < b->policy.priority ? -1 : 1;
	return strcmp(a->name, b->name);
}

static const struct object *next_in_tier(const struct among *m, enum policy_tier tier, const struct object *after)
{
	const struct object *best = NULL;

	for (unsigned int i = 0; i < m->n; i++) {
		const struct object *o = m->policy[i];

		if (o->policy.tier == tier && (!after || order(after, o) < 0) && (!best || order(o, best) < 0) &&
		    speaks(m, o, tier))
			best = o;
	}
	return best;
}

/* What the tier says: the first rule that matches.  No policy: it is silent. */
static struct found decides(const struct among *m, enum policy_tier tier)
{
	enum weir_dir dir = m->asked->dir;

	for (const struct object *o = next_in_tier(m, tier, NULL); o; o = next_in_tier(m, tier, o))
		for (unsigned int i = 0; i < o->policy.nrule[dir]; i++) {
			struct found f = near_rule(m->asked, o, i);

			if (f.matches)
				return f;
		}
	return (struct found){ 0 };
}

static enum rule_action action_of(const struct asked *a, const struct found *f)
{
	return f->policy->policy.rule[a->dir][f->index].action;
}

/* What the tiers say, and which of them denies outright, if one does. */
static const struct found *decide(struct among *m)
{
	struct found *admin = &m->decided[TIER_ADMIN], *baseline = &m->decided[TIER_BASELINE];

	m->isolated = isolated(m);
	*admin = decides(m, TIER_ADMIN);
	*baseline = decides(m, TIER_BASELINE);
	if (admin->policy && action_of(m->asked, admin) != ACTION_PASS)
		return action_of(m->asked, admin) == ACTION_DENY ? admin : NULL;
	if (m->isolated || !baseline->policy || action_of(m->asked, baseline) != ACTION_DENY)
		return NULL;
	return baseline;
}

/* Could this rule have allowed it, had it matched?  One that comes after the decision of its tier could not, nor
 * one of a tier that was not asked. */
static bool could_help(const struct among *m, const struct object *o, unsigned int index, const struct found *deny)
{
	enum rule_action action = o->policy.rule[m->asked->dir][index].action;
	enum policy_tier tier = o->policy.tier;
	const struct found *decided = &m->decided[tier];

	if (deny && tier > deny->policy->policy.tier)
		return false;
	if (tier == TIER_BASELINE && m->isolated)
		return false;
	if (action == ACTION_DENY || (action == ACTION_PASS && (!deny || decided != deny)))
		return false;
	if (!decided->policy || order(o, decided->policy) < 0)
		return true;
	return o == decided->policy && index <= decided->index;
}

static struct found nearest(const struct among *m, const struct found *deny)
{
	enum weir_dir dir = m->asked->dir;
	const struct found *admin = &m->decided[TIER_ADMIN];
	struct found best = { 0 };

	if (admin->policy && action_of(m->asked, admin) == ACTION_ALLOW)
		return *admin;
	for (unsigned int i = 0; i < m->n; i++) {
		const struct object *o = m->policy[i];

		if (!speaks(m, o, o->policy.tier))
			continue;
		for (unsigned int j = 0; j < o->policy.nrule[dir]; j++) {
			struct found f = near_rule(m->asked, o, j);

			if (f.score > best.score && could_help(m, o, j, deny))
				best = f;
		}
	}
	return best;
}

/* "shop/db", "lockdown (Admin tier)" */
static void say_policy(struct line *l, const struct object *o)
{
	if (o->policy.tier == TIER_NETPOL)
		line_add(l, "%s/%s", o->ns, o->name);
	else
		line_add(l, "%s (%s tier)", o->name, o->policy.tier == TIER_ADMIN ? "Admin" : "Baseline");
}

static void say_rule(struct line *l, const struct asked *a, const struct found *f)
{
	const struct rule *rule = &f->policy->policy.rule[a->dir][f->index];

	line_add(l, "rule %u ", f->index + 1);
	if (*rule->name)
		line_add(l, "'%s' ", rule->name);
	line_add(l, "of ");
	say_policy(l, f->policy);
}

static void say_missing(struct line *l, const struct asked *a, const struct found *f)
{
	const struct rule *rule = &f->policy->policy.rule[a->dir][f->index];
	bool peer = f->peer && near_peer(a, f->policy, f->peer) < NEAR_WHOLE;
	bool port = near_ports(a, rule) < NEAR_WHOLE;

	if (!peer && !port)
		line_add(l, "it matches");
	if (peer)
		near_say_peer(l, a, f->policy, f->peer);
	if (peer && port)
		line_add(l, ", and ");
	if (port)
		near_say_ports(l, a, rule);
}

static void say_nearest(struct line *l, const struct asked *a, const struct found *f)
{
	const struct rule *rule = &f->policy->policy.rule[a->dir][f->index];

	say_rule(l, a, f);
	line_add(l, rule->action == ACTION_PASS ? " passes " : " allows ");
	if (rule->any_port)
		line_add(l, "everything");
	line_ports(l, rule);
	line_add(l, a->dir == WEIR_INGRESS ? " from " : " to ");
	if (f->peer)
		line_peer(l, f->peer, f->policy->ns);
	else
		line_add(l, rule->any_peer ? "anywhere" : "nobody");
	line_add(l, "; ");
	say_missing(l, a, f);
}

static void say_deny(struct line *l, const struct asked *a, const struct found *f)
{
	char text[256];

	say_rule(l, a, f);
	explain_rule_text(f->policy, a->dir, f->index, text, sizeof(text));
	line_add(l, " denies it (%s)", text);
}

static void put(const struct asked *a, const struct found *best, const struct found *deny, struct explain_miss *out)
{
	const struct found *f = best->policy ? best : deny;
	struct line l = LINE(out->text, sizeof(out->text));

	out->policy = f->policy;
	out->dir = a->dir;
	out->index = f->index;
	out->score = best->policy ? best->score : 1;
	if (deny)
		say_deny(&l, a, deny);
	if (deny && best->policy)
		line_add(&l, "; nearest before it: ");
	if (best->policy)
		say_nearest(&l, a, best);
}

bool explain_miss(const struct object *const *policies, unsigned int n, enum weir_dir dir,
		  const struct explain_end *src, const struct explain_end *dst, uint8_t proto, uint16_t port,
		  struct explain_miss *out)
{
	struct asked asked = { .dir = dir, .subject = dir == WEIR_INGRESS ? dst : src,
			       .other = dir == WEIR_INGRESS ? src : dst, .dst = dst, .proto = proto, .port = port };
	struct among m = { .policy = policies, .n = n, .asked = &asked };

	memset(out, 0, sizeof(*out));
	for (int audited = 0; audited <= 1; audited++) {
		const struct found *deny;
		struct found best;

		m.audited = audited;
		deny = decide(&m);
		best = nearest(&m, deny);
		if (!best.policy && !deny)
			continue;
		put(&asked, &best, deny, out);
		return true;
	}
	return false;
}

unsigned int explain_isolating(const struct object *const *policies, unsigned int n, enum weir_dir dir,
			       const struct explain_end *subject, char *buf, size_t size)
{
	struct asked asked = { .dir = dir, .subject = subject };
	struct among m = { .policy = policies, .n = n, .asked = &asked, .audited = true };
	struct line l = LINE(buf, size);
	unsigned int count = 0;

	for (int audited = 0; audited <= 1 && !count; audited++)
		for (unsigned int i = 0; i < n; i++) {
			const struct object *o = policies[i];

			if (o->policy.audit != audited || !speaks(&m, o, TIER_NETPOL))
				continue;
			line_add(&l, "%s%s/%s%s", count ? ", " : "", o->ns, o->name, audited ? " (audit)" : "");
			count++;
		}
	return count;
}
