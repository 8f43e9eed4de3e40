// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/netpol/reading.h"

struct meta_parts {
	const struct tree_node *name, *ns, *labels, *annotations, *owners, *created;
	bool deleting;
};

#define KEEP(field)									\
	static int keep_##field(struct reading *r, const struct tree_node *n, void *to)	\
	{										\
		((struct meta_parts *)to)->field = n;					\
		return 0;								\
	}
KEEP(name)
KEEP(ns)
KEEP(labels)
KEEP(annotations)
KEEP(owners)
KEEP(created)

static int keep_deleting(struct reading *r, const struct tree_node *n, void *to)
{
	((struct meta_parts *)to)->deleting = true;
	return 0;
}

SHAPE(metadata, "metadata", REFUSE_SLIPS,
	{ "name", keep_name }, { "namespace", keep_ns }, { "labels", keep_labels }, { "annotations", keep_annotations },
	{ "ownerReferences", keep_owners }, { "creationTimestamp", keep_created },
	{ "deletionTimestamp", keep_deleting }, { "generateName", NULL }, { "uid", NULL }, { "resourceVersion", NULL },
	{ "generation", NULL }, { "deletionGracePeriodSeconds", NULL }, { "finalizers", NULL },
	{ "managedFields", NULL }, { "selfLink", NULL });

/* 2024-02-29T12:00:00Z; what is no such time is not known. */
static uint64_t seconds(const struct tree_node *n)
{
	struct tm tm = { 0 };

	if (!n || n->kind != TREE_SCALAR ||
	    sscanf(n->text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
		   &tm.tm_sec) != 6 || tm.tm_year < 1970 || tm.tm_mon < 1 || tm.tm_mon > 12)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return timegm(&tm);
}

static int read_name(struct reading *r, const struct tree_node *root, const struct meta_parts *p,
		     const struct meta *meta, struct object *o)
{
	const char *word;
	struct shown s;
	int err = 0;

	if (!p->name)
		return reading_fail(r, root, "%s has no metadata.name", object_kind_name(o->kind));
	err = reading_word(r, p->name, "metadata.name", &word);
	if (err)
		return err;
	if (!meta->name_good(word))
		return reading_fail(r, p->name, "metadata.name '%s' is no name for a %s: %s", reading_show(&s, word),
				    object_kind_name(o->kind), meta->name_rule);
	return reading_copy(r, word, &o->name);
}

static int read_ns(struct reading *r, const struct meta_parts *p, const struct meta *meta, struct object *o)
{
	const char *word = "default";
	struct shown s;
	int err = 0;

	o->ns = "";
	if (!meta->namespaced)
		return 0;
	if (p->ns)
		err = reading_word(r, p->ns, "metadata.namespace", &word);
	if (err)
		return err;
	if (!*word)
		word = "default";
	if (!name_is_label(word))
		return reading_fail(r, p->ns, "metadata.namespace '%s' is no name of a namespace: small letters, digits and "
				    "'-' inside, at most 63", reading_show(&s, word));
	return reading_copy(r, word, &o->ns);
}

int reading_meta(struct reading *r, const struct tree_node *root, const struct meta *meta, struct object *o)
{
	const struct tree_node *n = tree_get(root, "metadata");
	const char *extra = o->kind == OBJECT_NAMESPACE ? "kubernetes.io/metadata.name" : NULL;
	struct meta_parts p = { 0 };
	int err = 0;

	if (n && !tree_null(n))
		err = reading_map(r, n, &metadata, &p);
	if (!err && p.annotations)
		err = reading_is(r, p.annotations, TREE_MAP, "annotations");
	if (err)
		return err;
	r->annotations = p.annotations;
	r->owners = p.owners;
	r->deleting = p.deleting;
	o->line = root->line;
	o->created = seconds(p.created);
	return read_name(r, n && !tree_null(n) ? n : root, &p, meta, o)
		?: read_ns(r, &p, meta, o)
		?: reading_labels(r, p.labels, extra, o->name, &o->labels);
}
