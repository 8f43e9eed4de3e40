// SPDX-License-Identifier: Apache-2.0
/*
 * Halves: a policy in one direction, in force while a set has it.  Only halves that select a local endpoint have
 * atoms, rule numbers and cost; editing a policy's ingress leaves its egress sets alone.
 */
#include "lib/policy/inside.h"

u32 half_get(struct compiler *c, u32 policy, enum weir_dir dir)
{
	struct polrec *p = &c->policy[policy];
	u32 h = p->half[dir];

	if (h)
		return h;
	h = number_take(&c->halves);
	GROW(c->half, c->chalf, h);
	p->half[dir] = h;
	c->half[h] = (struct half){ .policy = policy, .owners = 1, .nrule = p->nrule[dir] };
	if (p->nrule[dir])
		c->half[h].rule = words_zalloc(p->nrule[dir] * sizeof(struct half_rule));
	for (u32 i = 0; i < p->nrule[dir]; i++) {
		const struct policy_rule *r = &p->rule[dir][i];

		atom_hold(c, r->atom);
		c->half[h].rule[i] = (struct half_rule){ .atom = r->atom, .first = r->first, .n = r->n, .action = r->action };
	}
	return h;
}

static void half_free(struct compiler *c, u32 h)
{
	struct half *x = &c->half[h];

	for (u32 i = 0; i < x->nrule; i++)
		atom_put(c, x->rule[i].atom);
	words_free(x->rule);
	memset(x, 0, sizeof(*x));
	number_free(&c->halves, h);
}

void half_own(struct compiler *c, u32 h)
{
	c->half[h].owners++;
}

void half_disown(struct compiler *c, u32 h)
{
	if (!--c->half[h].owners && !c->half[h].ref)
		half_free(c, h);
}

static void half_names(struct compiler *c, u32 h, const struct half_rule *r)
{
	const struct polrec *p = &c->policy[c->half[h].policy];

	if (r->n == ANY_PORT)
		return;
	for (u32 k = r->first; k < r->first + r->n; k++)
		if (p->port[k].name) {
			vec_push(&c->half[h].names, r->atom);
			vec_push(&c->half[h].names, p->port[k].name);
			name_use(c, r->atom, p->port[k].name);
		}
}

void half_use(struct compiler *c, u32 h, enum weir_dir dir)
{
	if (c->half[h].ref++)
		return;
	for (u32 i = 0; i < c->half[h].nrule; i++) {
		struct half_rule *r = &c->half[h].rule[i];

		r->number = rule_take(c, &c->policy[c->half[h].policy], dir, i);
		if (!r->number)
			bound_met(c, BOUND_RULES);
		atom_use(c, r->atom, dir);
		if (dir == WEIR_EGRESS)
			half_names(c, h, r);
	}
}

void half_unuse(struct compiler *c, u32 h, enum weir_dir dir)
{
	struct half *x = &c->half[h];

	if (--x->ref)
		return;
	for (u32 i = 0; i < x->nrule; i++) {
		if (x->rule[i].number)
			rule_put(c, x->rule[i].number);
		x->rule[i].number = 0;
		atom_unuse(c, x->rule[i].atom, dir);
	}
	for (u32 i = 0; i < x->names.n; i += 2)
		name_unuse(c, x->names.v[i], x->names.v[i + 1]);
	vec_free(&x->names);
	if (!x->owners)
		half_free(c, h);
}

bool policy_subject(const struct compiler *c, const struct polrec *p, u32 who)
{
	const struct who *w = &c->who[who];

	if (p->tier == TIER_NETPOL)
		return p->space == w->space && selector_holds(c, p->pods, w->labels);
	return selector_holds(c, p->spaces, c->space[w->space].labels) && selector_holds(c, p->pods, w->labels);
}

/* Two policies of one tier: which is asked first.  By priority, and where that is equal (or there is none) by
 * namespace and name, so that the order of events cannot show. */
int policy_compare(const struct compiler *c, u32 a, u32 b)
{
	const struct polrec *x = &c->policy[a], *y = &c->policy[b];

	if (x->tier != y->tier)
		return x->tier < y->tier ? -1 : 1;
	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return strcmp(intern_text_of(&c->texts, x->name), intern_text_of(&c->texts, y->name));
}
