// SPDX-License-Identifier: Apache-2.0
/*
 * What it costs to write a flow: as protobuf, with and without a mask, as a JSON line, and the same by protobuf-c.
 * Flows are such as a node sees: 10,000 live ones between 200 pods with five labels each, opened, closed and denied.
 *
 *	wire DIRECTORY [ROW]		only rows with this in their name
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report.h"
#include "lib/wire/encode.h"
#include "lib/wire/json_flow.h"
#include "lib/wire/scan.h"
#include "proto/observer/observer.pb-c.h"

#define PODS 200
#define FLOWS 10000
#define EACH 100000
#define ROUNDS 15

static struct pod {
	struct flow_end end;
	char name[48], text[5][64];
	const char *label[5];
	uint8_t wire[1024];
} pods[PODS];
static struct flow flows[FLOWS];
static const char *const isolating[] = { "shop/default-deny", "shop/db" };
static uint8_t buf[WIRE_RESPONSE_MAX];
static char line[WIRE_JSON_MAX];

static void make_pod(struct pod *p, unsigned int i)
{
	snprintf(p->name, sizeof(p->name), "cart-%08x-x%04u", i * 2654435761U, i);
	snprintf(p->text[0], 64, "k8s:app=cart-%u", i % 20);
	snprintf(p->text[1], 64, "k8s:app.kubernetes.io/version=1.%u", i % 7);
	snprintf(p->text[2], 64, "k8s:io.kubernetes.pod.namespace=shop-%u", i % 10);
	snprintf(p->text[3], 64, "k8s:pod-template-hash=%08x", i * 2654435761U);
	snprintf(p->text[4], 64, "k8s:tier=backend");
	for (int k = 0; k < 5; k++)
		p->label[k] = p->text[k];
	p->end = (struct flow_end){
		.number = i, .identity = FLOW_ID_FIRST + i, .ns = "shop", .pod = p->name, .workload = "cart",
		.workload_kind = "Deployment", .node = "node-17", .cluster = "", .label = p->label, .labels = 5,
	};
	p->end.wire_size = wire_end(&p->end, p->wire, sizeof(p->wire));
	p->end.wire = p->wire + sizeof(p->wire) - p->end.wire_size;
}

static struct flow_author nobody(void)
{
	return (struct flow_author){ .policy = "", .ns = "", .kind = "", .tier = "", .rule_name = "", .text = "" };
}

static void make_verdict(struct flow *f, unsigned int i)
{
	struct flow_author allowed = {
		.policy = "cart-from-web", .ns = "shop", .kind = "NetworkPolicy", .tier = "networkpolicy", .rule_name = "",
		.text = "from pods app=web of namespace shop to TCP 8080", .number = 77, .rule = 1 + i % 3,
	};

	f->egress = f->ingress = f->would_egress = f->would_ingress = nobody();
	if (i % 10 == 9) {		/* a denial */
		f->kind = FLOW_DENIED;
		f->verdict = FLOW_DROPPED;
		f->event = FLOW_EVENT_POLICY;
		f->drop_reason = 133;
		f->reason = "no-rule";
		f->ingress_denied = true;
		f->ingress.text = "isolated, and no rule allows it";
		f->ingress.tier = "networkpolicy";
		f->isolating = isolating;
		f->isolatings = 2;
		return;
	}
	f->ingress = allowed;
	f->verdict = FLOW_FORWARDED;
	f->reply = FLOW_REPLY_NO;
	f->kind = i & 1 ? FLOW_OPENED : FLOW_CLOSED;
	f->reason = i & 1 ? "allowed" : "expired";
	f->event = i & 1 ? FLOW_EVENT_POLICY : FLOW_EVENT_TRACE;
	f->trace_point = i & 1 ? 0 : 101;
	f->match = i & 1 ? 2 : 0;
}

static void make_flow(struct flow *f, unsigned int i)
{
	const uint8_t v4[16] = { [10] = 0xff, 0xff, 10, 0, (uint8_t)(i >> 8), (uint8_t)i };

	memcpy(f->src.byte, v4, 16);
	memcpy(f->dst.byte, v4, 16);
	f->dst.byte[13] = 128;
	f->time = 1789000000000000000ULL + i * 1234567ULL;
	f->proto = i % 8 ? 6 : 17;
	f->sport = (uint16_t)(32768 + i);
	f->dport = 8080;
	f->tcp_flags = i % 8 ? 0x02 : 0;
	f->direction = FLOW_INGRESS;
	f->node = "node-17";
	f->source = &pods[i % PODS].end;
	f->destination = &pods[i * 7 % PODS].end;
	f->destination_endpoint = (uint16_t)(1 + i % 110);
	f->source_service = f->source_service_ns = "";
	f->destination_service = "cart";
	f->destination_service_ns = "shop";
	f->interface = "";
	f->nearest = "";
	snprintf(f->uuid, sizeof(f->uuid), "%08x-0000-4000-8000-%012x", i, i);
	f->packets[0] = 1 + i % 50;
	f->bytes[0] = 60 * f->packets[0];
	f->duration = f->kind == FLOW_CLOSED ? 1234567890ULL : 0;
	make_verdict(f, i);
}

typedef size_t (*write_fn)(unsigned int i);
static struct wire_mask *mask;
static Observer__GetFlowsResponse *unpacked[64];

static size_t as_protobuf(unsigned int i) { return wire_flow_response(&flows[i % FLOWS], NULL, buf, sizeof(buf)); }
static size_t as_masked(unsigned int i) { return wire_flow_response(&flows[i % FLOWS], mask, buf, sizeof(buf)); }
static size_t as_line(unsigned int i) { return wire_json_flow(&flows[i % FLOWS], NULL, line, sizeof(line)); }
static size_t as_masked_line(unsigned int i) { return wire_json_flow(&flows[i % FLOWS], mask, line, sizeof(line)); }

static size_t by_protobuf_c(unsigned int i)
{
	Observer__GetFlowsResponse *m = unpacked[i % 64];

	return observer__get_flows_response__get_packed_size(m) ? observer__get_flows_response__pack(m, buf) : 0;
}

static uint8_t ready[64][2048];
static size_t ready_size[64];

static size_t as_scan(unsigned int i)
{
	struct wire_scan s;

	return wire_scan(ready[i % 64], ready_size[i % 64], &s) ? 0 : s.body_size;
}

/* Nanoseconds of this thread's CPU for each flow, and how long they were. */
static void measure(write_fn write, double *ns, double *bytes)
{
	size_t sum = 0;

	for (int r = 0; r < ROUNDS; r++) {
		double begin = cpu_ns();

		sum = 0;
		for (unsigned int i = 0; i < EACH; i++) {
			size_t n = write(i);

			if (!n)
				exit(2);
			sum += n;
		}
		ns[r] = (cpu_ns() - begin) / EACH;
	}
	*bytes = (double)sum / EACH;
}

static const struct part {
	const char *what;
	write_fn write;
	double bound;			/* nanoseconds; below 0: shown */
} parts[] = {
	{ "protobuf, whole", as_protobuf, 1000.0 / 3 },		/* 3 M flows/s */
	{ "protobuf, fields of a command line", as_masked, -1 },
	{ "JSON line, whole", as_line, 2000.0 / 3 },			/* 1.5 M flows/s */
	{ "JSON line, fields of a command line", as_masked_line, -1 },
	{ "protobuf-c's pack of a ready message", by_protobuf_c, -1 },
	{ "scan of a response, as a relay does", as_scan, -1 },
};

static void prepare(void)
{
	char *paths[] = { "time", "verdict", "IP", "l4", "source.namespace", "source.pod_name", "source.identity",
			  "destination.namespace", "destination.pod_name", "destination.identity", "Type", "node_name",
			  "event_type", "Summary", "drop_reason_desc", "is_reply", "traffic_direction" };
	struct complaint why;

	for (unsigned int i = 0; i < PODS; i++)
		make_pod(&pods[i], i);
	for (unsigned int i = 0; i < FLOWS; i++)
		make_flow(&flows[i], i);
	if (wire_mask_new(&mask, paths, sizeof(paths) / sizeof(*paths), &why))
		exit(2);
	for (unsigned int i = 0; i < 64; i++) {
		size_t n = as_protobuf(i);

		unpacked[i] = observer__get_flows_response__unpack(NULL, n, buf + sizeof(buf) - n);
		ready_size[i] = n < sizeof(ready[i]) ? n : 0;
		memcpy(ready[i], buf + sizeof(buf) - n, ready_size[i]);
	}
}

int main(int argc, char **argv)
{
	static struct report r;
	double ns[ROUNDS], bytes;

	if (argc < 2)
		return 2;
	pin_to(1);
	prepare();
	report_begin(&r, "wire", "ns of CPU a flow, one core; 10,000 flows between 200 pods, 15 rounds of 100,000");
	for (unsigned int i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (argc > 2 && !strstr(parts[i].what, argv[2]))
			continue;
		measure(parts[i].write, ns, &bytes);
		if (parts[i].bound < 0)
			report_row(&r, parts[i].what, "ns", ns, ROUNDS);
		else
			report_goal(&r, parts[i].what, "ns", ns, ROUNDS, parts[i].bound);
		report_fact(&r, "  that is", "%.2f M flows/s, %.0f bytes each", 1000 / ns[ROUNDS / 2], bytes);
	}
	return report_end(&r, argv[1]) || r.missed ? 1 : 0;
}
