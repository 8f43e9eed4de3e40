// SPDX-License-Identifier: Apache-2.0
#include "lib/suite/read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* -- building -- */

static void *grow(void *list, unsigned int n, size_t size)
{
	if (n & (n - 1))			/* doubles at powers of two */
		return list;
	list = realloc(list, (n ? 2 * n : 1) * size);
	if (!list)
		abort();
	return list;
}

struct suite_case *suite_add_case(struct suite *s, const char *id, const char *title, const struct value *state)
{
	s->c = grow(s->c, s->n, sizeof(*s->c));
	s->c[s->n] = (struct suite_case){ .id = id, .title = title, .state = state };
	return &s->c[s->n++];
}

struct deed *suite_add_deed(struct suite_case *c, enum deed_kind kind, const char *step, const struct value *verb)
{
	c->deed = grow(c->deed, c->ndeed, sizeof(*c->deed));
	c->deed[c->ndeed] = (struct deed){ .kind = kind, .verb = verb, .step = strdup(step) };
	return &c->deed[c->ndeed++];
}

struct cell *suite_add_cell(struct deed *d, const char *from, const char *to)
{
	d->cell = grow(d->cell, d->ncell, sizeof(*d->cell));
	d->cell[d->ncell] = (struct cell){ .from = strdup(from), .to = strdup(to) };
	return &d->cell[d->ncell++];
}

/* -- tables -- */

static enum expect table_cell(const char *table, unsigned int row, unsigned int column, unsigned int width)
{
	const char *at = table + row * (width + 1) + column;

	if (!table || strlen(table) != width * (width + 1) - 1)
		return EXPECT_UNSAID;
	return *at == '.' ? EXPECT_ALLOW : *at == 'X' ? EXPECT_DENY : *at == 'L' ? EXPECT_IGNORED : EXPECT_UNSAID;
}

static int add_table(struct deed *d, const char *port, const struct value *tables, const struct value *pods,
		     struct complaint *why)
{
	unsigned int width = value_count(pods), row = 0, column;
	const char *slash = strchr(port, '/');
	char proto[16] = "";

	snprintf(proto, sizeof(proto), "%.*s", slash ? (int)(slash - port) : 0, port);
	for (const struct value *from = pods->first; from; from = from->next, row++) {
		column = 0;
		for (const struct value *to = pods->first; to; to = to->next, column++) {
			struct cell *c = suite_add_cell(d, from->text, to->text);

			c->proto = proto_read(proto);
			c->port = slash ? atoi(slash + 1) : 0;
			c->service = true;
			c->line = tables->line;
			c->want = table_cell(tables->text ?: value_text(tables, "combined", NULL), row, column, width);
			c->side[WEIR_INGRESS] = table_cell(value_text(tables, "ingress", NULL), row, column, width);
			c->side[WEIR_EGRESS] = table_cell(value_text(tables, "egress", NULL), row, column, width);
			if (!c->proto || c->want == EXPECT_UNSAID) {
				complaint_set(why, tables->line, 0, "the table of '%s' is not %u rows of %u cells '.', 'X' or "
					      "'L' joined by '/'", port, width, width);
				return -EINVAL;
			}
		}
	}
	return 0;
}

int suite_add_tables(struct deed *d, const struct value *expected, const struct value *pods, struct complaint *why)
{
	int err = 0;

	for value_each(t, expected)
		err = err ?: add_table(d, t->key, t, pods, why);
	return err;
}

static int read_checks(struct suite_case *c, const struct value *step, const char *name, struct complaint *why)
{
	int err = 0;

	if (value_get(step, "expected"))
		return suite_add_tables(suite_add_deed(c, DEED_CELLS, name, NULL), value_get(step, "expected"),
					value_get(step, "pods"), why);
	for value_each(check, value_get(step, "checks")) {
		char port[32];

		snprintf(port, sizeof(port), "%s/%ld", value_text(check, "protocol", "TCP"), value_number(check, "port", 0));
		err = err ?: add_table(suite_add_deed(c, DEED_CELLS, name, NULL), port, value_get(check, "expected"),
				       value_get(check, "pods"), why);
	}
	return err;
}

int suite_read_tables(struct suite *s, const struct value *doc, struct complaint *why)
{
	const struct value *cases = value_get(doc, "cases") ?: value_get(doc, "tests");
	int err = 0;

	s->created = value_get(doc, "created_pod_ips");
	for value_each(v, cases) {
		struct suite_case *c = suite_add_case(s, value_text(v, "id", "?"),
			value_text(v, "description", value_text(v, "name", "")),
			value_get(v, "initial_state") ?: value_get(doc, "initial_state"));
		unsigned int number = 0;

		for value_each(step, value_get(v, "steps")) {
			char name[16];

			snprintf(name, sizeof(name), "%u", ++number);
			for value_each(a, value_get(step, "actions"))
				suite_add_deed(c, DEED_CHANGE, name, a);
			err = err ?: read_checks(c, step, name, why);
		}
	}
	return err;
}

/* -- single probes -- */

static enum expect read_expect(const char *word)
{
	if (!strcmp(word, "allow") || !strcmp(word, "connect"))
		return EXPECT_ALLOW;
	if (!strcmp(word, "deny") || !strcmp(word, "drop-timeout"))
		return EXPECT_DENY;
	return !strcmp(word, "configurable") ? EXPECT_CONFIGURABLE : EXPECT_UNSAID;
}

int suite_add_probe(struct deed *d, const struct value *p, struct complaint *why)
{
	struct cell *c = suite_add_cell(d, value_text(p, "from", ""), value_text(p, "to", ""));

	c->family = value_number(p, "family", 0);
	c->proto = proto_read(value_text(p, "protocol", "TCP"));
	c->port = value_number(p, "port", 0);
	c->service = !value_null(value_get(p, "via"));
	c->line = p->line;
	c->want = read_expect(value_text(p, "expect", ""));
	if (*c->from && *c->to && c->proto && c->want != EXPECT_UNSAID)
		return 0;
	complaint_set(why, p->line, 0, "a probe needs 'from', 'to', a 'protocol' and 'expect': allow, deny or configurable");
	return -EINVAL;
}

/* What a script does to connections and packets; everything else changes the cluster. */
static bool is_act(const char *verb)
{
	static const char *const acts[] = { "connect", "send", "reply", "icmpError", "fragments", "idle", "runConntrackGc",
		"detach", "attach", "restartAgent", "expectCondition", "addInterface", "createPolicyWithCidrs" };

	for (unsigned int i = 0; i < sizeof(acts) / sizeof(*acts); i++)
		if (!strcmp(acts[i], verb))
			return true;
	return false;
}

static int read_op(struct suite_case *c, const struct value *op, const char *step, struct complaint *why)
{
	struct deed *d = c->ndeed ? &c->deed[c->ndeed - 1] : NULL;
	const char *verb = op->first ? op->first->key : "";

	if (strcmp(verb, "probe")) {
		suite_add_deed(c, is_act(verb) ? DEED_ACT : DEED_CHANGE, step, op);
		return 0;
	}
	if (!d || d->kind != DEED_CELLS || strcmp(d->step, step))
		d = suite_add_deed(c, DEED_CELLS, step, NULL);
	return suite_add_probe(d, op->first, why);
}

static int read_steps(struct suite_case *c, const struct value *steps, struct complaint *why)
{
	unsigned int number = 0;
	int err = 0;

	for value_each(step, steps) {
		const struct value *ops = value_get(step, "ops");
		char name[256];

		snprintf(name, sizeof(name), "%u", ++number);
		if (!ops)
			err = err ?: read_op(c, step, name, why);
		for value_each(op, ops)
			err = err ?: read_op(c, op, value_text(step, "name", name), why);
	}
	return err;
}

int suite_read_ops(struct suite *s, const struct value *doc, struct complaint *why)
{
	int err = 0;

	for value_each(v, value_get(doc, "cases") ?: value_get(doc, "tests")) {
		const struct value *probes = value_get(v, "probes");
		struct suite_case *c = suite_add_case(s, value_text(v, "id", "?"), value_text(v, "title", ""),
						      value_get(v, "state") ?: value_get(doc, "initial_state"));
		struct deed *d;

		c->more[0] = value_at(v, "initial.policies");
		c->more[1] = value_at(v, "initial.clusterNetworkPolicies");
		if (probes && probes->first) {
			d = suite_add_deed(c, DEED_CELLS, "1", NULL);
			for value_each(p, probes)
				err = err ?: suite_add_probe(d, p, why);
		}
		err = err ?: read_steps(c, value_get(v, "steps"), why);
	}
	return err;
}

/* -- what people write -- */

/* The order of rows and columns: 'pods' of the step, else of the state. */
static struct value *pod_names(const struct value *doc, const struct value *step)
{
	struct value *names = value_list();

	if (value_get(step, "pods")) {
		for value_each(p, value_get(step, "pods"))
			value_add(names, value_of_text(p->text));
		return names;
	}
	for value_each(p, value_get(doc, "pods")) {
		char name[512];

		snprintf(name, sizeof(name), "%s/%s", value_text(p, "ns", "default"), value_text(p, "name", ""));
		value_add(names, value_of_text(name));
	}
	return names;
}

static int read_state_step(struct suite_case *c, const struct value *doc, const struct value *step, const char *name,
			   struct complaint *why)
{
	struct value *pods;
	int err = 0;

	for value_each(op, value_get(step, "do"))
		err = err ?: read_op(c, op, name, why);
	if (value_get(step, "expected")) {
		pods = pod_names(doc, step);
		err = err ?: suite_add_tables(suite_add_deed(c, DEED_CELLS, name, NULL), value_get(step, "expected"), pods, why);
		value_free(pods);
	}
	if (value_count(value_get(step, "probes"))) {
		struct deed *d = suite_add_deed(c, DEED_CELLS, name, NULL);

		for value_each(p, value_get(step, "probes"))
			err = err ?: suite_add_probe(d, p, why);
	}
	return err;
}

int suite_read_state(struct suite *s, const struct value *doc, struct complaint *why)
{
	struct suite_case *c = suite_add_case(s, value_text(doc, "id", s->name), value_text(doc, "title", ""), doc);
	unsigned int number = 0;
	int err = 0;

	for value_each(step, value_get(doc, "steps")) {
		char name[16];

		snprintf(name, sizeof(name), "%u", ++number);
		err = err ?: read_state_step(c, doc, step, value_text(step, "name", name), why);
	}
	return err;
}
