// SPDX-License-Identifier: Apache-2.0
/* What a cluster consists of besides pods and policies: Namespace, Node, Service, EndpointSlice. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lib/netpol/reading.h"

/* Namespace: prefixes that its pods may send from, by annotation, parted by commas or spaces. */

static int read_grant(struct reading *r, const struct tree_node *at, const char *word, size_t length,
		      struct weir_prefix *out)
{
	char text[64];
	const char *wrong = "is no address range";
	struct shown s;

	snprintf(text, sizeof(text), "%.*s", (int)length, word);
	if (length < sizeof(text))
		wrong = cidr_parse(text, CIDR_STRICT, out);
	return wrong ? reading_fail(r, at, "weir.dev/allowed-sources '%s' %s", reading_show(&s, text), wrong) : 0;
}

int read_namespace(struct reading *r, const struct tree_node *root, struct object *o)
{
	static const char between[] = ", \t\r\n";
	const struct tree_node *at;
	const char *word;
	struct weir_prefix *grant;
	unsigned int n = 0;
	int err = reading_annotation(r, "weir.dev/allowed-sources", &word, &at);

	if (err)
		return err;
	for (const char *p = word; *(p += strspn(p, between)); p += strcspn(p, between))
		n++;
	grant = arena_alloc(&r->things, n * sizeof(*grant));
	if (!grant)
		return -ENOMEM;
	o->namespace.grant = grant;
	o->namespace.ngrant = n;
	for (const char *p = word; *(p += strspn(p, between)) && !err; p += strcspn(p, between))
		err = read_grant(r, at, p, strcspn(p, between), grant++);
	return err;
}

/* Node */

struct node_parts {
	struct node *node;
	const struct tree_node *cidrs, *cidr, *addresses;
};

static int node_cidrs(struct reading *r, const struct tree_node *n, void *to)
{
	((struct node_parts *)to)->cidrs = n;
	return reading_is(r, n, TREE_LIST, "podCIDRs");
}

static int node_cidr(struct reading *r, const struct tree_node *n, void *to)
{
	((struct node_parts *)to)->cidr = n;
	return 0;
}

SHAPE(node_spec_shape, "a Node's spec", PASS_OVER, { "podCIDRs", node_cidrs }, { "podCIDR", node_cidr });

static int node_addresses(struct reading *r, const struct tree_node *n, void *to)
{
	((struct node_parts *)to)->addresses = n;
	return reading_is(r, n, TREE_LIST, "addresses");
}

SHAPE(node_status_shape, "a Node's status", PASS_OVER, { "addresses", node_addresses });

static int node_spec(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_map(r, n, &node_spec_shape, to);
}

static int node_status(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_map(r, n, &node_status_shape, to);
}

SHAPE(node_shape, "a Node", PASS_OVER, { "spec", node_spec }, { "status", node_status });

static int read_cidrs(struct reading *r, const struct node_parts *p)
{
	const struct tree_node *first = p->cidrs && p->cidrs->count ? p->cidrs->first : p->cidr;
	unsigned int n = p->cidrs && p->cidrs->count ? p->cidrs->count : !!p->cidr;
	struct weir_prefix *cidr = arena_alloc(&r->things, n * sizeof(*cidr));
	int err = 0;

	if (!cidr)
		return -ENOMEM;
	p->node->pod_cidr = cidr;
	p->node->npod_cidr = n;
	for (const struct tree_node *i = first; n-- && !err; i = i->next)
		err = reading_prefix(r, i, "podCIDR", CIDR_STRICT, cidr++);
	return err;
}

/* Names among the addresses (Hostname, InternalDNS) are passed over. */
static bool is_ip(const struct tree_node *n)
{
	const struct tree_node *type = tree_get(n, "type");

	return !type || type->kind != TREE_SCALAR || !strcmp(type->text, "InternalIP") || !strcmp(type->text, "ExternalIP");
}

static int read_node_addresses(struct reading *r, const struct node_parts *p)
{
	struct weir_addr *a = arena_alloc(&r->things, (p->addresses ? p->addresses->count : 0) * sizeof(*a));
	unsigned int n = 0;
	int err = 0;

	if (!a)
		return -ENOMEM;
	for (const struct tree_node *i = p->addresses ? p->addresses->first : NULL; i && !err; i = i->next) {
		const struct tree_node *v = i->kind == TREE_MAP ? tree_get(i, "address") : i;

		if (v && !tree_null(v) && is_ip(i))
			err = reading_address(r, v, "address", &a[n++]);
	}
	p->node->addr = a;
	p->node->naddr = n;
	return err;
}

int read_node(struct reading *r, const struct tree_node *root, struct object *o)
{
	struct node_parts p = { .node = &o->node };

	return reading_map(r, root, &node_shape, &p) ?: read_cidrs(r, &p) ?: read_node_addresses(r, &p);
}

/* Service and EndpointSlice have ports alike. */

struct service_parts {
	const struct tree_node *ips, *ip, *ports, *endpoints;
	bool names;			/* addressType FQDN */
};

static int port_name(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_text(r, n, "name", &((struct service_port *)to)->name);
}

static int port_number(struct reading *r, const struct tree_node *n, void *to)
{
	unsigned int v;
	int err = reading_uint(r, n, "port", 1, 65535, &v);

	if (!err)
		((struct service_port *)to)->port = v;
	return err;
}

static int port_node_number(struct reading *r, const struct tree_node *n, void *to)
{
	unsigned int v;
	int err = reading_uint(r, n, "nodePort", 0, 65535, &v);

	if (!err)
		((struct service_port *)to)->node_port = v;
	return err;
}

static int port_protocol(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_protocol(r, n, &((struct service_port *)to)->proto);
}

SHAPE(port_shape, "a port", PASS_OVER,
	{ "name", port_name }, { "port", port_number }, { "nodePort", port_node_number }, { "protocol", port_protocol });

static int read_port(struct reading *r, const struct tree_node *n, void *to)
{
	struct service_port *port = to;

	port->name = "";
	port->proto = IPPROTO_TCP;
	return reading_map(r, n, &port_shape, port);
}

static int read_ports(struct reading *r, const struct tree_node *n, const struct service_port **out, unsigned int *count)
{
	static const struct list_of of = { "ports", 0, sizeof(struct service_port), read_port };

	return n ? reading_list(r, n, &of, out, count) : 0;
}

#define KEEP(field)									\
	static int keep_##field(struct reading *r, const struct tree_node *n, void *to)	\
	{										\
		((struct service_parts *)to)->field = n;				\
		return 0;								\
	}
KEEP(ips)
KEEP(ip)
KEEP(ports)
KEEP(endpoints)

SHAPE(service_spec_shape, "a Service's spec", PASS_OVER,
	{ "clusterIPs", keep_ips }, { "clusterIP", keep_ip }, { "ports", keep_ports });

static int service_spec(struct reading *r, const struct tree_node *n, void *to)
{
	return reading_map(r, n, &service_spec_shape, to);
}

SHAPE(service_shape, "a Service", PASS_OVER, { "spec", service_spec });

static bool is_none(const struct tree_node *n)
{
	return n && n->kind == TREE_SCALAR && !strcmp(n->text, "None");
}

int read_service(struct reading *r, const struct tree_node *root, struct object *o)
{
	struct service *s = &o->service;
	struct service_parts p = { 0 };
	int err = reading_map(r, root, &service_shape, &p);

	if (is_none(p.ip) || (p.ips && p.ips->kind == TREE_LIST && is_none(p.ips->first)))
		p.ip = p.ips = NULL;		/* headless: names lead to the pods themselves */
	return err ?: reading_addresses(r, p.ips, p.ip, NULL, &s->addr, &s->naddr)
		?: read_ports(r, p.ports, &s->port, &s->nport);
}

static int address_type(struct reading *r, const struct tree_node *n, void *to)
{
	static const char *const words[] = { "IPv4", "IPv6", "FQDN" };
	unsigned int type;
	int err = reading_choice(r, n, "addressType", words, 3, &type);

	((struct service_parts *)to)->names = !err && type == 2;
	return err;
}

SHAPE(slice_shape, "an EndpointSlice", PASS_OVER,
	{ "addressType", address_type }, { "endpoints", keep_endpoints }, { "ports", keep_ports });

/* Not known to be ready counts as ready. */
static const struct tree_node *ready_addresses(const struct tree_node *endpoint)
{
	const struct tree_node *conditions = tree_get(endpoint, "conditions");
	const struct tree_node *ready = conditions ? tree_get(conditions, "ready") : NULL;
	const struct tree_node *list = tree_get(endpoint, "addresses");

	if (ready && ready->kind == TREE_SCALAR && tree_type(ready) == TREE_BOOL && !strcasecmp(ready->text, "false"))
		return NULL;
	return list && list->kind == TREE_LIST ? list : NULL;
}

static int read_endpoints(struct reading *r, const struct tree_node *list, struct endpoint_slice *s)
{
	unsigned int n = 0;
	struct weir_addr *a;
	int err = reading_is(r, list, TREE_LIST, "endpoints");

	if (err)
		return err;
	for (const struct tree_node *e = list->first; e; e = e->next)
		n += ready_addresses(e) ? ready_addresses(e)->count : 0;
	a = arena_alloc(&r->things, n * sizeof(*a));
	if (!a)
		return -ENOMEM;
	s->addr = a;
	s->naddr = n;
	for (const struct tree_node *e = list->first; e; e = e->next) {
		const struct tree_node *ready = ready_addresses(e);

		for (const struct tree_node *i = ready ? ready->first : NULL; i && !err; i = i->next)
			err = reading_address(r, i, "address", a++);
	}
	return err;
}

int read_endpoint_slice(struct reading *r, const struct tree_node *root, struct object *o)
{
	struct endpoint_slice *s = &o->slice;
	struct service_parts p = { 0 };
	const char *service = labels_get(&o->labels, "kubernetes.io/service-name");
	int err = reading_map(r, root, &slice_shape, &p);

	s->service = service ?: "";
	if (p.names)
		p.endpoints = NULL;
	return err ?: read_ports(r, p.ports, &s->port, &s->nport) ?: p.endpoints ? read_endpoints(r, p.endpoints, s) : 0;
}
