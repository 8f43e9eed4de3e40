// SPDX-License-Identifier: Apache-2.0
/* JSON into messages: what it may look like, and what is said of what it may not; the small responses and their JSON. */
#include <errno.h>
#include <stdlib.h>

#include "lib/wire/encode.h"
#include "lib/wire/json.h"
#include "lib/wire/json_flow.h"
#include "proto/observer/observer.pb-c.h"
#include "tests/check.h"

static char *written(const ProtobufCMessage *m)
{
	struct json_out j;
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	json_begin(&j, f, false);
	wire_json(&j, NULL, m);
	json_done(&j);
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

/* What is read, written again. */
static const struct {
	const char *from, *to;
	unsigned int unknown;
} good[] = {
	{ "{}", "{}", 0 },
	{ " { \"number\" : \"20\" } ", "{\"number\":\"20\"}", 0 },
	{ "{\"number\":20}", "{\"number\":\"20\"}", 0 },
	{ "{\"number\":2e1,\"follow\":true}", "{\"number\":\"20\",\"follow\":true}", 0 },
	{ "{\"number\":18446744073709551615}", "{\"number\":\"18446744073709551615\"}", 0 },
	{ "{\"number\":null,\"whitelist\":null,\"since\":null}", "{}", 0 },
	{ "{\"since\":\"2026-11-21T17:40:00+01:00\"}", "{\"since\":\"2026-11-21T16:40:00Z\"}", 0 },
	{ "{\"fieldMask\":\"source.podName,IP,nodeName\"}", "{\"field_mask\":\"source.podName,IP,nodeName\"}", 0 },
	{ "{\"field_mask\":\"source.pod_name\"}", "{\"field_mask\":\"source.podName\"}", 0 },
	{ "{\"whitelist\":[{\"verdict\":[\"DROPPED\",4,99]}]}", "{\"whitelist\":[{\"verdict\":[\"DROPPED\",\"AUDIT\",99]}]}", 0 },
	{ "{\"whitelist\":[{\"sourcePod\":[\"a\\u0062/\\ud83c\\udf0a\"],\"reply\":[false,true]}]}",
	  "{\"whitelist\":[{\"source_pod\":[\"ab/\xf0\x9f\x8c\x8a\"],\"reply\":[false,true]}]}", 0 },
	{ "{\"whitelist\":[{\"tcp_flags\":[{\"SYN\":true},{}]},{}]}", "{\"whitelist\":[{\"tcp_flags\":[{\"SYN\":true},{}]},{}]}", 0 },
	{ "{\"new\":[1,{\"x\":2}],\"other\":1,\"first\":true}", "{\"first\":true}", 2 },
	{ "{\"extensions\":{\"stream\":\"me\",\"@type\":\"type.googleapis.com/weir.v1.FlowsOptions\",\"marks\":true}}",
	  "{\"extensions\":{\"@type\":\"type.googleapis.com/weir.v1.FlowsOptions\",\"stream\":\"me\",\"marks\":true}}", 0 },
	{ "{\"extensions\":{\"@type\":\"x.org/other\",\"value\":\"AQI=\"}}", "{\"extensions\":{\"@type\":\"x.org/other\",\"value\":\"AQI=\"}}", 0 },
	{ "{\"extensions\":{\"@type\":\"x.org/other\",\"type_url\":\"y\"}}", "{\"extensions\":{\"@type\":\"x.org/other\"}}", 0 },
	{ "{\"extensions\":{}}", "{\"extensions\":{}}", 0 },
};

static const struct {
	const char *from;
	unsigned int column;
	const char *why;
} bad[] = {
	{ "", 1, "not JSON: an object is wanted here" },
	{ "[]", 1, "not JSON: an object is wanted here" },
	{ "{} {}", 4, "nothing more is wanted here" },
	{ "{\"number\":-1}", 11, "0 to 18446744073709551615 is wanted here" },
	{ "{\"number\":1.5}", 11, "'1.5' is no whole number that fits" },
	{ "{\"number\":18446744073709551616}", 11, "'18446744073709551616' is no whole number that fits" },
	{ "{\"number\":\"0x10\"}", 11, "'0x10' is no whole number that fits" },
	{ "{\"number\":\" 1\"}", 11, "a number is wanted here" },
	{ "{\"number\":true}", 11, "a number is wanted here" },
	{ "{\"follow\":1}", 11, "true or false is wanted here" },
	{ "{\"follow\":true,\"follow\":true}", 16, "'follow' is here twice" },
	{ "{\"since\":\"yesterday\"}", 10, "a time as 2006-01-02T15:04:05.000Z is wanted here" },
	{ "{\"whitelist\":{}}", 14, "not JSON: an array is wanted here" },
	{ "{\"whitelist\":[null]}", 15, "not JSON: an object is wanted here" },
	{ "{\"whitelist\":[{\"verdict\":[\"DROPED\"]}]}", 27, "'DROPED' is no Verdict, is 'DROPPED' meant?" },
	{ "{\"whitelist\":[{\"verdict\":[\"xyzzy\"]}]}", 27, "'xyzzy' is no Verdict" },
	{ "{\"whitelist\":[{\"ip_version\":[2147483648]}]}", 30, "-2147483648 to 2147483647 is wanted here" },
	{ "{\"extensions\":{\"@type\":\"x/y\",\"value\":\"!\"}}", 38, "base64 is wanted here" },
};

static void requests(void)
{
	const ProtobufCMessageDescriptor *type = &observer__get_flows_request__descriptor;

	for (unsigned int i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct wire_unknown unknown = { 0 };
		struct complaint why = { .text = "" };
		ProtobufCMessage *m;
		char *text;
		int err = wire_json_read(good[i].from, strlen(good[i].from), type, &m, &unknown, &why);

		CHECK_EQ(err, 0, "%s: %u: %s", good[i].from, why.column, why.text);
		if (err)
			continue;
		text = written(m);
		CHECK_TEXT(text, good[i].to, "written again");
		CHECK_EQ(unknown.fields, good[i].unknown, "unknown fields of %s", good[i].from);
		free(text);
		protobuf_c_message_free_unpacked(m, NULL);
	}
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct complaint why = { .text = "" };
		ProtobufCMessage *m;

		CHECK_EQ(wire_json_read(bad[i].from, strlen(bad[i].from), type, &m, NULL, &why), -EINVAL, "%s", bad[i].from);
		CHECK_TEXT(why.text, bad[i].why, "what is said");
		CHECK_EQ(why.column, bad[i].column, "where, in %s", bad[i].from);
	}
}

static void one_of_each(void)
{
	static const char twice[] = "{\"flow\":{},\"lost_events\":{}}";
	struct complaint why;
	ProtobufCMessage *m;

	CHECK_EQ(wire_json_read(twice, strlen(twice), &observer__get_flows_response__descriptor, &m, NULL, &why), -EINVAL,
		 "two of a oneof");
	CHECK_TEXT(why.text, "'lost_events' is one more of a choice that was made already", "what is said");
}

/* Cut anywhere it is refused, and nothing is lost or freed twice. */
static void cut(void)
{
	static const char text[] =
		"{\"flow\":{\"time\":\"2026-11-21T16:40:00Z\",\"l4\":{\"TCP\":{\"flags\":{\"SYN\":true}}},\"source\":{\"labels\":[\"a\",\"b\"],"
		"\"workloads\":[{\"name\":\"x\"},{}]},\"is_reply\":false,\"extensions\":{\"@type\":\"type.googleapis.com/weir.v1.FlowDetail\","
		"\"isolating\":[\"a/b\"],\"egress\":{\"rule\":3}}},\"node_name\":\"n\"}";
	struct complaint why;
	ProtobufCMessage *m;

	for (size_t n = 0; n < sizeof(text) - 1; n++)
		CHECK_EQ(wire_json_read(text, n, &observer__get_flows_response__descriptor, &m, NULL, &why), -EINVAL, "cut at %zu", n);
	CHECK_EQ(wire_json_read(text, sizeof(text) - 1, &observer__get_flows_response__descriptor, &m, NULL, &why), 0, "whole");
	protobuf_c_message_free_unpacked(m, NULL);
}

/* Both forms of what is no flow say the same. */
static void losses(void)
{
	struct wire_loss rows[] = {
		{ WIRE_LOSS_RING, 12, 3, 1789000000000000000ULL, 1789000001500000000ULL }, { WIRE_LOSS_HISTORY, 1, -1, 0, 0 },
		{ WIRE_LOSS_QUEUE, UINT64_MAX, 0, 1, 1 }, { WIRE_LOSS_UNKNOWN, 0, -1, 0, 0 },
	};
	uint8_t buf[1024];
	char line[1024];

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t n = wire_lost_response(&rows[i], "n1", 1789000001500000000ULL, buf, sizeof(buf));
		Observer__GetFlowsResponse *m = observer__get_flows_response__unpack(NULL, n, buf + sizeof(buf) - n);
		size_t length = wire_json_lost(&rows[i], "n1", 1789000001500000000ULL, line, sizeof(line) - 1);
		char *text;

		CHECK(m && length, "row %u", i);
		if (!m)
			continue;
		line[length - 1] = '\0';
		text = written(&m->base);
		CHECK_TEXT(line, text, "a loss");
		free(text);
		observer__get_flows_response__free_unpacked(m, NULL);
	}
	CHECK_EQ(wire_json_lost(&rows[0], "n1", 1, line, 64), 0, "no room");
}

static void status(void)
{
	Google__Protobuf__UInt32Value three = GOOGLE__PROTOBUF__UINT32_VALUE__INIT, zero = GOOGLE__PROTOBUF__UINT32_VALUE__INIT;
	Observer__ServerStatusResponse s = OBSERVER__SERVER_STATUS_RESPONSE__INIT;
	char *text;

	three.value = 3;
	s.num_flows = 4095;
	s.num_connected_nodes = &three;
	s.num_unavailable_nodes = &zero;
	s.version = "weir \"0.1\"";
	s.flows_rate = 0.1;
	text = written(&s.base);
	CHECK_TEXT(text, "{\"num_flows\":\"4095\",\"num_connected_nodes\":3,\"num_unavailable_nodes\":0,"
			 "\"version\":\"weir \\\"0.1\\\"\",\"flows_rate\":0.1}", "a status");
	free(text);
	s = (Observer__ServerStatusResponse)OBSERVER__SERVER_STATUS_RESPONSE__INIT;
	s.flows_rate = 1.0 / 3;
	text = written(&s.base);
	CHECK(strtod(text + strlen("{\"flows_rate\":"), NULL) == 1.0 / 3, "a rate to the last digit: %s", text);
	free(text);
}

int main(void)
{
	requests();
	one_of_each();
	cut();
	losses();
	status();
	return check_done();
}
