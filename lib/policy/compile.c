// SPDX-License-Identifier: Apache-2.0
/* The compiler as a whole: how it begins and ends, and what it answers. */
#include <errno.h>

#include <weir/endpoint.h>

#include "lib/policy/inside.h"

static void limits_default(struct compile_limits *l)
{
	static const struct compile_limits most = { .classes = WEIR_CLASSES, .sets = 4096, .cells = WEIR_CELLS,
						    .ranges = WEIR_RANGES, .rules = WEIR_RULES, .addresses = WEIR_ADDRESSES,
						    .prefixes = WEIR_PREFIXES, .namespace_classes = 2048 };

	l->classes = l->classes ? l->classes : most.classes;
	l->sets = l->sets ? l->sets : most.sets;
	l->cells = l->cells ? l->cells : most.cells;
	l->ranges = l->ranges ? l->ranges : most.ranges;
	l->rules = l->rules ? l->rules : most.rules;
	l->addresses = l->addresses ? l->addresses : most.addresses;
	l->prefixes = l->prefixes ? l->prefixes : most.prefixes;
	l->namespace_classes = l->namespace_classes ? l->namespace_classes : most.namespace_classes;
}

static void numbers_begin(struct compiler *c)
{
	c->spaces = (struct numbers){ .first = SPACE_FIRST, .end = BY_SELECTOR };
	c->pods = (struct numbers){ .first = 1, .end = ~0u };
	c->policies = (struct numbers){ .first = 1, .end = ~0u };
	c->halves = (struct numbers){ .first = 1, .end = BY_SELECTOR };
	c->sets = (struct numbers){ .first = 1, .end = c->limits.sets + 1 };
	c->slots = (struct numbers){ .first = 1, .end = WEIR_SLOTS };
	c->endpoints = (struct numbers){ .first = 1, .end = WEIR_ENDPOINT_NODE };
	c->rule_numbers = (struct numbers){ .first = WEIR_RULE_FIRST, .end = c->limits.rules };
	for (int d = 0; d < WEIR_DIRS; d++) {
		c->side[d].numbers = (struct numbers){ .first = WEIR_CLASS_FIRST, .end = c->limits.classes };
		GROW(c->side[d].class, c->side[d].nclass, WEIR_CLASS_FIRST);
	}
	extents_init(&c->cells, WEIR_CELLS_LINE, c->limits.cells);
	extents_init(&c->ranges, 1, c->limits.ranges);
}

/* Two prefixes are always there: everything, and all of IPv4, into which nothing is inherited. */
static void prefixes_begin(struct compiler *c)
{
	static const struct weir_addr all, four = { .byte = { [10] = 0xff, [11] = 0xff } };

	c->root = trie_node(c, &all, 0);
	c->root4 = trie_node(c, &four, 96);
	trie_refresh(c);
}

int compile_new(struct compiler **out, const struct compile_limits *limits, op_fn sink, void *ctx)
{
	struct compiler *c = words_zalloc(sizeof(*c));

	if (limits)
		c->limits = *limits;
	limits_default(&c->limits);
	c->sink = sink;
	c->ctx = ctx;
	numbers_begin(c);
	c->empty = intern_get(&c->sigs, NULL, 0);
	GROW(c->atom, c->catom, 1);
	GROW(c->space, c->cspace, SPACE_FIRST);
	GROW(c->endpoint, c->cendpoint, 1);
	prefixes_begin(c);
	*out = c;
	return 0;
}

static void vecs_free(struct vec *v, u32 n)
{
	for (u32 i = 0; v && i < n; i++)
		vec_free(&v[i]);
	words_free(v);
}

static void select_free(struct compiler *c)
{
	for (u32 i = c->spare_pivot, next; i; i = next) {	/* spare lists hold a link, not words */
		next = c->pivot[i].n;
		c->pivot[i] = (struct vec){ 0 };
	}
	for (u32 i = c->spare_bearers, next; i; i = next) {
		next = c->bearers[i].n;
		c->bearers[i] = (struct vec){ 0 };
	}
	vecs_free(c->pivot, c->cpivot);
	vecs_free(c->bearers, c->cbearers);
	hmap_free(&c->labels_known);
	hmap_free(&c->pivots);
	hmap_free(&c->by_label);
	vec_free(&c->unfiled);
	for (u32 i = 0; i < c->cspace_selector; i++)
		words_free(c->space_selector[i].bits);
	words_free(c->space_selector);
	for (u32 i = 0; i < c->cpod_selector; i++)
		vec_free(&c->pod_selector[i].parts);
	words_free(c->pod_selector);
	for (u32 i = 0; i < c->cpart; i++)
		for (int d = 0; d < WEIR_DIRS; d++)
			vec_free(&c->part[i].atoms[d]);
	words_free(c->part);
}

static void pods_free_all(struct compiler *c)
{
	for (u32 i = 0; i < c->cspace; i++)
		words_free(c->space[i].grant);
	words_free(c->space);
	hmap_free(&c->space_of);
	words_free(c->who);
	words_free(c->labels_who);
	for (u32 i = 1; i < c->pods.next && i < c->cpod; i++)
		words_text_free(c->pod[i].name);
	words_free(c->pod);
	index_free(&c->pod_index);
	words_free(c->claim);
	words_free(c->member);
	index_free(&c->addresses);
	words_free(c->cell);
	hmap_free(&c->asides);
}

static void side_free(struct side *s)
{
	numbers_free(&s->numbers);
	words_free(s->class);
	words_free(s->class_of);
	vec_free(&s->dirty);
	vec_free(&s->closed);
	vec_free(&s->fresh);
	vec_free(&s->dying);
	vec_free(&s->dead);
	vec_free(&s->sets);
	vec_free(&s->lost);
	vec_free(&s->lost_names);
}

static void force_free(struct compiler *c)	/* what is in force: atoms, halves, sets, tables */
{
	for (u32 i = 0; i < c->catom; i++) {
		for (int d = 0; d < WEIR_DIRS; d++)
			vec_free(&c->atom[i].sets[d]);
		vec_free(&c->atom[i].names);
	}
	words_free(c->atom);
	for (u32 i = 0; i < c->chalf; i++) {
		words_free(c->half[i].rule);
		vec_free(&c->half[i].names);
	}
	words_free(c->half);
	for (u32 i = 0; i < c->cset; i++) {
		words_free(c->set[i].rule);
		words_free(c->set[i].port);
		words_free(c->set[i].half);
		words_free(c->set[i].row);
		vec_free(&c->set[i].atoms);
	}
	words_free(c->set);
	words_free(c->set_of);
	words_free(c->endpoint);
	words_free(c->table);
	words_free(c->view);
	hmap_free(&c->view_of);
	vecs_free(c->hit, c->chit);
	extents_free(&c->ranges);
	extents_free(&c->cells);
	fold_free(c);
}

static void lists_free(struct compiler *c)
{
	struct vec *lists[] = { &c->moved, &c->moved_cells, &c->slotless, &c->leaving, &c->left, &c->any_names, &c->any_sets,
				&c->fresh_names, &c->leaving_nodes, &c->left_nodes, &c->fresh_atoms[0], &c->fresh_atoms[1],
				&c->fresh_list, &c->fresh_sets, &c->dead_sets, &c->left_sets, &c->dirty_endpoints,
				&c->changing, &c->gone_endpoints, &c->full, &c->fresh_tables, &c->moved_sets, &c->tmp,
				&c->tmp2 };
	struct numbers *numbers[] = { &c->spaces, &c->pods, &c->slots, &c->halves, &c->sets, &c->endpoints, &c->rule_numbers };
	struct intern *interns[] = { &c->texts, &c->label_sets, &c->selectors, &c->ports, &c->sigs, &c->node_blocks,
				     &c->blocks, &c->parts, &c->whos, &c->set_keys, &c->tables, &c->atoms, &c->node_lists };

	for (u32 i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		vec_free(lists[i]);
	for (u32 i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		numbers_free(numbers[i]);
	for (u32 i = 0; i < sizeof(interns) / sizeof(*interns); i++)
		intern_free(interns[i]);
	hmap_free(&c->unions);
	hmap_free(&c->named);
}

void compile_free(struct compiler *c)
{
	if (!c)
		return;
	rulebook_free(c);
	policies_free(c);
	trie_free(c);
	select_free(c);
	pods_free_all(c);
	for (int d = 0; d < WEIR_DIRS; d++)
		side_free(&c->side[d]);
	force_free(c);
	lists_free(c);
	words_free(c->refusal);
	words_free(c->resting);
	adopt_free(c);
	words_free(c);
}

void compile_node_name(struct compiler *c, const char *node)
{
	c->here = intern_text(&c->texts, node);
}

void compile_all_local(struct compiler *c)
{
	c->all_local = true;
}

void compile_set_mode(struct compiler *c, enum compile_mode mode)
{
	if (c->mode == mode)
		return;
	c->mode = mode;
	c->pending = true;
	endpoints_dirty(c);
}

int compile_object(struct compiler *c, const struct object *o, struct complaint *why)
{
	c->pending = true;
	switch (o->kind) {
	case OBJECT_NAMESPACE:
		return namespace_take(c, o, why);
	case OBJECT_POD:
		return pod_take(c, o, why);
	case OBJECT_NODE:
		return node_take(c, o, why);
	case OBJECT_POLICY:
	case OBJECT_CLUSTER_POLICY:
		return policy_take(c, o, why);
	default:
		return 0;		/* nothing in it for policy */
	}
}

void compile_gone(struct compiler *c, enum object_kind kind, const char *ns, const char *name)
{
	c->pending = true;
	switch (kind) {
	case OBJECT_NAMESPACE:
		namespace_gone(c, name);
		break;
	case OBJECT_POD:
		pod_gone(c, space_find(c, ns), name);
		break;
	case OBJECT_NODE:
		pod_gone(c, SPACE_NODE, name);
		break;
	case OBJECT_POLICY:
	case OBJECT_CLUSTER_POLICY:
		policy_gone(c, kind, ns, name);
		break;
	default:
		break;
	}
}

static u32 local_policies(const struct compiler *c)
{
	u32 n = 0;

	for (u32 i = 1; i < c->policies.next; i++) {
		const struct polrec *p = &c->policy[i];
		bool used = false;

		for (int d = 0; p->there && d < WEIR_DIRS; d++)
			used |= p->half[d] && c->half[p->half[d]].ref;
		n += used;
	}
	return n;
}

static u32 closed_addresses(const struct compiler *c)
{
	u32 in = c->side[WEIR_INGRESS].class[WEIR_CLASS_OVER].n, out = c->side[WEIR_EGRESS].class[WEIR_CLASS_OVER].n;

	return c->over + (in > out ? in : out);
}

void compile_count(const struct compiler *c, struct compile_counts *out)
{
	*out = (struct compile_counts){
		.pods = c->npods, .policies = c->npolicies, .local_policies = local_policies(c),
		.endpoints = c->endpoints.live, .sets = c->sets.live, .tables = c->tables.live, .ranges = c->nranges,
		.cells = c->ncells, .rules = c->rule_numbers.live, .addresses = c->naddresses, .prefixes = c->nprefixes,
		.over = closed_addresses(c), .refused = c->refused, .bytes = words_bytes(),
		.classes = { c->side[0].numbers.live, c->side[1].numbers.live },
	};
}
