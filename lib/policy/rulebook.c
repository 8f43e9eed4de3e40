// SPDX-License-Identifier: Apache-2.0
/*
 * Rule numbers.  A rule is (policy, direction, index, all that it says): whatever is equal in that has the same
 * number, also when it was gone in between and its number has not served another.  A number rests until the grace
 * is over and a sweep has found it in no slot.
 */
#include "lib/policy/inside.h"

enum { KEY_TIER, KEY_NS, KEY_POLICY, KEY_DIR, KEY_INDEX, KEY_ACTION, KEY_ATOM, KEY_NAME, KEY_PORTS, KEY_FIXED };

static void key_make(const struct compiler *c, const struct polrec *p, enum weir_dir dir, u32 index, struct vec *key)
{
	const struct policy_rule *r = &p->rule[dir][index];

	vec_push(key, p->tier);
	vec_push(key, p->space ? c->space[p->space].name : 0);
	vec_push(key, p->name);
	vec_push(key, dir);
	vec_push(key, index);
	vec_push(key, r->action);
	vec_push(key, r->atom);
	vec_push(key, r->name);
	vec_push(key, r->n);
	for (u32 i = r->first; r->n != ANY_PORT && i < r->first + r->n; i++) {
		vec_push(key, p->port[i].name);
		vec_push(key, p->port[i].first | (u32)p->port[i].last << 16);
		vec_push(key, p->port[i].proto);
	}
}

static void text_hold(struct compiler *c, u32 text)
{
	if (text)
		intern_hold(&c->texts, text);
}

static void text_put(struct compiler *c, u32 text)
{
	if (text)
		intern_put(&c->texts, text);
}

static void key_texts(struct compiler *c, const u32 *w, u32 n, void (*with)(struct compiler *, u32))
{
	with(c, w[KEY_NS]);
	with(c, w[KEY_POLICY]);
	with(c, w[KEY_NAME]);
	for (u32 i = KEY_FIXED; i < n; i += 3)
		with(c, w[i]);
}

static void rule_say(const struct compiler *c, u32 rule, struct compile_rule *out)
{
	const u32 *w = c->rules.e[rule].w;

	*out = (struct compile_rule){ .tier = w[KEY_TIER], .dir = w[KEY_DIR], .index = w[KEY_INDEX],
				      .ns = intern_text_of(&c->texts, w[KEY_NS]),
				      .policy = intern_text_of(&c->texts, w[KEY_POLICY]),
				      .name = intern_text_of(&c->texts, w[KEY_NAME]) };
}

/* The number that an earlier agent gave it: reserved since, and nobody else's yet. */
static u32 number_had(struct compiler *c, u32 rule)
{
	struct compile_rule r;
	char *text = rule_text(c, rule);
	u32 n;

	rule_say(c, rule, &r);
	r.text = text;
	n = adopt_rule(c, &r);
	if (n && !c->rule[n].key) {
		c->rule[n].text = text;
		return n;
	}
	words_free(text);
	return 0;
}

static u32 rule_number(struct compiler *c, u32 rule)
{
	u32 n = c->adopted ? number_had(c, rule) : 0;

	if (!n) {
		n = number_take(&c->rule_numbers);
		if (!n)
			return 0;
		GROW(c->rule, c->crule, n);
		c->rule[n] = (struct rule_entry){ .ref = 1 };
	}
	c->rule[n].key = rule;
	c->rule[n].ref = 1;
	GROW(c->number_of, c->cnumber_of, rule);
	c->number_of[rule] = n;
	key_texts(c, c->rules.e[rule].w, c->rules.e[rule].n, text_hold);
	atom_hold(c, c->rules.e[rule].w[KEY_ATOM]);
	return n;
}

u32 rule_take(struct compiler *c, const struct polrec *p, enum weir_dir dir, u32 index)
{
	struct vec key = { 0 };
	u32 rule, n;

	key_make(c, p, dir, index, &key);
	rule = intern_get(&c->rules, key.v, key.n);
	vec_free(&key);
	n = rule < c->cnumber_of ? c->number_of[rule] : 0;
	if (n) {
		intern_put(&c->rules, rule);
		c->rule[n].ref++;
		return n;
	}
	n = rule_number(c, rule);
	if (!n)
		intern_put(&c->rules, rule);
	return n;
}

void rule_put(struct compiler *c, u32 n)
{
	if (--c->rule[n].ref || c->rule[n].resting)
		return;
	c->rule[n].resting = true;
	rest(c, REST_RULE, n);
}

static void rule_forget(struct compiler *c, u32 n)
{
	struct rule_entry *x = &c->rule[n];
	struct vec key = { 0 };

	words_free(x->text);
	words_free(x->old);
	x->text = NULL;
	if (x->key) {
		vec_add(&key, c->rules.e[x->key].w, c->rules.e[x->key].n);
		c->number_of[x->key] = 0;
		intern_put(&c->rules, x->key);
		key_texts(c, key.v, key.n, text_put);
		atom_put(c, key.v[KEY_ATOM]);
		vec_free(&key);
	}
	memset(x, 0, sizeof(*x));
	number_free(&c->rule_numbers, n);
}

/* Its rest is over; it may have come back meanwhile. */
void rule_rested(struct compiler *c, u32 n)
{
	c->rule[n].resting = false;
	if (!c->rule[n].ref)
		rule_forget(c, n);
}

/* A number that the old maps hold and no rule has yet. */
void rulebook_reserve(struct compiler *c, u32 n)
{
	if (!number_claim(&c->rule_numbers, n))
		return;
	GROW(c->rule, c->crule, n);
	c->rule[n] = (struct rule_entry){ .resting = true };
	rest(c, REST_RULE, n);
}

bool compile_rule_of(const struct compiler *c, unsigned int n, struct compile_rule *out)
{
	struct rule_entry *x = n < c->crule ? &c->rule[n] : NULL;

	if (!x || (!x->key && !x->old))
		return false;
	if (!x->key) {
		*out = *x->old;
		return true;
	}
	if (!x->text)
		x->text = rule_text(c, x->key);
	rule_say(c, x->key, out);
	out->text = x->text;
	return true;
}

void rulebook_free(struct compiler *c)
{
	for (u32 n = 0; n < c->crule; n++) {
		words_free(c->rule[n].text);
		words_free(c->rule[n].old);
	}
	words_free(c->rule);
	words_free(c->number_of);
	intern_free(&c->rules);
}
