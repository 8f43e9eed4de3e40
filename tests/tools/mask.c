// SPDX-License-Identifier: Apache-2.0
/* The fields that an output asks for are all that it reads: lines of flows that have nothing else are the same lines. */
#include <stdlib.h>

#include "lib/wire/json.h"
#include "tests/check.h"
#include "tools/print.h"

#define FLOWS "tests/tools/flows.jsonl"

static const char *wanted[PRINT_MASK_MAX];
static unsigned int wants;

/* Is this path one of those, above one, or below one. */
static bool covered(const char *path, bool *whole)
{
	size_t n = strlen(path);

	for (unsigned int i = 0; i < wants; i++) {
		size_t w = strlen(wanted[i]);

		if (!strncmp(path, wanted[i], w) && (!path[w] || path[w] == '.')) {
			*whole = true;
			return true;
		}
		if (!strncmp(path, wanted[i], n) && wanted[i][n] == '.') {
			*whole = false;
			return true;
		}
	}
	return false;
}

static size_t field_size(const ProtobufCFieldDescriptor *f)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64:
		return 8;
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	default:
		return 4;
	}
}

/* As a message that came without it. */
static void clear(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
	char *at = (char *)m + f->offset;

	if (f->label == PROTOBUF_C_LABEL_REPEATED) {
		*(size_t *)((char *)m + f->quantifier_offset) = 0;
		*(void **)at = NULL;
	} else if (f->type == PROTOBUF_C_TYPE_STRING) {
		*(const char **)at = "";
	} else if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		*(uint32_t *)((char *)m + f->quantifier_offset) = 0;
	} else {
		memset(at, 0, field_size(f));
	}
}

static void strip(ProtobufCMessage *m, const char *above)
{
	for (unsigned int i = 0; i < m->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
		char path[256];
		bool whole;

		snprintf(path, sizeof(path), "%s%s%s", above, *above ? "." : "", f->name);
		if (!covered(path, &whole))
			clear(m, f);
		else if (!whole && f->type == PROTOBUF_C_TYPE_MESSAGE && *(ProtobufCMessage **)((char *)m + f->offset))
			strip(*(ProtobufCMessage **)((char *)m + f->offset), path);
	}
}

/* Into memory that is given back whole: what strip() takes away is lost otherwise. */
static Observer__GetFlowsResponse *read_flow(const char *text, struct reuse *room)
{
	struct complaint why = { 0 };
	ProtobufCMessage *m = NULL;
	uint8_t packed[65536];
	size_t size;

	CHECK(!wire_json_read(text, strlen(text), &observer__get_flows_response__descriptor, &m, NULL, &why), "%s", why.text);
	if (!m || protobuf_c_message_get_packed_size(m) > sizeof(packed))
		return NULL;
	size = protobuf_c_message_pack(m, packed);
	protobuf_c_message_free_unpacked(m, NULL);
	return reuse_unpack(room, &observer__get_flows_response__descriptor, packed, size);
}

static char *line_of(const struct print_how *how, const Observer__GetFlowsResponse *r)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	struct print *p;

	CHECK(!print_open(&p, how, to, stderr), "a printer");
	print_flows(p, r);
	print_close(p);
	fclose(to);
	return text;
}

static void test_flow(const struct print_how *how, const char *json, const char *what)
{
	Observer__GetFlowsResponse *r;
	char *whole, *masked;
	struct reuse room;

	reuse_begin(&room);
	r = read_flow(json, &room);
	if (!r || r->response_types_case != OBSERVER__GET_FLOWS_RESPONSE__RESPONSE_TYPES_FLOW) {
		reuse_end(&room);
		return;
	}
	whole = line_of(how, r);
	wants = print_mask(how, wanted);
	CHECK(wants > 0, "%s asks for fields", what);
	strip(&r->flow->base, "");
	masked = line_of(how, r);
	CHECK_TEXT(masked, whole, "%s", what);
	free(whole);
	free(masked);
	reuse_end(&room);
}

static const struct {
	const char *what;
	struct print_how how;
} rows[] = {
	{ "compact", PRINT_DEFAULTS },
	{ "compact, no rules", { .translate = true } },
	{ "compact, everything", { .translate = true, .rules = true, .node = true, .policies = true } },
	{ "addresses", { .numeric = true, .translate = true, .policies = true } },
	{ "dict", { .output = "dict", .translate = true, .rules = true, .node = true, .policies = true } },
	{ "table", { .output = "table", .translate = true, .rules = true } },
	{ "table, policies", { .output = "tab", .policies = true, .node = true } },
};

int main(void)
{
	static char line[65536];
	const char *path[PRINT_MASK_MAX];
	FILE *f = fopen(FLOWS, "re");

	CHECK(f != NULL, FLOWS);
	while (f && fgets(line, sizeof(line), f))
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			test_flow(&rows[i].how, line, rows[i].what);
	if (f)
		fclose(f);
	CHECK_EQ(print_mask(&(struct print_how){ .output = "json" }, path), 0, "JSON shows all");
	return check_done();
}
