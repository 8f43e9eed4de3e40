// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/policies.h"
#include "lib/log.h"

#define SWEEP_AGAIN_MS 1000

/* Somebody who wants to know when all is enforced. */
struct waiter {
	struct waiter *next;
	uint64_t since;			/* commits there had been when it asked, and one that was due */
	bool quiet;
	loop_fn fn;
	void *ctx;
};

/* An endpoint that left, until nothing names it. */
struct leaver {
	struct leaver *next;
	struct policies *p;
	unsigned int number;
	loop_fn swept;
	void *ctx;
};

struct policies {
	struct policies_with with;
	struct compiler *compiler;
	struct kept *kept;
	bool dirty;			/* said, not yet committed */
	bool joining;			/* within POLICIES_JOIN_MS of the last commit */
	bool in_grace;			/* a grace was asked for */
	bool sweeping;
	uint64_t commits, graced;	/* 'graced': the commit, or settling, that the running grace began after */
	uint64_t steps;			/* commits and settlings */
	uint64_t enforced;		/* commits that a grace has ended */
	uint64_t dirty_since;
	struct loop_timer join;
	struct leaver *leaving;		/* the commit that lets them go is to come */
	struct leaver *left;		/* committed, not yet given to the sweep */
	struct leaver *swept;		/* their sweep runs, or is over */
	struct loop_timer again;	/* numbers that flows still name are looked for again */
	unsigned int nsweeping;
	unsigned int mark;
	unsigned int mark_grace;	/* of the datapath, when the grace that runs was asked for */
	struct waiter *waiters;
	struct policies_counts counts;
	unsigned long seen[WEIR_RULES / 8 / sizeof(unsigned long)];	/* rules published in this commit */
	bool named;			/* 'naming' was called in this commit */
};

static int sink(void *ctx, const struct op *op);
static void commit(struct policies *p);
static void settle_on(struct policies *p);
static void tell_waiters(struct policies *p);

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

int policies_open(struct policies **out, const struct policies_with *with, const struct policies_options *options)
{
	struct policies *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->with = *with;
	err = kept_new(&p->kept);
	if (!err)
		err = compile_new(&p->compiler, &options->limits, sink, p);
	if (err) {
		policies_close(p);
		return err;
	}
	if (options->node)
		compile_node_name(p->compiler, options->node);
	else
		compile_all_local(p->compiler);
	compile_set_mode(p->compiler, options->mode);
	*out = p;
	return 0;
}

static void free_leavers(struct leaver *l)
{
	while (l) {
		struct leaver *next = l->next;

		free(l);
		l = next;
	}
}

void policies_close(struct policies *p)
{
	if (!p)
		return;
	loop_cancel(p->with.loop, &p->join);
	loop_cancel(p->with.loop, &p->again);
	while (p->waiters) {
		struct waiter *w = p->waiters;

		p->waiters = w->next;
		free(w);
	}
	free_leavers(p->leaving);
	free_leavers(p->left);
	free_leavers(p->swept);
	compile_free(p->compiler);
	kept_free(p->kept);
	free(p);
}

struct compiler *policies_compiler(const struct policies *p)
{
	return p->compiler;
}

static void soil(struct policies *p)
{
	if (!p->dirty)
		p->dirty_since = now_us();
	p->dirty = true;
}

static bool is_kept(enum object_kind kind)
{
	return kind == OBJECT_POLICY || kind == OBJECT_CLUSTER_POLICY || kind == OBJECT_NAMESPACE || kind == OBJECT_NODE;
}

int policies_object(struct policies *p, struct object *o)
{
	struct complaint why = { 0 };
	char text[1024];
	int err = compile_object(p->compiler, o, &why);

	if (err) {
		complaint_text(&why, text, sizeof(text));
		log_warn("%s '%s%s%s' is not taken: %s", object_kind_name(o->kind), o->ns, *o->ns ? "/" : "", o->name, text);
		kept_refuse(p->kept, o->kind, o->ns, o->name, text);
		object_free(o);
		return err;
	}
	soil(p);
	if (is_kept(o->kind))
		return kept_offer(p->kept, o);
	kept_gone(p->kept, o->kind, o->ns, o->name);	/* refused before, taken now */
	object_free(o);
	return 0;
}

void policies_gone(struct policies *p, enum object_kind kind, const char *ns, const char *name)
{
	compile_gone(p->compiler, kind, ns, name);
	kept_gone(p->kept, kind, ns, name);
	soil(p);
}

void policies_host_address(struct policies *p, const struct weir_addr *a, bool there)
{
	if (!compile_host_address(p->compiler, a, there))
		soil(p);
}

static void on_join(void *ctx)
{
	struct policies *p = ctx;

	p->joining = false;
	if (p->dirty)
		commit(p);
}

void policies_settled(struct policies *p)
{
	if (p->dirty && !p->joining)
		commit(p);
}

void policies_hurry(struct policies *p)
{
	if (p->dirty)
		commit(p);
}

int policies_left(struct policies *p, unsigned int number, loop_fn swept, void *ctx)
{
	struct leaver *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	*l = (struct leaver){ .next = p->leaving, .p = p, .number = number, .swept = swept, .ctx = ctx };
	p->leaving = l;
	soil(p);
	return 0;
}

int policies_when_enforced(struct policies *p, bool quiet, loop_fn fn, void *ctx)
{
	struct waiter *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	*w = (struct waiter){ .next = p->waiters, .since = p->commits + p->dirty, .quiet = quiet, .fn = fn, .ctx = ctx };
	p->waiters = w;
	tell_waiters(p);
	return 0;
}

const struct object *policies_find(const struct policies *p, enum object_kind kind, const char *ns, const char *name)
{
	return kept_find(p->kept, kind, ns, name);
}

void policies_each(const struct policies *p, enum object_kind kind, const char *ns, kept_policy_fn fn, void *ctx)
{
	kept_policies(p->kept, kind, ns, fn, ctx);
}

void policies_rejected(const struct policies *p, state_reject_fn fn, void *ctx)
{
	kept_rejected(p->kept, fn, ctx);
}

void policies_refused(const struct policies *p, kept_refused_fn fn, void *ctx)
{
	kept_refused(p->kept, fn, ctx);
}

void policies_count(const struct policies *p, struct policies_counts *out)
{
	*out = p->counts;
	out->commits = p->commits;
	out->busy = p->dirty || p->in_grace || p->sweeping;
}

static int publish(struct policies *p, uint16_t number)
{
	unsigned long *word = &p->seen[number / (8 * sizeof(long))], bit = 1UL << number % (8 * sizeof(long));
	struct compile_rule rule;

	if (number < WEIR_RULE_FIRST || *word & bit)
		return 0;
	*word |= bit;
	if (!compile_rule_of(p->compiler, number, &rule))
		return 0;
	return rules_publish(p->with.rules, number, &rule, records_next(p->with.records));
}

/* Every op of the compiler on its way to the kernel: who a number is, is written down before it is stored. */
static int sink(void *ctx, const struct op *op)
{
	struct policies *p = ctx;
	int err = 0;

	if (op->kind == OP_RANGES) {
		for (__u32 i = 0; i < op->count && !err; i++) {
			err = publish(p, op->range[i].rule);
			if (!err)
				err = publish(p, op->range[i].audit_rule);
		}
		if (!err)
			err = rules_flush(p->with.rules);
	} else if (op->kind == OP_SET && !p->named) {
		p->named = true;
		p->with.naming(p->with.ctx);
	}
	return err ? err : datapath_op(p->with.datapath, op);
}

static void list_refused(struct policies *p)
{
	struct compile_refusal r;

	for (unsigned int i = 0; compile_refused(p->compiler, i, &r); i++) {
		const char *bound = compile_bound_text(r.bound);

		log_error("%s '%s%s%s' is not in force: %s; what was in force of it stays", object_kind_name(r.kind), r.ns,
			  *r.ns ? "/" : "", r.name, bound);
		kept_refuse(p->kept, r.kind, r.ns, r.name, bound);
		p->counts.refused++;
	}
}

const uint32_t policies_apply_bound_us[POLICIES_APPLY_BOUNDS] = {
	500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 10000000,
};

static void count_apply(struct policies_counts *c, uint64_t us)
{
	unsigned int i = 0;

	while (i < POLICIES_APPLY_BOUNDS && us > policies_apply_bound_us[i])
		i++;
	c->apply_bucket[i]++;
	c->apply_sum_us += us;
	c->apply_last_us = us;
	if (us > c->apply_most_us)
		c->apply_most_us = us;
}

static void commit(struct policies *p)
{
	struct compile_report report = { 0 };
	int err;

	p->dirty = false;
	p->named = false;
	memset(p->seen, 0, sizeof(p->seen));
	err = compile_commit(p->compiler, &report);
	p->commits++;
	p->steps++;
	if (err == -E2BIG)
		list_refused(p);
	else if (err)
		log_err(err, "cannot bring the policies into the kernel: what is enforced stays as it was");
	kept_take(p->kept);
	if (p->leaving && !report.raised)
		datapath_raise(p->with.datapath);	/* who left is judged by nobody any more */
	while (p->leaving) {
		struct leaver *l = p->leaving;

		p->leaving = l->next;
		l->next = p->left;
		p->left = l;
	}
	count_apply(&p->counts, now_us() - p->dirty_since);
	log_debug("commit %llu: %u cells, %u ranges, %u words in %llu us", (unsigned long long)p->commits, report.cells,
		  report.ranges, report.words, (unsigned long long)p->counts.apply_last_us);
	p->joining = true;
	loop_after(p->with.loop, &p->join, POLICIES_JOIN_MS, on_join, p);
	p->with.committed(p->with.ctx);
	settle_on(p);
}

static void on_grace(void *ctx)
{
	struct policies *p = ctx;

	p->in_grace = false;
	if (p->graced != p->steps) {		/* stored something since: it takes another */
		settle_on(p);
		return;
	}
	datapath_grace_end(p->with.datapath, p->mark_grace);
	p->enforced = p->commits;
	if (compile_unsettled(p->compiler)) {
		int err = compile_settle(p->compiler);

		if (err)
			log_err(err, "cannot settle what the last change left behind");
		p->steps++;
	}
	tell_waiters(p);
	settle_on(p);
}

static void on_swept(struct policies *p);

static void on_rules(void *ctx, const unsigned long *rules)
{
	struct policies *p = ctx;
	__u64 held[WEIR_RULES / 64];
	int err;

	_Static_assert(sizeof(unsigned long) == sizeof(__u64), "a bit per rule, in the same words");
	memcpy(held, rules, sizeof(held));
	err = compile_swept(p->compiler, p->mark, held);
	if (err)
		log_err(err, "cannot open what was swept");
	p->steps++;
	on_swept(p);
}

static void on_again(void *ctx)
{
	settle_on(ctx);
}

static void on_swept(struct policies *p)
{
	struct leaver *l = p->swept;

	p->sweeping = false;
	p->swept = NULL;
	while (l) {
		struct leaver *next = l->next;

		l->swept(l->ctx);
		free(l);
		l = next;
	}
	if (compile_unswept(p->compiler))	/* live flows name them: no hurry */
		loop_after(p->with.loop, &p->again, SWEEP_AGAIN_MS, on_again, p);
	settle_on(p);
	tell_waiters(p);
}

/* All who left have been swept: which rules are still named? */
static void ask_rules(struct policies *p)
{
	if (sweep_rules(p->with.sweep, on_rules, p)) {
		log_warn("cannot sweep the flow table: numbers that are free rest longer");
		p->sweeping = false;
	}
}

static void one_swept(void *ctx)
{
	struct leaver *l = ctx;

	if (!--l->p->nsweeping)
		ask_rules(l->p);
}

static void sweep(struct policies *p)
{
	p->sweeping = true;
	p->mark = compile_sweep_mark(p->compiler);
	p->nsweeping = 1;
	while (p->left) {
		struct leaver *l = p->left;

		p->left = l->next;
		l->next = p->swept;
		p->swept = l;
		if (!sweep_left(p->with.sweep, l->number, one_swept, l))
			p->nsweeping++;
	}
	if (!--p->nsweeping)
		ask_rules(p);
}

/* What comes next: a grace as long as something was stored since the last, then a sweep if numbers rest. */
static void settle_on(struct policies *p)
{
	if (p->in_grace)
		return;
	if (p->graced != p->steps || compile_unsettled(p->compiler)) {
		p->graced = p->steps;
		p->mark_grace = datapath_grace_begin(p->with.datapath);
		if (!grace_after(p->with.grace, on_grace, p))
			p->in_grace = true;
		return;
	}
	if (!p->sweeping && (p->left || (!p->again.when && compile_unswept(p->compiler))))
		sweep(p);
}

static void tell_waiters(struct policies *p)
{
	struct waiter **at = &p->waiters, *w;

	while ((w = *at)) {
		bool quiet = !p->dirty && !p->in_grace && !p->sweeping && !p->leaving && !p->left;

		if (p->enforced < w->since || (w->quiet && !quiet)) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->fn(w->ctx);
		free(w);
		at = &p->waiters;
	}
}
