// SPDX-License-Identifier: Apache-2.0
#include "lib/suite/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/suite/read.h"

static const struct {
	const char *schema;
	int (*read)(struct suite *s, const struct value *doc, struct complaint *why);
} formats[] = {
	{ "netpol-conformance/1", suite_read_tables },
	{ "netpol-e2e/1", suite_read_tables },
	{ "cnp-conformance/1", suite_read_ops },
	{ "netpol-nasty/1", suite_read_ops },
	{ "netpol-state/1", suite_read_state },
};

const char *expect_text(enum expect e)
{
	static const char *const text[] = { "unsaid", "allow", "deny", "configurable", "ignored" };

	return text[e];
}

static const struct {
	const char *word;
	__u8 number;
} protocols[] = { { "TCP", 6 }, { "UDP", 17 }, { "SCTP", 132 }, { "ICMP", 1 }, { "ICMPv6", 58 } };

__u8 proto_read(const char *word)
{
	char *end;
	unsigned long n = strtoul(word, &end, 10);

	for (unsigned int i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (!strcasecmp(protocols[i].word, word))
			return protocols[i].number;
	return *word && !*end && n < 256 ? n : 0;
}

const char *proto_text(__u8 proto)
{
	static char text[8];

	for (unsigned int i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (protocols[i].number == proto)
			return protocols[i].word;
	snprintf(text, sizeof(text), "%u", proto);
	return text;
}

/* "dir/cyclonus-v4.json" is the suite "cyclonus-v4". */
static char *name_of(const char *path)
{
	size_t n = strlen(path);
	const char *base;
	char *name;

	while (n > 1 && path[n - 1] == '/')
		n--;
	base = memrchr(path, '/', n);
	base = base ? base + 1 : path;
	name = strndup(base, path + n - base);
	if (strrchr(name, '.'))
		*strrchr(name, '.') = 0;
	return name;
}

static int read_format(struct suite *s, const struct value *doc, struct complaint *why)
{
	const char *schema = value_text(doc, "schema", "");

	for (unsigned int i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (!strcmp(formats[i].schema, schema)) {
			s->format = strdup(schema);
			return formats[i].read(s, doc, why);
		}
	complaint_set(why, 1, 0, "'schema' is '%s', which is none of netpol-conformance/1, netpol-e2e/1, cnp-conformance/1, "
		      "netpol-nasty/1, netpol-state/1", schema);
	return -EINVAL;
}

int suite_read(struct suite **out, const char *path, struct complaint *why)
{
	struct suite *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->path = strdup(path);
	s->name = name_of(path);
	if (suite_is_sample(path)) {
		s->format = strdup("flows");
		err = suite_read_sample(s, why);
	} else {
		s->docs = value_read_file(path, why);
		err = s->docs ? read_format(s, s->docs->first, why) : -EINVAL;
	}
	if (err) {
		if (!*why->file)
			complaint_file(why, path);
		suite_free(s);
		return err;
	}
	*out = s;
	return 0;
}

static void deed_free(struct deed *d)
{
	for (unsigned int i = 0; i < d->ncell; i++) {
		free(d->cell[i].from);
		free(d->cell[i].to);
		free(d->cell[i].author[WEIR_INGRESS]);
		free(d->cell[i].author[WEIR_EGRESS]);
	}
	free(d->cell);
	free(d->step);
}

void suite_free(struct suite *s)
{
	if (!s)
		return;
	for (unsigned int i = 0; i < s->n; i++) {
		for (unsigned int k = 0; k < s->c[i].ndeed; k++)
			deed_free(&s->c[i].deed[k]);
		free(s->c[i].deed);
	}
	free(s->c);
	value_free(s->docs);
	free(s->name);
	free(s->path);
	free(s->format);
	free(s);
}

/* The manifests of a sample are the cluster as they stand. */
struct cluster *suite_begin(const struct suite *s, const struct suite_case *c)
{
	struct cluster *cluster = cluster_new(c->state);

	cluster->created = s->created;
	if (!c->state)
		for value_each(m, s->docs)
			cluster_put(cluster, value_copy(m));
	for (unsigned int i = 0; i < 2; i++)
		for value_each(p, c->more[i])
			cluster_put(cluster, value_copy(p));
	return cluster;
}
