// SPDX-License-Identifier: Apache-2.0
/*
 * The reference evaluator against the field's suites, both sides apart and together: before it judges others it
 * must be right itself.
 *
 *	check [DIR]		default ../shared/conformance, or $DATA
 */
#include <glob.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/suite/suite.h"
#include "tests/check.h"
#include "tests/reference/reference.h"

static enum expect said(const struct reference *r, enum weir_dir dir, const struct cell *c, const struct weir_addr *src,
			const struct weir_addr *dst)
{
	struct reference_said s;

	reference_side(r, dir == WEIR_INGRESS ? REFERENCE_INGRESS : REFERENCE_EGRESS, src->byte, dst->byte, c->proto, c->port,
		       false, &s);
	return s.allow ? EXPECT_ALLOW : EXPECT_DENY;
}

/* As a table of flows names who decides. */
static void check_author(const char *where, const struct reference *r, enum weir_dir dir, const struct cell *c,
			 const struct weir_addr *src, const struct weir_addr *dst)
{
	static const char *const fixed[] = { "", "open", "isolated", "closed" };
	struct reference_said s;
	char text[512];

	reference_side(r, dir == WEIR_INGRESS ? REFERENCE_INGRESS : REFERENCE_EGRESS, src->byte, dst->byte, c->proto, c->port,
		       false, &s);
	if (s.author == REFERENCE_RULE)
		snprintf(text, sizeof(text), "%s%s%s:%u", s.ns, *s.ns ? "/" : "", s.policy, s.index + 1);
	else
		snprintf(text, sizeof(text), "%s", fixed[s.author]);
	CHECK_TEXT(text, c->author[dir], "%s: line %u, %s to %s: side %d", where, c->line, c->from, c->to, dir);
}

/* A pod's own node may always enter, and a pod always reach itself: no policy is asked. */
static bool unasked(const struct cluster *cluster, const struct cell *c)
{
	const char *from, *to;
	enum cluster_end a = cluster_who(cluster, c->from, &from), b = cluster_who(cluster, c->to, &to);

	if (!strcmp(c->from, c->to) && !c->service)
		return true;
	return (a == CLUSTER_NODE || a == CLUSTER_HOST_POD) && b == CLUSTER_POD && !strcmp(from, to);
}

static void check_cell(const char *where, const struct cluster *cluster, const struct reference *r, const struct cell *c)
{
	struct weir_addr src, dst;
	unsigned int family = c->family ?: cluster_has_family(cluster, c->from, 4) && cluster_has_family(cluster, c->to, 4) ? 4 : 6;
	enum expect side[WEIR_DIRS], both;

	if (c->want == EXPECT_IGNORED || c->want == EXPECT_CONFIGURABLE)
		return;
	if (!cluster_address(cluster, c->from, c->family ?: family, &src) ||
	    !cluster_address(cluster, c->to, c->family ?: family, &dst)) {
		CHECK(false, "%s: %s or %s has no address", where, c->from, c->to);
		return;
	}
	for (int d = 0; d < WEIR_DIRS; d++) {
		side[d] = unasked(cluster, c) ? EXPECT_ALLOW : said(r, d, c, &src, &dst);
		if (c->author[d] && !unasked(cluster, c))
			check_author(where, r, d, c, &src, &dst);
		if (c->side[d] != EXPECT_UNSAID)
			CHECK_EQ(side[d], c->side[d], "%s: %s to %s %s/%u, side %d", where, c->from, c->to,
				 proto_text(c->proto), c->port, d);
	}
	both = side[0] == EXPECT_ALLOW && side[1] == EXPECT_ALLOW ? EXPECT_ALLOW : EXPECT_DENY;
	CHECK_EQ(both, c->want, "%s: %s to %s %s/%u", where, c->from, c->to, proto_text(c->proto), c->port);
}

/* Scripts act on connections and packets, which the reference knows nothing of; tests/scripts has them. */
static bool is_script(const struct suite_case *c)
{
	for (unsigned int i = 0; i < c->ndeed; i++)
		if (c->deed[i].kind == DEED_ACT)
			return true;
	return false;
}

static void check_case(const struct suite *s, const struct suite_case *c)
{
	struct cluster *cluster = suite_begin(s, c);
	struct complaint why = { 0 };
	char where[512];

	for (unsigned int i = 0; i < c->ndeed; i++) {
		const struct deed *d = &c->deed[i];
		struct reference *r;

		snprintf(where, sizeof(where), "%s %s step %s", s->name, c->id, d->step);
		if (d->kind == DEED_CHANGE)
			CHECK_EQ(cluster_change(cluster, d->verb, &why), 0, "%s: %s", where, d->verb->first->key);
		if (d->kind != DEED_CELLS)
			continue;
		r = reference_new(cluster->manifests, REFERENCE_KUBERNETES);
		for (unsigned int k = 0; k < d->ncell; k++)
			check_cell(where, cluster, r, &d->cell[k]);
		reference_free(r);
	}
	cluster_free(cluster);
}

static void check_suite(const char *path)
{
	struct complaint why = { 0 };
	struct suite *s;
	char text[1024];
	unsigned long cells = 0;
	unsigned int scripts = 0;

	if (access(path, R_OK)) {
		check_skip(path);
		return;
	}
	if (suite_read(&s, path, &why)) {
		CHECK(false, "%s", complaint_text(&why, text, sizeof(text)));
		return;
	}
	for (unsigned int i = 0; i < s->n; i++) {
		if (is_script(&s->c[i])) {
			scripts++;
			continue;
		}
		check_case(s, &s->c[i]);
		for (unsigned int k = 0; k < s->c[i].ndeed; k++)
			cells += s->c[i].deed[k].ncell;
	}
	printf("%-16s %4u cases, %6lu cells, %u scripts left to tests/scripts\n", s->name, s->n - scripts, cells, scripts);
	suite_free(s);
}

static void check_own(const char *pattern)
{
	glob_t found = { 0 };

	glob(pattern, 0, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_suite(found.gl_pathv[i]);
	CHECK(found.gl_pathc, "there is something in %s", pattern);
	globfree(&found);
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "cyclonus-v4", "cyclonus-v6", "k8s-e2e-netpol", "cnp-v1alpha2", "netpol-nasty" };
	const char *dir = argc > 1 ? argv[1] : getenv("DATA") ?: "../shared/conformance";
	char path[4096];

	for (unsigned int i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s.json", dir, names[i]);
		check_suite(path);
	}
	check_own("policies/*.flows");
	check_own("tests/conformance/*.yaml");
	return check_done();
}
