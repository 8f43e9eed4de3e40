// SPDX-License-Identifier: Apache-2.0
/*
 * Every policy of the field's suites is read, and holds as many rules, peers and ports as are written there.
 * The suites are looked for in $DATA, else in ../shared/conformance.
 */
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/suite/value.h"
#include "tests/unit/objects.h"

static unsigned int policies;

/* Networks are peers each. */
static unsigned int written_peers(const struct value *list)
{
	unsigned int n = 0;

	for (const struct value *v = list ? list->first : NULL; v; v = v->next)
		n += value_get(v, "networks") ? value_count(value_get(v, "networks")) : 1;
	return n;
}

static void check_rules(const struct object *o, const struct value *spec, enum weir_dir dir)
{
	const struct value *rules = value_get(spec, dir == WEIR_INGRESS ? "ingress" : "egress");
	const struct rule *r = o->policy.rule[dir];

	if (!o->policy.applies[dir])
		return;
	CHECK_EQ(o->policy.nrule[dir], value_count(rules), "%s: rules", o->name);
	for (const struct value *v = rules ? rules->first : NULL; v; v = v->next, r++) {
		const struct value *ports = value_get(v, "ports") ?: value_get(v, "protocols");

		CHECK_EQ(r->npeer, written_peers(value_get(v, dir == WEIR_INGRESS ? "from" : "to")), "%s: peers", o->name);
		CHECK_EQ(r->nport, value_count(ports), "%s: ports", o->name);
		CHECK(r->any_peer == !r->npeer && r->any_port == !r->nport, "%s: anybody, anything", o->name);
		for (unsigned int i = 0; i < r->npeer; i++)
			CHECK(r->peer[i].kind != PEER_NOBODY, "%s: every peer is understood", o->name);
	}
}

static void check_policy(const char *file, const struct value *v)
{
	const struct value *spec = value_get(v, "spec");
	char *text = value_json(v);
	struct objects all;

	policies++;
	objects_read(&all, text, file);
	CHECK_TEXT(all.wrong, "", "%s", text);
	CHECK_EQ(all.n, 1, "one object");
	if (all.n == 1) {
		const struct object *o = all.v[0];

		CHECK_TEXT(o->name, value_text(v, "metadata.name", "?"), "its name");
		CHECK_TEXT(object_kind_name(o->kind), value_text(v, "kind", "?"), "its kind");
		check_rules(o, spec, WEIR_INGRESS);
		check_rules(o, spec, WEIR_EGRESS);
	}
	objects_free(&all);
	free(text);
}

static void walk(const char *file, const struct value *v)
{
	if (value_get(v, "apiVersion") && value_get(v, "kind")) {
		check_policy(file, v);
		return;
	}
	for (const struct value *c = v->first; c; c = c->next)
		walk(file, c);
}

static void suite(const char *dir, const char *name)
{
	unsigned int before = policies;
	struct complaint why;
	struct value *v;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	v = value_read_file(path, &why);
	CHECK(v, "%s can be read", path);
	if (!v)
		return;
	walk(name, v);
	CHECK(policies > before, "%s holds policies", name);
	value_free(v);
}

int main(void)
{
	const char *dir = getenv("DATA") ?: "../shared/conformance";
	DIR *d = opendir(dir);

	if (!d) {
		check_skip("the field's suites: none in $DATA or ../shared/conformance");
		CHECK(true, "nothing to read");
		return check_done();
	}
	for (struct dirent *e; (e = readdir(d)); ) {
		size_t n = strlen(e->d_name);

		if (n > 5 && !strcmp(e->d_name + n - 5, ".json"))
			suite(dir, e->d_name);
	}
	closedir(d);
	printf("%u policies\n", policies);
	return check_done();
}
