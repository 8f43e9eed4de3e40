// SPDX-License-Identifier: Apache-2.0
/*
 * What the encoder writes is what protobuf-c writes: random flows are encoded, unpacked and packed again, byte for
 * byte; with a mask, what a slow and obvious masker leaves of the whole message.  The view that is read from the
 * message encodes to the same bytes again, and so does what is read from its JSON, of either writer.
 *
 *	bytes [flows [seed]]
 */
#include <stdlib.h>

#include "lib/flow/from_wire.h"
#include "lib/wire/encode.h"
#include "lib/wire/json.h"
#include "lib/wire/json_flow.h"
#include "lib/wire/mask.h"
#include "lib/wire/scan.h"
#include "proto/observer/observer.pb-c.h"
#include "tests/check.h"
#include "tests/wire/random.h"

#define PATHS 6

static uint8_t ours[WIRE_RESPONSE_MAX], theirs[WIRE_RESPONSE_MAX];

static bool named(const char *path, const char *name, const char **rest)
{
	size_t n = strlen(name);

	if (strncmp(path, name, n) || (path[n] && path[n] != '.'))
		return false;
	*rest = path[n] ? path + n + 1 : "";
	return true;
}

static void clear(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
	void *at = (char *)m + f->offset, *quantifier = (char *)m + f->quantifier_offset;

	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		*(size_t *)quantifier = 0;
	else if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		*(uint32_t *)quantifier = *(uint32_t *)quantifier == f->id ? 0 : *(uint32_t *)quantifier;
	else if (f->type == PROTOBUF_C_TYPE_MESSAGE)
		*(void **)at = NULL;
	else if (f->type == PROTOBUF_C_TYPE_STRING)
		*(const char **)at = protobuf_c_empty_string;
	else if (f->type == PROTOBUF_C_TYPE_BYTES)
		((ProtobufCBinaryData *)at)->len = 0;
	else
		memset(at, 0, f->type == PROTOBUF_C_TYPE_UINT64 || f->type == PROTOBUF_C_TYPE_INT64 ? 8 : 4);
}

static ProtobufCMessage *member(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
	if (f->type != PROTOBUF_C_TYPE_MESSAGE || f->label == PROTOBUF_C_LABEL_REPEATED)
		return NULL;
	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF && *(uint32_t *)((char *)m + f->quantifier_offset) != f->id)
		return NULL;
	return *(ProtobufCMessage **)((char *)m + f->offset);
}

/* Clears what no path names.  What was unpacked lies in one block, so nothing is lost. */
static void mask_slowly(ProtobufCMessage *m, const char *const *path, unsigned int n)
{
	for (unsigned int i = 0; i < m->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
		ProtobufCMessage *sub = member(m, f);
		const char *below[PATHS];
		unsigned int k = 0;
		bool wholly = false;

		for (unsigned int j = 0; j < n; j++)
			if (named(path[j], f->name, &below[k]))
				wholly |= !*below[k++];
		if (!k)
			clear(m, f);
		else if (!wholly && sub)
			mask_slowly(sub, below, k);
	}
}

static bool same(const struct flow *flow, size_t n, const ProtobufCMessage *m)
{
	size_t size = m ? protobuf_c_message_pack(m, theirs) : 0;

	return m && n && size == n && !memcmp(ours + sizeof(ours) - n, theirs, n);
}

static void scanned(const struct flow *f, size_t n)
{
	struct wire_scan s;
	int err = wire_scan(ours + sizeof(ours) - n, n, &s);

	CHECK_EQ(err, 0, "a scan of our own");
	CHECK_EQ(s.kind, WIRE_FLOW, "its kind");
	CHECK(s.time == f->time, "its time");
	CHECK(s.body + s.body_size <= ours + sizeof(ours), "its body lies inside");
}

/* The view that is read encodes to what it was read from, less what only the agent's side tells. */
static void again(const Observer__GetFlowsResponse *m, size_t n)
{
	static uint8_t back[WIRE_RESPONSE_MAX];
	struct flow_wire w;
	size_t size;

	flow_from_wire(m->flow, &w);
	CHECK(w.detail, "the detail is there");
	size = wire_flow_response(&w.flow, NULL, back, sizeof(back));
	CHECK(size == n && !memcmp(back + sizeof(back) - size, ours + sizeof(ours) - n, n), "there and back, %zu and %zu bytes",
	      n, size);
	flow_wire_free(&w);
}

/* JSON, of either writer, is read as the same message. */
static void read_back(const char *text, size_t length, size_t n, const char *whose)
{
	const uint8_t *want = ours + sizeof(ours) - n;
	struct wire_unknown unknown = { 0 };
	struct complaint why = { .text = "" };
	ProtobufCMessage *m = NULL;
	size_t size = 0;
	int err = wire_json_read(text, length, &observer__get_flows_response__descriptor, &m, &unknown, &why);

	CHECK_EQ(err, 0, "%s is read: %u:%u: %s in %.*s", whose, why.line, why.column, why.text, (int)length, text);
	if (err)
		return;
	size = protobuf_c_message_pack(m, theirs);
	CHECK(size == n && !memcmp(theirs, want, n), "%s, %zu and %zu bytes", whose, n, size);
	CHECK_EQ(unknown.fields, 0, "fields of %s", whose);
	protobuf_c_message_free_unpacked(m, NULL);
}

static void by_json(const struct flow *f, const ProtobufCMessage *m, const struct wire_mask *mask, size_t n)
{
	static char line[WIRE_JSON_MAX];
	size_t length = wire_json_flow(f, mask, line, sizeof(line));
	struct json_out j;
	char *text = NULL;
	FILE *to;

	CHECK(length && line[length - 1] == '\n', "a line");
	read_back(line, length, n, "the hot writer's line");
	to = open_memstream(&text, &length);
	json_begin(&j, to, n & 1);
	wire_json(&j, NULL, m);
	CHECK_EQ(json_done(&j), 0, "written");
	fclose(to);
	read_back(text, length, n, "the slow writer's");
	free(text);
}

static bool there(const struct flow_author *a) { return *a->policy || *a->text; }

/* What no agent says, and a reader cannot find again: that nobody denied, or would; a protocol that has no message. */
static void lossless(struct flow *f)
{
	f->proto = f->proto == 47 || f->proto == 255 ? 0 : f->proto;
	f->egress_denied &= there(&f->egress);
	f->ingress_denied &= there(&f->ingress);
	f->would_differ &= there(&f->would_egress) || there(&f->would_ingress);
	f->would_deny &= f->would_differ;
}

static void one(struct random_flows *r)
{
	Observer__GetFlowsResponse *m;
	struct flow f;
	size_t n;

	random_flow(r, &f);
	lossless(&f);
	n = wire_flow_response(&f, NULL, ours, sizeof(ours));
	m = observer__get_flows_response__unpack(NULL, n, ours + sizeof(ours) - n);
	CHECK(same(&f, n, m ? &m->base : NULL), "whole: %zu bytes", n);
	if (!m)
		return;
	scanned(&f, n);
	by_json(&f, &m->base, NULL, n);
	if (f.kind)
		again(m, n);
	observer__get_flows_response__free_unpacked(m, NULL);
}

/* Memory that is given back all at once. */
static char block[1 << 20];
static size_t block_used;

static void *block_alloc(void *unused, size_t size)
{
	void *at = block + block_used;

	size = (size + 15) & ~15UL;
	if (size > sizeof(block) - block_used)
		return NULL;
	block_used += size;
	return at;
}

static void block_free(void *unused, void *at) {}

static void one_masked(struct random_flows *r)
{
	char text[PATHS][128], *list[PATHS], all[1024] = "";
	ProtobufCAllocator in_block = { block_alloc, block_free, NULL };
	struct wire_mask *mask = NULL;
	Observer__GetFlowsResponse *m;
	struct complaint why;
	unsigned int paths;
	struct flow f;
	size_t n;

	random_flow(r, &f);
	paths = random_paths(r, text, PATHS);
	for (unsigned int i = 0; i < paths; i++) {
		list[i] = text[i];
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s ", text[i]);
	}
	CHECK_EQ(wire_mask_new(&mask, list, paths, &why), 0, "mask %s", all);
	n = wire_flow_response(&f, NULL, ours, sizeof(ours));
	block_used = 0;
	m = observer__get_flows_response__unpack(&in_block, n, ours + sizeof(ours) - n);
	CHECK(m, "it unpacks");
	if (m) {
		mask_slowly(&m->flow->base, (const char *const *)list, paths);
		n = wire_flow_response(&f, mask, ours, sizeof(ours));
		CHECK(same(&f, n, &m->base), "masked by %s", all);
	}
	wire_mask_free(mask);
}

/* A buffer too small by any number of bytes is said to be, and nothing is written before it. */
static void tight(struct random_flows *r)
{
	struct flow f;
	size_t n;

	random_flow(r, &f);
	n = wire_flow_response(&f, NULL, ours, sizeof(ours));
	for (size_t size = 0; size < n; size += 1 + random_below(r, 7)) {
		uint8_t *buf = malloc(size + 1);

		CHECK(!wire_flow_response(&f, NULL, buf, size), "%zu of %zu bytes do not do", size, n);
		free(buf);
	}
	CHECK_EQ(wire_flow_response(&f, NULL, theirs, n + 32), n, "just enough");
	CHECK(!memcmp(theirs + 32, ours + sizeof(ours) - n, n), "and the same");
}

int main(int argc, char **argv)
{
	unsigned int flows = argc > 1 ? (unsigned int)atoi(argv[1]) : 20000;
	struct random_flows r;

	random_begin(&r, argc > 2 ? (uint64_t)atoll(argv[2]) : 1);
	for (unsigned int i = 0; i < flows; i++)
		one(&r);
	for (unsigned int i = 0; i < flows; i++)
		one_masked(&r);
	for (unsigned int i = 0; i < 20; i++)
		tight(&r);
	return check_done();
}
