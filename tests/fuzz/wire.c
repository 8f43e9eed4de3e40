// SPDX-License-Identifier: Apache-2.0
// fuzz-links: lib
/*
 * Any bytes as a response: the scan reads nothing outside and agrees with protobuf-c where both take them; a flow's view
 * is encoded and said in JSON whatever it holds, and comes back as sound messages.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/flow/from_wire.h"
#include "lib/utf8.h"
#include "lib/wire/encode.h"
#include "lib/wire/json.h"
#include "lib/wire/json_flow.h"
#include "lib/wire/scan.h"
#include "lib/wire/text.h"
#include "proto/observer/observer.pb-c.h"

#define REQUIRE(cond) do { if (!(cond)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t bytes[1 << 20];
static char line[4 << 20];

static void agree(const struct wire_scan *s, const Observer__GetFlowsResponse *m, const uint8_t *data, size_t size)
{
	REQUIRE(s->body >= data && s->body + s->body_size <= data + size);
	REQUIRE((unsigned int)s->kind == (unsigned int)m->response_types_case);
	REQUIRE(strlen(m->node_name) == s->node_size && !memcmp(m->node_name, s->node, s->node_size));
	if (s->time)
		REQUIRE(m->time && s->time == (uint64_t)m->time->seconds * 1000000000 + (uint64_t)m->time->nanos);
}

static void is_json(const char *text, size_t length)
{
	struct complaint why;
	ProtobufCMessage *m;

	REQUIRE(text_is_utf8(text, length));
	REQUIRE(!wire_json_read(text, length, &observer__get_flows_response__descriptor, &m, NULL, &why));
	protobuf_c_message_free_unpacked(m, NULL);
}

static void view(const Flow__Flow *flow)
{
	Observer__GetFlowsResponse *back;
	struct flow_wire w;
	size_t n;

	flow_from_wire(flow, &w);
	n = wire_flow_response(&w.flow, NULL, bytes, sizeof(bytes));
	REQUIRE(n);
	back = observer__get_flows_response__unpack(NULL, n, bytes + sizeof(bytes) - n);
	REQUIRE(back && protobuf_c_message_check(&back->base));
	observer__get_flows_response__free_unpacked(back, NULL);
	n = wire_json_flow(&w.flow, NULL, line, sizeof(line));
	REQUIRE(n);
	is_json(line, n);
	flow_wire_free(&w);
}

/* The slow writer takes what is no UTF-8, too. */
static void said(const ProtobufCMessage *m)
{
	char *text = NULL;
	size_t length = 0;
	struct json_out j;
	FILE *f = open_memstream(&text, &length);

	REQUIRE(f);
	json_begin(&j, f, false);
	wire_json(&j, NULL, m);
	REQUIRE(!json_done(&j));
	fclose(f);
	is_json(text, length);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Observer__GetFlowsResponse *m = observer__get_flows_response__unpack(NULL, size, data);
	struct wire_scan s;
	int err = wire_scan(data, size, &s);

	if (!m)
		return 0;
	if (!err)
		agree(&s, m, data, size);
	said(&m->base);
	if (m->response_types_case == OBSERVER__GET_FLOWS_RESPONSE__RESPONSE_TYPES_FLOW && size < 65536)
		view(m->flow);
	observer__get_flows_response__free_unpacked(m, NULL);
	return 0;
}
