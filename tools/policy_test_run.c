// SPDX-License-Identifier: Apache-2.0
// Walks through a suite and compares: what is expected comes from the suite, what is so from the judge.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/addr.h"
#include "tools/policy_test.h"

static const struct judge_ops *const judges[] = { &judge_engine, &judge_kernel, &judge_packets };

const char *judge_text(enum judge_kind kind)
{
	static const char *const text[] = { "engine", "kernel", "packets" };

	return kind < JUDGES ? text[kind] : "?";
}

int judge_open(struct judge **out, enum judge_kind kind, const struct judge_options *options, struct complaint *why)
{
	struct judge *j;
	int err = judges[kind]->open(&j, options, why);

	if (err)
		return err;
	j->ops = judges[kind];
	j->options = *options;
	j->hand = hand_new(&options->hand);
	*out = j;
	return 0;
}

void judge_close(struct judge *j)
{
	if (!j)
		return;
	hand_free(j->hand);
	j->ops->close(j);
}

static bool unaskable(struct cell *c, const char *why)
{
	c->got = EXPECT_IGNORED;
	snprintf(c->why, sizeof(c->why), "%s", why);
	return false;
}

bool judge_pair(const struct judge *j, const struct cluster *c, struct cell *cell, struct judge_pair *out)
{
	unsigned int family = cell->family;
	const char *from_node, *to_node;
	enum cluster_end from = cluster_who(c, cell->from, &from_node), to = cluster_who(c, cell->to, &to_node);
	bool from_host = from == CLUSTER_NODE || from == CLUSTER_HOST_POD;

	if (!family)
		family = cluster_has_family(c, cell->from, 4) && cluster_has_family(c, cell->to, 4) ? 4 : 6;
	if (!cluster_address(c, cell->from, family, &out->src) || !cluster_address(c, cell->to, family, &out->dst))
		return unaskable(cell, "an end is unknown at this step of a script");
	out->from_pod = from == CLUSTER_POD;
	out->to_pod = to == CLUSTER_POD;
	out->own_node = from_host && out->to_pod && !strcmp(from_node, to_node);
	out->itself = !strcmp(cell->from, cell->to);
	if (out->itself && !cell->service)
		return unaskable(cell, "a pod's own address never leaves the pod");
	if (out->own_node && strcmp(from_node, j->options.hand.node))
		return unaskable(cell, "the receiver's own node is not the one under test");
	if (!out->from_pod && !out->to_pod)
		return unaskable(cell, "no pod at either end");
	return true;
}

/* -- comparing -- */

struct run {
	struct judge *judge;
	struct suite_result *out;
	suite_failed_fn failed;
	void *ctx;
};

static void count_ignored(struct suite_result *out, const char *why)
{
	out->ignored++;
	for (unsigned int i = 0; i < SUITE_WHY; i++) {
		if (!out->ignored_why[i].n)
			snprintf(out->ignored_why[i].why, sizeof(out->ignored_why[i].why), "%s", why);
		if (!strcmp(out->ignored_why[i].why, why) || i == SUITE_WHY - 1) {
			out->ignored_why[i].n++;
			return;
		}
	}
}

/* A pod to itself by a Service: as the suite says where that is judged, else allowed. */
static enum expect wanted(const struct run *r, const struct cell *c)
{
	bool itself = !strcmp(c->from, c->to) && c->service;

	if (c->want == EXPECT_CONFIGURABLE && itself)
		return r->judge->options.hairpin ? EXPECT_DENY : EXPECT_ALLOW;
	if (itself && !r->judge->options.hairpin && c->want != EXPECT_IGNORED)
		return EXPECT_ALLOW;
	return c->want;
}

static bool same_author(const struct cell *c, char *what, size_t size)
{
	static const char *const side[] = { "ingress", "egress" };

	for (int d = 0; d < WEIR_DIRS; d++)
		if (c->author[d] && *c->got_author[d] && strcmp(c->author[d], c->got_author[d])) {
			snprintf(what, size, "%s was decided by %s, not %s", side[d], c->got_author[d], c->author[d]);
			return false;
		}
	return true;
}

static bool same_sides(const struct run *r, const struct cell *c, char *what, size_t size)
{
	static const char *const side[] = { "ingress", "egress" };

	if (!strcmp(c->from, c->to) && !r->judge->options.hairpin)
		return true;
	for (int d = 0; d < WEIR_DIRS; d++)
		if (c->side[d] != EXPECT_UNSAID && c->got_side[d] != EXPECT_UNSAID && c->side[d] != c->got_side[d]) {
			snprintf(what, size, "%s alone: wanted %s, got %s", side[d], expect_text(c->side[d]),
				 expect_text(c->got_side[d]));
			return false;
		}
	return true;
}

static void compare(struct run *r, const struct suite_case *sc, const char *step, const struct cell *c)
{
	enum expect want = wanted(r, c);
	char what[256] = "";

	r->out->cells++;
	if (want == EXPECT_IGNORED || c->got == EXPECT_IGNORED) {
		count_ignored(r->out, c->got == EXPECT_IGNORED ? c->why : "the suite itself ignores a pod to itself");
		return;
	}
	if (want != c->got)
		snprintf(what, sizeof(what), "wanted %s, got %s", expect_text(want), expect_text(c->got));
	if (!*what && same_sides(r, c, what, sizeof(what)) && same_author(c, what, sizeof(what))) {
		r->out->passed++;
		return;
	}
	r->out->failed++;
	r->failed(r->ctx, sc, step, c, what);
}

static int ask(struct run *r, const struct suite_case *sc, const struct cluster *cluster, const struct deed *d,
	       struct complaint *why)
{
	int err = r->judge->ops->hand(r->judge, cluster, why);

	for (unsigned int i = 0; i < d->ncell; i++) {
		struct cell *c = &d->cell[i];

		c->got = c->got_side[0] = c->got_side[1] = EXPECT_UNSAID;
		c->got_author[0][0] = c->got_author[1][0] = c->why[0] = 0;
	}
	err = err ?: r->judge->ops->ask(r->judge, cluster, d->cell, d->ncell, why);
	for (unsigned int i = 0; i < d->ncell && !err; i++)
		compare(r, sc, d->step, &d->cell[i]);
	return err;
}

/* What follows a script's acts may name what they alone make. */
static int run_case(struct run *r, const struct suite *s, const struct suite_case *sc, struct complaint *why)
{
	struct cluster *cluster = suite_begin(s, sc);
	bool acted = false;
	int err = 0;

	for (unsigned int i = 0; i < sc->ndeed && !err; i++) {
		const struct deed *d = &sc->deed[i];

		if (d->kind == DEED_CELLS)
			err = ask(r, sc, cluster, d, why);
		else if (d->kind == DEED_CHANGE)
			err = cluster_change(cluster, d->verb, why);
		if (d->kind == DEED_ACT && value_get(d->verb->first, "expect")) {
			r->out->cells++;
			count_ignored(r->out, "a script's act on connections or packets: tests/scripts runs it");
		}
		acted |= d->kind == DEED_ACT;
		if (d->kind == DEED_CHANGE && err && acted)
			err = 0;
		if (d->kind == DEED_CHANGE && err == -ENOENT)
			complaint_set(why, d->verb->line, 0, "'%s' is no verb of a suite", d->verb->first ? d->verb->first->key : "");
	}
	cluster_free(cluster);
	return err;
}

int suite_run(const struct suite *s, struct judge *j, struct suite_result *out, suite_failed_fn failed, void *ctx,
	      struct complaint *why)
{
	struct run r = { .judge = j, .out = out, .failed = failed, .ctx = ctx };
	struct timespec begin, end;
	int err = 0;

	*out = (struct suite_result){ .cases = s->n };
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (unsigned int i = 0; i < s->n && !err; i++)
		err = run_case(&r, s, &s->c[i], why);
	clock_gettime(CLOCK_MONOTONIC, &end);
	out->ms = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
	return err;
}
