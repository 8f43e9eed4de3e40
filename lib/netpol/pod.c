// SPDX-License-Identifier: Apache-2.0
/* Pods.  Most of a Pod says nothing to weir and is passed over. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lib/netpol/reading.h"

struct pod_parts {
	struct pod *pod;
	const struct tree_node *ips, *ip, *containers, *init;
	struct container_port *port;		/* the next named one's room */
};

static int spec_node(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_text(r, n, "nodeName", &((struct pod_parts *)to)->pod->node);
}

static int spec_host_network(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_bool(r, n, "hostNetwork", &((struct pod_parts *)to)->pod->host_network);
}

static int spec_containers(struct reading *r, const struct tree_node *n, void *to)
{
	((struct pod_parts *)to)->containers = n;
	return reading_is(r, n, TREE_LIST, "containers");
}

static int spec_init(struct reading *r, const struct tree_node *n, void *to)
{
	((struct pod_parts *)to)->init = n;
	return reading_is(r, n, TREE_LIST, "initContainers");
}

SHAPE(spec_shape, "a Pod's spec", PASS_OVER,
	{ "nodeName", spec_node }, { "hostNetwork", spec_host_network }, { "containers", spec_containers },
	{ "initContainers", spec_init });

static int status_phase(struct reading *r, const struct tree_node *n, void *to)
{
	static const char *const words[] = { [POD_PENDING] = "Pending", [POD_RUNNING] = "Running",
					     [POD_SUCCEEDED] = "Succeeded", [POD_FAILED] = "Failed", "Unknown" };
	struct pod_parts *p = to;
	unsigned int phase;
	int err = reading_choice(r, n, "phase", words, 5, &phase);

	if (!err)			/* of whom nothing is known, that is not known to have ended */
		p->pod->phase = phase > POD_FAILED ? POD_RUNNING : phase;
	return err;
}

static int status_ip(struct reading *r, const struct tree_node *n, void *to)
{
	((struct pod_parts *)to)->ip = n;
	return 0;
}

static int status_ips(struct reading *r, const struct tree_node *n, void *to)
{
	((struct pod_parts *)to)->ips = n;
	return 0;
}

SHAPE(status_shape, "a Pod's status", PASS_OVER,
	{ "phase", status_phase }, { "podIP", status_ip }, { "podIPs", status_ips });

static int pod_spec(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_map(r, n, &spec_shape, to);
}

static int pod_status(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_map(r, n, &status_shape, to);
}

SHAPE(pod_shape, "a Pod", PASS_OVER, { "spec", pod_spec }, { "status", pod_status });

/* Named ports */

struct port_parts {
	struct container_port *port;
	const struct tree_node *name, *number;
};

static int port_name(struct reading *r, const struct tree_node *n, void *to)
{
	((struct port_parts *)to)->name = n;
	return 0;
}

static int port_number(struct reading *r, const struct tree_node *n, void *to)
{
	((struct port_parts *)to)->number = n;
	return 0;
}

static int port_protocol(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_protocol(r, n, &((struct port_parts *)to)->port->proto);
}

SHAPE(port_shape, "a container's port", PASS_OVER,
	{ "name", port_name }, { "containerPort", port_number }, { "protocol", port_protocol });

/* Only names matter: whoever is reached by number need not be declared. */
static int read_port(struct reading *r, const struct tree_node *n, struct pod_parts *p)
{
	struct container_port port = { .proto = IPPROTO_TCP };
	struct port_parts parts = { .port = &port };
	unsigned int number;
	int err = reading_map(r, n, &port_shape, &parts);

	if (err || !parts.name)
		return err;
	if (!parts.number)
		return reading_fail(r, n, "a container's port has no containerPort");
	err = reading_uint(r, parts.number, "containerPort", 1, 65535, &number)
		?: reading_port_name(r, parts.name, &port.name);
	if (err)
		return err;
	port.port = number;
	*p->port++ = port;
	return 0;
}

static const struct tree_node *ports_of(const struct tree_node *container)
{
	const struct tree_node *ports = tree_get(container, "ports");

	return ports && !tree_null(ports) ? ports : NULL;
}

/* An init container that restarts runs beside the others, so its ports count. */
static bool restarts(const struct tree_node *container)
{
	const struct tree_node *policy = tree_get(container, "restartPolicy");

	return policy && policy->kind == TREE_SCALAR && !strcmp(policy->text, "Always");
}

static int count_ports(struct reading *r, const struct tree_node *list, bool init, unsigned int *n)
{
	for (const struct tree_node *c = list ? list->first : NULL; c; c = c->next) {
		const struct tree_node *ports = init && !restarts(c) ? NULL : ports_of(c);

		if (ports && reading_is(r, ports, TREE_LIST, "ports"))
			return -EINVAL;
		for (const struct tree_node *i = ports ? ports->first : NULL; i; i = i->next)
			*n += !!tree_get(i, "name");
	}
	return 0;
}

static int fill_ports(struct reading *r, const struct tree_node *list, bool init, struct pod_parts *p)
{
	int err = 0;

	for (const struct tree_node *c = list ? list->first : NULL; c && !err; c = c->next) {
		const struct tree_node *ports = init && !restarts(c) ? NULL : ports_of(c);

		for (const struct tree_node *i = ports ? ports->first : NULL; i && !err; i = i->next)
			err = read_port(r, i, p);
	}
	return err;
}

static int read_ports(struct reading *r, struct pod_parts *p)
{
	unsigned int n = 0;
	struct container_port *port;
	int err = count_ports(r, p->containers, false, &n) ?: count_ports(r, p->init, true, &n);

	if (err)
		return err;
	port = p->port = arena_alloc(&r->things, n * sizeof(*port));
	if (!port)
		return -ENOMEM;
	err = fill_ports(r, p->containers, false, p) ?: fill_ports(r, p->init, true, p);
	p->pod->port = port;
	p->pod->nport = p->port - port;
	return err;
}

/* Owners */

static const char *word_of(const struct tree_node *map, const char *field)
{
	const struct tree_node *n = tree_get(map, field);

	return n && n->kind == TREE_SCALAR ? n->text : "";
}

static const struct tree_node *controller(const struct tree_node *owners)
{
	const struct tree_node *first = owners && owners->kind == TREE_LIST ? owners->first : NULL;

	for (const struct tree_node *o = first; o; o = o->next)
		if (!strcmp(word_of(o, "controller"), "true"))
			return o;
	return first;
}

/* A ReplicaSet of a Deployment is called as it is, a dash, and the hash that its pods have as a label. */
static size_t without_hash(const char *name, const struct labels *labels)
{
	const char *hash = labels_get(labels, "pod-template-hash");
	size_t n = strlen(name), tail = hash ? strlen(hash) : 0;

	if (!tail || n <= tail + 1 || name[n - tail - 1] != '-' || strcmp(name + n - tail, hash))
		return 0;
	return n - tail - 1;
}

static int read_owner(struct reading *r, struct object *o)
{
	const struct tree_node *owner = controller(r->owners);
	const char *kind = owner ? word_of(owner, "kind") : "", *name = owner ? word_of(owner, "name") : "";
	size_t cut = strcmp(kind, "ReplicaSet") ? 0 : without_hash(name, &o->labels);

	if (cut) {
		o->pod.owner_kind = "Deployment";
		o->pod.owner_name = arena_text(&r->texts, name, cut);
		return o->pod.owner_name ? 0 : -ENOMEM;
	}
	return reading_copy(r, kind, &o->pod.owner_kind) ?: reading_copy(r, name, &o->pod.owner_name);
}

/* Annotations */

static int read_quota(struct reading *r, struct pod *pod)
{
	const struct tree_node *at;
	const char *word;
	struct shown s;
	char *end;
	unsigned long v;
	int err = reading_annotation(r, "weir.dev/flow-quota", &word, &at);

	if (err || !*word)
		return err;
	v = strspn(word, "0123456789") == strlen(word) && strlen(word) < 10 ? strtoul(word, &end, 10) : 0;
	if (!v || v > 1u << 24)
		return reading_fail(r, at, "weir.dev/flow-quota is '%s' and must be a number of flows, from 1 to 16777216",
				    reading_show(&s, word));
	pod->quota = v;
	return 0;
}

/* As the kernel takes names of interfaces. */
static bool interface_name(const char *s)
{
	size_t n = strlen(s);

	return n <= 15 && strcmp(s, ".") && strcmp(s, "..") && !strpbrk(s, "/: \t\n\r\v\f");
}

static int read_interface(struct reading *r, struct pod *pod)
{
	const struct tree_node *at;
	const char *word;
	struct shown s;
	int err = reading_annotation(r, "weir.dev/interface", &word, &at);

	if (err)
		return err;
	if (!interface_name(word))
		return reading_fail(r, at, "weir.dev/interface '%s' is no name of an interface: up to 15 bytes, no '/', ':' or space",
				    reading_show(&s, word));
	return reading_copy(r, word, &pod->interface);
}

static int read_annotations(struct reading *r, struct pod *pod)
{
	bool stack;
	int err = reading_flag(r, "weir.dev/stack-mode", &stack);

	pod->stack = stack ? "true" : "";
	return err ?: read_interface(r, pod) ?: read_quota(r, pod);
}

int read_pod(struct reading *r, const struct tree_node *root, struct object *o)
{
	struct pod_parts p = { .pod = &o->pod };

	o->pod.node = "";
	o->pod.terminating = r->deleting;
	return reading_map(r, root, &pod_shape, &p)
		?: reading_addresses(r, p.ips, p.ip, "ip", &o->pod.addr, &o->pod.naddr)
		?: read_ports(r, &p)
		?: read_owner(r, o)
		?: read_annotations(r, &o->pod);
}
