// SPDX-License-Identifier: Apache-2.0
/*
 * Memory is given back when most of what was there is gone: arrays end behind the last element in use, and the free
 * ones before it are chained anew, the lowest first, so that the end goes on emptying.
 */
#include "lib/policy/inside.h"

static void *shrink(void *a, u32 *cap, u32 n, size_t size)
{
	u32 to = n < 15 ? 16 : n + 1;

	if (to * 2 > *cap)
		return a;
	*cap = to;
	return words_realloc(a, to * size);
}
#define SHRINK(a, cap, n) ((a) = shrink((a), &(cap), (n), sizeof(*(a))))

static bool member_free_at(const struct member *x)
{
	return !x->cell && !x->flags && !x->slot && !x->sent;
}

static void members_trim(struct compiler *c)
{
	u32 n = c->nmember;

	while (n && member_free_at(&c->member[n]))
		n--;
	c->free_member = 0;
	for (u32 i = n; i; i--)
		if (member_free_at(&c->member[i])) {
			c->member[i].next = c->free_member;
			c->free_member = i;
		}
	c->nmember = n;
	SHRINK(c->member, c->cmember, n);
}

static void cells_trim(struct compiler *c)
{
	u32 n = c->ncell;

	while (n && !c->cell[n].there)
		n--;
	c->free_cell = 0;
	for (u32 i = n; i; i--)
		if (!c->cell[i].there) {
			c->cell[i].wnext = c->free_cell;
			c->free_cell = i;
		}
	c->ncell = n;
	SHRINK(c->cell, c->ccell, n);
}

static void claims_trim(struct compiler *c)
{
	u32 n = c->nclaim;

	while (n && !c->claim[n].pod)
		n--;
	c->free_claim = 0;
	for (u32 i = n; i; i--)
		if (!c->claim[i].pod) {
			c->claim[i].pnext = c->free_claim;
			c->free_claim = i;
		}
	c->nclaim = n;
	SHRINK(c->claim, c->cclaim, n);
}

static void nodes_trim(struct compiler *c)
{
	u32 n = c->nnode;

	while (n && !c->node[n].blocks)		/* every node in use has a list of blocks, if an empty one */
		n--;
	c->free_node = 0;
	for (u32 i = n; i; i--)
		if (!c->node[i].blocks) {
			c->node[i].up = c->free_node;
			c->free_node = i;
		}
	c->nnode = n;
	SHRINK(c->node, c->cnode, n);
}

/* Lists that may still name what is gone. */
static void list_trim(struct vec *x, u32 last)
{
	u32 n = 0;

	for (u32 i = 0; i < x->n; i++)
		if (x->v[i] <= last)
			x->v[n++] = x->v[i];
	x->n = n;
}

static bool mostly_empty(u32 live, u32 cap)
{
	return cap > 64 && live * 4 < cap;
}

/* Only between commits, when no list is under way. */
void trim(struct compiler *c)
{
	if (mostly_empty(c->addresses.n + c->nprefixes, c->cmember)) {
		members_trim(c);
		list_trim(&c->slotless, c->nmember);
		list_trim(&c->leaving, c->nmember);
		list_trim(&c->left, c->nmember);
		list_trim(&c->moved, c->nmember);
		cells_trim(c);
		for (int d = 0; d < WEIR_DIRS; d++) {
			list_trim(&c->side[d].closed, c->ncell);
			list_trim(&c->side[d].dirty, c->ncell);
		}
		list_trim(&c->moved_cells, c->ncell);
		claims_trim(c);
		SHRINK(c->pod, c->cpod, c->pods.next);
		SHRINK(c->who, c->cwho, c->whos.n);
		SHRINK(c->labels_who, c->clabels_who, c->label_sets.n);
	}
	if (mostly_empty(c->nprefixes, c->cnode)) {
		nodes_trim(c);
		list_trim(&c->dirty_nodes, c->nnode);
	}
	if (mostly_empty(c->npolicies, c->cpolicy)) {
		SHRINK(c->policy, c->cpolicy, c->policies.next);
		SHRINK(c->half, c->chalf, c->halves.next);
		SHRINK(c->rule, c->crule, c->rule_numbers.next);
	}
	if (mostly_empty(c->nresting, c->cresting))
		SHRINK(c->resting, c->cresting, c->nresting);
	fold_trim(c);
}
