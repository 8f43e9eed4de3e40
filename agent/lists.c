// SPDX-License-Identifier: Apache-2.0
/* The endpoints of this node and the policies of the cluster, each with what is known of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/answers.h"
#include "agent/cluster.h"
#include "agent/used.h"
#include "lib/addr.h"
#include "lib/word.h"

#define ENDPOINTS_AT_ONCE 200		/* in one reply */
#define POLICIES_AT_ONCE 1000
#define ADDRESSES_MOST 16
#define SELECTING_MOST 32		/* policies named per endpoint and direction */
#define LIST_SIZE 4096

struct one_endpoint {
	Weir__V1__Endpoint endpoint;
	char pod[600], interface[16], path_why[256], why[256], address[ADDRESSES_MOST][64], list[WEIR_DIRS][LIST_SIZE];
	char *addresses[ADDRESSES_MOST], *policy[WEIR_DIRS][SELECTING_MOST];
};

struct endpoint_answer {
	struct agent *a;
	answer_fn fn;
	void *ctx;
	int err;
	struct policy_list policies;
	Weir__V1__Endpoint *endpoint[ENDPOINTS_AT_ONCE];
	struct one_endpoint one[ENDPOINTS_AT_ONCE];
	size_t n;
};

static void send_endpoints(struct endpoint_answer *to, bool last)
{
	Weir__V1__Endpoints endpoints = WEIR__V1__ENDPOINTS__INIT;

	endpoints.endpoint = to->endpoint;
	endpoints.n_endpoint = to->n;
	to->err = to->fn(to->ctx, &endpoints.base, last);
	to->n = 0;
}

static void selecting(struct endpoint_answer *to, struct one_endpoint *one, const char *ns, const char *name)
{
	struct end end;

	if (end_of_pod(to->a, ns, name, &end))
		return;
	for (int dir = 0; dir < WEIR_DIRS; dir++)
		explain_isolating(to->policies.v, to->policies.n, dir, &end.explain, one->list[dir], LIST_SIZE);
	end_drop(&end);
	one->endpoint.ingress = one->policy[WEIR_INGRESS];
	one->endpoint.n_ingress = word_split(one->list[WEIR_INGRESS], one->policy[WEIR_INGRESS], SELECTING_MOST);
	one->endpoint.egress = one->policy[WEIR_EGRESS];
	one->endpoint.n_egress = word_split(one->list[WEIR_EGRESS], one->policy[WEIR_EGRESS], SELECTING_MOST);
}

static void usage(const struct agent *a, unsigned int number, Weir__V1__Endpoint *out)
{
	const struct datapath_view *view = datapath_view(a->datapath);
	unsigned int own = view->endpoint[number].quota;

	out->slots = view->usage[number].slots;
	out->slots_quota = own ? own : view->control->quota;
}

static void describe(struct endpoint_answer *to, const struct endpoint_info *info)
{
	struct one_endpoint *one = &to->one[to->n];
	Weir__V1__Endpoint *out = &one->endpoint;

	weir__v1__endpoint__init(out);
	to->endpoint[to->n++] = out;
	snprintf(one->pod, sizeof(one->pod), "%s/%s", info->ns, info->name);
	snprintf(one->interface, sizeof(one->interface), "%s", info->interface);
	snprintf(one->path_why, sizeof(one->path_why), "%s", info->path_why);
	snprintf(one->why, sizeof(one->why), "%s", info->why);
	out->number = info->number;
	out->pod = one->pod;
	out->interface = one->interface;
	out->ifindex = info->ifindex;
	out->state = (char *)endpoint_state_word(info->state);
	out->path = (char *)(info->state != ENDPOINT_ARMED ? "" : info->redirect ? "redirect" : "stack");
	out->path_reason = one->path_why;
	out->why = one->why;
	out->hook = (char *)(info->state == ENDPOINT_ARMED ? attach_hook_word(attach_hook(to->a->attach)) : "");
	out->addresses = one->addresses;
	for (; out->n_addresses < info->naddr && out->n_addresses < ADDRESSES_MOST; out->n_addresses++)
		one->addresses[out->n_addresses] =
			(char *)addr_text(&info->addr[out->n_addresses], one->address[out->n_addresses]);
	if (info->number)
		usage(to->a, info->number, out);
	selecting(to, one, info->ns, info->name);
	if (to->n == ENDPOINTS_AT_ONCE)
		send_endpoints(to, false);
}

/* Endpoints in the order of their numbers, those without one behind. */
struct sorted {
	struct endpoint_info *info;
	size_t n, room;
};

static void on_endpoint(void *ctx, const struct endpoint_info *info)
{
	struct sorted *s = ctx;

	if (s->n == s->room) {
		struct endpoint_info *more = realloc(s->info, (s->room ? 2 * s->room : 64) * sizeof(*more));

		if (!more)
			return;
		s->info = more;
		s->room = s->room ? 2 * s->room : 64;
	}
	s->info[s->n++] = *info;
}

static int by_number(const void *a, const void *b)
{
	const struct endpoint_info *x = a, *y = b;
	int c = strcmp(x->ns, y->ns);

	if (x->number != y->number)
		return x->number - 1 < y->number - 1 ? -1 : 1;
	return c ? c : strcmp(x->name, y->name);
}

int answer_endpoints(struct agent *a, answer_fn fn, void *ctx)
{
	struct endpoint_answer *to = malloc(sizeof(*to));
	struct sorted sorted = { 0 };
	int err;

	if (!to || policies_in_force(a, NULL, &to->policies)) {
		free(to);
		return -ENOMEM;
	}
	to->a = a;
	to->fn = fn;
	to->ctx = ctx;
	to->err = 0;
	to->n = 0;
	endpoints_each(a->endpoints, on_endpoint, &sorted);
	if (sorted.n)
		qsort(sorted.info, sorted.n, sizeof(*sorted.info), by_number);
	for (size_t i = 0; i < sorted.n && !to->err; i++)
		describe(to, &sorted.info[i]);
	free(sorted.info);
	if (!to->err)
		send_endpoints(to, true);
	err = to->err;
	policies_drop(&to->policies);
	free(to);
	return err;
}

struct one_policy {
	Weir__V1__Policy policy;
	char name[600];
	char *why;
};

struct policy_answer {
	struct agent *a;
	struct one_policy *one;
	size_t n, room;
	struct local {
		struct end end;
		unsigned int number;
	} *pod;				/* those of this node */
	size_t npod;
	struct used used;
};

static struct one_policy *add_policy(struct policy_answer *to, const char *ns, const char *name)
{
	struct one_policy *one;

	if (to->n == to->room) {
		size_t room = to->room ? 2 * to->room : 64;
		struct one_policy *more = realloc(to->one, room * sizeof(*more));

		if (!more)
			return NULL;
		to->one = more;
		to->room = room;
	}
	one = &to->one[to->n++];
	memset(one, 0, sizeof(*one));
	weir__v1__policy__init(&one->policy);
	snprintf(one->name, sizeof(one->name), "%s%s%s", ns, *ns ? "/" : "", name);
	return one;
}

static void used_at(Weir__V1__Policy *out, const struct used_count *c)
{
	*(out->audit ? &out->would_deny : &out->denied) += c->n;
	if (c->last > out->last_used)
		out->last_used = c->last;
}

/* What no rule allowed, of pods that it isolates. */
static void add_defaults(struct policy_answer *to, const struct object *o, const struct local *pod, Weir__V1__Policy *out)
{
	const struct object *const only[] = { o };
	char name[64];

	for (int dir = 0; to->used.side && pod->number && pod->number < USED_ENDPOINTS && dir < WEIR_DIRS; dir++)
		if (explain_isolating(only, 1, dir, &pod->end.explain, name, sizeof(name)))
			used_at(out, &to->used.side[pod->number][dir][!!out->audit]);
}

static void on_policy(void *ctx, struct object *o)
{
	struct policy_answer *to = ctx;
	struct one_policy *one = add_policy(to, o->ns, o->name);

	if (!one) {
		object_free(o);
		return;
	}
	one->policy.tier = (char *)tier_word(o->policy.tier);
	one->policy.priority = o->policy.priority;
	one->policy.audit = o->policy.audit;
	one->policy.rules = o->policy.nrule[WEIR_INGRESS] + o->policy.nrule[WEIR_EGRESS];
	for (size_t i = 0; i < to->npod; i++) {
		if (!policy_selects(o, &to->pod[i].end.explain))
			continue;
		one->policy.pods++;
		add_defaults(to, o, &to->pod[i], &one->policy);
	}
	one->policy.state = (char *)(one->policy.pods ? "in-force" : "selects-nobody-here");
	object_free(o);
}

/* A namespace's policy has a slash in its name, one of the cluster's tiers has none. */
static struct one_policy *listed(struct policy_answer *to, const char *ns, const char *name)
{
	char text[600];

	snprintf(text, sizeof(text), "%s%s%s", ns, *ns ? "/" : "", name);
	for (size_t i = 0; i < to->n; i++)
		if (!strcmp(to->one[i].name, text))
			return &to->one[i];
	return NULL;
}

static void on_refused(void *ctx, enum object_kind kind, const char *ns, const char *name, const char *why, bool good)
{
	struct policy_answer *to = ctx;
	struct one_policy *one;

	if (kind != OBJECT_POLICY && kind != OBJECT_CLUSTER_POLICY)
		return;
	one = good ? listed(to, ns, name) : NULL;
	if (!one)
		one = add_policy(to, ns, name);
	if (!one)
		return;
	if (!good)
		one->policy.tier = (char *)(kind == OBJECT_POLICY ? "networkpolicy" : "");
	one->why = strdup(why);
	one->policy.state = (char *)"rejected";
}

static int by_who(const void *a, const void *b)
{
	const struct one_policy *x = a, *y = b;
	int c = strcmp(x->policy.tier, y->policy.tier);

	return c ? c : strcmp(x->name, y->name);
}

/* How often rules of each decided; the policies are sorted. */
static void add_hits(struct policy_answer *to)
{
	__u64 *hits = calloc(WEIR_RULES, sizeof(*hits));

	if (!hits || datapath_rule_hits(to->a->datapath, hits)) {
		free(hits);
		return;
	}
	for (unsigned int n = WEIR_RULE_FIRST; n < WEIR_RULES; n++) {
		const struct used_count *used = to->used.rule ? &to->used.rule[n] : NULL;
		const struct rule_name *rule = hits[n] || (used && used->last) ? rules_of(to->a->rules, n) : NULL;
		struct one_policy key, *found;

		if (!rule)
			continue;
		key.policy.tier = (char *)tier_word(rule->tier);
		snprintf(key.name, sizeof(key.name), "%s%s%s", rule->ns, *rule->ns ? "/" : "", rule->policy);
		found = bsearch(&key, to->one, to->n, sizeof(*to->one), by_who);
		if (!found)
			continue;
		found->policy.hits += hits[n];
		if (used)
			used_at(&found->policy, used);
	}
	free(hits);
}

static void on_local(void *ctx, const struct endpoint_info *info)
{
	struct policy_answer *to = ctx;
	struct local *more = to->npod & (to->npod - 1) ? to->pod :
			     realloc(to->pod, (to->npod ? 2 * to->npod : 1) * sizeof(*more));

	if (!more)
		return;
	to->pod = more;
	to->pod[to->npod].number = info->number;
	if (!end_of_pod(to->a, info->ns, info->name, &to->pod[to->npod].end))
		to->npod++;
}

static int send_policies(struct policy_answer *to, answer_fn fn, void *ctx)
{
	Weir__V1__Policies policies = WEIR__V1__POLICIES__INIT;
	Weir__V1__Policy *list[POLICIES_AT_ONCE];
	size_t sent = 0;
	int err;

	policies.policy = list;
	do {
		for (policies.n_policy = 0; sent < to->n && policies.n_policy < POLICIES_AT_ONCE; sent++) {
			struct one_policy *one = &to->one[sent];

			one->policy.name = one->name;
			one->policy.why = one->why ? one->why : (char *)"";
			list[policies.n_policy++] = &one->policy;
		}
		err = fn(ctx, &policies.base, sent == to->n);
	} while (!err && sent < to->n);
	return err;
}

int answer_policies(struct agent *a, answer_fn fn, void *ctx)
{
	struct policy_answer to = { .a = a };
	int err;

	used_read(&to.used, a->records, a->rules);	/* without memory: listed all the same */
	endpoints_each(a->endpoints, on_local, &to);
	policies_each(a->policies, OBJECT_POLICY, NULL, on_policy, &to);
	policies_each(a->policies, OBJECT_CLUSTER_POLICY, NULL, on_policy, &to);
	policies_refused(a->policies, on_refused, &to);
	if (to.n)
		qsort(to.one, to.n, sizeof(*to.one), by_who);
	add_hits(&to);
	err = send_policies(&to, fn, ctx);
	for (size_t i = 0; i < to.npod; i++)
		end_drop(&to.pod[i].end);
	for (size_t i = 0; i < to.n; i++)
		free(to.one[i].why);
	free(to.pod);
	free(to.one);
	used_free(&to.used);
	return err;
}
