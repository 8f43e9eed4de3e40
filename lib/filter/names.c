// SPDX-License-Identifier: Apache-2.0
/* Fields whose values are patterns of names: pods, services, workloads, globs, selectors. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "flow/flow.pb-c.h"
#include "lib/filter/readers.h"
#include "lib/filter/selector.h"

#define DEFAULT_NS "default"
#define DEFAULT_CLUSTER "default"

static int too_long(struct compiler *c, const char *text, size_t most)
{
	return strlen(text) > most ? compiler_refuse(c, "longer than %zu bytes", most) : 0;
}

/* namespace/beginning, /beginning in any, namespace/ all of it; without a '/' the namespace "default". */
READER(pod)
{
	const char *text = *(char *const *)element, *slash = strchr(text, '/');
	struct name_value *v = value;
	char show[COMPILER_SHOW];
	int err = too_long(c, text, FILTERS_TEXT);

	if (err)
		return err;
	if (!*text)
		return compiler_refuse(c, "a name is needed: namespace/name, namespace/ for all of it, /name in any");
	if (slash && strchr(slash + 1, '/'))
		return compiler_refuse(c, "'%s' has two '/': it is namespace/name", compiler_show(text, show));
	v->name = filter_keep_text(c, slash ? slash + 1 : text);
	if (!v->name)
		return -ENOMEM;
	v->length = strlen(v->name);
	if (slash == text)
		return 0;
	v->ns = slash ? arena_text(&c->f->texts, text, slash - text) : DEFAULT_NS;
	return v->ns ? 0 : -ENOMEM;
}

static bool name_fits(const struct condition *c, const char *ns, const char *name)
{
	const struct name_value *v = c->value;

	if (!*ns && !*name)
		return false;		/* it is none */
	for (uint32_t i = 0; i < c->n; i++)
		if ((!v[i].ns || !strcmp(v[i].ns, ns)) && !strncmp(v[i].name, name, v[i].length))
			return true;
	return false;
}

HOLDS(pod)
{
	const struct flow_end *e = end_of(c, flow);

	return name_fits(c, e->ns, e->pod);
}

HOLDS(service)
{
	return c->destination ? name_fits(c, flow->destination_service_ns, flow->destination_service) :
				name_fits(c, flow->source_service_ns, flow->source_service);
}

READER(workload)
{
	const Flow__Workload *w = *(Flow__Workload *const *)element;
	struct workload_value *v = value;
	int err = too_long(c, w->name, FILTERS_TEXT) ?: too_long(c, w->kind, FILTERS_TEXT);

	if (err)
		return err;
	v->name = filter_keep_text(c, w->name);
	v->kind = filter_keep_text(c, w->kind);
	return v->name && v->kind ? 0 : -ENOMEM;
}

HOLDS(workload)
{
	const struct workload_value *v = c->value;
	const struct flow_end *e = end_of(c, flow);

	if (!e->workload[0] && !e->workload_kind[0])
		return false;
	for (uint32_t i = 0; i < c->n; i++)
		if ((!v[i].name[0] || !strcmp(v[i].name, e->workload)) &&
		    (!v[i].kind[0] || !strcmp(v[i].kind, e->workload_kind)))
			return true;
	return false;
}

/* In small letters, since names of DNS and of nodes are. */
static int read_glob(struct compiler *c, const char *text, size_t length, struct glob *out)
{
	char show[COMPILER_SHOW], *copy = arena_text(&c->f->texts, text, length);

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < length; i++) {
		if (!isalnum((unsigned char)copy[i]) && !strchr("-_.*", copy[i]))
			return compiler_refuse(c, "'%s' has a '%c': letters, digits, '-', '_', '.' and '*' for any of them",
					       compiler_show(text, show), isprint((unsigned char)copy[i]) ? copy[i] : '?');
		copy[i] = tolower((unsigned char)copy[i]);
	}
	*out = (struct glob){ copy, length };
	return 0;
}

READER(fqdn)
{
	const char *text = *(char *const *)element;
	size_t length = strlen(text);
	int err = too_long(c, text, FILTERS_TEXT);

	if (err)
		return err;
	if (length && text[length - 1] == '.')
		length--;
	if (!length)
		return compiler_refuse(c, "a name is needed, such as api.example.com or *.example.com");
	if (text[length - 1] == '.')
		return compiler_refuse(c, "more than one '.' at the end");
	return read_glob(c, text, length, value);
}

static bool glob_fits(const struct glob *g, const char *text)
{
	return glob_match(g, text, strlen(text));
}

HOLDS(fqdn)
{
	const char *const *name = c->destination ? flow->destination_name : flow->source_name;
	unsigned int names = c->destination ? flow->destination_names : flow->source_names;
	const struct glob *g = c->value;

	for (unsigned int n = 0; n < names; n++)
		for (uint32_t i = 0; i < c->n; i++)
			if (glob_fits(&g[i], name[n]))
				return true;
	return false;
}

READER(cluster)
{
	const char *text = *(char *const *)element;
	struct glob *g = value;
	int err = too_long(c, text, FILTERS_TEXT);

	if (err)
		return err;
	if (!*text)
		return compiler_refuse(c, "a name is needed, such as test or prod-*");
	g->text = filter_keep_text(c, text);
	g->length = strlen(text);
	return g->text ? 0 : -ENOMEM;
}

HOLDS(cluster)
{
	const char *cluster = end_of(c, flow)->cluster;
	const struct glob *g = c->value;

	for (uint32_t i = 0; i < c->n && *cluster; i++)
		if (glob_fits(&g[i], cluster))
			return true;
	return false;
}

/* cluster/node, cluster/ all of it, /node or node in any. */
READER(node)
{
	const char *text = *(char *const *)element, *slash = strchr(text, '/'), *name = slash ? slash + 1 : text;
	struct node_value *v = value;
	char show[COMPILER_SHOW];
	int err = too_long(c, text, FILTERS_TEXT);

	if (err)
		return err;
	if (!*text)
		return compiler_refuse(c, "a name is needed: node, cluster/node, cluster/ for all of it");
	if (strchr(name, '/'))
		return compiler_refuse(c, "'%s' has two '/': it is cluster/node", compiler_show(text, show));
	if (slash && slash != text)
		err = read_glob(c, text, slash - text, &v->cluster);
	if (!err && *name)
		err = read_glob(c, name, strlen(name), &v->name);
	return err;
}

/* A node without a cluster before it is of the cluster "default". */
HOLDS(node)
{
	const char *slash = strchr(flow->node, '/'), *name = slash ? slash + 1 : flow->node;
	const char *cluster = slash ? flow->node : DEFAULT_CLUSTER;
	size_t length = slash ? (size_t)(slash - flow->node) : strlen(DEFAULT_CLUSTER);
	const struct node_value *v = c->value;

	for (uint32_t i = 0; i < c->n && *flow->node; i++)
		if ((!v[i].cluster.text || glob_match(&v[i].cluster, cluster, length)) &&
		    (!v[i].name.text || glob_fits(&v[i].name, name)))
			return true;
	return false;
}

READER(selector)
{
	const char *text = *(char *const *)element;
	struct selector *s = value;
	struct complaint why;
	int err = too_long(c, text, 4 * FILTERS_TEXT);

	if (err)
		return err;
	err = selector_parse(text, &c->f->things, &c->f->texts, s, &why);
	if (err == -EINVAL)
		return compiler_refuse(c, "%s", why.text);
	return err ?: compiler_spend(c, s->values, s->needs ? s->needs - 1 : 0);	/* one is spent already */
}

static bool any_selector(const struct condition *c, const char *const *label, unsigned int labels)
{
	const struct selector *s = c->value;

	for (uint32_t i = 0; i < c->n; i++)
		if (selector_fits(&s[i], label, labels))
			return true;
	return false;
}

HOLDS(label)
{
	const struct flow_end *e = end_of(c, flow);

	return any_selector(c, e->label, e->labels);
}

HOLDS(node_label)
{
	return any_selector(c, flow->node_label, flow->node_labels);
}
