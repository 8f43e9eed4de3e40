// SPDX-License-Identifier: Apache-2.0
/*
 * Which blocks cover an address: a path-compressed trie of every prefix that a block, an except, a pod prefix or a
 * grant names.  A node holds the blocks in force there; cells hang at the longest prefix of their addresses, so a
 * change of a node finds exactly its own.  IPv4 is a tree of its own under ::ffff:0:0/96: nothing is inherited
 * into it.
 */
#include <endian.h>

#include "lib/policy/inside.h"

static u64 half(const struct weir_addr *a, int i)
{
	return be64toh(a->w[i]);
}

static u32 bit(const struct weir_addr *a, u32 i)
{
	return a->byte[i / 8] >> (7 - i % 8) & 1;
}

static u32 common(const struct weir_addr *a, const struct weir_addr *b, u32 max)
{
	u64 x = half(a, 0) ^ half(b, 0), y = half(a, 1) ^ half(b, 1);
	u32 n = x ? (u32)__builtin_clzll(x) : y ? 64 + (u32)__builtin_clzll(y) : 128;

	return n < max ? n : max;
}

bool addr_under(const struct weir_addr *a, const struct weir_addr *prefix, u32 length)
{
	return common(a, prefix, length) == length;
}

static struct weir_addr masked(const struct weir_addr *a, u32 length)
{
	struct weir_addr out = { .w = { 0, 0 } };

	out.w[0] = htobe64(length >= 64 ? half(a, 0) : length ? half(a, 0) & ~0ULL << (64 - length) : 0);
	out.w[1] = htobe64(length > 64 ? (length == 128 ? half(a, 1) : half(a, 1) & ~0ULL << (128 - length)) : 0);
	return out;
}

static u32 node_new(struct compiler *c, const struct weir_addr *a, u32 length)
{
	u32 n = c->free_node;

	if (n) {
		c->free_node = c->node[n].up;
	} else {
		n = ++c->nnode;
		GROW(c->node, c->cnode, n);
	}
	c->node[n] = (struct prefix_node){ .a = masked(a, length), .length = length, .fresh = true };
	c->node[n].blocks = intern_get(&c->node_blocks, NULL, 0);
	for (int d = 0; d < WEIR_DIRS; d++)
		c->node[n].sig[d] = intern_get(&c->sigs, NULL, 0);
	trie_dirty(c, n);
	return n;
}

static void node_free(struct compiler *c, u32 n)
{
	struct prefix_node *x = &c->node[n];

	intern_put(&c->node_blocks, x->blocks);
	for (int d = 0; d < WEIR_DIRS; d++)
		intern_put(&c->sigs, x->sig[d]);
	vec_free(&x->on);
	vec_free(&x->off);
	vec_free(&x->granted);
	memset(x, 0, sizeof(*x));
	x->up = c->free_node;
	c->free_node = n;
}

void trie_dirty(struct compiler *c, u32 n)
{
	if (!c->node[n].dirty)
		vec_push(&c->dirty_nodes, n);
	c->node[n].dirty = true;
}

static u32 kid_of(const struct compiler *c, u32 n, const struct weir_addr *a)
{
	const struct prefix_node *x = &c->node[n];
	u32 k = x->length < 128 ? x->kid[bit(a, x->length)] : 0;

	return k && addr_under(a, &c->node[k].a, c->node[k].length) ? k : 0;
}

u32 trie_find(const struct compiler *c, const struct weir_addr *a)
{
	u32 n = c->root;

	for (u32 k; (k = kid_of(c, n, a));)
		n = k;
	return n;
}

u32 trie_exact(const struct compiler *c, const struct weir_addr *a, u32 length)
{
	u32 n = c->root;

	while (n && c->node[n].length < length)
		n = kid_of(c, n, a);
	return n && c->node[n].length == length && c->node[n].ref && addr_under(a, &c->node[n].a, length) ? n : 0;
}

/* A node that somebody names has an entry in the kernel: a member of its own. */
static void node_named(struct compiler *c, u32 n)
{
	struct weir_addr a = c->node[n].a;
	u32 m = member_new(c, &a, c->node[n].length, MEMBER_PREFIX);

	c->node[n].member = m;
	member_attach(c, m, 0, n);
	member_moved(c, m);
}

/* Put 'fresh' between 'up' and 'n': above n, or both under a new fork.  Returns what is under 'up' now. */
static u32 fork_above(struct compiler *c, u32 fresh, u32 n)
{
	u32 length = c->node[fresh].length, at = fresh;
	u32 k = common(&c->node[fresh].a, &c->node[n].a, length < c->node[n].length ? length : c->node[n].length);

	if (k < length) {
		struct weir_addr a = c->node[fresh].a;

		at = node_new(c, &a, k);
		c->node[at].kid[bit(&a, k)] = fresh;
		c->node[fresh].up = at;
	}
	c->node[at].kid[bit(&c->node[n].a, k)] = n;
	c->node[n].up = at;
	return at;
}

static u32 node_insert(struct compiler *c, const struct weir_addr *a, u32 length, u32 up, u32 n)
{
	u32 fresh = node_new(c, a, length), at = n ? fork_above(c, fresh, n) : fresh;

	c->node[at].up = up;
	if (up) {
		c->node[up].kid[bit(a, c->node[up].length)] = at;
		vec_push(&c->rehang, up);	/* its addresses may belong lower now: once per batch, in trie_refresh */
	} else {
		c->root = at;
	}
	return fresh;
}

u32 trie_node(struct compiler *c, const struct weir_addr *a, u32 length)
{
	u32 n = c->root, up = 0;

	while (n) {
		u32 have = c->node[n].length, k = common(a, &c->node[n].a, have < length ? have : length);

		if (k < have || have == length)
			break;
		up = n;
		n = c->node[n].kid[bit(a, have)];
	}
	if (!n || c->node[n].length != length || !addr_under(a, &c->node[n].a, length))
		n = node_insert(c, a, length, up, n);
	if (!c->node[n].ref++)
		node_named(c, n);
	return n;
}

/* All members of a cell move to the cell of their owner under another node; what they were told stands. */
static void cell_rehang(struct compiler *c, u32 from)
{
	u32 node = c->cell[from].node;

	for (u32 m = c->cell[from].head, next; m; m = next) {
		struct member *x = &c->member[m];
		u32 to, at;

		next = x->next;
		if (x->flags & MEMBER_PREFIX)
			continue;
		at = trie_find(c, &x->a);
		if (at == node)
			continue;
		to = cell_get(c, c->cell[from].who, at);
		for (int d = 0; d < WEIR_DIRS; d++)
			if (!c->cell[to].class[d] && c->cell[from].class[d])
				class_join(c, d, to, c->cell[from].class[d]);
		member_detach(c, m);
		member_attach(c, m, c->cell[from].who, at);
		member_moved(c, m);
	}
}

static void node_rehang(struct compiler *c, u32 n)
{
	for (u32 cell = c->node[n].cell, next; cell; cell = next) {
		next = c->cell[cell].nnext;
		cell_rehang(c, cell);
	}
}

/* A node without use and with less than two children goes; what hung there hangs higher. */
static void squeeze(struct compiler *c, u32 n)
{
	while (n && n != c->root && !c->node[n].ref && !(c->node[n].kid[0] && c->node[n].kid[1])) {
		u32 kid = c->node[n].kid[0] | c->node[n].kid[1], up = c->node[n].up;

		c->node[up].kid[c->node[up].kid[1] == n] = kid;
		if (kid) {
			c->node[kid].up = up;
			trie_dirty(c, kid);		/* it inherited what goes */
		}
		node_rehang(c, n);
		while (c->node[n].cell)
			cell_free(c, c->node[n].cell);
		node_free(c, n);
		n = up;
	}
}

/* Its entry goes with a later settling, when its word has long said what is said above it. */
void trie_leave(struct compiler *c, u32 n)
{
	if (c->node[n].ref == 1 && c->member[c->node[n].member].sent)
		vec_push(&c->leaving_nodes, n);
	else
		trie_gone(c, n);
}

void trie_gone(struct compiler *c, u32 n)
{
	struct prefix_node *x = &c->node[n];

	if (--x->ref)
		return;
	member_free(c, x->member);
	c->node[n].member = 0;
	squeeze(c, n);
}

/* blocks: (length, four words of address) each, the block first, then its excepts */
static u32 block_prefix(const struct compiler *c, u32 block, u32 i, struct weir_addr *a)
{
	const u32 *w = c->blocks.e[block].w + 5 * i;

	memcpy(a, w + 1, sizeof(*a));
	return w[0];
}

static bool block_used(const struct compiler *c, u32 block)
{
	return c->block[block].atoms[0].n || c->block[block].atoms[1].n;
}

void block_use(struct compiler *c, u32 block, u32 atom, enum weir_dir dir)
{
	bool first;

	GROW(c->block, c->cblock, block);
	first = !block_used(c, block);
	vec_push(&c->block[block].atoms[dir], atom);
	for (u32 i = 0; i < c->blocks.e[block].n / 5; i++) {
		struct weir_addr a;
		u32 length = block_prefix(c, block, i, &a), at = trie_node(c, &a, length);

		trie_dirty(c, at);
		if (first)
			vec_push(i ? &c->node[at].off : &c->node[at].on, block);
	}
}

void block_leave(struct compiler *c, u32 block, u32 atom, enum weir_dir dir)
{
	vec_drop(&c->block[block].atoms[dir], atom);
	for (u32 i = 0; i < c->blocks.e[block].n / 5; i++) {
		struct weir_addr a;
		u32 length = block_prefix(c, block, i, &a), at = trie_exact(c, &a, length);

		trie_dirty(c, at);
		if (!block_used(c, block))
			vec_drop(i ? &c->node[at].off : &c->node[at].on, block);
		trie_leave(c, at);
	}
}

/* What is in force at a node: what is above, less what is excepted here, and what is said here. */
static u32 blocks_at(struct compiler *c, const struct prefix_node *x, bool inherits)
{
	const struct intern_entry *above = inherits ? &c->node_blocks.e[c->node[x->up].blocks] : NULL;
	struct vec w = { 0 };
	u32 id;

	for (u32 i = 0; above && i < above->n; i++)
		if (!vec_has(&x->off, above->w[i]))
			vec_push(&w, above->w[i]);
	vec_add(&w, x->on.v, x->on.n);
	vec_uniq(&w);
	id = intern_get(&c->node_blocks, w.v, w.n);
	vec_free(&w);
	return id;
}

static u32 atoms_at(struct compiler *c, u32 blocks, enum weir_dir dir)
{
	const struct intern_entry *e = &c->node_blocks.e[blocks];
	struct vec *v = &c->tmp;

	v->n = 0;
	for (u32 i = 0; i < e->n; i++)
		vec_add(v, c->block[e->w[i]].atoms[dir].v, c->block[e->w[i]].atoms[dir].n);
	return sig_of(c, v);
}

static void node_cells_dirty(struct compiler *c, u32 n, enum weir_dir dir)
{
	for (u32 cell = c->node[n].cell; cell; cell = c->cell[cell].nnext)
		cell_dirty(c, cell, dir);
}

/* Of several namespaces that were granted one prefix, the first by name. */
static u32 granted_to(const struct compiler *c, const struct prefix_node *x)
{
	u32 best = 0;

	for (u32 i = 0; i < x->granted.n; i++) {
		u32 s = x->granted.v[i];

		if (!best || strcmp(intern_text_of(&c->texts, c->space[s].name),
				    intern_text_of(&c->texts, c->space[best].name)) < 0)
			best = s;
	}
	return best;
}

static void node_standing(struct compiler *c, u32 n, bool inherits)
{
	struct prefix_node *x = &c->node[n];
	u32 grant = granted_to(c, x);
	bool stranger = x->strangers > 0;

	if (!grant && !stranger && inherits) {
		grant = c->node[x->up].grant;
		stranger = c->node[x->up].stranger;
	} else if (grant) {
		stranger = false;
	}
	if (grant == x->grant && stranger == x->stranger)
		return;
	x->grant = grant;
	x->stranger = stranger;
	for (int d = 0; d < WEIR_DIRS; d++)
		node_cells_dirty(c, n, d);
	for (u32 cell = x->cell; cell; cell = c->cell[cell].nnext)
		cell_moved(c, cell);
}

static void node_refresh(struct compiler *c, u32 n)
{
	struct prefix_node *x = &c->node[n];
	bool inherits = x->up && n != c->root4, fresh = x->fresh;
	u32 was = x->blocks;

	x->blocks = blocks_at(c, x, inherits);
	intern_put(&c->node_blocks, was);
	for (int d = 0; d < WEIR_DIRS; d++) {
		u32 old = c->node[n].sig[d], sig = atoms_at(c, c->node[n].blocks, d);

		c->node[n].sig[d] = sig;
		if (sig != old || fresh)
			node_cells_dirty(c, n, d);
		intern_put(&c->sigs, old);
	}
	node_standing(c, n, inherits);
	c->node[n].dirty = c->node[n].fresh = false;
}

static void subtree_refresh(struct compiler *c, u32 n)
{
	node_refresh(c, n);
	for (int i = 0; i < 2; i++)
		if (c->node[n].kid[i])
			subtree_refresh(c, c->node[n].kid[i]);
}

static bool under_dirty(const struct compiler *c, u32 n)
{
	for (u32 up = c->node[n].up; up; up = c->node[up].up)
		if (c->node[up].dirty)
			return true;
	return false;
}

/* Nodes that changed, and all below: from the top ones. */
void trie_refresh(struct compiler *c)
{
	vec_uniq(&c->rehang);
	for (u32 i = 0; i < c->rehang.n; i++)
		if (c->node[c->rehang.v[i]].blocks)
			node_rehang(c, c->rehang.v[i]);
	vec_empty(&c->rehang);
	for (u32 i = 0; i < c->dirty_nodes.n; i++) {
		u32 n = c->dirty_nodes.v[i];

		if (c->node[n].dirty && !under_dirty(c, n))
			subtree_refresh(c, n);
	}
	vec_empty(&c->dirty_nodes);
}

void trie_free(struct compiler *c)
{
	for (u32 n = 1; n <= c->nnode; n++) {
		vec_free(&c->node[n].on);
		vec_free(&c->node[n].off);
		vec_free(&c->node[n].granted);
	}
	words_free(c->node);
	for (u32 b = 0; b < c->cblock; b++)
		for (int d = 0; d < WEIR_DIRS; d++)
			vec_free(&c->block[b].atoms[d]);
	words_free(c->block);
	vec_free(&c->dirty_nodes);
	vec_free(&c->rehang);
}
