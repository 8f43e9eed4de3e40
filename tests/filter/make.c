// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "lib/addr.h"
#include "tests/filter/make.h"

#define LENGTH(list) (sizeof(list) / sizeof((list)[0]))
#define PICK(seed, list) ((list)[make_random(seed, LENGTH(list))])

uint32_t make_random(uint64_t *seed, uint32_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (*seed >> 20) % below;
}

static const char *const spaces[] = { "", "default", "shop", "shop2", "kube-system" };
static const char *const pods[] = { "", "a", "ab", "cart-1", "cart-2", "web" };
static const char *const workloads[] = { "", "cart", "web", "car" };
static const char *const kinds[] = { "", "Deployment", "DaemonSet" };
static const char *const clusters[] = { "", "default", "prod-1", "prod-2" };
static const char *const addresses[] = { "10.0.0.1", "10.0.0.2", "10.0.1.1", "192.168.7.9", "fd00::1", "fd00::2", "fd00:1::1", "::1" };
static const char *const names[] = { "example.com", "a.example.com", "api.a.example.com", "x_y.z", "example.com.evil.org" };
static const char *const nodes[] = { "n1", "n2", "prod-1/n1", "default/n2", "prod-1/a.b.c", "" };
static const char *const labels[] = {
	"k8s:app=cart", "k8s:app=web", "k8s:tier=front", "k8s:weight=5", "k8s:weight=12", "k8s:a.b/c=d", "reserved:world", "reserved:host",
	"k8s:empty=", "any:app=cart", "app=plain", "cidr:10.0.0.0/8", "k8s:apps=cart",
};
static const char *const node_labels[] = { "zone=a", "zone=b", "disk=ssd", "gpu=" };
static const char *const interfaces[] = { "", "eth0", "lxc1" };
static const char *const uuids[] = { "", "u1", "u2" };
static const char *const methods[] = { "GET", "POST", "get" };
static const char *const urls[] = { "http://a/page/12?x=y", "/page/x", "http://b", "https://a.b/c/d#e", "" };
static const char *const queries[] = { "example.com.", "a.example.com.", "" };
static const uint32_t identities[] = { 0, 1, 2, 7, 65536, 65537, 16777217 };
static const uint16_t ports[] = { 0, 53, 80, 443, 8080, 40000 };
static const uint8_t protocols[] = { 6, 6, 6, 17, 17, 132, 1, 58, 112, 2, 0 };

static struct weir_addr address(uint64_t *seed)
{
	struct weir_addr a = { 0 };

	if (make_random(seed, 12))
		addr_parse(PICK(seed, addresses), &a);
	return a;
}

static unsigned int some(uint64_t *seed, const char *const *from, unsigned int of, const char **to, unsigned int most)
{
	unsigned int n = make_random(seed, most + 1);

	for (unsigned int i = 0; i < n; i++)
		to[i] = from[make_random(seed, of)];
	return n;
}

static void make_end(uint64_t *seed, struct made *m, struct flow_end *e, unsigned int which)
{
	*e = (struct flow_end){ .identity = PICK(seed, identities), .ns = PICK(seed, spaces), .pod = PICK(seed, pods),
				.workload = PICK(seed, workloads), .workload_kind = PICK(seed, kinds), .node = "",
				.cluster = PICK(seed, clusters), .label = m->labels[which] };
	e->labels = some(seed, labels, LENGTH(labels), m->labels[which], 6);
}

static void make_more(uint64_t *seed, struct made *m)
{
	struct flow_more *more = &m->more;

	*more = (struct flow_more){ .src_xlated = address(seed), .encrypted = make_random(seed, 2), .trace_id = PICK(seed, uuids),
				    .ip_trace_id = make_random(seed, 3), .l7 = make_random(seed, 4), .http_method = "",
				    .http_url = "", .dns_query = "" };
	if (more->l7 == FLOW_L7_HTTP) {
		more->http_status = make_random(seed, 3) ? 200 + make_random(seed, 4) * 101 : 0;
		more->http_method = PICK(seed, methods);
		more->http_url = PICK(seed, urls);
		more->http_header = m->header;
		more->http_headers = make_random(seed, 3);
		for (unsigned int i = 0; i < more->http_headers; i++)
			m->header[i] = (struct flow_header){ PICK(seed, interfaces), PICK(seed, uuids) };
	}
	if (more->l7 == FLOW_L7_DNS)
		more->dns_query = PICK(seed, queries);
	m->flow.more = more;
}

static void make_event(uint64_t *seed, struct flow *f)
{
	static const uint8_t verdicts[] = { 1, 1, 2, 2, 4, 0 };
	static const uint8_t events[] = { 5, 5, 5, 1, 4, 129 };
	static const uint8_t drops[] = { 133, 181, 132, 0 };

	f->verdict = PICK(seed, verdicts);
	f->event = PICK(seed, events);
	f->drop_reason = f->verdict == FLOW_DROPPED ? PICK(seed, drops) : 0;
	f->sub_event = f->event == 1 ? f->drop_reason : make_random(seed, 4);
	f->reply = make_random(seed, 3);
	f->direction = make_random(seed, 3);
	f->directions = make_random(seed, 4) << 1;
}

void make_flow(uint64_t *seed, struct made *m)
{
	struct flow *f = &m->flow;

	*f = (struct flow){ .src = address(seed), .dst = address(seed), .sport = PICK(seed, ports), .dport = PICK(seed, ports),
			    .proto = PICK(seed, protocols), .node = PICK(seed, nodes), .source = &m->source,
			    .destination = &m->destination, .source_service = PICK(seed, workloads),
			    .source_service_ns = PICK(seed, spaces), .destination_service = PICK(seed, workloads),
			    .destination_service_ns = PICK(seed, spaces), .interface = PICK(seed, interfaces),
			    .ifindex = make_random(seed, 3), .node_label = m->node_labels, .source_name = m->names[0],
			    .destination_name = m->names[1], .reason = "", .nearest = "" };
	f->icmp = f->proto == 1 || f->proto == 58;
	f->tcp_flags = f->proto == 6 ? make_random(seed, 256) : 0;
	f->node_labels = some(seed, node_labels, LENGTH(node_labels), m->node_labels, 3);
	f->source_names = some(seed, names, LENGTH(names), m->names[0], 3);
	f->destination_names = some(seed, names, LENGTH(names), m->names[1], 3);
	strcpy(f->uuid, PICK(seed, uuids));
	make_end(seed, m, &m->source, 0);
	make_end(seed, m, &m->destination, 1);
	make_event(seed, f);
	if (make_random(seed, 2))
		make_more(seed, m);
}

static const char *const ip_values[] = { "10.0.0.1", "10.0.0.0/24", "10.0.0.0/8", "0.0.0.0/0", "10.0.1.1/32", "fd00::1", "fd00::/16", "::/0", "fd00::/32", "::1/128", "192.168.7.8/29", "1.2.3.4" };
static const char *const pod_values[] = { "a", "cart", "shop/", "shop/cart", "/", "/cart", "/a", "kube-system/", "default/web", "shop2/cart-1", "none/x" };
static const char *const fqdn_values[] = { "*", "example.com", "*.example.com", "EXAMPLE.com.", "a*", "*a*m*", "*.*", "**", "*.evil.*", "x_y.z", "none" };
static const char *const selector_values[] = {
	"app=cart", "app", "!app", "app!=cart", "app in (cart,web)", "k8s:app notin (cart,x)", "k8s:app", "reserved:world", "!reserved:host",
	"app=web,tier=front", "app in (web),!tier", "weight>5", "weight<6", "k8s:weight>11,weight<13", "a.b/c=d", "empty=", "any:app=cart", "world",
	"app in (plain),app", "", "none=x", "cidr:10.0.0.0/8", "app notin (web,plain),k8s:app", "apps",
};
static const char *const node_selector_values[] = { "zone=a", "zone in (a,b)", "!zone", "disk", "gpu=", "disk=ssd,zone!=a", "any:zone=b", "k8s:zone" };
static const char *const cluster_values[] = { "default", "prod-*", "*", "prod-1", "none", "*-2" };
static const char *const node_values[] = { "n1", "n*", "prod-1/n1", "prod-1/", "/n2", "*", "default/*", "*/n1", "a.*.c", "N1", "prod*/n1", "none" };
static const char *const port_values[] = { "0", "53", "80", "443", "0080", "8080", "40000", "1" };
static const char *const protocol_values[] = { "tcp", "UDP", "sctp", "icmp", "ICMPv4", "icmpv6", "dns", "http", "kafka", "vrrp", "igmp" };
static const char *const status_values[] = { "200", "2+", "30+", "402", "5+", "503", "50+" };
static const char *const regex_values[] = { "page", "^/page/[0-9]+$", "^$", "a|b", "(x|y)$", "e{1}x?a", "^(http|https)://", "[^a-z]$", ".", "o+\\.?$", "^a" };
static const char *const text_values[] = { "u1", "u2", "", "none" };
static const uint32_t verdict_values[] = { 0, 1, 2, 4, 77 }, drop_values[] = { 0, 133, 181, 132 }, direction_values[] = { 0, 1, 2, 3 };
static const uint32_t version_values[] = { 0, 1, 2 };

static void append(Flow__FlowFilter *f, const ProtobufCFieldDescriptor *d, const void *element, size_t size)
{
	size_t *n = (size_t *)((char *)f + d->quantifier_offset);
	char **array = (char **)((char *)f + d->offset);

	*array = realloc(*array, (*n + 1) * size);
	memcpy(*array + *n * size, element, size);
	++*n;
}

#define LIST(id, list) case id: text = PICK(seed, list); break

static const char *text_value(uint64_t *seed, uint32_t id)
{
	const char *text = "";

	switch (id) {
	LIST(1, ip_values); LIST(3, ip_values); LIST(34, ip_values);
	LIST(2, pod_values); LIST(4, pod_values); LIST(16, pod_values); LIST(17, pod_values);
	LIST(7, fqdn_values); LIST(8, fqdn_values);
	LIST(9, status_values);
	LIST(10, selector_values); LIST(11, selector_values); LIST(36, node_selector_values);
	LIST(12, protocol_values);
	LIST(13, port_values); LIST(14, port_values);
	LIST(18, regex_values); LIST(22, regex_values); LIST(31, regex_values);
	LIST(21, methods);
	LIST(24, node_values);
	LIST(28, text_values); LIST(29, text_values);
	LIST(37, cluster_values); LIST(38, cluster_values);
	}
	return text;
}

static uint32_t number_value(uint64_t *seed, uint32_t id)
{
	switch (id) {
	case 5:
		return PICK(seed, verdict_values);
	case 33:
		return PICK(seed, drop_values);
	case 30:
		return PICK(seed, direction_values);
	case 25:
		return PICK(seed, version_values);
	default:
		return PICK(seed, identities);
	}
}

static void *message_value(uint64_t *seed, const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *m = calloc(1, type->sizeof_message);

	protobuf_c_message_init(type, m);
	if (type == &flow__workload__descriptor) {
		((Flow__Workload *)m)->name = strdup(PICK(seed, workloads));
		((Flow__Workload *)m)->kind = strdup(PICK(seed, kinds));
	} else if (type == &flow__network_interface__descriptor) {
		((Flow__NetworkInterface *)m)->name = strdup(PICK(seed, interfaces));
		((Flow__NetworkInterface *)m)->index = make_random(seed, 3);
	} else if (type == &flow__httpheader__descriptor) {
		((Flow__HTTPHeader *)m)->key = strdup(PICK(seed, interfaces));
		((Flow__HTTPHeader *)m)->value = strdup(PICK(seed, uuids));
	} else if (type == &flow__event_type_filter__descriptor) {
		static const int32_t types[] = { 0, 1, 4, 5, 129, 7 }, subs[] = { 0, 1, 2, 133, 181 };

		((Flow__EventTypeFilter *)m)->type = PICK(seed, types);
		((Flow__EventTypeFilter *)m)->match_sub_type = make_random(seed, 2);
		((Flow__EventTypeFilter *)m)->sub_type = PICK(seed, subs);
	} else {
		for (unsigned int i = 0; i < type->n_fields; i++)
			*(protobuf_c_boolean *)((char *)m + type->fields[i].offset) = !make_random(seed, 7);
	}
	return m;
}

static void put(uint64_t *seed, Flow__FlowFilter *f, const ProtobufCFieldDescriptor *d)
{
	protobuf_c_boolean on = make_random(seed, 2);
	uint64_t wide = make_random(seed, 3);
	uint32_t number;
	void *p;

	switch (d->type) {
	case PROTOBUF_C_TYPE_STRING:
		p = strdup(text_value(seed, d->id));
		append(f, d, &p, sizeof(p));
		return;
	case PROTOBUF_C_TYPE_MESSAGE:
		p = message_value(seed, d->descriptor);
		append(f, d, &p, sizeof(p));
		return;
	case PROTOBUF_C_TYPE_BOOL:
		append(f, d, &on, sizeof(on));
		return;
	case PROTOBUF_C_TYPE_UINT64:
		append(f, d, &wide, sizeof(wide));
		return;
	default:
		number = number_value(seed, d->id);
		append(f, d, &number, sizeof(number));
	}
}

Flow__FlowFilter *make_filter(uint64_t *seed, unsigned int fields)
{
	const ProtobufCMessageDescriptor *type = &flow__flow_filter__descriptor;
	Flow__FlowFilter *f = malloc(sizeof(*f));

	flow__flow_filter__init(f);
	for (unsigned int i = make_random(seed, fields) + 1; i; i--) {
		const ProtobufCFieldDescriptor *d = &type->fields[make_random(seed, type->n_fields)];

		if (d->label != PROTOBUF_C_LABEL_REPEATED)
			continue;
		for (unsigned int n = make_random(seed, 4) + 1; n; n--)
			put(seed, f, d);
	}
	return f;
}
