// SPDX-License-Identifier: Apache-2.0
/* Words of flows: those of the protos, both ways; summaries as tools print them. */
#include <protobuf-c/protobuf-c.h>

#include <weir/flow.h>

#include "lib/flow/summary.h"
#include "lib/flow/words.h"
#include "proto/flow/flow.pb-c.h"
#include "tests/check.h"

static void as_in_proto(const ProtobufCEnumDescriptor *type, const char *(*name)(unsigned int), int (*number)(const char *))
{
	for (unsigned int i = 0; i < type->n_values; i++) {
		const ProtobufCEnumValue *v = &type->values[i];

		CHECK_TEXT(name((unsigned int)v->value), v->name, type->short_name);
		if (number)
			CHECK_EQ(number(v->name), v->value, "%s", v->name);
	}
	for (unsigned int n = 0; n < 1000; n++)
		if (!protobuf_c_enum_descriptor_get_value(type, (int)n))
			CHECK(!name(n), "%u is no %s", n, type->short_name);
	if (number)
		CHECK_EQ(number("no such word"), -1, "no word");
}

static void drops(void)
{
	for (unsigned int i = 0; i < flow__drop_reason__descriptor.n_values; i++)
		CHECK(flow_drop_text((unsigned int)flow__drop_reason__descriptor.values[i].value), "a text for each");
	CHECK_TEXT(flow_drop_text(133), "Policy denied", "as users know it");
	CHECK_TEXT(flow_drop_text(181), "Policy denied by denylist", "as users know it");
#define X(name, fate, word, text) CHECK_EQ(flow_drop_of(WEIR_##name) > 0, !strcmp(#fate, "DROP"), "%s", word);
	WEIR_REASONS(X)
#undef X
	for (unsigned int i = 0; i < WEIR_REASON_COUNT; i++)
		if (flow_drop_of(i))
			CHECK(flow_drop_name(flow_drop_of(i)), "reason %u is a word of the wire", i);
}

static void others(void)
{
	char buf[FLOW_FLAGS_SIZE];

	CHECK_TEXT(flow_trace_text(101), "to-endpoint", "a trace point");
	CHECK_EQ(flow_trace_number("to-endpoint"), 101, "by its text");
	CHECK_EQ(flow_trace_of_sub(0), 101, "subtype 0");
	CHECK_EQ(flow_trace_to_sub(flow_trace_of_sub(3)), 3, "there and back");
	CHECK_EQ(flow_event_number("policy-verdict"), 5, "an event");
	CHECK_TEXT(flow_event_text(129), "l7", "an event");
	CHECK_TEXT(flow_identity_text(2), "world", "an identity");
	CHECK_EQ(flow_identity_number("reserved:kube-apiserver"), 7, "an identity with its prefix");
	CHECK(!flow_identity_text(FLOW_ID_FIRST), "not reserved");
	CHECK_TEXT(flow_match_text(2), "L3-L4", "a match");
	CHECK_TEXT(flow_flags_text(0xff, buf), "SYN, ACK, RST, FIN, PSH, URG, ECE, CWR", "all flags");
	CHECK_TEXT(flow_flags_text(0x12, buf), "SYN, ACK", "two");
	CHECK_TEXT(flow_flags_text(0, buf), "", "none");
	CHECK_TEXT(flow_protocol_text(47, buf), "47", "a protocol without a word");
}

static void summary(struct flow f, const char *want)
{
	char buf[FLOW_SUMMARY_SIZE];

	f.reason = f.reason ?: "";
	CHECK_EQ(flow_summary(&f, buf), strlen(want), "length of '%s'", want);
	CHECK_TEXT(buf, want, "a summary");
}

static void summaries(void)
{
	summary((struct flow){ .proto = 6, .tcp_flags = 2 }, "TCP Flags: SYN");
	summary((struct flow){ .proto = 6 }, "TCP");
	summary((struct flow){ .proto = 17 }, "UDP");
	summary((struct flow){ .proto = 132 }, "SCTP");
	summary((struct flow){ .proto = 1, .icmp = true, .sport = 8 << 8 }, "ICMPv4 EchoRequest");
	summary((struct flow){ .proto = 1, .sport = 4711 }, "ICMPv4 EchoRequest");
	summary((struct flow){ .proto = 1, .icmp = true, .sport = 3 << 8 | 3 }, "ICMPv4 DestinationUnreachable(Port)");
	summary((struct flow){ .proto = 1, .icmp = true, .sport = 3 << 8 | 13 }, "ICMPv4 DestinationUnreachable");
	summary((struct flow){ .proto = 1, .icmp = true, .sport = 77 << 8 | 1 }, "ICMPv4 77(1)");
	summary((struct flow){ .proto = 58, .icmp = true, .sport = 135 << 8 }, "ICMPv6 NeighborSolicitation");
	summary((struct flow){ .proto = 47 }, "Protocol 47");
	summary((struct flow){ .proto = 0, .src.byte[15] = 1 }, "Protocol 0");
	summary((struct flow){ .proto = 0 }, "headers not read");
	summary((struct flow){ .proto = 6, .tcp_flags = 2, .kind = FLOW_DENIED, .repeats = 7 }, "TCP Flags: SYN; and 7 more like it");
	summary((struct flow){ .proto = 6, .tcp_flags = 0x11, .kind = FLOW_CLOSED, .reason = "expired", .duration = 1234567890,
			       .packets = { 12, 1 }, .bytes = { 3456, 1 } },
		"TCP Flags: ACK, FIN; expired after 1.234s: 12 packets, 3456 bytes out; 1 packet, 1 byte back");
	summary((struct flow){ .proto = 17, .kind = FLOW_CLOSED, .reason = "expired", .duration = 3149999999, .idle = 60500000000,
			       .packets = { 3, 2 }, .bytes = { 300, 200 } },
		"UDP; expired after 3.1s, then idle for 61s: 3 packets, 300 bytes out; 2 packets, 200 bytes back");
	summary((struct flow){ .proto = 6, .tcp_flags = 1, .kind = FLOW_CLOSED, .reason = "left", .duration = 40000000,
			       .idle = 1999999999, .at_least = true, .packets = { 1, 1 }, .bytes = { 40, 40 } },
		"TCP Flags: FIN; left after at least 0.0s: 1 packet, 40 bytes out; 1 packet, 40 bytes back");
	summary((struct flow){ .proto = 6, .tcp_flags = 4, .kind = FLOW_CLOSED, .reason = "expired", .duration = 250000000,
			       .idle = 60000000000, .ended = true, .packets = { 1, 1 }, .bytes = { 40, 40 } },
		"TCP Flags: RST; closed after 0.3s: 1 packet, 40 bytes out; 1 packet, 40 bytes back");
	summary((struct flow){ .proto = 6, .tcp_flags = 4, .kind = FLOW_CLOSED, .reason = "expired", .duration = 1000000000,
			       .idle = 9000000000, .ended = true, .cut = true, .packets = { 1, 1 }, .bytes = { 40, 40 } },
		"TCP Flags: RST; cut after 1.0s, then idle for 9s: 1 packet, 40 bytes out; 1 packet, 40 bytes back");
	summary((struct flow){ .proto = 17, .kind = FLOW_CLOSED, .at_least = true },
		"UDP; closed after at least 0.000s: 0 packets, 0 bytes out; 0 packets, 0 bytes back");
	summary((struct flow){ .proto = 6, .tcp_flags = 0xff, .kind = FLOW_CLOSED, .cut = true, .at_least = true,
			       .duration = UINT64_MAX, .idle = UINT64_MAX, .packets = { UINT64_MAX, UINT64_MAX }, .bytes = { UINT64_MAX, UINT64_MAX } },
		"TCP Flags: SYN, ACK, RST, FIN, PSH, URG, ECE, CWR; cut after at least 18446744073.7s, then idle for 18446744074s: 18446744073709551615 packets, "
		"18446744073709551615 bytes out; 18446744073709551615 packets, 18446744073709551615 bytes back");
}

int main(void)
{
	as_in_proto(&flow__verdict__descriptor, flow_verdict_name, flow_verdict_number);
	as_in_proto(&flow__traffic_direction__descriptor, flow_direction_name, flow_direction_number);
	as_in_proto(&flow__trace_observation_point__descriptor, flow_trace_name, flow_trace_number);
	as_in_proto(&flow__trace_reason__descriptor, flow_trace_reason_name, NULL);
	as_in_proto(&flow__drop_reason__descriptor, flow_drop_name, flow_drop_number);
	drops();
	others();
	summaries();
	return check_done();
}
