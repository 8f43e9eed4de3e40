// SPDX-License-Identifier: Apache-2.0
/*
 * A new agent over old maps.  Whatever state a killed agent left: each (endpoint, address) pair is at an old verdict
 * or at a new one, and the adopter need not know which.  Old sets become sets whose rows are only copied; every old
 * class is foreign: nothing is known of it but what old sets say.  So each address goes to a class of its own kind
 * (old class, new class), as in a commit that moves addresses and changes sets at once, and joins when settling.
 */
#include <errno.h>
#include <stdlib.h>

#include "lib/policy/inside.h"

struct old_rule {
	u32 number, next;		/* next of equal hash */
};
struct old_endpoint {
	u32 number;
	char *ns, *pod;
	bool taken;
};
struct adopted {
	struct compile_adopted_entry *entry;	/* addresses, then prefixes */
	u64 *word;				/* of each */
	bool *taken;
	u32 naddress, n;
	struct index addresses, prefixes;
	struct old_endpoint *endpoint;
	u32 nendpoint;
	struct old_rule *rule;
	u32 nrule;
	struct hmap rules;
};

/* old entries */
static bool entry_is(const void *entries, u32 id, const void *addr)
{
	const struct compile_adopted_entry *e = (const struct compile_adopted_entry *)entries + id - 1;

	return !memcmp(&e->prefix.addr, addr, sizeof(struct weir_addr));
}

static u32 entry_hash(const void *entries, u32 id)
{
	const struct compile_adopted_entry *e = (const struct compile_adopted_entry *)entries + id - 1;
	u32 w[4];

	memcpy(w, &e->prefix.addr, sizeof(w));
	return words_hash(w, 4);
}

static u32 address_at(const struct adopted *o, const struct weir_addr *a)
{
	u32 w[4];

	memcpy(w, a, sizeof(w));
	return index_find(&o->addresses, words_hash(w, 4), entry_is, o->entry, a);
}

static bool prefix_is(const void *entries, u32 id, const void *prefix)
{
	const struct compile_adopted_entry *e = (const struct compile_adopted_entry *)entries + id - 1;

	return !memcmp(&e->prefix, prefix, sizeof(e->prefix));
}

static u32 prefix_hash(const void *entries, u32 id)
{
	const struct compile_adopted_entry *e = (const struct compile_adopted_entry *)entries + id - 1;
	u32 w[5];

	memcpy(w, &e->prefix, sizeof(w));
	return words_hash(w, 5);
}

static u32 prefix_exact(const struct adopted *o, const struct weir_addr *a, u32 length)
{
	struct weir_prefix p = { length, *a };
	u32 w[5];

	memcpy(w, &p, sizeof(w));
	return index_find(&o->prefixes, words_hash(w, 5), prefix_is, o->entry, &p);
}

/* The longest old prefix that covers it and is not longer. */
static u32 prefix_over(const struct adopted *o, const struct weir_addr *a, u32 length)
{
	u32 best = 0;

	for (u32 i = o->naddress; i < o->n; i++) {
		struct weir_addr at = o->entry[i].prefix.addr;
		u32 n = o->entry[i].prefix.length;

		if (n <= length && addr_under(a, &at, n) && (!best || n > o->entry[best - 1].prefix.length))
			best = i + 1;
	}
	return best;
}

/* What packets took the address, or the prefix, for until now. */
u32 adopt_class(const struct compiler *c, u32 m, enum weir_dir dir)
{
	const struct adopted *o = c->adopted;
	const struct member *x = &c->member[m];
	u32 i = prefix_over(o, &x->a, x->length);

	return i ? WEIR_WORD_CLASS(o->word[i - 1], dir) : 0;
}

static bool changed_hands(const struct compiler *c, const struct member *x, u64 word)
{
	u32 flags = WEIR_WORD_FLAGS(word), now = x->owner ? c->pod[x->owner].endpoint : 0;

	return flags & WEIR_WORD_RESTING || (flags & WEIR_WORD_POD && WEIR_WORD_ENDPOINT(word) != now);
}

bool adopt_slot(struct compiler *c, u32 m)
{
	struct adopted *o = c->adopted;
	struct member *x = &c->member[m];
	bool prefix = x->flags & MEMBER_PREFIX;
	u32 i = prefix ? prefix_exact(o, &x->a, x->length) : address_at(o, &x->a);

	if (!i || o->taken[i - 1])
		return false;
	o->taken[i - 1] = true;
	x->slot = o->entry[i - 1].slot;
	x->sent = o->word[i - 1];
	if (!prefix && changed_hands(c, x, x->sent)) {
		x->flags |= MEMBER_UNSWEPT | (x->owner ? MEMBER_RESTING : 0);
		rest(c, REST_MEMBER, m);
	}
	return true;
}

/* What the maps hold and no object accounts for: it means what is above it, and then leaves. */
static void entry_leaves(struct compiler *c, u32 i)
{
	struct weir_addr a = c->adopted->entry[i].prefix.addr;

	if (i < c->adopted->naddress) {
		u32 m = address_get(c, &a);

		address_place(c, m);
		member_slot(c, m);
	} else {
		u32 n = trie_node(c, &a, c->adopted->entry[i].prefix.length);

		member_slot(c, c->node[n].member);
		trie_leave(c, n);
	}
}

static void endpoint_leaves(struct compiler *c, const struct old_endpoint *e)
{
	if (!e->taken)
		vec_push(&c->gone_endpoints, e->number);
}

/* Before the adopting commit is planned: all objects are there. */
void adopt_begin(struct compiler *c)
{
	struct adopted *o = c->adopted;

	for (u32 i = 0; i < c->moved.n; i++) {
		struct member *x = &c->member[c->moved.v[i]];

		if (x->cell && !x->slot && (x->flags & (MEMBER_PREFIX | MEMBER_HOST) || x->owner))
			member_slot(c, c->moved.v[i]);
	}
	for (u32 i = 0; i < o->n; i++)
		if (!o->taken[i])
			entry_leaves(c, i);
	for (u32 i = 0; i < o->nendpoint; i++)
		endpoint_leaves(c, &o->endpoint[i]);
}

u32 adopt_endpoint(struct compiler *c, const char *ns, const char *pod)
{
	struct adopted *o = c->adopted;

	for (u32 i = 0; i < o->nendpoint; i++)
		if (!o->endpoint[i].taken && *o->endpoint[i].pod && !strcmp(o->endpoint[i].ns, ns) &&
		    !strcmp(o->endpoint[i].pod, pod)) {
			o->endpoint[i].taken = true;
			return o->endpoint[i].number;
		}
	return 0;
}

/* rules: equal (policy, place, text) has its old number again */
static u64 hash_text(u64 h, const char *s)
{
	while (*s)
		h = (h ^ (u8)*s++) * 0x100000001b3ULL;
	return (h ^ 0xff) * 0x100000001b3ULL;
}

static u64 rule_hash(const struct compile_rule *r)
{
	u64 h = hash_text(hash_text(hash_text(0xcbf29ce484222325ULL, r->ns), r->policy), r->text);

	return (h ^ (r->index << 4 | r->tier << 1 | r->dir)) | 1;
}

static bool rule_equal(const struct compile_rule *a, const struct compile_rule *b)
{
	return a->tier == b->tier && a->dir == b->dir && a->index == b->index && !strcmp(a->ns, b->ns) &&
	       !strcmp(a->policy, b->policy) && !strcmp(a->name, b->name) && !strcmp(a->text, b->text);
}

u32 adopt_rule(struct compiler *c, const struct compile_rule *rule)
{
	struct adopted *o = c->adopted;

	for (u32 i = hmap_get(&o->rules, rule_hash(rule)); i; i = o->rule[i - 1].next)
		if (rule_equal(c->rule[o->rule[i - 1].number].old, rule))
			return o->rule[i - 1].number;
	return 0;
}

static const char *put_text(char **at, const char *s)
{
	char *was = *at;

	*at = stpcpy(*at, s) + 1;
	return was;
}

/* Its name is answered for as long as the number rests; false if the number is named twice. */
static bool rule_adopt(struct compiler *c, const struct compile_adopted_rule *from)
{
	const struct compile_rule *r = &from->rule;
	size_t size = strlen(r->ns) + strlen(r->policy) + strlen(r->name) + strlen(r->text) + 4;
	struct compile_rule *to;
	char *at;

	rulebook_reserve(c, from->number);
	if (c->rule[from->number].old)
		return false;
	to = words_realloc(NULL, sizeof(*to) + size);
	at = (char *)(to + 1);
	*to = *r;
	to->ns = put_text(&at, r->ns);
	to->policy = put_text(&at, r->policy);
	to->name = put_text(&at, r->name);
	to->text = put_text(&at, r->text);
	c->rule[from->number].old = to;
	return true;
}

static void rules_adopt(struct compiler *c, const struct compile_adopted *old)
{
	struct adopted *o = c->adopted;

	o->rule = words_zalloc((old->nrule + 1) * sizeof(*o->rule));
	for (u32 i = 0; i < old->nrule; i++) {
		u64 h;

		if (old->rule[i].number < WEIR_RULE_FIRST || old->rule[i].number >= c->limits.rules ||
		    !rule_adopt(c, &old->rule[i]))
			continue;
		h = rule_hash(&old->rule[i].rule);
		o->rule[o->nrule] = (struct old_rule){ old->rule[i].number, hmap_get(&o->rules, h) };
		hmap_set(&o->rules, h, ++o->nrule);
	}
}

/* classes: foreign ones, whose numbers rest from the adopting commit on */
static void class_adopt(struct compiler *c, enum weir_dir dir, u32 k)
{
	struct side *s = &c->side[dir];

	if (k < WEIR_CLASS_FIRST || !number_claim(&s->numbers, k))
		return;
	GROW(s->class, s->nclass, k);
	intern_hold(&c->sigs, c->empty);
	s->class[k] = (struct class){ .sig = c->empty, .foreign = true };
	vec_push(&s->dying, k);
}

static void entries_adopt(struct compiler *c, const struct compile_adopted *old)
{
	struct adopted *o = c->adopted;
	u32 n = old->naddress + old->nprefix;

	o->entry = words_zalloc((n + 1) * sizeof(*o->entry));
	o->word = words_zalloc((n + 1) * sizeof(*o->word));
	o->taken = words_zalloc(n + 1);
	for (u32 i = 0; i < n; i++) {
		const struct compile_adopted_entry *e = i < old->naddress ? &old->address[i] : &old->prefix[i - old->naddress];

		o->entry[o->n] = *e;
		o->word[o->n] = e->slot < WEIR_SLOTS ? old->word[e->slot] : 0;
		o->n++;
		if (i < old->naddress)
			index_add(&o->addresses, ++o->naddress, entry_hash, o->entry);
		else
			index_add(&o->prefixes, o->n, prefix_hash, o->entry);
		number_claim(&c->slots, e->slot);
		for (int d = 0; d < WEIR_DIRS; d++)
			class_adopt(c, d, WEIR_WORD_CLASS(o->word[i], d));
	}
}

/* sets and tables */
static void numbers_reserve(struct compiler *c, const struct weir_range *r, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		if (r[i].rule >= WEIR_RULE_FIRST)
			rulebook_reserve(c, r[i].rule);
		if (r[i].audit_rule >= WEIR_RULE_FIRST)
			rulebook_reserve(c, r[i].audit_rule);
	}
}

/* The table of a cell, with a reference.  One that lies there twice is known in its first place. */
static u32 table_adopt(struct compiler *c, const struct compile_adopted *old, u32 cell)
{
	u32 first = WEIR_CELL_FIRST(cell), n = WEIR_CELL_COUNT(cell), t;

	if (!n || first + n > c->limits.ranges)
		return 0;
	t = intern_get(&c->tables, (const u32 *)(old->range + first), n * 4);
	GROW(c->table, c->ctable, t);
	if (c->table[t].first == first)
		return t;
	if (!extent_claim(&c->ranges, first, n))
		return t;
	if (c->table[t].first) {
		extent_give(&c->ranges, first, n);
		return t;
	}
	c->table[t] = (struct table){ .first = first, .sent = true };
	c->nranges += n;
	numbers_reserve(c, old->range + first, n);
	return t;
}

static void row_adopt(struct compiler *c, const struct compile_adopted *old, u32 set, u32 class)
{
	u32 cell = old->cell[c->set[set].base + class], t = cell ? table_adopt(c, old, cell) : 0;

	if (t)
		c->set[set].row[class] = view_adopt(c, set, cell, t);
}

static u32 set_adopt(struct compiler *c, const struct compile_adopted *old, enum weir_dir dir, struct weir_set at)
{
	struct side *side = &c->side[dir];
	struct set *s;
	u32 n;

	for (u32 i = 0; i < side->sets.n; i++)
		if (c->set[side->sets.v[i]].base == at.base && c->set[side->sets.v[i]].limit == at.limit)
			return side->sets.v[i];
	if (!at.limit || at.base + at.limit > c->limits.cells || !extent_claim(&c->cells, at.base, at.limit))
		return 0;
	n = number_take(&c->sets);
	if (!n)
		return 0;
	GROW(c->set, c->cset, n);
	s = &c->set[n];
	*s = (struct set){ .dir = dir, .base = at.base, .limit = at.limit, .there = true, .foreign = true };
	s->row = words_zalloc(at.limit * sizeof(u32));
	c->ncells += at.limit;
	vec_push(&side->sets, n);
	row_adopt(c, old, n, WEIR_CLASS_STRANGER);
	for (u32 i = 0; i < side->dying.n; i++)
		if (side->dying.v[i] < at.limit)
			row_adopt(c, old, n, side->dying.v[i]);
	side->limit = side->limit && side->limit < at.limit ? side->limit : at.limit;
	return n;
}

static void endpoint_adopt(struct compiler *c, const struct compile_adopted *old, const struct compile_adopted_endpoint *from)
{
	struct adopted *o = c->adopted;
	struct endpoint *x;

	if (!number_claim(&c->endpoints, from->number))
		return;
	o->endpoint[o->nendpoint].number = from->number;
	o->endpoint[o->nendpoint].ns = strcpy(words_realloc(NULL, strlen(from->ns) + 1), from->ns);
	o->endpoint[o->nendpoint++].pod = strcpy(words_realloc(NULL, strlen(from->pod) + 1), from->pod);
	GROW(c->endpoint, c->cendpoint, from->number);
	for (int d = 0; d < WEIR_DIRS; d++) {
		u32 s = set_adopt(c, old, d, from->set[d]);

		x = &c->endpoint[from->number];
		x->sent[d] = from->set[d];
		x->held[d] = s;
		if (s)
			c->set[s].ref++;
	}
}

int compile_adopt(struct compiler *c, const struct compile_adopted *old)
{
	if (c->adopted || c->npods || c->npolicies)
		return -EBUSY;
	c->adopted = words_zalloc(sizeof(*c->adopted));
	c->adopting = c->pending = true;
	entries_adopt(c, old);
	rules_adopt(c, old);
	c->adopted->endpoint = words_zalloc((old->nendpoint + 1) * sizeof(*c->adopted->endpoint));
	for (u32 i = 0; i < old->nendpoint; i++)
		endpoint_adopt(c, old, &old->endpoint[i]);
	return 0;
}

void adopt_free(struct compiler *c)
{
	struct adopted *o = c->adopted;

	if (!o)
		return;
	for (u32 i = 0; i < o->nendpoint; i++) {
		words_free(o->endpoint[i].ns);
		words_free(o->endpoint[i].pod);
	}
	words_free(o->endpoint);
	words_free(o->rule);
	hmap_free(&o->rules);
	words_free(o->entry);
	words_free(o->word);
	words_free(o->taken);
	index_free(&o->addresses);
	index_free(&o->prefixes);
	words_free(o);
	c->adopted = NULL;
}
