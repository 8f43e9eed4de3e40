// SPDX-License-Identifier: Apache-2.0
// fuzz-links: lib
/*
 * Any lines as paths of a field mask: refused by name, or a mask by which a flow is still a sound message, no longer than
 * the whole, and the same in JSON.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire/encode.h"
#include "lib/wire/json.h"
#include "lib/wire/json_flow.h"
#include "lib/wire/mask.h"
#include "proto/observer/observer.pb-c.h"

#define REQUIRE(cond) do { if (!(cond)) abort(); } while (0)
#define PATHS 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const labels[] = { "k8s:app=cart", "k8s:io.kubernetes.pod.namespace=shop" };
static const struct flow_end end = { .identity = 70000, .ns = "shop", .pod = "cart-1", .workload = "cart",
	.workload_kind = "Deployment", .node = "n1", .cluster = "c", .label = labels, .labels = 2 };
static const struct flow flow = {
	.time = 1789000000123456789ULL, .src.byte = { [10] = 0xff, 0xff, 10, 0, 0, 1 }, .dst.byte = { [15] = 1 }, .sport = 1,
	.dport = 80, .proto = 6, .tcp_flags = 0xff, .kind = FLOW_DENIED, .verdict = 2, .direction = 1, .reply = FLOW_REPLY_YES,
	.event = 5, .sub_event = 1, .match = 2, .trace_point = 101, .trace_reason = 1, .drop_reason = 133, .reason = "no-rule",
	.node = "n1", .node_label = labels, .node_labels = 2, .source = &end, .destination = &end, .source_endpoint = 3,
	.destination_endpoint = 4, .source_service = "s", .source_service_ns = "n", .destination_service = "s",
	.destination_service_ns = "n", .source_name = labels, .destination_name = labels, .source_names = 2,
	.destination_names = 1, .interface = "veth0", .ifindex = 7, .uuid = "u",
	.egress = { "p", "n", "NetworkPolicy", "networkpolicy", "r", "t", 1, 1 }, .ingress = { "", "", "", "", "", "t", 0, 0 },
	.would_egress = { "", "", "", "", "", "", 0, 0 }, .would_ingress = { "", "", "", "", "", "", 0, 0 },
	.ingress_denied = true, .isolating = labels, .isolatings = 1, .nearest = "near", .packets = { 1, 2 }, .bytes = { 3, 4 },
};
static uint8_t bytes[WIRE_RESPONSE_MAX], again[WIRE_RESPONSE_MAX];
static char line[WIRE_JSON_MAX];

static void masked(const struct wire_mask *mask)
{
	size_t whole = wire_flow_response(&flow, NULL, bytes, sizeof(bytes));
	size_t n = wire_flow_response(&flow, mask, bytes, sizeof(bytes)), length = wire_json_flow(&flow, mask, line, sizeof(line));
	Observer__GetFlowsResponse *m = observer__get_flows_response__unpack(NULL, n, bytes + sizeof(bytes) - n);
	struct complaint why;
	ProtobufCMessage *said;

	REQUIRE(n && n <= whole && m && length);
	REQUIRE(observer__get_flows_response__pack(m, again) == n && !memcmp(again, bytes + sizeof(bytes) - n, n));
	REQUIRE(!wire_json_read(line, length, &observer__get_flows_response__descriptor, &said, NULL, &why));
	/* the value of an Any without its type has no words in JSON */
	if (!m->flow->extensions || *m->flow->extensions->type_url)
		REQUIRE(protobuf_c_message_pack(said, again) == n && !memcmp(again, bytes + sizeof(bytes) - n, n));
	protobuf_c_message_free_unpacked(said, NULL);
	observer__get_flows_response__free_unpacked(m, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *at = text, *path[PATHS];
	struct complaint why = { .text = "" };
	struct wire_mask *mask;
	size_t n = 0;

	REQUIRE(text);
	memcpy(text, data, size);
	text[size] = '\0';
	while (n < PATHS && (path[n] = strsep(&at, "\n")))
		n++;
	if (wire_mask_new(&mask, path, n, &why)) {
		REQUIRE(why.text[0]);
	} else {
		masked(mask);
		wire_mask_free(mask);
	}
	free(text);
	return 0;
}
