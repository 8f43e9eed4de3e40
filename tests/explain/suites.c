// SPDX-License-Identifier: Apache-2.0
/*
 * Explanations against the reference evaluator, for every cell of the field's suites: a rule that is said to match is
 * one that allows, a denial by a rule names that rule, a default denial names who isolates and no rule that matches.
 *
 *	suites [DIR]		default $DATA, else ../shared/conformance
 */
#include <stdlib.h>
#include <unistd.h>

#include "lib/addr.h"
#include "lib/netpol/read.h"
#include "lib/policy/explain.h"
#include "lib/suite/suite.h"
#include "tests/check.h"
#include "tests/reference/reference.h"

#define MOST 256

/* A cluster as explain wants it. */
struct town {
	struct object *o[MOST];
	const struct object *policy[MOST];
	unsigned int n, npolicy;
};

static unsigned long authors[8];

static int take(void *ctx, struct object *o, const struct complaint *why)
{
	struct town *t = ctx;

	CHECK(o, "%s", why ? why->text : "");
	if (!o || t->n == MOST) {
		object_free(o);
		return 0;
	}
	t->o[t->n++] = o;
	if (o->kind == OBJECT_POLICY || o->kind == OBJECT_CLUSTER_POLICY)
		t->policy[t->npolicy++] = o;
	return 0;
}

static void town_read(struct town *t, const struct cluster *c)
{
	t->n = t->npolicy = 0;
	for value_each(m, c->manifests) {
		char *text = value_json(m);

		read_stored(text, strlen(text), NULL, take, t);
		free(text);
	}
}

static void town_free(struct town *t)
{
	while (t->n)
		object_free(t->o[--t->n]);
}

static bool owns(const struct weir_addr *list, unsigned int n, const struct weir_addr *a)
{
	for (unsigned int i = 0; i < n; i++)
		if (addr_equal(&list[i], a))
			return true;
	return false;
}

static struct explain_end end_of(const struct town *t, const struct weir_addr *a)
{
	struct explain_end e = { .addr = *a };

	for (unsigned int i = 0; i < t->n; i++) {
		const struct object *o = t->o[i];

		if (o->kind == OBJECT_NODE && owns(o->node.addr, o->node.naddr, a))
			e.node = o;
		if (o->kind == OBJECT_POD && o->pod.phase < POD_SUCCEEDED && !o->pod.host_network &&
		    owns(o->pod.addr, o->pod.naddr, a))
			e.pod = o;
	}
	for (unsigned int i = 0; e.pod && i < t->n; i++)
		if (t->o[i]->kind == OBJECT_NAMESPACE && !strcmp(t->o[i]->name, e.pod->ns))
			e.ns = t->o[i];
	return e;
}

static bool ends_with(const char *text, const char *tail)
{
	size_t n = strlen(text), m = strlen(tail);

	return n >= m && !strcmp(text + n - m, tail);
}

static void check_words(const struct reference_said *said, bool found, const struct explain_miss *m, unsigned int isolating,
			const char *where)
{
	bool matches = found && ends_with(m->text, "; it matches"), denies = found && strstr(m->text, " denies it (");
	char want[300];

	authors[said->author * 2 % 8 + (said->allow ? 1 : 0)]++;
	if (said->author == REFERENCE_RULE && said->allow) {
		CHECK(matches && !denies, "%s: allowed by rule %u of %s, and '%s'", where, said->index + 1, said->policy,
		      found ? m->text : "nothing");
	} else if (said->author == REFERENCE_RULE) {
		snprintf(want, sizeof(want), "rule %u ", said->index + 1);
		CHECK(denies && !strncmp(m->text, want, strlen(want)) && strstr(m->text, said->policy),
		      "%s: denied by rule %u of %s, and '%s'", where, said->index + 1, said->policy, found ? m->text : "nothing");
	} else {
		CHECK(!matches && !denies, "%s: no rule decides, and '%s'", where, found ? m->text : "nothing");
		CHECK_EQ(isolating > 0, said->author == REFERENCE_ISOLATED, "%s: isolated", where);
	}
}

static void check_side(const char *where, const struct town *t, const struct reference *r, const struct cell *c,
		       enum weir_dir dir, const struct weir_addr addr[2])
{
	struct explain_end src = end_of(t, &addr[0]), dst = end_of(t, &addr[1]);
	const struct explain_end *subject = dir == WEIR_INGRESS ? &dst : &src;
	struct reference_said said;
	struct explain_miss m;
	char list[1024], cell[700];
	bool found;

	reference_side(r, dir == WEIR_INGRESS ? REFERENCE_INGRESS : REFERENCE_EGRESS, addr[0].byte, addr[1].byte, c->proto,
		       c->port, false, &said);
	if (said.author == REFERENCE_NOT_SUBJECT)
		return;
	found = explain_miss(t->policy, t->npolicy, dir, &src, &dst, c->proto, c->port, &m);
	snprintf(cell, sizeof(cell), "%s: %s to %s %s/%u, %s", where, c->from, c->to, proto_text(c->proto), c->port,
		 dir == WEIR_INGRESS ? "ingress" : "egress");
	check_words(&said, found, &m, explain_isolating(t->policy, t->npolicy, dir, subject, list, sizeof(list)), cell);
}

static void check_cell(const char *where, const struct cluster *cluster, const struct town *t, const struct reference *r,
		       const struct cell *c)
{
	unsigned int family = c->family ?: cluster_has_family(cluster, c->from, 4) && cluster_has_family(cluster, c->to, 4) ? 4 : 6;
	struct weir_addr addr[2];

	if (!cluster_address(cluster, c->from, family, &addr[0]) || !cluster_address(cluster, c->to, family, &addr[1]))
		return;
	for (int dir = 0; dir < WEIR_DIRS; dir++)
		check_side(where, t, r, c, dir, addr);
}

static void check_case(const struct suite *s, const struct suite_case *c)
{
	static struct town town;
	struct cluster *cluster = suite_begin(s, c);
	struct complaint why = { 0 };

	for (unsigned int i = 0; i < c->ndeed; i++) {
		const struct deed *d = &c->deed[i];
		struct reference *r;
		char where[512];

		snprintf(where, sizeof(where), "%s %s step %s", s->name, c->id, d->step);
		if (d->kind == DEED_CHANGE)
			cluster_change(cluster, d->verb, &why);
		if (d->kind != DEED_CELLS)
			continue;
		r = reference_new(cluster->manifests, REFERENCE_KUBERNETES);
		town_read(&town, cluster);
		for (unsigned int k = 0; k < d->ncell; k++)
			check_cell(where, cluster, &town, r, &d->cell[k]);
		town_free(&town);
		reference_free(r);
	}
	cluster_free(cluster);
}

static void check_suite(const char *dir, const char *name)
{
	struct complaint why = { 0 };
	struct suite *s;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.json", dir, name);
	if (access(path, R_OK)) {
		check_skip(name);
		return;
	}
	if (suite_read(&s, path, &why)) {
		CHECK(false, "%s", complaint_text(&why, path, sizeof(path)));
		return;
	}
	for (unsigned int i = 0; i < s->n; i++)
		check_case(s, &s->c[i]);
	suite_free(s);
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "cyclonus-v4", "cyclonus-v6", "k8s-e2e-netpol", "cnp-v1alpha2", "netpol-nasty" };
	const char *dir = argc > 1 ? argv[1] : getenv("DATA") ?: "../shared/conformance";

	for (unsigned int i = 0; i < sizeof(names) / sizeof(*names); i++)
		check_suite(dir, names[i]);
	CHECK(true, "without suites there is nothing to compare");
	printf("open %lu, isolated %lu, denied by a rule %lu, allowed by a rule %lu\n", authors[3], authors[4], authors[0], authors[1]);
	return check_done();
}
