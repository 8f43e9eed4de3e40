// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include <protobuf-c/protobuf-c.h>

#include "lib/wire/encode.h"
#include "proto/flow/flow.pb-c.h"
#include "tests/wire/random.h"

void random_begin(struct random_flows *r, uint64_t seed)
{
	memset(r, 0, sizeof(*r));
	r->state = seed * 2654435761 + 1;
}

static uint64_t next(struct random_flows *r)
{
	r->state = r->state * 6364136223846793005ULL + 1442695040888963407ULL;
	return r->state >> 32 ^ r->state << 16;
}

uint32_t random_below(struct random_flows *r, uint32_t n)
{
	return (uint32_t)(next(r) >> 8) % n;
}

static bool one_in(struct random_flows *r, uint32_t n) { return !random_below(r, n); }

static const char *text(struct random_flows *r)
{
	static const char *const some[] = {
		"", "shop", "cart-5d8f9c7b6-x2x4q", "kube-system", "k8s:app=cart", "reserved:world", "node-1.example.org",
		"a", "eighteen bytes long", "12345678", "1234567", "with \"quotes\" and \\ and /",
		"tab\tnewline\nreturn\rbell\a\x01\x1f\x7f", "gr\xc3\xbc\xc3\x9f dich", "\xf0\x9f\x8c\x8a wave", "<b>&'</b>",
		"\xe2\x80\xa8line\xe2\x80\xa9", "a rather long text, such as the sentence that a rule becomes, with more words",
	};
	static const char *const bad[] = {
		"\xff", "cut \xe2\x82", "\xc0\xaf\xed\xa0\x80", "longer than eight, then \x80", "\xf5\x80\x80\x80 beyond",
	};

	if (!r->tame && one_in(r, 24))
		return bad[random_below(r, sizeof(bad) / sizeof(*bad))];
	return some[random_below(r, r->tame ? 11 : sizeof(some) / sizeof(*some))];
}

static uint64_t number(struct random_flows *r)
{
	unsigned int bits = random_below(r, 65);

	return one_in(r, 4) ? 0 : bits == 64 ? UINT64_MAX : next(r) & ((1ULL << bits) - 1);
}

static unsigned int list(struct random_flows *r, const char **to)
{
	unsigned int n = one_in(r, 2) ? 0 : random_below(r, RANDOM_LIST + 1);

	for (unsigned int i = 0; i < n; i++)
		to[i] = text(r);
	return n;
}

static void address(struct random_flows *r, bool six, struct weir_addr *a)
{
	memset(a, 0, sizeof(*a));
	if (!six) {
		a->byte[10] = a->byte[11] = 0xff;
		for (int i = 12; i < 16; i++)
			a->byte[i] = (uint8_t)next(r);
		return;
	}
	for (int i = 0; i < 16; i += 2) {	/* runs of zeros of all lengths */
		if (one_in(r, 2))
			continue;
		a->byte[i] = one_in(r, 2) ? 0 : (uint8_t)next(r);
		a->byte[i + 1] = (uint8_t)next(r);
	}
}

static const struct flow_end *an_end(struct random_flows *r, struct random_end *e)
{
	struct flow_end *end = &e->end;

	*end = (struct flow_end){
		.identity = (uint32_t)number(r), .ns = text(r), .pod = text(r), .workload = text(r),
		.workload_kind = text(r), .node = text(r), .cluster = text(r), .label = e->label,
		.labels = list(r, e->label),
	};
	if (one_in(r, 2))
		return end;
	end->wire_size = wire_end(end, e->wire, sizeof(e->wire));
	end->wire = e->wire + sizeof(e->wire) - end->wire_size;
	return end;
}

static void author(struct random_flows *r, struct flow_author *a)
{
	*a = (struct flow_author){ .policy = "", .ns = "", .kind = "", .tier = "", .rule_name = "", .text = "" };
	if (one_in(r, 2))
		return;
	*a = (struct flow_author){
		.policy = text(r), .ns = text(r), .kind = one_in(r, 2) ? "NetworkPolicy" : text(r), .tier = "networkpolicy",
		.rule_name = text(r), .text = text(r), .number = (uint32_t)number(r), .rule = (uint32_t)number(r),
	};
}

static void deciders(struct random_flows *r, struct flow *f)
{
	author(r, &f->egress);
	author(r, &f->ingress);
	author(r, &f->would_egress);
	author(r, &f->would_ingress);
	f->egress_denied = one_in(r, 2);
	f->ingress_denied = one_in(r, 2);
	f->would_differ = one_in(r, 2);
	f->would_deny = one_in(r, 2);
	f->isolating = r->isolating;
	f->isolatings = list(r, r->isolating);
	for (unsigned int i = 0; i < f->isolatings; i++)
		if (one_in(r, 2))
			r->isolating[i] = "shop/default-deny";
	f->nearest = text(r);
}

static void totals(struct random_flows *r, struct flow *f)
{
	for (int i = 0; i < 2; i++) {
		f->packets[i] = number(r);
		f->bytes[i] = number(r);
	}
	f->duration = number(r);
	f->idle = number(r);
	f->ended = one_in(r, 2);
	f->handshake_us = (uint32_t)number(r);
	f->repeats = (uint32_t)number(r);
	f->at_least = one_in(r, 2);
	f->partial = one_in(r, 2);
	f->picked_up = one_in(r, 2);
	f->cut = one_in(r, 2);
}

static void packet(struct random_flows *r, struct flow *f)
{
	static const uint8_t proto[] = { 6, 6, 6, 17, 17, 132, 1, 58, 112, 2, 47, 0, 255 };

	f->proto = proto[random_below(r, sizeof(proto))];
	f->icmp = (f->proto == 1 || f->proto == 58) && !one_in(r, 4);
	f->sport = (uint16_t)(f->icmp ? random_below(r, 140) << 8 | random_below(r, 6) : number(r));
	f->dport = (uint16_t)number(r);
	f->tcp_flags = (uint8_t)number(r);
	if (one_in(r, 20))
		return;			/* dropped before its headers were read */
	address(r, one_in(r, 3), &f->src);
	address(r, one_in(r, 3), &f->dst);
}

void random_flow(struct random_flows *r, struct flow *f)
{
	static const uint16_t drops[] = { 0, 133, 181, 132, 155, 165, 200 };
	static const uint8_t events[] = { 0, 1, 4, 5, 129 }, points[] = { 0, 2, 3, 11, 101 };

	memset(f, 0, sizeof(*f));
	/* a Timestamp ends with the year 9999 */
	f->time = one_in(r, 50) ? 0 : one_in(r, 4) ? next(r) % 1000000000000ULL * 1000000 : next(r) % 18446744072000000000ULL;
	packet(r, f);
	f->kind = (uint8_t)random_below(r, 5);
	f->verdict = (uint8_t)random_below(r, 8);
	f->direction = (uint8_t)random_below(r, 3);
	f->reply = (uint8_t)random_below(r, 3);
	f->event = events[random_below(r, sizeof(events))];
	f->sub_event = (uint8_t)number(r);
	f->match = (uint8_t)random_below(r, 7);
	f->trace_point = points[random_below(r, sizeof(points))];
	f->trace_reason = (uint8_t)random_below(r, 9);
	f->drop_reason = drops[random_below(r, sizeof(drops) / sizeof(*drops))];
	f->reason = text(r);
	f->node = text(r);
	f->node_label = r->node_label;
	f->node_labels = list(r, r->node_label);
	f->source = an_end(r, &r->end[0]);
	f->destination = an_end(r, &r->end[1]);
	f->source_endpoint = (uint16_t)number(r);
	f->destination_endpoint = (uint16_t)number(r);
	f->source_service = text(r);
	f->source_service_ns = text(r);
	f->destination_service = text(r);
	f->destination_service_ns = text(r);
	f->source_name = r->source_name;
	f->source_names = list(r, r->source_name);
	f->destination_name = r->destination_name;
	f->destination_names = list(r, r->destination_name);
	f->interface = text(r);
	f->ifindex = (uint32_t)number(r);
	snprintf(f->uuid, sizeof(f->uuid), "%s", one_in(r, 2) ? "" : "0b7d3c1e-0000-4000-8000-00000000002a");
	deciders(r, f);
	totals(r, f);
}

/* Walks down from Flow at random. */
static void a_path(struct random_flows *r, char *to, size_t size)
{
	const ProtobufCMessageDescriptor *type = &flow__flow__descriptor;
	size_t n = 0;

	for (;;) {
		const ProtobufCFieldDescriptor *f = &type->fields[random_below(r, type->n_fields)];

		n += (size_t)snprintf(to + n, size - n, "%s%s", n ? "." : "", f->name);
		if (f->type != PROTOBUF_C_TYPE_MESSAGE || f->label == PROTOBUF_C_LABEL_REPEATED || one_in(r, 3))
			return;
		type = f->descriptor;
	}
}

unsigned int random_paths(struct random_flows *r, char path[][128], unsigned int most)
{
	unsigned int n = 1 + random_below(r, most);

	for (unsigned int i = 0; i < n; i++)
		a_path(r, path[i], sizeof(path[i]));
	return n;
}
