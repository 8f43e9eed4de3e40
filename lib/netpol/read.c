// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/netpol/reading.h"
#include "lib/word.h"

#define TEXT_MOST (64u << 20)
#define LISTS_IN_LISTS 4

#define LABEL_RULE "small letters, digits and '-' inside, at most 63"
#define DOMAIN_RULE "small letters, digits, '-' and '.' inside, at most 253"

/* What weir reads. */
struct kind {
	const char *name, *group;		/* group "": core */
	const char *version[2];
	enum object_kind kind;
	struct meta meta;
	int (*read)(struct reading *r, const struct tree_node *root, struct object *o);
};
static const struct kind kinds[] = {
	{ "Namespace", "", { "v1" }, OBJECT_NAMESPACE, { false, name_is_label, LABEL_RULE }, read_namespace },
	{ "Pod", "", { "v1" }, OBJECT_POD, { true, name_is_subdomain, DOMAIN_RULE }, read_pod },
	{ "Node", "", { "v1" }, OBJECT_NODE, { false, name_is_subdomain, DOMAIN_RULE }, read_node },
	{ "Service", "", { "v1" }, OBJECT_SERVICE, { true, name_is_label, LABEL_RULE }, read_service },
	{ "EndpointSlice", "discovery.k8s.io", { "v1", "v1beta1" }, OBJECT_ENDPOINT_SLICE,
	  { true, name_is_subdomain, DOMAIN_RULE }, read_endpoint_slice },
	{ "NetworkPolicy", "networking.k8s.io", { "v1" }, OBJECT_POLICY,
	  { true, name_is_subdomain, DOMAIN_RULE }, read_network_policy },
	{ "ClusterNetworkPolicy", "policy.networking.k8s.io", { "v1alpha2" }, OBJECT_CLUSTER_POLICY,
	  { false, name_is_subdomain, DOMAIN_RULE }, read_cluster_policy },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* What those groups have besides, and weir has no use for. */
static const struct {
	const char *group, *name;
} others[] = {
	{ "", "Binding" }, { "", "ComponentStatus" }, { "", "ConfigMap" }, { "", "Endpoints" }, { "", "Event" },
	{ "", "LimitRange" }, { "", "PersistentVolume" }, { "", "PersistentVolumeClaim" }, { "", "PodTemplate" },
	{ "", "ReplicationController" }, { "", "ResourceQuota" }, { "", "Secret" }, { "", "ServiceAccount" },
	{ "networking.k8s.io", "Ingress" }, { "networking.k8s.io", "IngressClass" },
	{ "networking.k8s.io", "IPAddress" }, { "networking.k8s.io", "ServiceCIDR" },
};
#define OTHERS (sizeof(others) / sizeof(others[0]))

/* One call of read_manifests(). */
struct manifests {
	struct reading reading;
	struct complaint why;
	read_fn each;
	void *ctx;
};

static int one(struct manifests *m, const struct tree_node *root, const char *api, const char *kind, int lists);
static int complained(struct manifests *m, int err);
static const struct kind *find_kind(const char *group, const char *name);

static int read_all(struct manifests *m, const char *text, size_t size, const char *file)
{
	struct tree_source source = { text, text + size, 1 };
	const struct tree_node *root;
	struct tree *tree;
	int err = 0;

	m->reading.why = &m->why;
	complaint_file(&m->why, file ?: "");
	if (size > TEXT_MOST) {
		complaint_set(&m->why, 0, 0, "more than 64 MiB of text: split it");
		return complained(m, -EINVAL);
	}
	err = tree_new(&tree, NULL);
	if (err)
		return err;
	while (!err && (err = tree_next(tree, &source, &root, &m->why)) != 0) {
		m->why.object[0] = 0;
		err = err < 0 ? complained(m, err) : one(m, root, NULL, NULL, 0);
	}
	tree_free(tree);
	arena_free(&m->reading.things);
	arena_free(&m->reading.texts);
	return err;
}

int read_manifests(const char *text, size_t size, const char *file, read_fn each, void *ctx)
{
	struct manifests m = { .each = each, .ctx = ctx };

	return read_all(&m, text, size, file);
}

int read_stored(const char *text, size_t size, const char *file, read_fn each, void *ctx)
{
	struct manifests m = { .each = each, .ctx = ctx, .reading.stored = true };

	return read_all(&m, text, size, file);
}

/* Whose complaint it will be: as far as the object says. */
static void name_object(struct complaint *why, const char *kind, const struct tree_node *root)
{
	const struct tree_node *meta = root ? tree_get(root, "metadata") : NULL;
	const struct tree_node *ns = meta ? tree_get(meta, "namespace") : NULL, *name = meta ? tree_get(meta, "name") : NULL;
	const struct kind *k = kind ? find_kind(NULL, kind) : NULL;
	struct shown s[3];
	bool in_ns = ns && ns->kind == TREE_SCALAR && *ns->text;

	why->object[0] = 0;
	if (!kind || !name || name->kind != TREE_SCALAR)
		return;
	snprintf(why->object, sizeof(why->object), "%s %s%s%s", reading_show(&s[0], kind),
		 in_ns ? reading_show(&s[1], ns->text) : k && k->meta.namespaced ? "default" : "",
		 in_ns || (k && k->meta.namespaced) ? "/" : "", reading_show(&s[2], name->text));
}

/* A complaint is no error of ours: it is handed over, and reading goes on. */
static int complained(struct manifests *m, int err)
{
	return err == -EINVAL ? m->each(m->ctx, NULL, &m->why) : err;
}

static int read_once(struct reading *r, const struct tree_node *root, const struct kind *k, struct object **out)
{
	struct object *o = arena_alloc(&r->things, sizeof(*o));
	int err = 0;

	if (!o)
		return -ENOMEM;
	o->kind = k->kind;
	err = reading_meta(r, root, &k->meta, o) ?: k->read(r, root, o);
	*out = o;
	return err;
}

static int read_block(struct reading *r, const struct tree_node *root, const struct kind *k, struct object **out)
{
	struct arena things = r->things, texts = r->texts;
	char *block = malloc(things.used + texts.used);
	int err = -ENOMEM;

	if (!block)
		return err;
	arena_fixed(&r->things, block, things.used);
	arena_fixed(&r->texts, block + things.used, texts.used);
	err = read_once(r, root, k, out);
	r->things = things;
	r->texts = texts;
	if (err)
		free(block);
	return err;
}

static int deliver(struct manifests *m, const struct tree_node *root, const struct kind *k)
{
	struct reading *r = &m->reading;
	struct object *o;
	int err = 0;

	arena_reset(&r->things);
	arena_reset(&r->texts);
	err = read_once(r, root, k, &o) ?: read_block(r, root, k, &o);
	return err ? complained(m, err) : m->each(m->ctx, o, NULL);
}

/* List, PodList and their like: items of a typed list need not say again what they are. */
static int read_items(struct manifests *m, const struct tree_node *root, const char *api, const char *kind, int lists)
{
	const struct tree_node *items = tree_get(root, "items");
	char item[64] = "";
	int err = 0;

	if (lists == LISTS_IN_LISTS)
		return complained(m, reading_fail(&m->reading, root, "lists in lists in lists: write the objects out"));
	if (!items || tree_null(items))
		return 0;
	if (reading_is(&m->reading, items, TREE_LIST, "items"))
		return complained(m, -EINVAL);
	snprintf(item, sizeof(item), "%.*s", (int)strlen(kind) - 4, kind);
	for (const struct tree_node *i = items->first; i && !err; i = i->next)
		err = one(m, i, api, *item ? item : NULL, lists + 1);
	return err;
}

static const struct kind *find_kind(const char *group, const char *name)
{
	for (unsigned int i = 0; i < KINDS; i++)
		if (!strcmp(kinds[i].name, name) && (!group || !strcmp(kinds[i].group, group)))
			return &kinds[i];
	return NULL;
}

static bool group_is_ours(const char *group)
{
	for (unsigned int i = 0; i < KINDS; i++)
		if (!strcmp(kinds[i].group, group))
			return true;
	return false;
}

static bool is_other(const char *group, const char *name)
{
	for (unsigned int i = 0; i < OTHERS; i++)
		if (!strcmp(others[i].group, group) && !strcmp(others[i].name, name))
			return true;
	return false;
}

static int unknown_kind(struct reading *r, const struct tree_node *at, const char *group, const char *name)
{
	const char *words[KINDS + OTHERS], *meant;
	unsigned int n = 0;
	struct shown s;

	for (unsigned int i = 0; i < KINDS; i++)
		words[n++] = kinds[i].name;
	for (unsigned int i = 0; i < OTHERS; i++)
		words[n++] = others[i].name;
	reading_show(&s, name);
	if (!strcmp(name, "AdminNetworkPolicy") || !strcmp(name, "BaselineAdminNetworkPolicy"))
		return reading_fail(r, at, "%s is no longer part of the API; write a ClusterNetworkPolicy of "
				    "policy.networking.k8s.io/v1alpha2 with tier %s", s.text,
				    name[0] == 'A' ? "Admin" : "Baseline");
	meant = word_closest(name, words, n);
	if (meant)
		return reading_fail(r, at, "kind '%s' is not known; write %s", s.text, meant);
	return reading_fail(r, at, "kind '%s' is not known in %s%s", s.text, *group ? "API group " : "apiVersion v1", group);
}

/* NetworkPolicy of another group is somebody else's policy: silence would be taken for enforcement. */
static int foreign(struct reading *r, const struct tree_node *at, const char *api, const char *name)
{
	const struct kind *k = find_kind(NULL, name);
	struct shown s;

	if (!k || (k->kind == OBJECT_SERVICE && strchr(api, '.')))
		return 0;
	return reading_fail(r, at, "kind %s belongs to apiVersion %s%s%s, not to '%s', which weir does not enforce", k->name,
			    k->group, *k->group ? "/" : "", k->version[0], reading_show(&s, api));
}

static bool has_version(const struct kind *k, const char *version)
{
	for (unsigned int i = 0; i < 2 && k->version[i]; i++)
		if (!strcmp(k->version[i], version))
			return true;
	return false;
}

/* Which kind it is; NULL: one that weir passes over. */
static int choose(struct reading *r, const struct tree_node *root, const char *api, const char *name,
		  const struct kind **out)
{
	const struct tree_node *api_at = tree_get(root, "apiVersion") ?: root, *at = tree_get(root, "kind") ?: root;
	const char *slash = strchr(api, '/'), *version = slash ? slash + 1 : api;
	struct shown s;
	char group[256];

	*out = NULL;
	snprintf(group, sizeof(group), "%.*s", slash ? (int)(slash - api) : 0, api);
	if (!group_is_ours(group))
		return foreign(r, api_at, api, name);
	*out = find_kind(group, name);
	if (*out && !has_version(*out, version))
		return reading_fail(r, api_at, "apiVersion '%s' of a %s is not read; write %s%s%s", reading_show(&s, api),
				    name, group, *group ? "/" : "", (*out)->version[0]);
	if (*out || is_other(group, name))
		return 0;
	return foreign(r, api_at, api, name) ?: unknown_kind(r, at, group, name);
}

/* What an object says it is, or what its list says. */
static int said(struct reading *r, const struct tree_node *root, const char *field, const char **word)
{
	const struct tree_node *n = tree_get(root, field);

	if (n && !tree_null(n))
		return reading_word(r, n, field, word);
	if (*word)
		return 0;
	return reading_fail(r, root, "no %s; every object says its apiVersion and its kind", field);
}

static bool ends_with_list(const char *kind)
{
	size_t n = strlen(kind);

	return n >= 4 && !strcmp(kind + n - 4, "List");
}

static int one(struct manifests *m, const struct tree_node *root, const char *api, const char *kind, int lists)
{
	struct reading *r = &m->reading;
	const struct kind *k;
	int err = 0;

	if (tree_null(root))
		return lists ? complained(m, reading_fail(r, root, "an item of the list is empty; delete it")) : 0;
	if (root->kind != TREE_MAP)
		return complained(m, reading_fail(r, root, "this is no object; an object begins with apiVersion and kind"));
	name_object(&m->why, NULL, NULL);
	err = said(r, root, "kind", &kind) ?: said(r, root, "apiVersion", &api);
	if (!err && ends_with_list(kind))
		return read_items(m, root, strcmp(kind, "List") ? api : NULL, kind, lists);
	name_object(&m->why, kind, root);
	err = err ?: choose(r, root, api, kind, &k);
	if (err)
		return complained(m, err);
	return k ? deliver(m, root, k) : 0;
}
