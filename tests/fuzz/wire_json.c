// SPDX-License-Identifier: Apache-2.0
// fuzz-links: lib
/*
 * Any text as JSON of a message: refused with a sentence and a place, or a message that is written, read again, and
 * packs to the same bytes.  The first byte chooses the message.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire/json.h"
#include "proto/grpc/reflection/v1/reflection.pb-c.h"
#include "proto/observer/observer.pb-c.h"

#define REQUIRE(cond) do { if (!(cond)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ProtobufCMessageDescriptor *const types[] = {
	&observer__export_event__descriptor, &observer__get_flows_request__descriptor,
	&observer__server_status_response__descriptor, &grpc__reflection__v1__server_reflection_response__descriptor,
};

static char *written(const ProtobufCMessage *m, size_t *length)
{
	struct json_out j;
	char *text = NULL;
	FILE *f = open_memstream(&text, length);

	REQUIRE(f);
	json_begin(&j, f, false);
	wire_json(&j, NULL, m);
	REQUIRE(!json_done(&j));
	fclose(f);
	return text;
}

static void there_and_back(const ProtobufCMessage *m)
{
	size_t length = 0, size = protobuf_c_message_get_packed_size(m);
	char *text = written(m, &length);
	uint8_t *a = malloc(size + 1), *b = malloc(size + 1);
	struct wire_unknown unknown = { 0 };
	struct complaint why;
	ProtobufCMessage *back;

	REQUIRE(a && b);
	REQUIRE(!wire_json_read(text, length, m->descriptor, &back, &unknown, &why) && !unknown.fields);
	REQUIRE(protobuf_c_message_get_packed_size(back) == size);
	protobuf_c_message_pack(m, a);
	protobuf_c_message_pack(back, b);
	REQUIRE(!memcmp(a, b, size));
	protobuf_c_message_free_unpacked(back, NULL);
	free(text);
	free(a);
	free(b);
}

/* A mask's paths in camel case are no longer told from each other if they were odd ("a_B", "aB"): JSON has it so. */
static void without_mask(ProtobufCMessage *m)
{
	Observer__GetFlowsRequest *r = (void *)m;

	if (m->descriptor != &observer__get_flows_request__descriptor || !r->field_mask)
		return;
	google__protobuf__field_mask__free_unpacked(r->field_mask, NULL);
	r->field_mask = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_unknown unknown = { 0 };
	struct complaint why = { .text = "" };
	const ProtobufCMessageDescriptor *type;
	ProtobufCMessage *m;

	if (!size)
		return 0;
	type = types[data[0] % (sizeof(types) / sizeof(*types))];
	if (wire_json_read((const char *)data + 1, size - 1, type, &m, &unknown, &why)) {
		REQUIRE(why.text[0] && why.line);
		return 0;
	}
	REQUIRE(protobuf_c_message_check(m));
	without_mask(m);
	there_and_back(m);
	protobuf_c_message_free_unpacked(m, NULL);
	return 0;
}
