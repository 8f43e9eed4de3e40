// SPDX-License-Identifier: Apache-2.0
#include "lib/suite/cluster.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/addr.h"

/* -- manifests -- */

static struct value *manifest(const char *api, const char *kind, const char *ns, const char *name)
{
	struct value *m = value_map(), *meta;

	value_put(m, "apiVersion", value_of_text(api));
	value_put(m, "kind", value_of_text(kind));
	meta = value_put(m, "metadata", value_map());
	value_put(meta, "name", value_of_text(name));
	if (ns)
		value_put(meta, "namespace", value_of_text(ns));
	return m;
}

static void put_labels(struct value *m, const struct value *labels)
{
	if (!value_null(labels))
		value_put(value_inside(m, "metadata"), "labels", value_copy(labels));
}

static struct value *namespace_manifest(const char *name, const struct value *labels)
{
	struct value *m = manifest("v1", "Namespace", NULL, name);

	put_labels(m, labels);
	return m;
}

static struct value *node_manifest(const struct value *n)
{
	struct value *m = manifest("v1", "Node", NULL, value_text(n, "name", "")), *list;

	put_labels(m, value_get(n, "labels"));
	list = value_put(value_inside(m, "status"), "addresses", value_list());
	for value_each(a, value_get(n, "addresses")) {
		struct value *item = value_add(list, value_map());

		value_put(item, "type", value_of_text("InternalIP"));
		value_put(item, "address", value_of_text(a->text));
	}
	if (value_get(n, "podCIDRs"))
		value_put(value_inside(m, "spec"), "podCIDRs", value_copy(value_get(n, "podCIDRs")));
	return m;
}

/* A suite's port names its container only when it is a special one. */
static void put_port(struct value *spec, const struct value *p)
{
	const char *container = value_text(p, "container", "main");
	bool init = strstr(container, "init");
	struct value *list = (struct value *)value_get(spec, init ? "initContainers" : "containers"), *c = NULL, *port;

	if (!list)
		list = value_put(spec, init ? "initContainers" : "containers", value_list());
	c = list->first;
	if (!c) {
		c = value_add(list, value_map());
		value_put(c, "name", value_of_text(init ? "sidecar" : "main"));
		value_put(c, "image", value_of_text("none"));
		if (init && strstr(container, "restartable"))
			value_put(c, "restartPolicy", value_of_text("Always"));
		value_put(c, "ports", value_list());
	}
	port = value_add((struct value *)value_get(c, "ports"), value_map());
	if (*value_text(p, "name", ""))
		value_put(port, "name", value_of_text(value_text(p, "name", "")));
	value_put(port, "containerPort", value_of_number(value_number(p, "port", 0)));
	value_put(port, "protocol", value_of_text(value_text(p, "protocol", "TCP")));
}

static void put_addresses(struct value *pod, const struct value *ips)
{
	struct value *status = value_inside(pod, "status"), *list = value_put(status, "podIPs", value_list());

	for value_each(ip, ips)
		value_put(value_add(list, value_map()), "ip", value_of_text(ip->text));
	if (ips && ips->first)
		value_put(status, "podIP", value_of_text(ips->first->text));
}

static struct value *pod_manifest(const struct value *p)
{
	struct value *m = manifest("v1", "Pod", value_text(p, "ns", "default"), value_text(p, "name", "")), *spec;

	put_labels(m, value_get(p, "labels"));
	spec = value_inside(m, "spec");
	if (*value_text(p, "node", ""))
		value_put(spec, "nodeName", value_of_text(value_text(p, "node", "")));
	if (value_true(p, "hostNetwork"))
		value_put(spec, "hostNetwork", value_of_bool(true));
	for value_each(port, value_get(p, "ports"))
		put_port(spec, port);
	value_put(value_inside(m, "status"), "phase", value_of_text(value_text(p, "phase", "Running")));
	put_addresses(m, value_get(p, "ips"));
	if (value_true(p, "terminating"))
		value_put(value_inside(m, "metadata"), "deletionTimestamp", value_of_text("2026-01-01T00:00:00Z"));
	return m;
}

static struct value *service_manifest(const struct value *s)
{
	struct value *m = manifest("v1", "Service", value_text(s, "ns", "default"), value_text(s, "name", "")),
		     *spec = value_inside(m, "spec"), *port;

	value_put(spec, "clusterIP", value_of_text(value_text(s, "vip", "")));
	port = value_add(value_put(spec, "ports", value_list()), value_map());
	value_put(port, "port", value_of_number(value_number(s, "port", 0)));
	value_put(port, "protocol", value_of_text(value_text(s, "protocol", "TCP")));
	value_put(port, "targetPort", value_of_number(value_number(s, "targetPort", value_number(s, "port", 0))));
	return m;
}

/* -- the list -- */

static bool is(const struct value *m, const char *kind, const char *ns, const char *name)
{
	return !strcmp(value_text(m, "kind", ""), kind) && !strcmp(value_text(m, "metadata.name", ""), name) &&
	       !strcmp(value_text(m, "metadata.namespace", ""), ns ? ns : "");
}

const struct value *cluster_find(const struct cluster *c, const char *kind, const char *ns, const char *name)
{
	for value_each(m, c->manifests)
		if (is(m, kind, ns, name))
			return m;
	return NULL;
}

void cluster_put(struct cluster *c, struct value *m)
{
	const struct value *old = cluster_find(c, value_text(m, "kind", ""), value_text(m, "metadata.namespace", ""),
					       value_text(m, "metadata.name", ""));

	value_remove(c->manifests, (struct value *)old);
	value_add(c->manifests, m);
}

static void put_policies(struct cluster *c, const struct value *list)
{
	for value_each(p, list)
		cluster_put(c, value_copy(p));
}

struct cluster *cluster_new(const struct value *state)
{
	struct cluster *c = calloc(1, sizeof(*c));

	c->manifests = value_list();
	c->externals = value_null(value_get(state, "externals")) ? value_list() : value_copy(value_get(state, "externals"));
	for value_each(n, value_get(state, "namespaces"))
		cluster_put(c, namespace_manifest(n->key, n));
	for value_each(n, value_get(state, "nodes"))
		cluster_put(c, node_manifest(n));
	for value_each(p, value_get(state, "pods"))
		cluster_put(c, pod_manifest(p));
	for value_each(s, value_get(state, "services"))
		cluster_put(c, service_manifest(s));
	put_policies(c, value_get(state, "policies"));
	put_policies(c, value_get(state, "clusterNetworkPolicies"));
	return c;
}

void cluster_free(struct cluster *c)
{
	if (!c)
		return;
	value_free(c->manifests);
	value_free(c->externals);
	free(c);
}

/* -- verbs -- */

typedef int (*verb_fn)(struct cluster *c, const struct value *what);

static struct value *find_for(struct cluster *c, const char *kind, const struct value *what)
{
	const char *ns = value_text(what, "ns", "");

	return (struct value *)cluster_find(c, kind, ns, value_text(what, "name", ""));
}

static int put_policy(struct cluster *c, const struct value *what)
{
	cluster_put(c, value_copy(what));
	return 0;
}

static int drop(struct cluster *c, struct value *m)
{
	if (!m)
		return -EINVAL;
	value_remove(c->manifests, m);
	return 0;
}

static int delete_policy(struct cluster *c, const struct value *what)
{
	return drop(c, find_for(c, "NetworkPolicy", what));
}

static int delete_cluster_policy(struct cluster *c, const struct value *what)
{
	const char *name = what->text ? what->text : value_text(what, "name", "");

	return drop(c, (struct value *)cluster_find(c, "ClusterNetworkPolicy", "", name));
}

static int create_namespace(struct cluster *c, const struct value *what)
{
	cluster_put(c, namespace_manifest(value_text(what, "name", ""), value_get(what, "labels")));
	return 0;
}

static int set_labels(struct value *m, const struct value *what)
{
	if (!m)
		return -EINVAL;
	put_labels(m, value_get(what, "labels"));
	return 0;
}

static int add_labels(struct value *m, const struct value *what)
{
	if (!m)
		return -EINVAL;
	for value_each(l, value_get(what, "labels"))
		value_put(value_inside(value_inside(m, "metadata"), "labels"), l->key, value_copy(l));
	return 0;
}

static int set_namespace_labels(struct cluster *c, const struct value *what)
{
	return set_labels(find_for(c, "Namespace", what), what);
}

static int add_namespace_label(struct cluster *c, const struct value *what)
{
	return add_labels(find_for(c, "Namespace", what), what);
}

static int set_pod_labels(struct cluster *c, const struct value *what)
{
	return set_labels(find_for(c, "Pod", what), what);
}

static int add_pod_labels(struct cluster *c, const struct value *what)
{
	return add_labels(find_for(c, "Pod", what), what);
}

static int set_node_labels(struct cluster *c, const struct value *what)
{
	return set_labels(find_for(c, "Node", what), what);
}

/* What is in a namespace goes with it. */
static int delete_namespace(struct cluster *c, const struct value *what)
{
	const char *name = what->text ? what->text : value_text(what, "name", "");
	struct value *next, *ns = (struct value *)cluster_find(c, "Namespace", "", name);

	for (struct value *m = c->manifests->first; m; m = next) {
		next = m->next;
		if (!strcmp(value_text(m, "metadata.namespace", ""), name))
			value_remove(c->manifests, m);
	}
	return drop(c, ns);
}

/* The ports that suites forget to write are those of any pod there. */
static void borrow_ports(struct cluster *c, struct value *pod)
{
	for value_each(m, c->manifests)
		if (!strcmp(value_text(m, "kind", ""), "Pod") && value_at(m, "spec.containers")) {
			value_put(value_inside(pod, "spec"), "containers", value_copy(value_at(m, "spec.containers")));
			return;
		}
}

static int create_pod(struct cluster *c, const struct value *what)
{
	struct value *m = pod_manifest(what);
	char name[512];

	snprintf(name, sizeof(name), "%s/%s", value_text(what, "ns", ""), value_text(what, "name", ""));
	if (!value_get(what, "ips") && value_get(c->created, name)) {
		struct value *ips = value_list();

		value_add(ips, value_of_text(value_get(c->created, name)->text));
		put_addresses(m, ips);
		value_free(ips);
	}
	if (!value_get(what, "ports"))
		borrow_ports(c, m);
	cluster_put(c, m);
	return 0;
}

static int delete_pod(struct cluster *c, const struct value *what)
{
	return drop(c, find_for(c, "Pod", what));
}

static int set_pod_phase(struct cluster *c, const struct value *what)
{
	struct value *m = find_for(c, "Pod", what);

	if (!m)
		return -EINVAL;
	value_put(value_inside(m, "status"), "phase", value_of_text(value_text(what, "phase", "")));
	return 0;
}

static int mark_terminating(struct cluster *c, const struct value *what)
{
	struct value *m = find_for(c, "Pod", what);

	if (!m)
		return -EINVAL;
	value_put(value_inside(m, "metadata"), "deletionTimestamp", value_of_text("2026-01-01T00:00:00Z"));
	return 0;
}

static const struct {
	const char *name;
	verb_fn fn;
} verbs[] = {
	{ "createPolicy", put_policy }, { "updatePolicy", put_policy }, { "deletePolicy", delete_policy },
	{ "createClusterNetworkPolicy", put_policy }, { "updateClusterNetworkPolicy", put_policy },
	{ "deleteClusterNetworkPolicy", delete_cluster_policy },
	{ "createNamespace", create_namespace }, { "deleteNamespace", delete_namespace },
	{ "setNamespaceLabels", set_namespace_labels }, { "addNamespaceLabel", add_namespace_label },
	{ "createPod", create_pod }, { "deletePod", delete_pod }, { "setPodLabels", set_pod_labels },
	{ "addPodLabels", add_pod_labels }, { "setPodPhase", set_pod_phase }, { "markTerminating", mark_terminating },
	{ "setNodeLabels", set_node_labels },
};

int cluster_change(struct cluster *c, const struct value *verb, struct complaint *why)
{
	const struct value *what = verb->first;

	for (unsigned int i = 0; what && i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(what->key, verbs[i].name)) {
			int err = verbs[i].fn(c, what);

			if (err)
				complaint_set(why, verb->line, 0, "'%s' names what is not there", what->key);
			return err;
		}
	return -ENOENT;
}

/* -- names and addresses -- */

static const struct value *pod_named(const struct cluster *c, const char *name)
{
	char ns[256];
	const char *slash = strchr(name, '/');

	if (!slash)
		return NULL;
	snprintf(ns, sizeof(ns), "%.*s", (int)(slash - name), name);
	return cluster_find(c, "Pod", ns, slash + 1);
}

static const struct value *external_named(const struct cluster *c, const char *name)
{
	for value_each(e, c->externals)
		if (!strcmp(value_text(e, "name", ""), name))
			return e;
	return NULL;
}

enum cluster_end cluster_who(const struct cluster *c, const char *name, const char **node)
{
	const struct value *pod = pod_named(c, name);
	struct weir_addr a;

	*node = "";
	if (!strncmp(name, "node:", 5)) {
		*node = name + 5;
		return cluster_find(c, "Node", "", name + 5) ? CLUSTER_NODE : CLUSTER_NOBODY;
	}
	if (pod) {
		*node = value_text(pod, "spec.nodeName", "");
		return value_true(pod, "spec.hostNetwork") ? CLUSTER_HOST_POD : CLUSTER_POD;
	}
	return external_named(c, name) || !addr_parse(name, &a) ? CLUSTER_EXTERNAL : CLUSTER_NOBODY;
}

static bool pick(const struct value *list, const char *key, unsigned int family, struct weir_addr *out)
{
	for value_each(item, list) {
		const char *text = key ? value_text(item, key, "") : item->text;

		if (!addr_parse(text, out) && (!family || addr_is_v4(out) == (family == 4)))
			return true;
	}
	return false;
}

bool cluster_address(const struct cluster *c, const char *name, unsigned int family, struct weir_addr *out)
{
	const struct value *pod = pod_named(c, name), *outside = external_named(c, name);

	if (!strncmp(name, "node:", 5))
		return pick(value_at(cluster_find(c, "Node", "", name + 5), "status.addresses"), "address", family, out);
	if (pod)
		return pick(value_at(pod, "status.podIPs"), "ip", family, out);
	if (outside)
		return pick(value_get(outside, "ips"), NULL, family, out);
	return !addr_parse(name, out) && (!family || addr_is_v4(out) == (family == 4));
}

bool cluster_has_family(const struct cluster *c, const char *name, unsigned int family)
{
	struct weir_addr a;

	return cluster_address(c, name, family, &a);
}
