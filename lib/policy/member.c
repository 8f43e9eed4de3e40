// SPDX-License-Identifier: Apache-2.0
/*
 * Addresses and prefixes, kept by cell: (owner's labels, longest prefix).  All members of a cell share its classes,
 * so that a block over all pods costs a step per cell, not per address.
 */
#include "lib/policy/inside.h"

u32 member_new(struct compiler *c, const struct weir_addr *a, u32 length, u32 flags)
{
	u32 m = c->free_member;

	if (m) {
		c->free_member = c->member[m].next;
	} else {
		m = ++c->nmember;
		GROW(c->member, c->cmember, m);
	}
	c->member[m] = (struct member){ .a = *a, .length = length, .flags = flags };
	return m;
}

void member_moved(struct compiler *c, u32 m)
{
	if (c->member[m].flags & MEMBER_MOVED)
		return;
	c->member[m].flags |= MEMBER_MOVED;
	vec_push(&c->moved, m);
}

/* It is nobody's any more.  What the kernel holds of it goes when settling. */
void member_free(struct compiler *c, u32 m)
{
	struct member *x = &c->member[m];

	member_detach(c, m);
	for (int d = 0; d < WEIR_DIRS; d++)
		aside_drop(c, m, d);
	if (x->sent) {
		vec_push(&c->leaving, m);
		return;
	}
	if (x->slot) {
		c->nprefixes -= !!(x->flags & MEMBER_PREFIX);
		c->naddresses -= !(x->flags & MEMBER_PREFIX);
		number_free(&c->slots, x->slot);
	}
	memset(x, 0, sizeof(*x));
	x->next = c->free_member;
	c->free_member = m;
}

/* cells */
u32 cell_get(struct compiler *c, u32 who, u32 node)
{
	struct cell *x;
	u32 n;

	if (who) {
		for (n = c->who[who].cell; n; n = c->cell[n].wnext)
			if (c->cell[n].node == node)
				return n;
	} else if (c->node[node].cell && !c->cell[c->node[node].cell].who) {
		return c->node[node].cell;	/* nobody's cell is always first */
	}
	n = c->free_cell;
	if (n) {
		c->free_cell = c->cell[n].wnext;
	} else {
		n = ++c->ncell;
		GROW(c->cell, c->ccell, n);
	}
	x = &c->cell[n];
	*x = (struct cell){ .who = who, .node = node, .there = true };
	if (who) {
		x->wnext = c->who[who].cell;
		if (x->wnext)
			c->cell[x->wnext].wprev = n;
		c->who[who].cell = n;
	}
	x->nnext = c->node[node].cell;
	if (who && x->nnext && !c->cell[x->nnext].who) {	/* behind nobody's */
		x->nprev = x->nnext;
		x->nnext = c->cell[x->nprev].nnext;
		c->cell[x->nprev].nnext = n;
	} else {
		c->node[node].cell = n;
	}
	if (x->nnext)
		c->cell[x->nnext].nprev = n;
	cell_dirty(c, n, WEIR_INGRESS);
	cell_dirty(c, n, WEIR_EGRESS);
	return n;
}

void cell_free(struct compiler *c, u32 n)
{
	struct cell *x = &c->cell[n];

	for (int d = 0; d < WEIR_DIRS; d++)
		class_leave(c, d, n);
	if (x->who) {
		if (x->wprev)
			c->cell[x->wprev].wnext = x->wnext;
		else
			c->who[x->who].cell = x->wnext;
		if (x->wnext)
			c->cell[x->wnext].wprev = x->wprev;
	}
	if (x->nprev)
		c->cell[x->nprev].nnext = x->nnext;
	else
		c->node[x->node].cell = x->nnext;
	if (x->nnext)
		c->cell[x->nnext].nprev = x->nprev;
	*x = (struct cell){ .wnext = c->free_cell };
	c->free_cell = n;
}

void cell_dirty(struct compiler *c, u32 cell, enum weir_dir dir)
{
	if (c->cell[cell].dirty[dir])
		return;
	c->cell[cell].dirty[dir] = true;
	vec_push(&c->side[dir].dirty, cell);
}

void cell_moved(struct compiler *c, u32 cell)
{
	if (c->cell[cell].moved)
		return;
	c->cell[cell].moved = true;
	vec_push(&c->moved_cells, cell);
}

static void weigh(struct compiler *c, struct cell *x, int by)
{
	x->n += by;
	for (int d = 0; d < WEIR_DIRS; d++)
		if (x->class[d])
			c->side[d].class[x->class[d]].n += by;
}

void member_attach(struct compiler *c, u32 m, u32 who, u32 node)
{
	u32 n = cell_get(c, who, node);
	struct member *x = &c->member[m];
	struct cell *cell = &c->cell[n];

	x->cell = n;
	x->prev = 0;
	x->next = cell->head;
	if (x->next)
		c->member[x->next].prev = m;
	cell->head = m;
	weigh(c, cell, 1);
}

void member_detach(struct compiler *c, u32 m)
{
	struct member *x = &c->member[m];
	struct cell *cell = &c->cell[x->cell];

	if (!x->cell)
		return;
	if (x->prev)
		c->member[x->prev].next = x->next;
	else
		cell->head = x->next;
	if (x->next)
		c->member[x->next].prev = x->prev;
	weigh(c, cell, -1);
	if (!cell->n)			/* goes with the next look at it */
		for (int d = 0; d < WEIR_DIRS; d++)
			cell_dirty(c, x->cell, d);
	x->cell = x->next = x->prev = 0;
}

/* addresses */
static u32 addr_hash(const struct weir_addr *a)
{
	u64 h = a->w[0] * 0x9e3779b97f4a7c15ULL;

	h = (h ^ h >> 31 ^ a->w[1]) * 0xff51afd7ed558ccdULL;
	return (u32)(h >> 32) ^ (u32)h;
}

static u32 member_hash(const void *members, u32 m)
{
	return addr_hash(&((const struct member *)members)[m].a);
}

static bool member_is(const void *members, u32 m, const void *addr)
{
	return !memcmp(&((const struct member *)members)[m].a, addr, sizeof(struct weir_addr));
}

u32 address_find(const struct compiler *c, const struct weir_addr *a)
{
	return index_find(&c->addresses, addr_hash(a), member_is, c->member, a);
}

u32 address_get(struct compiler *c, const struct weir_addr *a)
{
	u32 m = address_find(c, a);

	if (m)
		return m;
	m = member_new(c, a, 128, 0);
	index_add(&c->addresses, m, member_hash, c->member);
	return m;
}

void address_forget(struct compiler *c, u32 m)
{
	index_drop(&c->addresses, m, member_hash, c->member);
}

/* Of several pods that claim an address the one created last has it; then, so that the order of events cannot show,
 * the last by namespace and name.  A node's own address is no pod's. */
static bool elder(const struct compiler *c, u32 a, u32 b)
{
	const struct podrec *x = &c->pod[a], *y = &c->pod[b];
	int by;

	if ((x->space == SPACE_NODE) != (y->space == SPACE_NODE))
		return y->space == SPACE_NODE;
	if (x->born != y->born)
		return x->born < y->born;
	by = strcmp(intern_text_of(&c->texts, c->space[x->space].name), intern_text_of(&c->texts, c->space[y->space].name));
	by = by ? by : strcmp(x->name, y->name);
	return by < 0;
}

static u32 owner_of(const struct compiler *c, const struct member *x)
{
	u32 best = 0;

	for (u32 i = x->claim; i; i = c->claim[i].mnext)
		if (!best || elder(c, best, c->claim[i].pod))
			best = c->claim[i].pod;
	return best;
}

static bool is_pod(const struct compiler *c, u32 pod)
{
	return pod && c->pod[pod].space != SPACE_NODE;
}

static bool is_host(const struct compiler *c, const struct member *x)
{
	for (u32 i = x->claim; i; i = c->claim[i].mnext) {
		const struct podrec *p = &c->pod[c->claim[i].pod];

		if (p->space == SPACE_NODE && c->here && !strcmp(p->name, intern_text_of(&c->texts, c->here)))
			return true;
	}
	return x->flags & MEMBER_NAMED_HOST;
}

/* Where it belongs now: under its owner's labels; a host address that no Node names under 'host'; what nobody has
 * under nobody, as if it had no entry, until it leaves. */
void address_place(struct compiler *c, u32 m)
{
	struct member *x = &c->member[m];
	u32 owner = owner_of(c, x), who = owner ? c->pod[owner].who : is_host(c, x) ? c->host : 0;
	u32 node = x->cell ? c->cell[x->cell].node : trie_find(c, &x->a);

	x->flags = is_host(c, x) ? x->flags | MEMBER_HOST : x->flags & ~MEMBER_HOST;
	if (owner != x->owner && is_pod(c, x->owner)) {		/* its flows may still name who had it */
		x->flags |= MEMBER_UNSWEPT;
		rest(c, REST_MEMBER, m);
	}
	if (is_pod(c, owner) && owner != x->owner && x->flags & MEMBER_UNSWEPT)
		x->flags |= MEMBER_RESTING;
	x->owner = owner;
	if (!who)
		vec_push(&c->leaving, m);
	if (!x->cell || c->cell[x->cell].who != who) {
		member_detach(c, m);
		member_attach(c, m, who, node);
	}
	member_moved(c, m);
}

/* what the kernel is told */
u32 member_class(const struct compiler *c, u32 m, enum weir_dir dir)
{
	const struct member *x = &c->member[m];
	u32 aside = x->flags & MEMBER_ASIDE ? hmap_get(&c->asides, (u64)m << 1 | dir) : 0;
	u32 class = c->cell[x->cell].class[dir];

	return aside && c->side[dir].class[aside].to == class ? aside : class;
}

u64 member_word(const struct compiler *c, u32 m)
{
	const struct member *x = &c->member[m];
	const struct prefix_node *node = &c->node[c->cell[x->cell].node];
	u32 in = member_class(c, m, WEIR_INGRESS), out = member_class(c, m, WEIR_EGRESS), flags = WEIR_WORD_SET, at = 0;

	if (is_pod(c, x->owner)) {
		at = c->pod[x->owner].endpoint;
		flags |= WEIR_WORD_POD;
	} else if (!x->owner && !(x->flags & MEMBER_HOST)) {
		flags |= WEIR_WORD_PREFIX;		/* an address that is leaving counts as its prefix */
		if (node->grant && node->grant < 0x8000) {
			flags |= WEIR_WORD_GRANT;
			at = node->grant;
		}
	}
	if (x->flags & MEMBER_HOST)
		flags |= WEIR_WORD_HOST;
	if (x->flags & MEMBER_RESTING)
		flags |= WEIR_WORD_RESTING;
	return WEIR_WORD(in, out, at, flags);
}

static bool slot_take(struct compiler *c, struct member *x)
{
	bool prefix = x->flags & MEMBER_PREFIX;
	u32 *n = prefix ? &c->nprefixes : &c->naddresses, max = prefix ? c->limits.prefixes : c->limits.addresses;

	if (*n >= max)
		return false;
	if (!(c->adopted && adopt_slot(c, x - c->member)))
		x->slot = number_take(&c->slots);
	*n += !!x->slot;
	return x->slot;
}

bool member_slot(struct compiler *c, u32 m)
{
	struct member *x = &c->member[m];

	if (x->slot)
		return true;
	if (slot_take(c, x)) {
		c->over -= !!(x->flags & MEMBER_OVER);
		x->flags &= ~MEMBER_OVER;
		return true;
	}
	if (!(x->flags & MEMBER_OVER)) {
		x->flags |= MEMBER_OVER;
		c->over++;
		vec_push(&c->slotless, m);
	}
	return false;
}
