// SPDX-License-Identifier: Apache-2.0
#include "tests/worlds/laws.h"

#include <stdlib.h>
#include <string.h>

#define ASKED 400

static bool compile_list(struct bench *b, const struct value *list)
{
	if (bench_new(b, BREAK_NOTHING))
		return false;
	for value_each(m, list)
		if (bench_put(b, m))
			return false;
	return !bench_commit(b);
}

static char *dump(const struct bench *b)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	image_dump(b->image, b->compiler, to);
	fclose(to);
	return text;
}

static void first_difference(const char *a, const char *b, char *why, size_t size)
{
	while (*a && *b) {
		size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");

		if (n != m || memcmp(a, b, n))
			break;
		a += n + !!a[n];
		b += m + !!b[m];
	}
	snprintf(why, size, "'%.*s' is not '%.*s'", (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"), b);
}

static bool same_dump(const struct bench *a, const struct bench *b, char *why, size_t size)
{
	char *x = dump(a), *y = dump(b);
	bool same = !strcmp(x, y);

	if (!same)
		first_difference(x, y, why, size);
	free(x);
	free(y);
	return same;
}

static struct value *shuffled(const struct value *list, struct chance *c)
{
	struct value *left = value_copy(list), *out = value_list();

	while (left->first) {
		unsigned int n = chance_below(c, value_count(left));
		struct value *m = left->first;

		while (n--)
			m = m->next;
		value_add(out, value_copy(m));
		value_remove(left, m);
	}
	value_free(left);
	return out;
}

static bool law_order(const struct world *w, struct chance *c, char *why, size_t size)
{
	struct value *list = world_at(w, w->n), *other = shuffled(list, c);
	struct bench a, b;
	bool holds = compile_list(&a, list) && compile_list(&b, other) && same_dump(&a, &b, why, size);

	bench_free(&a);
	bench_free(&b);
	value_free(list);
	value_free(other);
	return holds;
}

static bool law_fresh(const struct world *w, struct chance *c, char *why, size_t size)
{
	struct value *list = world_at(w, w->n);
	struct bench stepwise, fresh;
	bool holds = !bench_new(&stepwise, BREAK_NOTHING);

	for (unsigned int i = 0; i < w->n && holds; i++)
		holds = !bench_event(&stepwise, &w->event[i]);
	holds = holds && !bench_commit(&stepwise) && compile_list(&fresh, list) && same_dump(&stepwise, &fresh, why, size);
	bench_free(&stepwise);
	bench_free(&fresh);
	value_free(list);
	return holds;
}

/* -- a change of policies, and what it may do to verdicts -- */

static struct value *some_policy(struct value *list, struct chance *c)
{
	struct value *found[64];
	unsigned int n = 0;

	for (struct value *m = list->first; m && n < 64; m = m->next)
		if (!strcmp(value_text(m, "kind", ""), "NetworkPolicy"))
			found[n++] = m;
	return n ? found[chance_below(c, n)] : NULL;
}

static bool compare(struct value *before, struct value *after, struct chance *c, bool loss, bool gain, char *why, size_t size)
{
	struct bench a, b;
	bool holds = compile_list(&a, before) && compile_list(&b, after);

	for (int i = 0; i < ASKED && holds; i++) {
		struct question q;
		bool was, is;

		gen_question(c, &q);
		was = bench_allows(&a, &q);
		is = bench_allows(&b, &q);
		holds = (was <= is || loss) && (was >= is || gain);
		if (!holds)
			snprintf(why, size, "a verdict went from %s to %s", was ? "allow" : "deny", is ? "allow" : "deny");
	}
	bench_free(&a);
	bench_free(&b);
	return holds;
}

static const char *const rules_word[] = { "ingress", "egress" };
static const char *const types_word[] = { "Ingress", "Egress" };

static bool applies(const struct value *policy, int dir)
{
	const struct value *types = value_at(policy, "spec.policyTypes");

	for value_each(t, types)
		if (!strcmp(t->text, types_word[dir]))
			return true;
	return !value_count(types) && (!dir || value_count(value_at(policy, "spec.egress")));
}

/* Only where the policy isolates already, and whether it is audited does not change. */
static bool law_add_rule(const struct world *w, struct chance *c, char *why, size_t size)
{
	struct value *before = world_at(w, w->n), *after = value_copy(before), *p = some_policy(after, c);
	int dir = chance_below(c, 2);
	bool holds = true;

	if (p && applies(p, dir)) {
		struct value *spec = value_inside(p, "spec"), *rules = (struct value *)value_get(spec, rules_word[dir]);

		if (!rules || rules->kind != VALUE_LIST)
			rules = value_put(spec, rules_word[dir], value_list());
		value_add(rules, gen_rule(c, dir));
		holds = compare(before, after, c, false, true, why, size);
	}
	value_free(before);
	value_free(after);
	return holds;
}

/* Every pod isolated both ways already: a further policy can only open. */
static bool law_add_policy(const struct world *w, struct chance *c, char *why, size_t size)
{
	static const char *const names[] = { "x", "y", "z" };
	struct value *before = world_at(w, w->n), *after;
	struct complaint bad;
	bool holds;

	for (int i = 0; i < 3; i++) {
		char text[256];
		struct value *docs;

		snprintf(text, sizeof(text), "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: all, "
			 "namespace: %s}, spec: {podSelector: {}, policyTypes: [Ingress, Egress]}}", names[i]);
		docs = value_read(text, strlen(text), "", &bad);
		value_add(before, value_copy(docs->first));
		value_free(docs);
	}
	after = value_copy(before);
	value_add(after, gen_policy(c, names[chance_below(c, 3)], "added"));
	/* In the baseline tier an audited or new policy may take from nobody: all are isolated. */
	holds = compare(before, after, c, false, true, why, size);
	value_free(before);
	value_free(after);
	return holds;
}

static void reverse(struct value *list)
{
	struct value *out = NULL, *next, *first;

	if (!list || list->kind != VALUE_LIST)
		return;
	first = list->first;
	for (struct value *c = list->first; c; c = next) {
		next = c->next;
		c->next = out;
		out = c;
	}
	list->first = out;
	list->last = first;
}

static void reverse_inside(struct value *v, bool rules)
{
	for (struct value *c = v->first; c; c = c->next) {
		bool is_rules = c->key && (!strcmp(c->key, "ingress") || !strcmp(c->key, "egress"));

		if (c->kind == VALUE_LIST && (!is_rules || rules))
			reverse(c);
		reverse_inside(c, rules);
	}
}

static bool law_reverse(const struct world *w, struct chance *c, char *why, size_t size)
{
	struct value *before = world_at(w, w->n), *after = value_copy(before);
	bool holds;

	for (struct value *m = after->first; m; m = m->next)
		if (strstr(value_text(m, "kind", ""), "NetworkPolicy"))
			reverse_inside(value_inside(m, "spec"), !strcmp(value_text(m, "kind", ""), "NetworkPolicy"));
	holds = compare(before, after, c, false, false, why, size);
	value_free(before);
	value_free(after);
	return holds;
}

/* Half of the rules of one direction go to a policy of the same subject and types. */
static bool law_split(const struct world *w, struct chance *c, char *why, size_t size)
{
	struct value *before = world_at(w, w->n), *after = value_copy(before), *p = some_policy(after, c);
	bool holds = true;

	if (p && value_at(p, "spec.policyTypes") && value_count(value_at(p, "spec.policyTypes"))) {
		struct value *q = value_copy(p);

		for (int d = 0; d < 2; d++) {
			struct value *mine = (struct value *)value_at(p, d ? "spec.egress" : "spec.ingress"),
				     *theirs = (struct value *)value_at(q, d ? "spec.egress" : "spec.ingress");

			if (value_count(mine) < 2)
				continue;
			value_remove(mine, mine->first);
			while (theirs->first->next)
				value_remove(theirs, theirs->last);
		}
		value_put(value_inside(q, "metadata"), "name", value_of_text("split"));
		value_add(after, q);
		holds = compare(before, after, c, false, false, why, size);
	}
	value_free(before);
	value_free(after);
	return holds;
}

const struct law laws[] = {
	{ "order", law_order }, { "fresh", law_fresh }, { "add-rule", law_add_rule }, { "add-policy", law_add_policy },
	{ "reverse", law_reverse }, { "split", law_split },
};
const unsigned int nlaws = sizeof(laws) / sizeof(*laws);
