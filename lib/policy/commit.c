// SPDX-License-Identifier: Apache-2.0
/* A commit: plan, put back what does not fit, send, and let go of what is over. */
#include <errno.h>

#include "lib/policy/inside.h"

const char *compile_bound_text(enum compile_bound b)
{
	static const char *const text[] = {
		[BOUND_NONE] = "nothing is full",
		[BOUND_CLASSES] = "too many kinds of address that policies tell apart (16,384 classes per direction): let policies share their selectors and blocks",
		[BOUND_SETS] = "too many different groups of policies on the pods of this node",
		[BOUND_CELLS] = "the table of rows is full (1,048,576 cells: sets times classes)",
		[BOUND_RANGES] = "the table of port ranges is full (262,144 ranges): write ranges of ports in place of single ones",
		[BOUND_RULES] = "too many rules in force on this node (65,520)",
		[BOUND_ADDRESSES] = "the table of addresses is full (131,072 addresses)",
		[BOUND_PREFIXES] = "the table of prefixes is full (32,768 CIDRs and exceptions): join blocks to wider ones",
		[BOUND_TABLE] = "too many port ranges for one kind of peer (16,383): write ranges of ports in place of single ones",
		[BOUND_ENDPOINTS] = "too many pods on this node (32,766)",
		[BOUND_NAMESPACE] = "the namespace's policies tell apart more kinds of address than its budget allows: let them share their selectors and blocks",
	};

	return b < sizeof(text) / sizeof(*text) ? text[b] : "";
}

static void refuse(struct compiler *c, u32 i, enum compile_bound bound)
{
	const struct polrec *p = &c->policy[c->changed[i].policy];
	struct refusal r = { .bound = bound, .tier = p->tier, .name = p->name, .ns = p->space ? c->space[p->space].name : 0 };

	intern_hold(&c->texts, r.name);
	if (r.ns)
		intern_hold(&c->texts, r.ns);
	GROW(c->refusal, c->crefusal, c->nrefusal);
	c->refusal[c->nrefusal++] = r;
	c->refused++;
}

static void refusals_forget(struct compiler *c)
{
	for (u32 i = 0; i < c->nrefusal; i++) {
		intern_put(&c->texts, c->refusal[i].name);
		if (c->refusal[i].ns)
			intern_put(&c->texts, c->refusal[i].ns);
	}
	c->nrefusal = 0;
}

bool compile_refused(const struct compiler *c, unsigned int i, struct compile_refusal *out)
{
	const struct refusal *r = &c->refusal[i];

	if (i >= c->nrefusal)
		return false;
	*out = (struct compile_refusal){ .bound = r->bound, .ns = intern_text_of(&c->texts, r->ns),
					 .kind = r->tier == TIER_NETPOL ? OBJECT_POLICY : OBJECT_CLUSTER_POLICY,
					 .name = intern_text_of(&c->texts, r->name) };
	return true;
}

static void versions_swap(struct compiler *c, u32 from, u32 to)
{
	for (u32 i = from; i < to; i++) {
		u32 id = c->changed[i].policy;
		int was = c->policy[id].there;

		policy_swap(c, id, &c->changed[i].before);
		c->npolicies += c->policy[id].there - was;
	}
}

static enum compile_bound plan_again(struct compiler *c)
{
	plan_undo(c);
	return plan(c);
}

/* Changed policies from .. to are put back as they were; which of them fit?  Halves until the culprits are alone. */
static void take_what_fits(struct compiler *c, u32 from, u32 to)
{
	enum compile_bound bound;
	u32 half = from + (to - from) / 2;

	if (from == to)
		return;
	versions_swap(c, from, to);
	bound = plan_again(c);
	if (!bound)
		return;
	versions_swap(c, from, to);
	plan_again(c);
	if (to - from == 1) {
		refuse(c, from, bound);
		return;
	}
	take_what_fits(c, from, half);
	take_what_fits(c, half, to);
}

/* New sets of endpoints do not fit, and no policy is to blame: they keep what they have, new ones stay closed. */
static void endpoints_hold(struct compiler *c)
{
	c->pods_bound = c->bound;
	c->hold = true;
	plan_again(c);
	c->hold = false;
}

static enum compile_bound plan_what_fits(struct compiler *c)
{
	enum compile_bound bound = plan(c);

	if (bound && c->nchanged) {
		versions_swap(c, 0, c->nchanged);
		if (plan_again(c)) {
			for (u32 i = 0; i < c->nchanged; i++)
				refuse(c, i, bound);
			endpoints_hold(c);
		} else {
			take_what_fits(c, 0, c->nchanged);
		}
	} else if (bound) {
		endpoints_hold(c);
	}
	return bound;
}

static void versions_forget(struct compiler *c)
{
	for (u32 i = 0; i < c->nchanged; i++) {
		u32 id = c->changed[i].policy;

		policy_forget(c, &c->changed[i].before);
		c->changed_at[id] = 0;
		if (!c->policy[id].there)
			policy_id_put(c, id);
	}
	c->nchanged = 0;
	if (c->cchanged > 64) {
		words_free(c->changed);
		c->changed = NULL;
		c->cchanged = 0;
	}
}

static void endpoints_leave(struct compiler *c)
{
	for (u32 i = 0; i < c->gone_endpoints.n; i++) {
		u32 e = c->gone_endpoints.v[i];
		struct endpoint *x = &c->endpoint[e];

		for (int d = 0; d < WEIR_DIRS; d++) {
			if (x->set[d])
				set_put(c, x->set[d]);
			if (c->endpoint[e].held[d])
				set_put(c, c->endpoint[e].held[d]);
		}
		memset(&c->endpoint[e], 0, sizeof(*x));
		rest(c, REST_ENDPOINT, e);
	}
	vec_empty(&c->gone_endpoints);
}

static void vec_pour(struct vec *to, struct vec *from)
{
	vec_add(to, from->v, from->n);
	vec_empty(from);
}

/* Sent: nothing is fresh any more, and what lost its use may go with the next settling. */
static void committed(struct compiler *c)
{
	for (int d = 0; d < WEIR_DIRS; d++) {
		struct side *s = &c->side[d];

		for (u32 i = 0; i < s->fresh.n; i++)
			s->class[s->fresh.v[i]].fresh = false;
		vec_empty(&s->fresh);
		vec_pour(&s->dead, &s->dying);
	}
	for (u32 i = 0; i < c->fresh_sets.n; i++)
		c->set[c->fresh_sets.v[i]].fresh = false;
	vec_empty(&c->fresh_sets);
	vec_empty(&c->changing);
	vec_pour(&c->left, &c->leaving);
	vec_pour(&c->left_nodes, &c->leaving_nodes);
	for (u32 i = 0; i < c->nresting; i++)
		if (c->resting[i].epoch == UNSENT)
			c->resting[i].epoch = 0;
	endpoints_leave(c);
	atoms_settled(c);
	versions_forget(c);
	adopt_free(c);
	c->raise = c->pending = c->adopting = false;
}

/* Endpoints that were held back, and addresses without a slot, try again. */
static void full_retry(struct compiler *c)
{
	for (u32 i = 0; i < c->full.n; i++)
		if (c->endpoint[c->full.v[i]].there)
			endpoint_dirty(c, c->full.v[i]);
	vec_empty(&c->full);
	if (!c->slotless.n || c->slots.live >= c->slots.end - c->slots.first)
		return;
	for (u32 i = 0; i < c->slotless.n; i++)
		if (c->member[c->slotless.v[i]].flags & MEMBER_OVER && c->member[c->slotless.v[i]].cell) {
			c->over--;
			c->member[c->slotless.v[i]].flags &= ~MEMBER_OVER;
			member_moved(c, c->slotless.v[i]);
		}
	vec_empty(&c->slotless);
}

int compile_commit(struct compiler *c, struct compile_report *report)
{
	struct order sent = { .step = 0 };
	enum compile_bound bound;
	int err;

	c->pods_bound = BOUND_NONE;
	refusals_forget(c);
	full_retry(c);
	if (c->adopting)
		adopt_begin(c);
	bound = plan_what_fits(c);
	err = send_commit(c, &sent);
	if (report)
		*report = (struct compile_report){ .bound = bound ? bound : c->pods_bound, .nrefused = c->nrefusal,
						   .raised = sent.sent[OP_GENERATION], .cells = sent.cells,
						   .ranges = sent.ranges, .words = sent.sent[OP_WORD], .held = c->full.n };
	if (err)
		return err;
	committed(c);
	return c->nrefusal || c->full.n ? -E2BIG : 0;
}
